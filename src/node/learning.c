/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learning within a budget: a step of some milliseconds, then a rest as long as the share of the
 * CPU that conf.forecast_cpu_percent allows wants it; when nothing is due, a look each minute.
 * The time of a step is that on the clock, which is never less than what it cost.
 */
#include "base/container.h"
#include "base/units.h"
#include "node/inside.h"
#include "os/clock.h"
#include "os/world.h"

#define FIRST_NS (2 * NS_PER_SEC)
#define IDLE_NS NS_PER_MIN
#define REST_NS (10 * NS_PER_MS)

static int64_t rest_ns(const struct node *node, int64_t took_ns)
{
	int64_t percent = node->conf.forecast_cpu_percent;
	int64_t rest = took_ns / percent * (100 - percent);
	return rest > REST_NS ? rest : REST_NS;
}

static void step(struct timer *timer)
{
	struct node *node = container_of(timer, struct node, learning);
	struct world *world = node->world;
	int64_t began_ns = clock_mono_ns(world->clock), wait_ns = IDLE_NS;
	node->learn.feed.apps = &node->watching.apps;
	bool may = node->conf.forecast_cpu_percent > 0 && node->past.series && !node->state.failed;
	if (may &&
		learn_step(
			&node->learn, node->past.series, clock_wall_ns(world->clock) / NS_PER_MS)) {
		int64_t took_ns = clock_mono_ns(world->clock) - began_ns;
		node->learnt_ns += took_ns;
		wait_ns = rest_ns(node, took_ns);
	}
	timer_set(world->loop, &node->learning, clock_mono_ns(world->clock) + wait_ns);
}

int learning_begin(struct node *node)
{
	int err = learn_open(
		&node->learn, node->world->disk, node->state.identity, node->options.local);
	node->learning.fn = step;
	if (!err)
		timer_set(node->world->loop, &node->learning,
			clock_mono_ns(node->world->clock) + FIRST_NS);
	return err;
}

void learning_end(struct node *node)
{
	timer_cancel(node->world->loop, &node->learning);
	learn_close(&node->learn);
}
