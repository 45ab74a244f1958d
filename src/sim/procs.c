/* SPDX-License-Identifier: Apache-2.0 */
/* Children that only take time. A handle and its child end apart: the last of both frees. */
#include "sim/procs.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "sim/parts.h"

enum { FIRST_PID = 1000 };

struct node_proc {
	struct proc base;
	struct node_procs *procs;
	struct node_proc *next, **at;
	pid_t pid;
	int status;     /* as waitpid() gives it */
	uint32_t event; /* of its end; 0: none is set */
	bool ended;     /* on_exit() was called */
	bool stubborn;
	bool closed;
	int64_t began_ns;
	uint64_t bytes_per_second;
};

static struct node_proc *of(struct proc *proc)
{
	return container_of(proc, struct node_proc, base);
}

static void proc_free(struct node_proc *proc)
{
	*proc->at = proc->next;
	if (proc->next)
		proc->next->at = proc->at;
	free(proc);
}

static pid_t node_proc_pid(struct proc *base)
{
	return of(base)->pid;
}

static int node_proc_signal(struct proc *base, int signal)
{
	struct node_proc *proc = of(base);
	struct sim_node *node = proc->procs->node;
	if (proc->ended || !node_alive(node))
		return -ESRCH;
	if (signal == 0 || (proc->stubborn && signal != SIGKILL))
		return 0;
	if (proc->event)
		event_cancel(node->sim, proc->event);
	proc->status = signal;
	int64_t at_ns = node->sim->now_ns + draw_delay(&node->rng, NS_PER_MS, NS_PER_SEC);
	proc->event = event_push(node->sim, node, EVENT_PROC, at_ns, proc);
	return 0;
}

static int node_proc_use(struct proc *base, struct proc_use *ret_use)
{
	struct node_proc *proc = of(base);
	if (proc->ended || !node_alive(proc->procs->node))
		return -ESRCH;
	uint64_t ms = (uint64_t)(proc->procs->node->sim->now_ns - proc->began_ns) / NS_PER_MS;
	uint64_t bytes = proc->bytes_per_second * ms / 1000;
	*ret_use = (struct proc_use){.asked_bytes = bytes, .read_bytes = bytes};
	return 0;
}

static void node_proc_close(struct proc *base)
{
	struct node_proc *proc = of(base);
	proc->closed = true;
	if (proc->ended || !node_alive(proc->procs->node))
		proc_free(proc);
}

static const struct proc_ops node_proc_ops = {
	.pid = node_proc_pid,
	.use = node_proc_use,
	.signal = node_proc_signal,
	.close = node_proc_close,
};

void proc_event(struct sim *sim, struct sim_node *node, void *what)
{
	struct node_proc *proc = what;
	(void)node;
	trace_fold(sim, (uint64_t)proc->pid << 32 | (uint32_t)proc->status);
	proc->event = 0;
	proc->ended = true;
	if (proc->closed)
		proc_free(proc);
	else
		proc->base.on_exit(&proc->base, proc->status);
}

static const struct sim_program *find_program(const struct sim *sim, const char *program)
{
	vec_each (known, &sim->programs)
		if (!strcmp(known->program, program))
			return known;
	return NULL;
}

static int may_start(
	struct sim_node *node, const char *program, int64_t *ret_delay_ns, struct why *why)
{
	struct verdict verdict = fault_ask(node, FAULT_PROC, FAULT_ANY_OP, program);
	if (!node_alive(node))
		return why_set(why, -ESHUTDOWN, "%s: the node is down", program);
	if (verdict.effect == FAULT_FAIL)
		return why_errno(why, (int)verdict.value, "start %s", program);
	*ret_delay_ns = verdict.effect == FAULT_DELAY ? verdict.value : 0;
	return 0;
}

static int node_start(
	struct procs *base, const struct proc_spec *spec, struct proc **ret_proc, struct why *why)
{
	struct node_procs *procs = container_of(base, struct node_procs, base);
	struct sim_node *node = procs->node;
	int64_t delay_ns;
	int err = may_start(node, spec->program, &delay_ns, why);
	if (err)
		return err;
	const struct sim_program *program = find_program(node->sim, spec->program);
	if (!program)
		return why_errno(why, -ENOENT, "start %s", spec->program);
	struct node_proc *proc = calloc(1, sizeof(*proc));
	if (!proc)
		return why_errno(why, -ENOMEM, "start %s", spec->program);
	proc->base.ops = &node_proc_ops;
	proc->procs = procs;
	proc->pid = procs->next_pid++;
	proc->status = program->code << 8;
	proc->stubborn = program->stubborn;
	proc->began_ns = node->sim->now_ns;
	proc->bytes_per_second = program->bytes_per_second;
	proc->next = procs->procs;
	proc->at = &procs->procs;
	if (proc->next)
		proc->next->at = &proc->next;
	procs->procs = proc;
	if (program->runs_ns >= 0) {
		int64_t runs_ns = program->runs_ns + delay_ns +
			(int64_t)rng_below(&node->rng, (uint64_t)program->jitter_ns + 1);
		proc->event = event_push(
			node->sim, node, EVENT_PROC, node->sim->now_ns + runs_ns, proc);
	}
	if (program->on_start)
		program->on_start(program->arg, node, spec);
	*ret_proc = &proc->base;
	return 0;
}

static const struct procs_ops node_procs_ops = {.start = node_start};

void node_procs_init(struct node_procs *procs, struct sim_node *node)
{
	*procs = (struct node_procs){
		.base.ops = &node_procs_ops, .node = node, .next_pid = FIRST_PID};
}

void node_procs_end_all(struct node_procs *procs)
{
	while (procs->procs)
		proc_free(procs->procs);
}

int sim_program_add(struct sim *sim, const struct sim_program *program)
{
	must(program->program && program->jitter_ns >= 0);
	vec_each (known, &sim->programs) {
		if (!strcmp(known->program, program->program)) {
			*known = *program;
			return 0;
		}
	}
	return vec_push(&sim->programs, *program);
}
