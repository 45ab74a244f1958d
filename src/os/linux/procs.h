/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes by posix_spawn(3), watched through pidfds: a number that was given to another
 * process meanwhile is never hit.
 *
 * The loop's thread only. Nobody else in the program waits for children.
 */
#ifndef EBB_OS_LINUX_PROCS_H
#define EBB_OS_LINUX_PROCS_H

#include "os/procs.h"

struct linux_loop;
struct linux_proc;

struct linux_procs {
	struct procs base;
	struct linux_loop *loop; /* borrowed */
	struct linux_proc *first;
};

void linux_procs_init(struct linux_procs *procs, struct linux_loop *loop);

/* Every handle is closed by then; processes still running go on, unwatched. */
void linux_procs_done(struct linux_procs *procs);

#endif
