/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Contention Score: how likely it is that a job which takes a share of a device in a window
 * makes its users wait too long, in at least a tenth of the window. A probability that comes true:
 * when we said 80, it happened four times out of five. Shown times 100.
 *
 * Raw, it is the weighted share of remembered days on which it would have happened. A map, fitted
 * to what was said and what happened, makes it come true.
 *
 * Any thread, one at a time for each struct. Takes no memory.
 */
#ifndef EBB_PLAN_SCORE_H
#define EBB_PLAN_SCORE_H

#include <stdbool.h>
#include <stddef.h>

#include "plan/days.h"
#include "plan/harm.h"

struct score_window {
	int64_t from;
	int slots;    /* at most a day */
	double share; /* that the job takes */
};

/* Whether it would happen with these users; -1: too little is known of the window. */
int score_happens(
	const struct harm_device *device, const float *busy, const struct score_window *window);

/* For one who knows all before the slot `now`. 0.5 when nothing is known at all. */
double score_raw(const struct harm_device *device, struct days_past past, int64_t now,
	const struct score_window *window);

enum { SCORE_BINS = 50 };

/* What was said, by bins of it, and how often it happened. */
struct score_record {
	double said[SCORE_BINS], happened[SCORE_BINS], count[SCORE_BINS];
	double fitted[SCORE_BINS]; /* by bins that hold something, in their order */
	double at[SCORE_BINS];
	size_t bins;
};

/* `forget`: all before counts for so much less, 1 for nothing less. */
void score_learn(struct score_record *record, double raw, bool happened, double forget);

/* After score_learn() and before score_true(). */
void score_fit(struct score_record *record);

/* The probability; the raw score while there is no record. */
double score_true(const struct score_record *record, double raw);

#endif
