/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logistic regression with a ridge: probabilities of yes or no from a few features, by iteratively
 * reweighted least squares (McCullagh and Nelder 1989), which Newton's method is here.
 *
 * Any thread.
 */
#ifndef EBB_NUM_LOGIT_H
#define EBB_NUM_LOGIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOGIT_DIMS = 40 };

struct logit {
	size_t dims; /* the first feature is 1 by custom and is not penalised */
	double beta[LOGIT_DIMS];
};

double logit_at(const struct logit *logit, const double *features);

struct logit_data {
	const float *rows;    /* n times dims */
	const uint8_t *truth; /* n */
	size_t n;
	double ridge; /* towards the start, on all but the first */
};

/* Improves `logit` from where it stands; the ridge holds it there (all zero: it is known from
 * nothing else). False, with it untouched, when there is no row, or nothing that can be solved. */
bool logit_fit(struct logit *logit, const struct logit_data *data);

#endif
