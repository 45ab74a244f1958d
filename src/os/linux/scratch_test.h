/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For this room's tests: a folder of their own with a world in it, and a loop that gives up when a
 * test hangs.
 *
 * One thread.
 */
#ifndef EBB_OS_LINUX_SCRATCH_TEST_H
#define EBB_OS_LINUX_SCRATCH_TEST_H

#include "os/linux/world.h"
#include "os/loop.h"
#include "os/world.h"

struct scratch {
	char dir[64];
	char state[80]; /* the state folder, beneath dir */
	struct linux_world *lw;
	struct world *world;
	struct timer guard;
};

/* `options` may be NULL. The test fails when the world does not open. */
void scratch_open(struct scratch *scratch, const struct linux_options *options);

/* Removes the folder with all that is in it. */
void scratch_close(struct scratch *scratch);

/* Until loop_stop(); the program aborts when that does not come within a minute. */
void scratch_run(struct scratch *scratch);

/* A name beneath scratch->dir, in `path`. Returns `path`. */
const char *scratch_path(struct scratch *scratch, const char *name, char path[128]);

#endif
