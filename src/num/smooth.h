/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exponential smoothing: a level, up to two additive seasons and a share of the last error that
 * goes on; and a level with a damped trend.
 *
 * The seasonal form is that of Holt (1957) and Winters (1960), with a second season and the AR(1)
 * term after Taylor, "Short-term electricity demand forecasting using double seasonal exponential
 * smoothing" (JORS 54, 2003), without trend:
 *
 *     l = l + alpha (y - l - d - w)     level
 *     d = d + gamma0 (y - l - d - w)    season of the first period, at this phase
 *     w = w + gamma1 (y - l - d - w)    season of the second
 *     h steps ahead: l + d + w + ar^h * (last error)
 *
 * in error-correction form (all with the error of the forecast made before y was seen). The damped
 * trend is that of Gardner and McKenzie (1985). A gap changes nothing: nothing is learnt from it.
 * For loads that live on a logarithmic scale the caller smooths logarithms.
 *
 * Any thread.
 */
#ifndef EBB_NUM_SMOOTH_H
#define EBB_NUM_SMOOTH_H

#include <stdbool.h>
#include <stddef.h>

enum { SMOOTH_PERIOD_MAX = 336 };

struct smooth {
	size_t period[2]; /* 0: no such season; each at most SMOOTH_PERIOD_MAX */
	double alpha, gamma[2], ar;
};

/* Where a run ended. `season` is the caller's: period[0] + period[1] numbers, each at the phase of
 * the index at which it was last used, modulo its period. */
struct smooth_state {
	double level, error;
	double *season;
	size_t steps;
};

/* Runs over y from a start estimated on its first weeks; returns the mean absolute one-step error
 * after the first period, NaN when nothing was seen. */
double smooth_run(
	const struct smooth *smooth, const double *y, size_t n, struct smooth_state *state);

/* From a state that smooth_run() left. */
void smooth_ahead(
	const struct smooth *smooth, const struct smooth_state *state, double *ret, size_t horizon);

/*
 * Looks for better alpha, gamma and ar, starting from those given, by at most `evaluations` runs.
 * `scratch` holds period[0] + period[1] numbers. Returns the error of the parameters found.
 */
double smooth_fit(
	struct smooth *smooth, const double *y, size_t n, int evaluations, double *scratch);

struct damped {
	double alpha, beta, phi; /* phi < 1 damps the trend */
};

/* Fits and forecasts in one go; false when fewer than three values are there. */
bool damped_forecast(
	const double *y, size_t n, struct damped *ret_params, double *ret, size_t horizon);

#endif
