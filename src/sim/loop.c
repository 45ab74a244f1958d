/* SPDX-License-Identifier: Apache-2.0 */
/* Loops in virtual time: a node's timers follow its own clock, the script's the true one. */
#include <errno.h>

#include "base/container.h"
#include "base/units.h"
#include "sim/parts.h"

enum { TASKS_MAX = 64 };

static struct sim_loop *of(struct loop *loop)
{
	return container_of(loop, struct sim_loop, base);
}

static struct sim_loop *loop_of(struct sim *sim, struct sim_node *node)
{
	return node ? &node->loop : &sim->script;
}

/* A timer of a life that is over may still hold a handle, which others have by now. */
static void sim_timer_cancel(struct loop *base, struct timer *timer)
{
	struct sim *sim = of(base)->sim;
	if (timer->place && queue_holds(&sim->queue, (uint32_t)timer->place, timer))
		event_cancel(sim, (uint32_t)timer->place);
	timer->place = 0;
}

static void sim_timer_set(struct loop *base, struct timer *timer, int64_t at_ns)
{
	struct sim_loop *loop = of(base);
	sim_timer_cancel(base, timer);
	if (loop->node && !node_alive(loop->node))
		return;
	timer->at_ns = at_ns;
	timer->order = loop->order++;
	int64_t true_ns = loop->node ? node_clock_when(&loop->node->clock, at_ns) : at_ns;
	timer->place = event_push(loop->sim, loop->node, EVENT_TIMER, true_ns, timer);
}

void timer_event(struct sim *sim, struct sim_node *node, void *what)
{
	struct timer *timer = what;
	timer->place = 0;
	trace_fold(sim, timer->order);
	if (node) {
		fault_ask(node, FAULT_TIMER, FAULT_ANY_OP, "");
		if (!node_alive(node))
			return;
	}
	timer->fn(timer);
}

/* Ends of tasks come in another order than their starts, because each draws its own times. */
static int64_t task_moment(struct sim *sim, struct sim_node *node)
{
	struct rng *rng = node ? &node->rng : &sim->rng;
	return sim->now_ns + draw_delay(rng, 200 * NS_PER_US, 50 * NS_PER_MS);
}

static int sim_task_start(struct loop *base, struct task *task)
{
	struct sim_loop *loop = of(base);
	int64_t delay_ns = 0;
	if (loop->tasks == TASKS_MAX)
		return -EAGAIN;
	if (loop->node) {
		struct verdict verdict = fault_ask(loop->node, FAULT_TASK, FAULT_ANY_OP, "");
		if (!node_alive(loop->node))
			return -EAGAIN;
		if (verdict.effect == FAULT_FAIL)
			return (int)verdict.value;
		if (verdict.effect == FAULT_DELAY)
			delay_ns = verdict.value;
	}
	int64_t at_ns = task_moment(loop->sim, loop->node) + delay_ns;
	event_push(loop->sim, loop->node, EVENT_TASK_WORK, at_ns, task);
	loop->tasks++;
	return 0;
}

void task_work_event(struct sim *sim, struct sim_node *node, void *what)
{
	struct task *task = what;
	task->work(task);
	if (node && !node_alive(node))
		return;
	event_push(sim, node, EVENT_TASK_DONE, task_moment(sim, node), task);
}

void task_done_event(struct sim *sim, struct sim_node *node, void *what)
{
	struct task *task = what;
	loop_of(sim, node)->tasks--;
	task->done(task);
}

static void sim_loop_stop(struct loop *base)
{
	of(base)->stopped = true;
}

static const struct loop_ops sim_loop_ops = {
	.timer_set = sim_timer_set,
	.timer_cancel = sim_timer_cancel,
	.task_start = sim_task_start,
	.stop = sim_loop_stop,
};

void sim_loop_init(struct sim_loop *loop, struct sim *sim, struct sim_node *node)
{
	*loop = (struct sim_loop){.base.ops = &sim_loop_ops, .sim = sim, .node = node};
}
