/* SPDX-License-Identifier: Apache-2.0 */
/* Bent line, Fourier seasons, calendar: one ridge regression. */
#include "num/trend.h"

#include <math.h>
#include <string.h>

#include "base/must.h"
#include "num/array.h"

static size_t columns(const struct trend *trend)
{
	return 2 + trend->bends + 2 * trend->pairs[0] + 2 * trend->pairs[1] +
		trend->calendar_columns;
}

size_t trend_scratch(const struct trend *trend)
{
	size_t c = columns(trend);
	return c * c + 2 * c + 2 * (trend->period[0] + trend->period[1]);
}

/* cos and sin of every phase: all harmonics are picked from this one circle. */
static void fill_circle(size_t period, double *circle)
{
	for (size_t i = 0; i < period; i++) {
		double angle = 2 * M_PI * (double)i / (double)period;
		circle[2 * i] = cos(angle);
		circle[2 * i + 1] = sin(angle);
	}
}

/* The regressors of step i; time runs from 0 to 1 over the span that was seen. */
static void fill_row(
	const struct trend *trend, const double *circles, size_t i, size_t n, double *row)
{
	double time = n > 1 ? (double)i / (double)(n - 1) : 0;
	size_t at = 0;
	row[at++] = 1;
	row[at++] = time - 0.5;
	for (size_t b = 0; b < trend->bends; b++) {
		double bend = 0.9 * (double)(b + 1) / (double)(trend->bends + 1);
		row[at++] = time > bend ? time - bend : 0;
	}
	for (size_t s = 0; s < 2; s++) {
		size_t period = trend->period[s];
		for (size_t k = 1; k <= trend->pairs[s]; k++) {
			size_t phase = i % period * k % period;
			row[at++] = circles[2 * phase];
			row[at++] = circles[2 * phase + 1];
		}
		circles += 2 * period;
	}
	for (size_t k = 0; k < trend->calendar_columns; k++)
		row[at++] = trend->calendar[i * trend->calendar_columns + k];
}

/* Upper sums into the lower triangle of `gram`; returns the sum of weights. */
static double accumulate(
	const struct trend *trend, const double *circles, const double *y, size_t n, double *gram)
{
	size_t c = columns(trend);
	double *right = gram + c * c, *row = right + c, sum = 0;
	double decay = trend->half_life > 0 ? exp2(-1 / trend->half_life) : 1;
	double weight = trend->half_life > 0 ? exp2(-(double)n / trend->half_life) : 1;
	for (size_t i = 0; i < n; i++) {
		weight /= decay;
		if (isnan(y[i]))
			continue;
		fill_row(trend, circles, i, n, row);
		for (size_t a = 0; a < c; a++)
			num_axpy(gram + a * c, weight * row[a], row, a + 1);
		num_axpy(right, weight * y[i], row, c);
		sum += weight;
	}
	return sum;
}

static void penalise(const struct trend *trend, double sum, double *gram)
{
	size_t c = columns(trend), bends_end = 2 + trend->bends;
	for (size_t a = 0; a < c; a++) {
		double ridge = a < 2    ? 1e-9
			: a < bends_end ? trend->ridge_bend
					: trend->ridge_season;
		gram[a * c + a] += ridge * sum;
	}
}

/* The newest residual and the share of it that goes on, from the last quarter of the span. */
static double last_error(const struct trend *trend, const double *circles, const double *y,
	size_t n, double *gram, double *ret_share)
{
	size_t c = columns(trend);
	const double *beta = gram + c * c;
	double *row = gram + c * c + c, before = NUM_GAP, cross = 0, square = 0;
	for (size_t i = n - n / 4; i < n; i++) {
		fill_row(trend, circles, i, n, row);
		double error = y[i] - num_dot(row, beta, c);
		if (!isnan(error) && !isnan(before)) {
			cross += error * before;
			square += before * before;
		}
		before = error;
	}
	*ret_share = square > 0 ? fmin(fmax(cross / square, 0), 0.98) : 0;
	return isnan(before) ? 0 : before;
}

bool trend_forecast(const struct trend *trend, const double *y, size_t n, double *scratch,
	double *ret, size_t horizon)
{
	size_t c = columns(trend);
	must(c <= TREND_COLUMNS);
	if (num_count(y, n) < c)
		return false;
	double *gram = scratch, *circles = gram + c * c + 2 * c;
	memset(gram, 0, (c * c + 2 * c) * sizeof(*gram));
	fill_circle(trend->period[0], circles);
	fill_circle(trend->period[1], circles + 2 * trend->period[0]);
	double sum = accumulate(trend, circles, y, n, gram);
	penalise(trend, sum, gram);
	if (!num_cholesky(gram, c))
		return false;
	num_cholesky_solve(gram, c, gram + c * c);
	double share, carried = last_error(trend, circles, y, n, gram, &share);
	double *row = gram + c * c + c;
	for (size_t h = 0; h < horizon; h++) {
		fill_row(trend, circles, n + h, n, row);
		carried *= share;
		ret[h] = num_dot(row, gram + c * c, c) + carried;
	}
	return true;
}
