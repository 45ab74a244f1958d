/* SPDX-License-Identifier: Apache-2.0 */
/* Room act in a node: its turns, what it says of itself, and what may be asked of it. */
#include "node/acting.h"

#include <math.h>
#include <string.h>

#include "act/act.h"
#include "base/own.h"
#include "base/units.h"
#include "node/inside.h"
#include "node/noticing.h"
#include "os/clock.h"
#include "os/world.h"
#include "series/name.h"

static void on_event(void *arg, const struct act_event *event)
{
	struct node *node = arg;
	noticing_job(node, event);
	if (node->options.on_act)
		node->options.on_act(node->options.arg, event);
}

int acting_begin(struct node *node)
{
	const struct act_options options = {
		.world = node->world,
		.program = node->options.ebb,
		.state = node->conf.state,
		.env = node->options.env,
		.local = node->options.local,
		.arg = node,
		.on_event = on_event,
	};
	if (!options.program)
		return 0;
	return act_open(&options, &node->act);
}

void acting_end(struct node *node)
{
	act_close(TAKE(node->act));
}

static void put_latency(
	struct node *node, const struct keeper *keeper, const char *during, double seconds)
{
	static const char metric[] = "ebb_foreground_latency_seconds";
	struct name name;
	if (seconds > 0 && name_start(&name, metric, strlen(metric), NULL) == 0 &&
		name_label(&name, "resource", keeper->how.name, NULL) == 0 &&
		name_label(&name, "during", during, NULL) == 0)
		watch_put(&node->past.watch, &name, SERIES_GAUGE, round(seconds * 1e6) / 1e6);
}

/* What was measured since the last turn; when nothing was, there is a gap. */
static void put_latencies(struct node *node, const struct keeper *keeper)
{
	const struct waits *waits = keeper->waits;
	if (waits->now_s > 0)
		put_latency(node, keeper, waits->ours ? "backup" : "idle", waits->now_s);
}

static void put_score(struct node *node, const struct keeper *keeper)
{
	static const char metric[] = "ebb_contention_score";
	struct name name;
	if (keeper->plan.due_s && name_start(&name, metric, strlen(metric), NULL) == 0 &&
		name_label(&name, "resource", keeper->how.name, NULL) == 0)
		watch_put(&node->past.watch, &name, SERIES_GAUGE, round(keeper->plan.score));
}

static void put_job(struct node *node, const struct keeper *keeper)
{
	const struct act_job *job = &keeper->job;
	int64_t now_s = clock_wall_ns(node->world->clock) / NS_PER_SEC;
	const struct watch_job told = {.resource = keeper->how.name,
		.running = job->proc,
		.bytes = (double)job->use.asked_bytes,
		.limit = job->pace == UINT64_MAX ? 0 : (double)job->pace,
		.point_age_s = keeper->last_s ? fmax((double)(now_s - keeper->last_s), 0) : -1,
		.failures = keeper->failures};
	watch_job(&node->past.watch, &told);
}

/* So that what users did can be told from it later. */
void acting_put(struct node *node)
{
	const struct device *device;
	if (!node->act)
		return;
	for (size_t i = 0; i < act_count(node->act); i++) {
		put_latencies(node, act_keeper(node->act, i));
		put_score(node, act_keeper(node->act, i));
		put_job(node, act_keeper(node->act, i));
	}
	for (size_t i = 0; act_device(node->act, i, &device); i++) {
		static const char metric[] = "ebb_job_disk_seconds_total";
		struct name name;
		if (name_start(&name, metric, strlen(metric), NULL) == 0 &&
			name_label(&name, "device", device->name, NULL) == 0)
			watch_put(&node->past.watch, &name, SERIES_COUNTER, device->own_s);
	}
}

void acting_turn(struct node *node)
{
	if (node->act && !node->state.failed)
		act_turn(node->act, node->past.series);
}
