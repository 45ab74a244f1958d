/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recovery point back into a folder. A file appears under its name only when all of it was read,
 * checked and made durable; what cannot be restored is told and counted, and the rest goes on.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SHIP_RESTORE_H
#define EBB_SHIP_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

struct files;
struct point;
struct repo;
struct why;

struct restore_result;

struct restore_options {
	/* Absolute; an existing folder. One that is empty takes what the saved folder itself was.
	 */
	const char *target;
	const char *only; /* a path below the root, NULL for everything */
	bool no_owner;    /* leave owners as they fall: for those who are not root */
	bool in_place; /* the target takes what the saved folder itself was, also when not empty */
	bool delete;   /* remove what is in the target's folders and not in the point */
	void (*on_trouble)(void *arg, const char *path, const char *what);
	/* Called often, with what was done so far; NULL: not. */
	void (*on_progress)(void *arg, const struct restore_result *now, const char *path);
	void *arg;
};

struct restore_result {
	uint64_t entries, bytes;   /* met; bytes that were written */
	uint64_t kept, kept_bytes; /* files that were right already */
	uint64_t deleted;
	uint64_t failed; /* entries that are not there, or not as they were */
};

/* 0 when it ran to its end: result->failed tells how well. -ENOENT: `only` is not in the point. */
int restore_dir(struct repo *repo, struct files *files, const struct point *point,
	const struct restore_options *options, struct restore_result *ret_result, struct why *why);

#endif
