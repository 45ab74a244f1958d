/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One node: its world, and its lives.
 *
 *	UP -- node_die() --> DYING -- node_bury() --> DOWN -- sim_node_restart() --> UP
 *
 * 1. Only a node that is UP has events in the queue.
 * 2. DYING lasts at most to the end of the event in which the node died.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/units.h"
#include "sim/disk.h"
#include "sim/parts.h"

static bool name_ok(const char *name)
{
	size_t len = strlen(name);
	return len && len < SIM_NAME &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* The parts whose state ends with a life. */
static void begin_life(struct sim_node *node)
{
	node->state = NODE_UP;
	node->end = END_NONE;
	node->life++;
	node->paused_until_ns = 0;
	sim_loop_init(&node->loop, node->sim, node);
	node_disk_init(&node->disk, node);
	node_aio_init(&node->aio, node);
}

static void boot(struct sim_node *node, int64_t wall_ns, int32_t ppm)
{
	int64_t mono_ns = (int64_t)rng_below(&node->rng, (uint64_t)(30 * NS_PER_SEC));
	node_clock_set(&node->clock, mono_ns, wall_ns, ppm);
	node_host_boot(&node->host);
}

static void wire_world(struct sim_node *node)
{
	node->world = (struct world){
		.clock = &node->clock.base,
		.dice = &node->dice.base,
		.loop = &node->loop.base,
		.disk = &node->disk.base,
		.aio = &node->aio.base,
		.net = &node->net.base,
		.procs = &node->procs.base,
		.host = &node->host.base,
	};
}

static int node_make(struct sim *sim, const char *name, struct sim_node *node)
{
	node->sim = sim;
	node->number = (uint32_t)sim->nodes.len + 1;
	memcpy(node->name, name, strlen(name));
	seed_rng(sim, &node->rng, USE_NODE, node->number);
	node->stored = sim_disk_new();
	if (!node->stored)
		return -ENOMEM;
	node_clock_init(&node->clock, sim);
	node_dice_init(&node->dice, node);
	node_net_init(&node->net, node);
	node_procs_init(&node->procs, node);
	node_host_init(&node->host, node);
	begin_life(node);
	/* Clocks as unsynchronised machines have them: half a second and 50 ppm astray. */
	int64_t astray_ns = (int64_t)rng_below(&node->rng, (uint64_t)NS_PER_SEC) - NS_PER_SEC / 2;
	int32_t ppm = (int32_t)rng_below(&node->rng, 101) - 50;
	boot(node, SIM_WALL_START_NS + sim->now_ns + astray_ns, ppm);
	wire_world(node);
	return node_net_link_all(node);
}

int sim_node_new(struct sim *sim, const char *name, struct sim_node **ret_node)
{
	if (!name_ok(name))
		return -EINVAL;
	vec_each (other, &sim->nodes)
		if (!strcmp((*other)->name, name))
			return -EEXIST;
	if (sim->nodes.len == SIM_NODES)
		return -ENOSPC;
	struct sim_node *node = calloc(1, sizeof(*node));
	if (!node)
		return -ENOMEM;
	int err = vec_reserve(&sim->nodes, sim->nodes.len + 1);
	if (!err)
		err = node_make(sim, name, node);
	if (err) {
		node_free(node);
		return err;
	}
	must(vec_push(&sim->nodes, node) == 0);
	*ret_node = node;
	return 0;
}

void node_free(struct sim_node *node)
{
	node_net_done(&node->net);
	sim_disk_free(node->stored);
	free(node);
}

const char *sim_node_name(const struct sim_node *node)
{
	return node->name;
}

bool sim_node_up(const struct sim_node *node)
{
	return node_alive(node);
}

struct world *sim_node_world(struct sim_node *node)
{
	return &node->world;
}

struct sim_disk *sim_node_disk(struct sim_node *node)
{
	return node->stored;
}

void sim_node_on_death(struct sim_node *node, sim_death_fn *fn, void *arg)
{
	node->on_death = fn;
	node->on_death_arg = arg;
}

bool sim_node_stopped(const struct sim_node *node)
{
	return node->loop.stopped;
}

void node_die(struct sim_node *node, enum node_end end)
{
	if (node->state != NODE_UP)
		return;
	node->state = NODE_DYING;
	node->end = end;
	node->sim->dying++;
	trace_fold(node->sim, node->number << 8 | end);
}

static bool not_on_node(void *arg, struct queue_event *event)
{
	const struct sim_node *node = arg;
	return event->tag >> 8 != node->number;
}

void node_bury(struct sim_node *node)
{
	must(node->state == NODE_DYING);
	node->sim->dying--;
	node->state = NODE_DOWN;
	queue_sweep(&node->sim->queue, not_on_node, node);
	if (node->on_death)
		node->on_death(node->on_death_arg, node);
	node_net_end_all(&node->net);
	node_procs_end_all(&node->procs);
	node_disk_close_all(&node->disk);
}

static void end(struct sim_node *node, enum node_end end)
{
	node_die(node, end);
	if (node->state == NODE_DYING && node->sim->running != node)
		node_bury(node);
}

void sim_node_kill(struct sim_node *node)
{
	end(node, END_KILL);
}

void sim_node_crash(struct sim_node *node)
{
	end(node, END_CRASH);
}

static uint64_t choose(void *arg, enum sim_thing thing, uint64_t options)
{
	(void)thing;
	return rng_below(arg, options);
}

/* What was pending when the power went is decided now. */
static int crash_disk(struct sim_node *node)
{
	struct sim_disk *left = sim_disk_new();
	if (!left)
		return -ENOMEM;
	int err = sim_disk_crash(node->stored, choose, &node->rng, left);
	if (err) {
		sim_disk_free(left);
		return err;
	}
	sim_disk_free(node->stored);
	node->stored = left;
	return 0;
}

int sim_node_restart(struct sim_node *node)
{
	if (node->state == NODE_DYING && node->sim->running != node)
		node_bury(node);
	must(node->state == NODE_DOWN);
	if (node->end == END_CRASH) {
		int err = crash_disk(node);
		if (err)
			return err;
		boot(node, clock_wall_ns(&node->clock.base), node->clock.ppm);
	}
	begin_life(node);
	trace_fold(node->sim, node->number << 8 | 255);
	return 0;
}

void sim_node_pause(struct sim_node *node, int64_t until_ns)
{
	if (node_alive(node) && until_ns > node->paused_until_ns)
		node->paused_until_ns = until_ns;
}

void sim_node_jump(struct sim_node *node, int64_t by_ns)
{
	struct clock *clock = &node->clock.base;
	node_clock_set(
		&node->clock, clock_mono_ns(clock), clock_wall_ns(clock) + by_ns, node->clock.ppm);
}

/* The node's timers follow its clock; they know the moment that they were set for. */
static bool retime(void *arg, struct queue_event *event)
{
	const struct sim_node *node = arg;
	if (event->tag != (node->number << 8 | EVENT_TIMER))
		return true;
	const struct timer *timer = event->what;
	int64_t at_ns = node_clock_when(&node->clock, timer->at_ns);
	int64_t soonest_ns = node->sim->now_ns + TURN_NS;
	event->at_ns = at_ns < soonest_ns ? soonest_ns : at_ns < INT64_MAX ? at_ns : INT64_MAX - 1;
	return true;
}

void sim_node_drift(struct sim_node *node, int32_t ppm)
{
	struct clock *clock = &node->clock.base;
	node_clock_set(&node->clock, clock_mono_ns(clock), clock_wall_ns(clock), ppm);
	queue_sweep(&node->sim->queue, retime, node);
}
