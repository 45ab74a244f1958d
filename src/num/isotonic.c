/* SPDX-License-Identifier: Apache-2.0 */
/* Pool adjacent violators. */
#include "num/isotonic.h"

#include "num/array.h"

void isotonic_fit(double *y, const double *weight, size_t n)
{
	size_t i = 0;
	while (i < n) {
		size_t end = i + 1;
		double sum = y[i] * weight[i], total = weight[i];
		/* Extend while the next value is below the pooled mean. */
		while (end < n && y[end] <= sum / total) {
			sum += y[end] * weight[end];
			total += weight[end];
			end++;
		}
		double mean = sum / total;
		/* Blocks before that are now too high join. */
		while (i > 0 && y[i - 1] >= mean) {
			i--;
			sum += y[i] * weight[i];
			total += weight[i];
			mean = sum / total;
		}
		for (size_t j = i; j < end; j++)
			y[j] = mean;
		i = end;
	}
}

double isotonic_at(const double *x, const double *fitted, size_t n, double at)
{
	if (!n)
		return NUM_GAP;
	if (!(at > x[0]))
		return fitted[0];
	size_t low = 0, high = n;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (x[middle] <= at)
			low = middle;
		else
			high = middle;
	}
	if (low + 1 == n || !(x[low + 1] > x[low]))
		return fitted[low];
	double share = (at - x[low]) / (x[low + 1] - x[low]);
	return fitted[low] + share * (fitted[low + 1] - fitted[low]);
}
