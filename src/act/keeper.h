/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One resource that is kept: what the planner wants for it, how hard the job that does it works,
 * and what its jobs taught.
 *
 *     waits --the plan wants a job--> ships --> proves --> waits
 *       ^                               |          |
 *       +--------- failed: again after a while ----+
 *
 * The clock of a point runs from the start of the job that made it, and only points that were read
 * back count.
 *
 * The loop's thread only.
 */
#ifndef EBB_ACT_KEEPER_H
#define EBB_ACT_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "act/backtest.h"
#include "act/calibrate.h"
#include "act/device.h"
#include "act/job.h"
#include "conf/protect.h"
#include "core/decision.h"
#include "plan/harm.h"
#include "plan/pacer.h"

/* What a decision says, without its texts. */
struct keeper_plan {
	enum decided wanted;
	bool alone;   /* without the planner: too little is known for a price */
	bool pressed; /* in time comes before harm */
	bool will_miss;
	int64_t release_s, due_s, begins_s, ends_s; /* 0: not known */
	double price, in_time, harm, score;
	int binding;
};

struct keeper {
	struct conf_protect how;
	struct device *device; /* borrowed */
	struct waits *waits;   /* of those who use what is read: the volume's, or the device's */
	struct waits volume;
	struct harm_device disk;
	int64_t last_s;  /* start of the newest point that was read back; 0: none */
	double work_s;   /* device time of a job, from those before; 0: not known */
	int failures;    /* in a row */
	int64_t retry_s; /* not before */
	bool asked;      /* somebody wants a point now */
	bool held;       /* somebody wants none until he says so */
	struct backtest backtest;
	struct calibrate calibrate;
	struct keeper_plan plan;
	struct pacer pacer;
	struct act_job job;
};

void keeper_begin(struct keeper *keeper, const struct conf_protect *how, struct device *device);

/*
 * One step of the controller, after the device was observed. `span_s`: how long the last one was,
 * `asked_bytes`: what the job moved in it. Returns the bytes a second that a job may move now; 0:
 * none, one that runs pauses.
 */
uint64_t keeper_step(struct keeper *keeper, int64_t now_s, double span_s, uint64_t asked_bytes);

/* Whether a job is to begin, after keeper_step() said that it may. */
bool keeper_wants(const struct keeper *keeper, int64_t now_s);

/* It failed, and is not tried again yet. */
bool keeper_rests(const struct keeper *keeper, int64_t now_s);

/* What came of its job. */
void keeper_learn(struct keeper *keeper, const struct ledger_job *job, int64_t now_s);

/* A day more is judged and learnt, if there is one: who drives may change. False: there was none.
 */
bool keeper_judge(struct keeper *keeper);

/* As waits_felt(), by what the policy allows. */
double keeper_felt(const struct keeper *keeper);

/* The bytes that a job is expected to move to and from the device; 0: not known. */
uint64_t keeper_bytes(const struct keeper *keeper);

/* What is done of the job that runs, 0..1; 0: not known. */
double keeper_progress(const struct keeper *keeper);

#endif
