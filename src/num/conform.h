/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformal inference for things that come one after the other.
 *
 * struct track moves one number, say the width of a band, until a wanted share of what comes lies
 * beyond it: quantile tracking with a proportional and a saturated integral part (Angelopoulos,
 * Candes and Tibshirani, "Conformal PID control for time series prediction", NeurIPS 2023; Gibbs
 * and Candes, "Adaptive conformal inference under distribution shift", NeurIPS 2021). It holds in
 * the long run whatever the series does.
 *
 * struct surprise gives each score a p-value against its own past scores (Vovk, Gammerman and
 * Shafer 2005): the share of them that were at least as large.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_NUM_CONFORM_H
#define EBB_NUM_CONFORM_H

#include <stddef.h>
#include <stdint.h>

struct track {
	float offset, errors; /* where it stands; the sum of (misses - wanted) */
};

struct track_opts {
	double wanted;    /* share that should lie beyond */
	double gain;      /* how far one miss moves it */
	double integral;  /* weight of the saturated sum; 0: proportional only */
	double low, high; /* the offset stays within */
};

/* `missed`: the share of the newest values that lay beyond, 0 .. 1. */
void track_move(struct track *track, const struct track_opts *opts, double missed);

enum { SURPRISE_BINS = 128 };

/* Past scores on a logarithmic scale, eight bins to a doubling, old ones slowly forgotten. */
struct surprise {
	float count[SURPRISE_BINS];
	float total;
};

/* The p-value of `score` >= 0 before it joins the past: never 0, 1 while nothing is known. `forget`
 * is what is left of the past afterwards, 1 for all of it. NaN: 1, and it does not join. */
double surprise_add(struct surprise *surprise, double score, double forget);

#endif
