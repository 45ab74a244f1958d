/* SPDX-License-Identifier: Apache-2.0 */
/* Sums, order statistics, Cholesky. */
#include "num/array.h"

#include <math.h>

double num_dot(const double *a, const double *b, size_t n)
{
	double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
	size_t i = 0;
	for (; i + 4 <= n; i += 4) {
		s0 += a[i] * b[i];
		s1 += a[i + 1] * b[i + 1];
		s2 += a[i + 2] * b[i + 2];
		s3 += a[i + 3] * b[i + 3];
	}
	for (; i < n; i++)
		s0 += a[i] * b[i];
	return (s0 + s2) + (s1 + s3);
}

void num_axpy(double *to, double factor, const double *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] += factor * from[i];
}

double num_mean(const double *x, size_t n)
{
	double sum = 0;
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		if (isnan(x[i]))
			continue;
		sum += x[i];
		count++;
	}
	return count ? sum / (double)count : NUM_GAP;
}

size_t num_count(const double *x, size_t n)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		count += isnan(x[i]) ? 0 : 1;
	return count;
}

size_t num_present(const double *x, size_t n, double *ret)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		if (!isnan(x[i]))
			ret[count++] = x[i];
	return count;
}

/* Sorts x, and carries `along` with it when it is not NULL. */
static void sort_pairs(double *x, double *along, size_t n)
{
	static const size_t gaps[] = {
		99001, 44000, 19560, 8693, 3864, 1717, 763, 339, 132, 57, 23, 10, 4, 1};
	for (size_t g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++) {
		size_t gap = gaps[g];
		for (size_t i = gap; i < n; i++) {
			double key = x[i], rider = along ? along[i] : 0;
			size_t j = i;
			for (; j >= gap && x[j - gap] > key; j -= gap) {
				x[j] = x[j - gap];
				if (along)
					along[j] = along[j - gap];
			}
			x[j] = key;
			if (along)
				along[j] = rider;
		}
	}
}

void num_sort(double *x, size_t n)
{
	sort_pairs(x, NULL, n);
}

static inline void swap(double *a, double *b)
{
	double kept = *a;
	*a = *b;
	*b = kept;
}

double num_select(double *x, size_t n, size_t k)
{
	if (k >= n)
		return NUM_GAP;
	size_t low = 0, high = n - 1;
	while (high - low > 12) {
		/* The median of three stands at x[low + 1] as pivot and bounds both scans. */
		swap(&x[low + (high - low) / 2], &x[low + 1]);
		if (x[low] > x[high])
			swap(&x[low], &x[high]);
		if (x[low + 1] > x[high])
			swap(&x[low + 1], &x[high]);
		if (x[low] > x[low + 1])
			swap(&x[low], &x[low + 1]);
		double pivot = x[low + 1];
		size_t i = low + 1, j = high;
		for (;;) {
			do
				i++;
			while (x[i] < pivot);
			do
				j--;
			while (x[j] > pivot);
			if (j < i)
				break;
			swap(&x[i], &x[j]);
		}
		swap(&x[low + 1], &x[j]);
		if (j >= k)
			high = j ? j - 1 : 0;
		if (j <= k)
			low = i;
		if (j == k)
			return x[k];
	}
	sort_pairs(x + low, NULL, high - low + 1);
	return x[k];
}

double num_median(double *x, size_t n)
{
	if (!n)
		return NUM_GAP;
	double upper = num_select(x, n, n / 2);
	if (n % 2)
		return upper;
	double lower = x[0];
	for (size_t i = 1; i < n / 2; i++)
		lower = x[i] > lower ? x[i] : lower;
	return 0.5 * (lower + upper);
}

double num_quantile(const double *sorted, size_t n, double p)
{
	if (!n)
		return NUM_GAP;
	double at = p * (double)(n - 1);
	if (!(at > 0))
		return sorted[0];
	size_t i = (size_t)at;
	if (i + 1 >= n)
		return sorted[n - 1];
	return sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]);
}

static double total(const double *weight, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += weight[i];
	return sum;
}

double num_weighted_quantile(double *x, double *weight, size_t n, double p)
{
	double sum = total(weight, n);
	if (!(sum > 0))
		return NUM_GAP;
	sort_pairs(x, weight, n);
	double passed = 0, before = x[0], middle_before = 0;
	for (size_t i = 0; i < n; i++) {
		if (!(weight[i] > 0))
			continue;
		double middle = (passed + 0.5 * weight[i]) / sum;
		if (middle >= p) {
			if (!(passed > 0))
				return x[i];
			double share = (p - middle_before) / (middle - middle_before);
			/* Rounding must not lead out of the step. */
			return fmin(before + share * (x[i] - before), x[i]);
		}
		passed += weight[i];
		before = x[i];
		middle_before = middle;
	}
	return before;
}

double num_weighted_median(double *x, double *weight, size_t n)
{
	double sum = total(weight, n), passed = 0;
	if (!(sum > 0))
		return NUM_GAP;
	sort_pairs(x, weight, n);
	for (size_t i = 0; i < n; i++) {
		passed += weight[i];
		if (passed >= 0.5 * sum)
			return x[i];
	}
	return x[n - 1];
}

bool num_cholesky(double *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double *row = a + i * n;
		for (size_t j = 0; j < i; j++) {
			const double *other = a + j * n;
			row[j] = (row[j] - num_dot(row, other, j)) / other[j];
		}
		double pivot = row[i], left = pivot - num_dot(row, row, i);
		/* What is left of a pivot after cancelling to rounding is no number to divide by.
		 */
		if (!(left > 1e-13 * pivot) || !(pivot > 0) || isinf(left))
			return false;
		row[i] = sqrt(left);
	}
	return true;
}

void num_cholesky_solve(const double *factor, size_t n, double *b)
{
	for (size_t i = 0; i < n; i++)
		b[i] = (b[i] - num_dot(factor + i * n, b, i)) / factor[i * n + i];
	for (size_t i = n; i-- > 0;) {
		b[i] /= factor[i * n + i];
		/* Column-wise, so that memory is read along rows. */
		num_axpy(b, -b[i], factor + i * n, i);
	}
}
