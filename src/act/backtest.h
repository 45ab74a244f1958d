/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the planner is worth following: each day that ends is lived through once more (replay/),
 * once by the planner and once by feedback alone, on the load that was measured, with a job as
 * large as those of the resource are. The better one of the last seven days drives (plan/gate.h).
 *
 * The loop's thread only; a step takes some ten milliseconds.
 */
#ifndef EBB_ACT_BACKTEST_H
#define EBB_ACT_BACKTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/gate.h"
#include "plan/harm.h"

struct device;

struct backtest {
	struct gate gate;
	int64_t until; /* the slot up to which days were judged; 0: none yet */
};

struct backtest_job {
	struct harm_device disk;
	double work_s; /* device time of one */
	int64_t rpo_ns;
};

/* Judges the next day that ended and was not judged; false: there is none, or no job is known. */
bool backtest_step(
	struct backtest *backtest, struct device *device, const struct backtest_job *job);

/* Who is to drive; the planner until seven days were judged. */
enum driver backtest_driver(const struct backtest *backtest);

/* What either would have cost in the days judged, in device seconds. */
void backtest_costs(const struct backtest *backtest, double *ret_planner_s, double *ret_feedback_s);

#endif
