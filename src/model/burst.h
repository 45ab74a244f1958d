/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bursts: will this series be high in half an hour, how long will it last, how high will it be?
 *
 * High is above the larger of the 90th percentile and three medians of the last days, in steps of
 * five minutes. Most bursts of real volumes last one step, and most busy time lies in the few that
 * last over an hour; a chain of states alone (HMM) forgets how long a burst has lasted already. So
 * there is a table of survival by age, and a logistic regression on state, age, level, the last
 * hour and the habit of this time of day. The features are free of scale, so that coefficients can
 * be shared by all series: a series starts from burst_shared and moves as its own days tell.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_MODEL_BURST_H
#define EBB_MODEL_BURST_H

#include <stdbool.h>
#include <stdint.h>

#include "num/logit.h"

enum { BURST_FEATURES = 23, BURST_AGES = 8, BURST_SLOTS = 48, BURST_HOUR = 12, BURST_AHEAD = 6 };

struct burst {
	float high, middle;       /* the threshold and the median; 0 until burst_level() */
	float recent[BURST_HOUR]; /* ring of the last hour */
	uint32_t steps;           /* ever added */
	uint32_t run;             /* how long the present state has lasted */
	bool above;
	float share, slot[BURST_SLOTS]; /* habit: of all time, of half hours of the day, high */
	uint8_t days[288]; /* by step of the day: high on the last eight days, bit 0 the newest */
	float usual[288];  /* values by step of the day, of the last days */
	float change;      /* usual, from one step to the next */
	float share6, share24; /* of the last 6 and 24 hours, high */
	float height;          /* usual level while high */
	/* Of bursts that reached an age (1 2 3 6 12 24 48 96 steps), those that went on for half an
	 * hour more; both forget. */
	float reached[BURST_AGES], went_on[BURST_AGES];
};

/* What volumes and processors of a month in common have: where coefficients begin. */
extern const struct logit burst_shared;

/* Sets the threshold from `n` values of the last days, gaps among them; scratch: n. */
void burst_level(struct burst *burst, const float *y, uint32_t n, double *scratch);

/* One step of five minutes; `step` counts them in local time. A gap only lets time pass. */
void burst_add(struct burst *burst, int64_t step, double value);

/* Now, for the step BURST_AHEAD ahead of `step`, the next to come. Always finite. */
void burst_features(const struct burst *burst, int64_t step, double ret[BURST_FEATURES]);

struct burst_view {
	double probability; /* high in half an hour */
	double sustained;   /* that a burst, the present one or the next, lasts an hour or more */
	double more_s;      /* expected rest of the present one, 0 when there is none */
	double height;      /* expected level while high */
};

/* By these coefficients; `logit` of no dims: by habit and survival alone. */
void burst_look(
	const struct burst *burst, const struct logit *logit, int64_t step, struct burst_view *ret);

#endif
