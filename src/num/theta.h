/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Theta method (Assimakopoulos and Nikolopoulos, International Journal of Forecasting 16, 2000)
 * in the closed form of Hyndman and Billah (2003): simple exponential smoothing of the series
 * without its season, plus half the slope of its straight line, plus the season.
 *
 * Any thread.
 */
#ifndef EBB_NUM_THETA_H
#define EBB_NUM_THETA_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Gaps are skipped. `season` is scratch of `period` numbers (period 1: no season). False, with
 * `ret` untouched, when fewer than two values, or less than one whole period, are there.
 */
bool theta_forecast(
	const double *y, size_t n, size_t period, double *season, double *ret, size_t horizon);

#endif
