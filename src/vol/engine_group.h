/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of several engines at one point of their common order of writes: each holds all that
 * was answered before that point, and nothing that was begun after it. All of them exist, or none,
 * whatever crashes: volume_group.h says how. New writes of all members wait until those under way
 * are done in each.
 *
 * The loop's thread only.
 */
#ifndef EBB_VOL_ENGINE_GROUP_H
#define EBB_VOL_ENGINE_GROUP_H

#include "vol/engine.h"
#include "vol/map.h"

struct engine_group;

struct engine_member {
	struct engine *engine; /* borrowed until done(), as its name is */
	/* the group's own */
	struct engine_group *group;
	struct engine_act act;
	bool held, told; /* its engine waits for the others; its act is over */
	int err;
	char name[VOL_NAME_MAX];
};

/* Lies in its owner's memory, untouched until done(); all engines are of one loop. */
struct engine_group {
	struct engine_member *members;
	size_t count;
	const char *name; /* of each snapshot; not "" */
	int64_t at_ns;
	uint64_t id; /* a number that was never used before, not 0 */
	/* `why` tells of errors, and is borrowed for the call. */
	void (*done)(struct engine_group *group, int err, const struct why *why);
	/* its own */
	size_t waits; /* acts that are not over */
	void (*next)(struct engine_group *group);
	int err; /* the first */
	struct why why;
};

/*
 * -EEXIST: one of them has a snapshot of that name; -EIO: one of them stopped, or does so now.
 * After an error the group exists nowhere, or waits for engine_group_settle() because an engine
 * stopped.
 */
void engine_group_cut(struct engine_group *group);

/*
 * After opening engines that may be of one group, with all that may be: what an unclean end left
 * half there becomes whole, or goes. Uses neither name nor id.
 */
void engine_group_settle(struct engine_group *group);

#endif
