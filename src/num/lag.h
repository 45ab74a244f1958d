/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear autoregression on many lags in closed form: the next `base` values (a day) are each a
 * ridge-penalised linear function of the last `lags` (a week), as departures from the same phase of
 * the day before. Hoerl and Kennard, "Ridge regression" (Technometrics 12, 1970); that a plain
 * linear map of the lags is a strong forecaster of such series is the finding of Zeng et al., "Are
 * transformers effective for time series forecasting?" (AAAI 2023).
 *
 * Two observations make it cheap. The Gram matrix of the windows of a series is Hankel-like: each
 * entry follows from its upper left neighbour in four operations. And one forecast needs no
 * coefficients: with G the Gram matrix, x the newest window and c_h the product of windows with
 * targets, it is c_h' (G + lambda I)^-1 x, so that one factor and one solve serve the whole
 * horizon.
 *
 * Any thread.
 */
#ifndef EBB_NUM_LAG_H
#define EBB_NUM_LAG_H

#include <stdbool.h>
#include <stddef.h>

struct lag_ridge {
	size_t lags, base; /* base divides lags */
	double lambda;     /* times the mean of the Gram matrix's diagonal */
};

/* More runs of windows between gaps than this: no forecast. */
enum { LAG_STRETCHES = 24 };

struct lag_out {
	double *scratch; /* lag_scratch() numbers */
	double *ahead;   /* the forecast, `horizon` numbers */
	size_t horizon;
};

/* How many numbers lag_forecast() needs as scratch. */
size_t lag_scratch(const struct lag_ridge *lag, size_t n, size_t horizon);

/*
 * `y` is filled, that is finite; `filled[i]`, NULL for none, marks what was a gap: it may serve as
 * a lag but never as a target. False, with `ahead` untouched, when the series is shorter than lags
 * + 4 * base, too full of gaps, or without any variation.
 */
bool lag_forecast(const struct lag_ridge *lag, const double *y, const bool *filled, size_t n,
	const struct lag_out *out);

#endif
