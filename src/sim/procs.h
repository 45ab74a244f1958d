/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that simulated nodes can start: nothing runs, a script says how long it takes and how it
 * ends.
 *
 * One thread.
 */
#ifndef EBB_SIM_PROCS_H
#define EBB_SIM_PROCS_H

#include <stdbool.h>
#include <stdint.h>

struct proc_spec;
struct sim;
struct sim_node;

struct sim_program {
	const char *program;        /* absolute path, as procs_start() is asked for it; borrowed */
	int64_t runs_ns, jitter_ns; /* ends after runs + 0 .. jitter; runs < 0: only by a signal */
	uint8_t code;               /* its exit code */
	bool stubborn;              /* only SIGKILL ends it */
	uint64_t bytes_per_second;  /* that it moves, all of them to or from a device */
	/* Called when it is started, may be NULL: what a test wants to see of the arguments. */
	void (*on_start)(void *arg, struct sim_node *node, const struct proc_spec *spec);
	void *arg;
};

/* A program of this name is replaced; those that run go on as they began. 0 or -ENOMEM. */
int sim_program_add(struct sim *sim, const struct sim_program *program);

#endif
