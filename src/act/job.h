/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job as a step machine: the program `ebb` makes a point, then reads back what it wrote; each
 * step is in the ledger before it begins. The pace stands in a file that `ebb` reads each second.
 *
 * The loop's thread only.
 */
#ifndef EBB_ACT_JOB_H
#define EBB_ACT_JOB_H

#include <stdint.h>

#include "act/ledger.h"
#include "os/procs.h"

struct conf_protect;
struct why;
struct world;

/* What jobs need of the program they live in; all borrowed. */
struct job_home {
	struct world *world;
	struct ledger *ledger;
	const char *program;    /* the absolute path of ebb */
	const char *state;      /* the absolute path of the state folder */
	const char *const *env; /* of the children; NULL at the end */
};

struct act_job {
	struct job_home *home;
	const struct conf_protect *how;
	struct proc *proc; /* NULL: none is under way */
	struct proc_use use;
	uint64_t pace; /* bytes a second, as the file says; UINT64_MAX: nothing was written yet */
	struct ledger_job seen;
	/* It is over, and in the ledger; may begin another. */
	void (*on_end)(struct act_job *job, const struct ledger_job *seen);
};

/* Begins: `decided` is what the ledger is to say of it. 0, or why it cannot; nothing is under way
 * then. */
int job_begin(
	struct act_job *job, const struct ledger_job *decided, uint64_t pace, struct why *why);

/* From now on so many bytes a second; 0 pauses. */
void job_pace(struct act_job *job, uint64_t pace);

/* What the job used since the last call. */
struct proc_use job_use(struct act_job *job);

/* Ends it, which on_end tells later. */
void job_cancel(struct act_job *job);

/* Leaves it: its program is told to end, and its ledger that it is lost. */
void job_leave(struct act_job *job);

#endif
