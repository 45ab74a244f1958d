/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store's crash scenarios have in common: the program around them, and processes that are
 * killed. For tests only; one thread.
 *
 * A scenario of the store lives twice. In its first life the process may be killed before its nth
 * change of the disk (what it wrote stays, nothing is synced), or meet a fault that the explorer
 * injects; in the second it opens what it finds, holds that for promised, and goes on.
 *
 * usage: crash_x_test                      explores all cases; a violation fails
 *        crash_x_test --thorough           the same, ended at every change
 *        crash_x_test --planted CASE...    explores these; passes only when one is violated
 *        crash_x_test --repeat CASE WHAT KILL HALF
 */
#ifndef EBB_STORE_CRASH_TEST_H
#define EBB_STORE_CRASH_TEST_H

#include <stdbool.h>
#include <stddef.h>

#include "os/disk.h"
#include "os/world.h"
#include "sim/explore.h"

struct crash_case {
	const struct scenario *scenario;
	struct explore_options options;
	struct explore_options killed; /* for the explorations with a killed process */
	unsigned
		kills; /* explored once more for each so-manieth change that is not made; 0: none */
	bool for_planted; /* explored only where a planted bug is looked for */
};

int crash_main(int argc, char **argv, const struct crash_case *cases, size_t count);

/* The world of one life. */
struct life {
	struct world world; /* as the explorer's, but for the disk */
	struct disk disk;
	struct disk *real;
	unsigned changes; /* so far */
	unsigned kill_at; /* this change and all after it do not happen; 0: never */
	unsigned half;    /* of that one, when it is a long write: 1 or 2; 0: none */
	bool killed;
};

/* The first life is killed where crash_main() says, later ones are not. */
void life_begin(struct life *life, const struct world *world, unsigned number);

/* Seeds a content that tells which step of which life wrote it. */
void crash_content(unsigned char *bytes, size_t len, unsigned step, unsigned life);

#endif
