/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trend and season by regression: a straight line that may bend at evenly spaced change points,
 * Fourier terms of the day and of the week, columns of the user's calendar (holidays, month end,
 * maintenance), all at once by ridge regression in closed form, and the rest as AR(1). This is the
 * model of Taylor and Letham, "Forecasting at scale" (The American Statistician 72, 2018; Prophet),
 * with Gaussian instead of Laplace priors on the bends, so that it needs a hundredth of a
 * millisecond per column instead of an optimiser.
 *
 * Any thread.
 */
#ifndef EBB_NUM_TREND_H
#define EBB_NUM_TREND_H

#include <stdbool.h>
#include <stddef.h>

enum { TREND_COLUMNS = 64 };

struct trend {
	size_t period[2];  /* of the seasons in steps; 0: none */
	size_t pairs[2];   /* sine and cosine pairs of each */
	size_t bends;      /* change points, in the first nine tenths of the span */
	double half_life;  /* in steps: older values weigh less; 0: all alike */
	double ridge_bend; /* penalties, times the sum of weights */
	double ridge_season;
	const double *calendar; /* calendar_columns for each of n + horizon steps; NULL: none */
	size_t calendar_columns;
};

/* How many numbers trend_forecast() needs as scratch. */
size_t trend_scratch(const struct trend *trend);

/* Gaps are skipped. False, with `ret` untouched: fewer values than columns. */
bool trend_forecast(const struct trend *trend, const double *y, size_t n, double *scratch,
	double *ret, size_t horizon);

#endif
