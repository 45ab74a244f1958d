/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hidden Markov model with Gaussian emissions: the phases of a workload (idle, steady, burst,
 * batch) and how it moves between them. For quantities that live on a logarithmic scale the caller
 * passes logarithms; emissions are then log-normal.
 *
 * Training is that of Baum, Petrie, Soules and Weiss (1970) in the scaled form of Rabiner (Proc.
 * IEEE 77, 1989); decoding that of Viterbi (1967). Gaps say nothing about the state and only let
 * time pass.
 *
 * Any thread.
 */
#ifndef EBB_NUM_HMM_H
#define EBB_NUM_HMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HMM_STATES = 6 };

struct hmm {
	size_t states;
	double start[HMM_STATES];
	double move[HMM_STATES][HMM_STATES]; /* from, to */
	double mean[HMM_STATES], deviation[HMM_STATES];
};

/* States at quantiles of y, ascending in mean; phases last eight steps on average. `scratch`: n. */
void hmm_begin(struct hmm *hmm, size_t states, const double *y, size_t n, double *scratch);

/* How many numbers hmm_learn() and hmm_decode() need as scratch. */
size_t hmm_scratch(const struct hmm *hmm, size_t n);

/* One round of Baum and Welch. Returns the log-likelihood of y under the model before the round;
 * from round to round it never falls. */
double hmm_learn(struct hmm *hmm, const double *y, size_t n, double *scratch);

/* The most likely states. */
void hmm_decode(const struct hmm *hmm, const double *y, size_t n, double *scratch, uint8_t *ret);

/* Probabilities of the states at the end of y. Returns the log-likelihood. */
double hmm_now(const struct hmm *hmm, const double *y, size_t n, double *ret_states);

/* One step ahead, in place. */
void hmm_step(const struct hmm *hmm, double *states);

#endif
