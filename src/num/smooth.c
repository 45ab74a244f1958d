/* SPDX-License-Identifier: Apache-2.0 */
/* Seasonal smoothing with a fit by simplex; damped trend. */
#include "num/smooth.h"

#include <math.h>

#include "base/must.h"
#include "num/array.h"
#include "num/simplex.h"

enum { START_PERIODS = 7 }; /* the first season's start is the mean of so many */

static double start_level(const double *y, size_t n, size_t period)
{
	size_t take = period ? START_PERIODS * period : 24;
	double level = num_mean(y, take < n ? take : n);
	return isnan(level) ? num_mean(y, n) : level;
}

struct start {
	const double *known; /* the season found before this one, NULL: none */
	size_t known_period, periods;
	double level;
};

/* Means by phase of the first periods, less what is known already. A second season is shrunk
 * towards none by one imagined value of nothing: a week or two alone proves little. */
static void start_season(
	const double *y, size_t n, size_t period, const struct start *from, double *season)
{
	for (size_t phase = 0; phase < period; phase++) {
		double sum = 0;
		size_t count = 0;
		for (size_t i = phase; i < n && i < from->periods * period; i += period) {
			if (isnan(y[i]))
				continue;
			sum += y[i] - from->level -
				(from->known ? from->known[i % from->known_period] : 0);
			count++;
		}
		season[phase] = count ? sum / (double)(count + (from->known ? 1 : 0)) : 0;
	}
}

static void start(
	const struct smooth *smooth, const double *y, size_t n, struct smooth_state *state)
{
	size_t first = smooth->period[0], second = smooth->period[1];
	state->level = start_level(y, n, first);
	state->error = 0;
	state->steps = n;
	struct start from = {.periods = START_PERIODS, .level = state->level};
	start_season(y, n, first, &from, state->season);
	from = (struct start){state->season, first, 2, state->level};
	if (second && n >= 2 * second)
		start_season(y, n, second, &from, state->season + first);
	else
		for (size_t i = 0; i < second; i++)
			state->season[first + i] = 0;
}

double smooth_run(
	const struct smooth *smooth, const double *y, size_t n, struct smooth_state *state)
{
	size_t first = smooth->period[0], second = smooth->period[1];
	must(first <= SMOOTH_PERIOD_MAX && second <= SMOOTH_PERIOD_MAX && (first || !second));
	start(smooth, y, n, state);
	double none = 0, sum = 0, level = state->level, error = 0;
	double *d = first ? state->season : &none, *w = second ? state->season + first : &none;
	double gamma0 = first ? smooth->gamma[0] : 0, gamma1 = second ? smooth->gamma[1] : 0;
	size_t i0 = 0, i1 = 0, count = 0;
	for (size_t i = 0; i < n; i++) {
		if (!isnan(y[i])) {
			double plain = y[i] - (level + d[i0] + w[i1]);
			if (i >= first) {
				sum += fabs(plain - smooth->ar * error);
				count++;
			}
			/* The error correction uses the error that the AR term did not foresee. */
			double news = plain - smooth->ar * error;
			level += smooth->alpha * news;
			d[i0] += gamma0 * news;
			w[i1] += gamma1 * news;
			error = y[i] - (level + d[i0] + w[i1]);
		} else {
			error *= smooth->ar;
		}
		i0 = i0 + 1 < first ? i0 + 1 : 0;
		i1 = i1 + 1 < second ? i1 + 1 : 0;
	}
	state->level = level;
	state->error = error;
	return count ? sum / (double)count : NUM_GAP;
}

void smooth_ahead(
	const struct smooth *smooth, const struct smooth_state *state, double *ret, size_t horizon)
{
	size_t first = smooth->period[0], second = smooth->period[1];
	double carried = state->error;
	for (size_t h = 0; h < horizon; h++) {
		size_t at = state->steps + h;
		carried *= smooth->ar;
		ret[h] = state->level + carried;
		if (first)
			ret[h] += state->season[at % first];
		if (second)
			ret[h] += state->season[first + at % second];
	}
}

struct fit {
	struct smooth smooth;
	const double *y;
	size_t n;
	double *scratch;
};

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double logit(double p)
{
	double inside = fmin(fmax(p, 1e-4), 1 - 1e-4);
	return log(inside / (1 - inside));
}

/* The simplex walks without bounds; the sigmoid keeps each share in 0 .. 1, ar below 0.98. */
static void from_free(const double *x, struct smooth *smooth)
{
	smooth->alpha = sigmoid(x[0]);
	smooth->ar = 0.98 * sigmoid(x[1]);
	smooth->gamma[0] = smooth->period[0] ? sigmoid(x[2]) : 0;
	smooth->gamma[1] = smooth->period[1] ? sigmoid(x[3]) : 0;
}

static double fit_error(const double *x, void *arg)
{
	struct fit *fit = arg;
	struct smooth_state state = {.season = fit->scratch};
	from_free(x, &fit->smooth);
	return smooth_run(&fit->smooth, fit->y, fit->n, &state);
}

double smooth_fit(
	struct smooth *smooth, const double *y, size_t n, int evaluations, double *scratch)
{
	struct fit fit = {.smooth = *smooth, .y = y, .n = n, .scratch = scratch};
	double x[4] = {logit(smooth->alpha), logit(smooth->ar / 0.98), logit(smooth->gamma[0]),
		logit(smooth->gamma[1])};
	size_t dims = smooth->period[1] ? 4 : smooth->period[0] ? 3 : 2;
	struct simplex_opts opts = {.step = 0.8, .tol = 1e-4, .evaluations = evaluations};
	double error = simplex_min(fit_error, &fit, x, dims, &opts);
	from_free(x, smooth);
	return error;
}

struct trend_fit {
	const double *y;
	size_t n;
	double level, trend; /* where the last run ended */
};

static struct damped damped_from_free(const double *x)
{
	return (struct damped){sigmoid(x[0]), sigmoid(x[1]), 0.7 + 0.29 * sigmoid(x[2])};
}

static double damped_error(const double *x, void *arg)
{
	struct trend_fit *fit = arg;
	struct damped p = damped_from_free(x);
	double level = NUM_GAP, trend = 0, sum = 0;
	for (size_t i = 0; i < fit->n; i++) {
		double ahead = level + p.phi * trend, y = fit->y[i];
		if (isnan(level)) {
			level = y;
		} else if (isnan(y)) {
			level = ahead;
			trend *= p.phi;
		} else {
			double error = y - ahead;
			sum += error * error;
			level = ahead + p.alpha * error;
			trend = p.phi * trend + p.alpha * p.beta * error;
		}
	}
	fit->level = level;
	fit->trend = trend;
	return sum;
}

bool damped_forecast(
	const double *y, size_t n, struct damped *ret_params, double *ret, size_t horizon)
{
	if (num_count(y, n) < 3)
		return false;
	struct trend_fit fit = {.y = y, .n = n};
	double x[3] = {0, -1, 1};
	struct simplex_opts opts = {.step = 1, .tol = 1e-6, .evaluations = 120};
	simplex_min(damped_error, &fit, x, 3, &opts);
	damped_error(x, &fit);
	*ret_params = damped_from_free(x);
	double sum = 0, share = 1;
	for (size_t h = 0; h < horizon; h++) {
		share *= ret_params->phi;
		sum += share;
		ret[h] = fit.level + sum * fit.trend;
	}
	return true;
}
