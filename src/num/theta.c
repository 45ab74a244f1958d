/* SPDX-License-Identifier: Apache-2.0 */
/* Theta: smoothing with half a drift, on the series without its season. */
#include "num/theta.h"

#include <math.h>

#include "base/must.h"

struct line {
	double level, slope; /* at index 0 */
	size_t count;
};

/* Least squares through y - season. */
static struct line fit_line(const double *y, size_t n, const double *season, size_t period)
{
	double st = 0, sy = 0, stt = 0, sty = 0, count = 0;
	for (size_t i = 0; i < n; i++) {
		if (isnan(y[i]))
			continue;
		/* Centred on the middle of the span: sums of squares stay small. */
		double t = (double)i - 0.5 * (double)(n - 1), v = y[i] - season[i % period];
		st += t;
		sy += v;
		stt += t * t;
		sty += t * v;
		count += 1;
	}
	double det = count * stt - st * st;
	struct line line = {.count = (size_t)count};
	line.slope = det > 0 ? (count * sty - st * sy) / det : 0;
	line.level = count > 0 ? (sy - line.slope * st) / count : 0;
	line.level -= line.slope * 0.5 * (double)(n - 1);
	return line;
}

/* Mean by phase of what the line leaves; phases never seen have none. */
static void fit_season(
	const double *y, size_t n, size_t period, const struct line *line, double *season)
{
	double middle = 0;
	for (size_t phase = 0; phase < period; phase++) {
		double sum = 0, count = 0;
		for (size_t i = phase; i < n; i += period) {
			if (isnan(y[i]))
				continue;
			sum += y[i] - line->level - line->slope * (double)i;
			count += 1;
		}
		season[phase] = count > 0 ? sum / count : 0;
		middle += season[phase];
	}
	for (size_t phase = 0; phase < period; phase++)
		season[phase] -= middle / (double)period;
}

enum { ALPHAS = 8 };

struct smoothed {
	double alpha, level;
	size_t steps;
};

/* Simple smoothing for eight shares at once; the one with the least squared error wins. */
static struct smoothed smooth_level(const double *y, size_t n, const double *season, size_t period)
{
	static const double alphas[ALPHAS] = {0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.95};
	double level[ALPHAS] = {0}, squares[ALPHAS] = {0};
	size_t steps = 0;
	for (size_t i = 0; i < n; i++) {
		if (isnan(y[i]))
			continue;
		double v = y[i] - season[i % period];
		for (size_t a = 0; a < ALPHAS; a++) {
			double error = steps ? v - level[a] : 0;
			squares[a] += error * error;
			level[a] = steps ? level[a] + alphas[a] * error : v;
		}
		steps++;
	}
	size_t best = 0;
	for (size_t a = 1; a < ALPHAS; a++)
		if (squares[a] < squares[best])
			best = a;
	return (struct smoothed){alphas[best], level[best], steps};
}

bool theta_forecast(
	const double *y, size_t n, size_t period, double *season, double *ret, size_t horizon)
{
	must(period > 0);
	for (size_t i = 0; i < period; i++)
		season[i] = 0;
	struct line line = fit_line(y, n, season, period);
	if (line.count < 2 || n < period)
		return false;
	if (period > 1) {
		/* Twice: a season on an uneven span tilts the first line. */
		fit_season(y, n, period, &line, season);
		line = fit_line(y, n, season, period);
		fit_season(y, n, period, &line, season);
	}
	struct smoothed s = smooth_level(y, n, season, period);
	double drift = 0.5 * line.slope;
	double lag = (1 - pow(1 - s.alpha, (double)s.steps)) / s.alpha;
	for (size_t h = 0; h < horizon; h++)
		ret[h] = s.level + drift * ((double)h + lag) + season[(n + h) % period];
	return true;
}
