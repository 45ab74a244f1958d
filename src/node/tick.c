/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: one turn every conf.loop_tick_ns. Turns lie on a grid of monotonic time, so that they
 * do not drift; those that a suspend or a long turn has run over are skipped and counted, never
 * caught up with. Wall time has no say here.
 */
#include "base/container.h"
#include "node/acting.h"
#include "node/inside.h"
#include "node/noticing.h"
#include "os/clock.h"
#include "os/world.h"

/* Reads the host and turns what its counters gained since the last turn into a load. */
static void observe(struct node *node)
{
	struct host_reading reading;
	node->load_failure.text[0] = '\0';
	if (host_read(node->world->host, &reading, &node->load_failure) != 0) {
		node->load = (struct load){0};
		return;
	}
	node->load = node->reading.mono_ns ? load_between(&node->reading, &reading)
					   : (struct load){0};
	node->reading = reading;
}

/*
 * Keeps what was observed. A node that cannot write its state writes no more at all.
 */
static void remember(struct node *node)
{
	if (node->state.failed) {
		past_close(&node->past);
	} else if (past_begin(&node->past)) {
		if (!node->load_failure.text[0])
			watch_host(&node->past.watch, &node->reading);
		watching_turn(node);
		acting_put(node);
		probing_put(node);
		past_end(&node->past);
	}
}

/* Keeps what is on disk within its bounds. */
static void settle(struct node *node)
{
	state_settle(&node->state);
	node_check_state(node);
}

static void plan_next_turn(struct node *node, int64_t now_ns)
{
	int64_t period_ns = node->conf.loop_tick_ns;
	int64_t late_ns = now_ns - node->due_ns;
	int64_t missed = late_ns > 0 ? late_ns / period_ns : 0;
	node->skipped += (uint64_t)missed;
	node->due_ns += (missed + 1) * period_ns;
	timer_set(node->world->loop, &node->tick, node->due_ns);
}

static void turn(struct timer *timer)
{
	struct node *node = container_of(timer, struct node, tick);
	struct clock *clock = node->world->clock;
	int64_t began_ns = clock_mono_ns(clock);

	observe(node);
	remember(node);
	acting_turn(node);
	probing_turn(node);
	noticing_turn(node);
	settle(node);

	node->ticks++;
	int64_t now_ns = clock_mono_ns(clock);
	node->last_tick_ns = now_ns - began_ns;
	plan_next_turn(node, now_ns);
	if (node->options.on_tick)
		node->options.on_tick(node->options.arg);
}

void tick_begin(struct node *node)
{
	node->tick.fn = turn;
	node->due_ns = clock_mono_ns(node->world->clock);
	timer_set(node->world->loop, &node->tick, node->due_ns);
}

void tick_again(struct node *node)
{
	node->due_ns = clock_mono_ns(node->world->clock) + node->conf.loop_tick_ns;
	timer_set(node->world->loop, &node->tick, node->due_ns);
}
