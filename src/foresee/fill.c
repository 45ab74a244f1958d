/* SPDX-License-Identifier: Apache-2.0 */
/* P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, 1968. */
#include "foresee/fill.h"

#include <stdlib.h>

#include "base/own.h"

static const double least_s = 6 * 3600, day_s = 86400;

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return a < b ? -1 : a > b;
}

double fill_per_day(const struct fill_moment *moments, size_t count)
{
	if (count > FILL_MOMENTS_MAX) {
		moments += count - FILL_MOMENTS_MAX;
		count = FILL_MOMENTS_MAX;
	}
	if (count < 2 || moments[count - 1].at_s - moments[0].at_s < least_s)
		return 0;
	OWN(own_free) double *slopes = calloc(count * (count - 1) / 2, sizeof(*slopes));
	size_t pairs = 0;
	if (!slopes)
		return 0;
	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			if (moments[j].at_s > moments[i].at_s)
				slopes[pairs++] = (moments[i].free_bytes - moments[j].free_bytes) /
					(moments[j].at_s - moments[i].at_s);
	if (!pairs)
		return 0;
	qsort(slopes, pairs, sizeof(*slopes), by_value);
	double median = (slopes[(pairs - 1) / 2] + slopes[pairs / 2]) / 2;
	return median > 0 ? median * day_s : 0;
}
