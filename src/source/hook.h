/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of the administrator before and after a backup: to freeze, to take a snapshot, to thaw.
 * A path and arguments, never a shell; what it is about stands in its environment:
 *
 *     EBB_PHASE      before or after
 *     EBB_RESOURCE   what is saved: dir/srv/www
 *     EBB_PATH       the path that is read, "" when there is none
 *     EBB_EXIT       after: the code with which the backup ended
 *     EBB_POINT      after: the point that was made, "" for none
 *
 * One thread.
 */
#ifndef EBB_SOURCE_HOOK_H
#define EBB_SOURCE_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "chunk/object.h"

struct programs;
struct why;

/* Words that a hook's program may get besides its own name. */
enum { HOOK_ARGUMENTS = 32 };

struct hook {
	const char *words[HOOK_ARGUMENTS + 2]; /* words[0] is its absolute path; NULL at the end */
};

struct hook_facts {
	bool after;
	const char *resource, *path;
	int exit_code;                  /* after */
	const struct object_id *point;  /* NULL: none was made */
	int64_t limit_ns;               /* how long it may take */
	const char *const *environment; /* of ours, which it gets too */
};

/* 0, or negative errno: it could not be started, failed, or took too long and was ended. */
int hook_run(struct programs *programs, const struct hook *hook, const struct hook_facts *facts,
	struct why *why);

#endif
