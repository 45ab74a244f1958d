/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the Contention Score of a device true: of each day that ended, what was said of its hours
 * the midnight before is held against what came, and scores are mapped by that from then on
 * (plan/score.h). What came is known for every hour, whether or not a job ran in it: the load of
 * users was measured, and the event is about what a job would do to it.
 *
 * The loop's thread only; a step takes some milliseconds.
 */
#ifndef EBB_ACT_CALIBRATE_H
#define EBB_ACT_CALIBRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/harm.h"
#include "plan/score.h"

struct device;

struct calibrate {
	struct score_record record;
	int64_t until;        /* the slot up to which days were learnt; 0: none yet */
	double hours;         /* that were told */
	double brier, always; /* summed squares: of what was said, and of always saying how often */
	double came;          /* how often it happened */
};

/* Learns the next day that ended; false: there is none. */
bool calibrate_step(
	struct calibrate *calibrate, const struct device *device, const struct harm_device *harm);

/* For facts: at most `most`, both rising. Returns how many. */
uint32_t calibrate_map(
	const struct calibrate *calibrate, double *ret_said, double *ret_came, uint32_t most);

/* How much less wrong than always saying how often it happens; 0 when too little is known. */
double calibrate_skill(const struct calibrate *calibrate);

#endif
