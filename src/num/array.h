/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums, order statistics and small linear algebra on arrays of doubles.
 *
 * A gap is NaN (NUM_GAP). Functions say when they skip gaps; all others want finite numbers. Sums
 * are formed in a fixed order, so that gcc and clang give the same bits.
 *
 * Any thread.
 */
#ifndef EBB_NUM_ARRAY_H
#define EBB_NUM_ARRAY_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define NUM_GAP ((double)NAN)

/* The inner product, in four running sums. */
double num_dot(const double *a, const double *b, size_t n);

/* to[i] += factor * from[i] */
void num_axpy(double *to, double factor, const double *from, size_t n);

/* Of the values that are no gaps; NaN when there is none. */
double num_mean(const double *x, size_t n);

/* How many are no gaps. */
size_t num_count(const double *x, size_t n);

/* Copies what is no gap, in order; returns how many. `ret` may be `x`. */
size_t num_present(const double *x, size_t n, double *ret);

/* Ascending, in place, without memory (Shell's method with Ciura's gaps, 2001). */
void num_sort(double *x, size_t n);

/* Both reorder `x`, which holds no gap; NaN when n is 0. The median of an even count is the mean
 * of the middle two (Hoare's selection, 1961). */
double num_select(double *x, size_t n, size_t k);
double num_median(double *x, size_t n);

/* Linear between order statistics (Hyndman and Fan 1996, type 7); NaN when n is 0. */
double num_quantile(const double *sorted, size_t n, double p);

/* The values at which the sum of weights passes share `p`, linear between the middles of the
 * weights' steps. Reorders both arrays; weights are >= 0 and not all 0, else NaN. */
double num_weighted_quantile(double *x, double *weight, size_t n, double p);

/* The smallest value with at least half of the weight at or below it. Reorders both. */
double num_weighted_median(double *x, double *weight, size_t n);

/*
 * Cholesky's factor of the symmetric positive definite n x n matrix in `a`, row by row, lower
 * triangle in place. False: not positive definite within rounding; `a` is then spoilt.
 */
bool num_cholesky(double *a, size_t n);

/* Solves L L' x = b in place, after num_cholesky(). */
void num_cholesky_solve(const double *factor, size_t n, double *b);

#endif
