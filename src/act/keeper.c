/* SPDX-License-Identifier: Apache-2.0 */
/* From what the planner wants to a pace, and from jobs that were to what one takes. */
#include "act/keeper.h"

#include <math.h>

#include "act/ledger.h"
#include "base/plant.h"
#include "base/units.h"

/* As docs/DECIDE.md measured them: our requests are larger than others', and a queue of three on
 * average harms nobody. */
static const double our_size = 4, harmless = 3;
/* Without days to go by there is no price: only the threshold holds. */
static const double without_days = 100;

enum { RETRY_S = 60, RETRY_MOST_S = 3600 };

void keeper_begin(struct keeper *keeper, const struct conf_protect *how, struct device *device)
{
	*keeper = (struct keeper){
		.how = *how,
		.device = device,
		.disk = {.size = our_size,
			.threshold = (double)how->impact_percent / 100,
			.floor = harmless},
	};
	waits_begin(&keeper->volume);
	keeper->waits = *how->volume ? &keeper->volume : &device->waits;
}

uint64_t keeper_bytes(const struct keeper *keeper)
{
	return (uint64_t)(keeper->work_s * keeper->device->capacity);
}

double keeper_progress(const struct keeper *keeper)
{
	/* A job that takes longer than expected is taken to have a tenth before it. */
	return keeper->work_s > 0 ? fmin(keeper->job.seen.took_s / keeper->work_s, 0.9) : 0;
}

static struct pacer_order order_of(const struct keeper *keeper, int64_t now_s)
{
	const struct keeper_plan *plan = &keeper->plan;
	double time = (double)(plan->due_s - now_s);
	double left = keeper->work_s * (1 - keeper_progress(keeper));
	struct pacer_order order = {
		.price = plan->alone ? without_days : plan->price, .most = DEVICE_MOST};
	order.needed = left > 0 && time > 0 ? fmin(left / time, DEVICE_MOST) : DEVICE_MOST;
	if (keeper->asked || plan->pressed)
		order.price = (double)INFINITY;
	return order;
}

bool keeper_judge(struct keeper *keeper)
{
	const struct backtest_job job = {keeper->disk, keeper->work_s, keeper->how.rpo_ns};
	bool learnt = calibrate_step(&keeper->calibrate, keeper->device, &keeper->disk);
	return backtest_step(&keeper->backtest, keeper->device, &job) || learnt;
}

double keeper_felt(const struct keeper *keeper)
{
	if (planted(GOES_BY_LOAD))
		return 0;
	return waits_felt(
		keeper->waits, keeper->disk.threshold, (double)keeper->how.impact_floor_ns / 1e9);
}

/* A moment further ahead than any that is ever set is one of a clock that has gone back since. */
bool keeper_rests(const struct keeper *keeper, int64_t now_s)
{
	return now_s < keeper->retry_s && keeper->retry_s - now_s <= RETRY_MOST_S;
}

static bool may_run(const struct keeper *keeper, int64_t now_s)
{
	if (keeper->asked)
		return true;
	if (keeper->job.proc)
		return keeper->plan.wanted == WANTED_RUN || keeper->plan.wanted == WANTED_WAIT;
	/* The plan knows slots; this is to the second. */
	return keeper->plan.wanted == WANTED_RUN && now_s >= keeper->plan.release_s &&
		!keeper_rests(keeper, now_s);
}

uint64_t keeper_step(struct keeper *keeper, int64_t now_s, double span_s, uint64_t asked_bytes)
{
	const struct device *device = keeper->device;
	if (!may_run(keeper, now_s)) {
		keeper->pacer.share = 0;
		return 0;
	}
	struct pacer_order order = order_of(keeper, now_s);
	struct pacer_seen seen = {.busy = device->users,
		.waiting = harm_waiting(&keeper->disk, device->users, device->own),
		.used = (double)asked_bytes / span_s / device->capacity,
		.felt = keeper_felt(keeper)};
	pacer_step(&keeper->pacer, &keeper->disk, &seen, &order);
	return (uint64_t)(keeper->pacer.share * device->capacity);
}

bool keeper_wants(const struct keeper *keeper, int64_t now_s)
{
	return !keeper->job.proc && may_run(keeper, now_s) && keeper->pacer.share > 0;
}

void keeper_learn(struct keeper *keeper, const struct ledger_job *job, int64_t now_s)
{
	keeper->pacer = (struct pacer){0};
	keeper->asked = false;
	/* Until the planner was asked again. */
	keeper->plan.wanted = WANTED_WAIT;
	if (job->state == JOB_DONE) {
		keeper->last_s = job->started_s;
		/* One large job does not make the next one large, nor forgotten at once. */
		double took = fmax(job->took_s, 1e-3);
		keeper->work_s = keeper->work_s > 0 ? fmax(took, (keeper->work_s + took) / 2)
						    : took;
		keeper->failures = 0;
		return;
	}
	int64_t wait_s = RETRY_S << (keeper->failures < 6 ? keeper->failures : 6);
	keeper->failures++;
	keeper->retry_s = now_s + (wait_s < RETRY_MOST_S ? wait_s : RETRY_MOST_S);
}
