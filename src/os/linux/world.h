/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real world: every ops table of os/ on Linux, made in one call for one state folder. Nothing
 * is shared between two worlds of one process.
 *
 * One thread, which is the loop's, for each world.
 */
#ifndef EBB_OS_LINUX_WORLD_H
#define EBB_OS_LINUX_WORLD_H

#include <stdbool.h>

struct linux_world;
struct why;
struct world;

/* All zero is a good choice. */
struct linux_options {
	unsigned workers; /* threads for tasks; 0: one for each CPU, 2 to 16 of them */
	bool no_uring;    /* file I/O on threads even where io_uring can be had */
};

/*
 * Makes the state folder when only its last component is missing. Gives the world; borrows nothing.
 * 0, or negative errno with the reason.
 */
int linux_world_open(const char *state_dir, const struct linux_options *options,
	struct linux_world **ret_world, struct why *why);

/* Borrowed from it. */
struct world *linux_world(struct linux_world *world);

/* Runs the loop until loop_stop(). May be called again. */
void linux_run(struct linux_world *world);

/*
 * Takes the world; NULL is allowed. Its streams, listeners, signals and handles of processes are
 * closed before. Waits for what its threads and the kernel hold: done() of tasks and requests still
 * in flight is not called, and their memory belongs to their owners again. Files may be closed
 * later, processes go on.
 */
void linux_world_close(struct linux_world *world);

#endif
