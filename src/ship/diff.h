/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between two points of folders, or of other things that are kept as files. Only
 * folders whose digests differ are read: the cost grows with the change, not with the points.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SHIP_DIFF_H
#define EBB_SHIP_DIFF_H

#include <stddef.h>
#include <stdint.h>

struct digest;
struct point;
struct repo;
struct tree_entry;
struct why;

/* How an entry of both points differs. Where it lay on its file system does not count. */
enum {
	DIFF_TYPE = 1,
	DIFF_CONTENT = 2,
	DIFF_META = 4, /* owner, mode, time, attributes, target of a link, number of a device */
};

struct diff_change {
	const char *path; /* below the root; any bytes but NUL */
	size_t path_len;
	const struct tree_entry *before, *after; /* NULL: added, removed; borrowed for the call */
	unsigned how;                            /* DIFF_..., of one that is in both */
};

struct diff_options {
	const char *path; /* only at and beneath this one; NULL: everywhere */
	void (*on_change)(void *arg, const struct diff_change *change);
	void *arg;
};

struct diff_result {
	uint64_t added, removed, changed;
	uint64_t added_bytes, removed_bytes; /* sizes of files; a changed one counts in both */
	uint64_t folders;                    /* that were read, of both points together */
};

/* -ENOTSUP: a point is one of an image; -EBADMSG. */
int diff_points(struct repo *repo, const struct point *before, const struct point *after,
	const struct diff_options *options, struct diff_result *ret_result, struct why *why);

#endif
