/* SPDX-License-Identifier: Apache-2.0 */
/* Another ebb-vold shares another memory, which only asking again shows. */
#include "ebbd/volumes.h"

#include <stdio.h>

#include "act/act.h"
#include "base/container.h"
#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "conf/conf.h"
#include "node/node.h"
#include "os/clock.h"
#include "os/world.h"
#include "trace/reader.h"
#include "watch/watch.h"

#define LOOK_NS (5 * NS_PER_SEC)
#define STEP_NS (NS_PER_SEC / 2)

enum { PATIENCE_MS = 50 };

static void forget(struct volumes *volumes)
{
	trace_reader_close(TAKE(volumes->reader));
	share_done(&volumes->share);
}

static void look(struct volumes *volumes)
{
	char path[CONF_PATH_MAX + sizeof("/trace.sock")];
	struct share share;
	struct why why;
	snprintf(path, sizeof(path), "%s/trace.sock", volumes->state);
	if (share_take(path, TRACE_BYTES, PATIENCE_MS, &share, &why)) {
		forget(volumes);
		return;
	}
	if (volumes->reader && share.which == volumes->share.which) {
		share_done(&share);
		return;
	}
	forget(volumes);
	volumes->share = share;
	if (trace_reader_open(share.bytes, share.len, &volumes->reader, &why))
		forget(volumes);
}

static void on_second(void *arg, const struct trace_second *second)
{
	watch_volume(arg, second);
}

void volumes_observe(struct volumes *volumes, struct watch *watch)
{
	int64_t now_ns = clock_mono_ns(volumes->world->clock);
	if (now_ns >= volumes->look_ns) {
		look(volumes);
		volumes->look_ns = now_ns + LOOK_NS;
	}
	if (volumes->reader)
		trace_reader_seconds(volumes->reader, now_ns, on_second, watch);
}

static void on_total(void *arg, const struct trace_total *total)
{
	const struct act_answers now = {total->life, total->requests, total->took_ns};
	node_volume(arg, total->name, &now);
}

static void on_step(struct timer *timer)
{
	struct volumes *volumes = container_of(timer, struct volumes, step);
	if (volumes->reader)
		trace_reader_step(volumes->reader);
	volumes->odd = !volumes->odd;
	if (volumes->reader && volumes->node && volumes->odd)
		trace_reader_totals(volumes->reader, on_total, volumes->node);
	timer_set(volumes->world->loop, timer, clock_mono_ns(volumes->world->clock) + STEP_NS);
}

void volumes_init(struct volumes *volumes, struct world *world, const char *state)
{
	*volumes = (struct volumes){.world = world, .state = state, .step.fn = on_step};
	timer_set(world->loop, &volumes->step, clock_mono_ns(world->clock) + STEP_NS);
}

void volumes_done(struct volumes *volumes)
{
	if (!volumes->world)
		return;
	timer_cancel(volumes->world->loop, &volumes->step);
	forget(volumes);
}
