/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small long short-term memory network (Hochreiter and Schmidhuber, Neural Computation 9, 1997;
 * with the forget gate of Gers, Schmidhuber and Cummins 2000), one layer with a linear read-out of
 * the last step, trained by backpropagation through time and Adam (Kingma and Ba 2015).
 *
 * Plain C with its own exponential: weights trained from one seed are the same bits on every
 * machine and with every compiler, so that a decision made on them can be replayed.
 *
 * Any thread.
 */
#ifndef EBB_NUM_LSTM_H
#define EBB_NUM_LSTM_H

#include <stddef.h>
#include <stdint.h>

struct lstm {
	size_t inputs, hidden, outputs;
};

/* How many weights, and how many numbers of scratch for sequences of `steps`. */
size_t lstm_weights(const struct lstm *lstm);
size_t lstm_scratch(const struct lstm *lstm, size_t steps);

/* Uniform in +-1/sqrt(hidden); forget gates begin open. */
void lstm_begin(const struct lstm *lstm, uint64_t seed, double *ret_weights);

struct lstm_case {
	const double *x; /* steps times inputs */
	size_t steps;
	const double *target; /* outputs; NULL: only the answer is wanted */
};

/* The answer after the last step: `outputs` numbers. */
void lstm_answer(const struct lstm *lstm, const double *weights, const struct lstm_case *one,
	double *scratch, double *ret);

/* Adds the gradient of half the mean squared error of one case; returns that error. */
double lstm_gradient(const struct lstm *lstm, const double *weights, const struct lstm_case *one,
	double *scratch, double *gradient);

struct adam {
	double *first, *second; /* moments, one for each weight, zero at the beginning */
	uint64_t steps;
	double rate;
};

/* One step along the gradient, which is cut to a length of 1 and set to zero. */
void adam_move(struct adam *adam, double *weights, double *gradient, size_t count);

#endif
