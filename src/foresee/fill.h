/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a place that fills will be full, from how much was free before: by the median of all slopes
 * between two moments (Theil and Sen), which a day of tidying up does not bend.
 *
 * Any thread.
 */
#ifndef EBB_FORESEE_FILL_H
#define EBB_FORESEE_FILL_H

#include <stddef.h>

enum { FILL_MOMENTS_MAX = 336 }; /* two weeks of hours */

struct fill_moment {
	double at_s, free_bytes;
};

/*
 * Bytes a day that get less, of moments in order of time; 0: none do, or they span less than six
 * hours, or there is no memory. The newest FILL_MOMENTS_MAX count.
 */
double fill_per_day(const struct fill_moment *moments, size_t count);

#endif
