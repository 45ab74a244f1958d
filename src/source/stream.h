/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of bytes as a recovery point: what a program writes, or what comes in on standard input.
 * The point holds one file with the stream's name; its chunks are shared with every other content.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SOURCE_STREAM_H
#define EBB_SOURCE_STREAM_H

#include <stdint.h>

#include "ship/progress.h"

struct clock;
struct file;
struct pace;
struct point;
struct repo;
struct tree_entry;
struct why;

struct stream_options {
	const char *name; /* "db.sql", "db/monday.sql": the last component names the file */
	const char *from; /* what the point tells as its path: "-", or the program */
	const char *host, *writer;
	uint32_t uid, gid; /* of the file */
	/* At the stream's end, before anything exists: an error, and no point is made. May be NULL.
	 */
	int (*on_end)(void *end_arg, struct why *why);
	void *end_arg;
	struct pace *pace;               /* of reading the stream; borrowed, NULL: none */
	backup_progress_fn *on_progress; /* may be NULL */
	void *arg;
};

/* Reads the stream to its end and commits. An error: no point exists. */
int stream_backup(struct repo *repo, struct clock *clock, struct file *stream,
	const struct stream_options *options, struct point *ret_point, struct why *why);

/*
 * The content of one file of a point, checked chunk by chunk, to `to` from its start on. `path` may
 * be NULL for a point that holds nothing but one file. -ENOENT, -EISDIR, -EBADMSG.
 */
int stream_restore(struct repo *repo, const struct point *point, const char *path, struct file *to,
	uint64_t *ret_bytes, struct why *why);

/* The same of an entry that was found already. */
int stream_restore_entry(struct repo *repo, const struct tree_entry *entry, struct file *to,
	uint64_t *ret_bytes, struct why *why);

#endif
