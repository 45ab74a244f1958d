/* SPDX-License-Identifier: Apache-2.0 */
/* Time: takes one event after the other and runs it on its node. */
#include "sim/sim.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/must.h"
#include "sim/parts.h"

typedef void event_fn(struct sim *sim, struct sim_node *node, void *what);

static event_fn *const event_fns[EVENT_KINDS] = {
	[EVENT_TIMER] = timer_event,
	[EVENT_TASK_WORK] = task_work_event,
	[EVENT_TASK_DONE] = task_done_event,
	[EVENT_AIO] = aio_event,
	[EVENT_PROC] = proc_event,
	[EVENT_ACCEPT] = accept_event,
	[EVENT_READY] = ready_event,
	[EVENT_WIRE] = wire_event,
};

void seed_rng(const struct sim *sim, struct rng *rng, enum dice_use use, uint64_t number)
{
	rng_seed(rng, hash_fold(hash_fold(sim->seed, use), number));
}

void trace_fold(struct sim *sim, uint64_t value)
{
	sim->trace = hash_fold(sim->trace, value);
}

struct sim *sim_new(uint64_t seed)
{
	struct sim *sim = calloc(1, sizeof(*sim));
	if (!sim)
		return NULL;
	sim->seed = seed;
	seed_rng(sim, &sim->rng, USE_SCRIPT, 0);
	seed_rng(sim, &sim->weather, USE_WEATHER, 0);
	seed_rng(sim, &sim->chance, USE_FAULTS, 0);
	sim_loop_init(&sim->script, sim, NULL);
	return sim;
}

void sim_free(struct sim *sim)
{
	if (!sim)
		return;
	vec_each (node, &sim->nodes)
		sim_node_kill(*node);
	vec_each (node, &sim->nodes)
		node_free(*node);
	wires_free(sim); /* connections that nobody held any more and that had not arrived */
	vec_done(&sim->nodes);
	vec_done(&sim->rules);
	vec_done(&sim->programs);
	queue_done(&sim->queue);
	free(sim);
}

int64_t sim_now(const struct sim *sim)
{
	return sim->now_ns;
}

uint64_t sim_events(const struct sim *sim)
{
	return sim->events;
}

uint64_t sim_trace(const struct sim *sim)
{
	return sim->trace;
}

void sim_note(struct sim *sim, uint64_t value)
{
	trace_fold(sim, value);
}

struct rng *sim_rng(struct sim *sim)
{
	return &sim->rng;
}

struct loop *sim_script(struct sim *sim)
{
	return &sim->script.base;
}

uint32_t event_push(struct sim *sim, const struct sim_node *node, enum event_kind kind,
	int64_t at_ns, void *what)
{
	uint32_t handle, tag = (node ? node->number : 0) << 8 | kind;
	if (at_ns <= sim->now_ns)
		at_ns = sim->now_ns + TURN_NS;
	if (at_ns == INT64_MAX)
		at_ns--;
	must(queue_push(&sim->queue, at_ns, tag, what, &handle) == 0);
	return handle;
}

void event_cancel(struct sim *sim, uint32_t handle)
{
	queue_cancel(&sim->queue, handle);
}

int64_t draw_delay(struct rng *rng, int64_t usual_ns, int64_t rare_ns)
{
	int64_t most = rng_below(rng, 64) ? usual_ns : rare_ns;
	return 1 + (int64_t)rng_below(rng, (uint64_t)most);
}

/* Nodes that died by a rule while their code was on the stack. */
static void bury_dying(struct sim *sim)
{
	vec_each (node, &sim->nodes)
		if ((*node)->state == NODE_DYING)
			node_bury(*node);
}

static bool step(struct sim *sim, int64_t until_ns)
{
	struct queue_event event;
	struct sim_node *node;
	must(!sim->running); /* not from inside an event of a node */
	for (;;) {
		if (sim->dying)
			bury_dying(sim);
		if (!queue_pop(&sim->queue, until_ns, &event))
			return false;
		must(event.at_ns >= sim->now_ns);
		sim->now_ns = event.at_ns;
		node = event.tag >> 8 ? sim->nodes.at[(event.tag >> 8) - 1] : NULL;
		if (!node || node->paused_until_ns <= sim->now_ns)
			break;
		/* Put off, with the handle that its owner knows. */
		uint32_t handle;
		must(queue_push(&sim->queue, node->paused_until_ns, event.tag, event.what,
			     &handle) == 0 &&
			handle == event.handle);
	}
	sim->events++;
	trace_fold(sim, (uint64_t)event.at_ns);
	trace_fold(sim, event.tag);
	sim->running = node;
	event_fns[event.tag & 255](sim, node, event.what);
	sim->running = NULL;
	if (sim->dying)
		bury_dying(sim);
	return true;
}

bool sim_step(struct sim *sim)
{
	return step(sim, INT64_MAX);
}

void sim_run(struct sim *sim, int64_t until_ns)
{
	sim->script.stopped = false;
	while (step(sim, until_ns)) {
		if (sim->script.stopped)
			return;
	}
	if (until_ns > sim->now_ns)
		sim->now_ns = until_ns;
}
