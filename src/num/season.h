/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forecasts that remember: the value a period ago, medians of equal phases, days that looked alike.
 * No parameters, a few microseconds, and hard to beat on the load of servers (Poppe et al.,
 * Seagull, PVLDB 14(2), 2021, run backups of whole regions on the first of them).
 *
 * `y` ends now: y[n - 1] is the newest value, and `ret[h]` is for h + 1 steps ahead. Gaps are
 * skipped; what cannot be known at all is NaN in `ret`.
 *
 * Any thread.
 */
#ifndef EBB_NUM_SEASON_H
#define EBB_NUM_SEASON_H

#include <stddef.h>

enum { SEASON_PERIODS = 64 }; /* the most periods that any of these looks back */

/* The newest value of the same phase, at most SEASON_PERIODS periods back. period 1: the last. */
void season_naive(const double *y, size_t n, size_t period, double *ret, size_t horizon);

/* The median over the last `periods` values of the same phase. */
void season_median(
	const double *y, size_t n, size_t period, size_t periods, double *ret, size_t horizon);

/* The median of the last `window` values, the same for all steps; scratch holds `window`. */
double season_level(const double *y, size_t n, size_t window, double *scratch);

struct season_analogue {
	size_t period;    /* steps of a day */
	size_t look;      /* how many of the newest steps are compared */
	size_t periods;   /* days looked back, at most SEASON_PERIODS */
	double half_life; /* of a day's weight, in days */
	double width;     /* a mean distance of this much costs a factor e */
};

/*
 * Weights of the days back 1 .. periods: half-life times likeness, exp(-mean |difference| / width)
 * of the newest `look` steps. Weights sum to 1, or are all 0 when no day can be compared.
 */
void season_likeness(
	const double *y, size_t n, const struct season_analogue *how, double *ret_weights);

/* The weighted median of what followed on those days (Lorenz 1969 called such days analogues). */
void season_analogues(
	const double *y, size_t n, const struct season_analogue *how, double *ret, size_t horizon);

#endif
