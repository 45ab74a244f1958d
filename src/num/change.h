/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a series changed its level.
 *
 * On line: the two-sided test of Page (Biometrika 41, 1954) in Hinkley's form. Looking back:
 * binary segmentation (Scott and Knott 1974) and the exact optimum by PELT (Killick, Fearnhead and
 * Eckley, JASA 107, 2012), both for changes of the mean with squared error and a penalty per
 * change.
 *
 * Any thread.
 */
#ifndef EBB_NUM_CHANGE_H
#define EBB_NUM_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

struct page {
	float up, down; /* sums, 0 at rest */
};

/* `x` is a deviation in units of its usual spread; `slack` of it is forgiven each time. True: one
 * of the sums passed `limit`; both then start anew. A gap changes nothing. */
bool page_add(struct page *page, double x, double slack, double limit);

struct change_opts {
	size_t shortest; /* a level lasts at least so many values; at least 1 */
	double penalty;  /* per change, in units of the noise's variance; 3 log(n) is customary */
	double *scratch; /* change_scratch() numbers */
};

/* How many numbers both searches need as scratch. */
size_t change_scratch(size_t n);

/*
 * First indices of new levels, ascending, at most `max` (the search ends there); returns how many.
 * `y` holds no gaps; the noise's variance is estimated from first differences.
 */
size_t change_split(
	const double *y, size_t n, const struct change_opts *opts, size_t *ret, size_t max);
size_t change_best(
	const double *y, size_t n, const struct change_opts *opts, size_t *ret, size_t max);

#endif
