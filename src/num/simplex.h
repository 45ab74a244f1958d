/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The minimum of a function of a few numbers, without derivatives: the downhill simplex of Nelder
 * and Mead (The Computer Journal 7, 1965) with the usual coefficients 1, 2, 1/2, 1/2.
 *
 * Any thread.
 */
#ifndef EBB_NUM_SIMPLEX_H
#define EBB_NUM_SIMPLEX_H

#include <stddef.h>

enum { SIMPLEX_DIMS = 6 };

typedef double simplex_fn(const double *x, void *arg);

struct simplex_opts {
	double step;     /* first edge along each axis */
	double tol;      /* stops when best and worst differ relatively by less */
	int evaluations; /* of the function, at most; at least dims + 1 are made */
};

/* Improves `x` of 1 .. SIMPLEX_DIMS numbers in place; returns the value there. NaN counts as worst.
 */
double simplex_min(
	simplex_fn *fn, void *arg, double *x, size_t dims, const struct simplex_opts *opts);

#endif
