/* SPDX-License-Identifier: Apache-2.0 */
/* A day at a time, by two ways. */
#include "act/backtest.h"

#include <math.h>
#include <stdlib.h>

#include "act/device.h"
#include "base/own.h"
#include "base/units.h"
#include "replay/replay.h"

/* As docs/DECIDE.md replays: a measurement is off by a tenth and ten seconds late. */
static const double noise = 0.1, bursts = 0.5;
static const double least_work = 1e-4, most_work = 0.5; /* of a day */

enum { DELAY = 1 };

static double work_of(const struct backtest_job *job)
{
	double jobs = fmax(1, (double)NS_PER_DAY / (double)job->rpo_ns);
	return fmin(fmax(job->work_s * jobs / 86400, least_work), most_work);
}

static bool judge(struct backtest *backtest, struct device *device, const struct backtest_job *job,
	int64_t day)
{
	OWN(own_free) struct replay_world *world = calloc(1, sizeof(*world));
	OWN(own_free) struct replay_day *days = NULL;
	struct replay_host host = {.busy = device->busy, .size = device->size};
	struct replay_site site = {.hosts = 1, .slots = day + DAYS_DAY, .host = &host};
	if (!world)
		return false;
	*world = (struct replay_world){.site = &site,
		.disk = job->disk,
		.beta = work_of(job),
		.most = DEVICE_MOST,
		.noise = noise,
		.bursts = bursts,
		.delay = DELAY,
		.seed = (uint64_t)(device->first + day),
		.from = day};
	replay_prepare(world);
	days = calloc(2 * replay_days_max(world), sizeof(*days));
	if (!days)
		return false;
	struct replay_day *ours = days, *feedback = days + replay_days_max(world);
	/* A day of which too little is known is none. */
	if (!replay_run(world, &replay_ways[replay_ours], ours) ||
		!replay_run(world, &replay_ways[replay_feedback], feedback))
		return true;
	gate_note(&backtest->gate, gate_cost(ours->harm, ours->late),
		gate_cost(feedback->harm, feedback->late));
	return true;
}

bool backtest_step(struct backtest *backtest, struct device *device, const struct backtest_job *job)
{
	int64_t today = (device->first + device_now(device)) / DAYS_DAY * DAYS_DAY;
	int64_t day = today - GATE_DAYS * DAYS_DAY;
	/* A clock that went back begins anew. */
	if (backtest->until > today)
		*backtest = (struct backtest){0};
	if (day < backtest->until)
		day = backtest->until;
	/* Before the first there is nothing by which it could have been planned. */
	if (day < device->first + DAYS_DAY)
		day = device->first + DAYS_DAY;
	if (day >= today || !(job->work_s > 0))
		return false;
	backtest->until = day + DAYS_DAY;
	return judge(backtest, device, job, day - device->first);
}

enum driver backtest_driver(const struct backtest *backtest)
{
	return backtest->gate.days < GATE_DAYS ? DRIVER_PLANNER : gate_driver(&backtest->gate);
}

void backtest_costs(const struct backtest *backtest, double *ret_planner_s, double *ret_feedback_s)
{
	*ret_planner_s = *ret_feedback_s = 0;
	for (size_t i = 0; i < GATE_DAYS; i++) {
		*ret_planner_s += backtest->gate.planner[i] * DEVICE_SLOT_S;
		*ret_feedback_s += backtest->gate.feedback[i] * DEVICE_SLOT_S;
	}
}
