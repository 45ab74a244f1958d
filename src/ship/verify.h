/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof that a repository holds what it says: objects are read back (repo/check.h), what is damaged
 * is made whole where parity or another copy allows, and points are followed to their last chunk,
 * so that what is lost is told by the names of files.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SHIP_VERIFY_H
#define EBB_SHIP_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "repo/check.h"

struct object_id;
struct repo;
struct why;

struct verify_options {
	const struct check_object *objects; /* in this order; NULL: all there are */
	size_t object_count;
	bool repair;
	/*
	 * Follow every point, and not only when something was lost. Without it chunks that no index
	 * knows are not noticed.
	 */
	bool follow;
	const struct object_id *only; /* follow this point alone; NULL: all */
	/* Another repository of the same keys, or a copy of this one; NULL: none. Borrowed. */
	struct repo *from;
	void (*on_trouble)(void *arg, const char *what);
	/* After each object; false ends the reading there. NULL: not told. */
	bool (*on_object)(void *arg, const struct check_object *object, enum check_state state);
	/* A file or folder of a point that cannot be restored as it was. NULL: not told. */
	void (*on_affected)(void *arg, const struct object_id *point, const char *path);
	void *arg;
};

struct verify_result {
	struct check_result check;
	uint64_t renewed;  /* of check.damaged, packs replaced by what is left of them */
	uint64_t fetched;  /* of check.lost, chunks that the other repository had */
	uint64_t points;   /* followed */
	uint64_t broken;   /* of them, those that miss something */
	uint64_t missing;  /* chunks that a point needs and no pack holds */
	uint64_t affected; /* files and folders of points that miss some of these */
};

/* 0 when it ran to its end; the result tells what it found. */
int verify_repo(struct repo *repo, const struct verify_options *options,
	struct verify_result *ret_result, struct why *why);

/* Nothing is damaged any more, and nothing is missing. */
bool verify_is_whole(const struct verify_result *result);

#endif
