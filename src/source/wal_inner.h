/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files about the WAL archive share. For this room only.
 *
 * One thread.
 */
#ifndef EBB_SOURCE_WAL_INNER_H
#define EBB_SOURCE_WAL_INNER_H

#include "source/wal.h"

enum { WAL_TEXT_MAX = 64 << 10 };

/* What a point calls its path: this, then the cluster. */
#define WAL_PATH "system "

/* A small text file of a point. Gives it, with a NUL behind it. */
int wal_read_text(struct repo *repo, const struct point *point, const char *path, char **ret_text,
	struct why *why);

/* The entry of a file; it points into the tree, which the caller ends. -ENOENT, -EINVAL. */
int wal_find(struct wal_archive *archive, const char *name, struct tree *ret_tree,
	struct tree_entry *ret_entry, struct why *why);

/*
 * Whether a file stays when segments before number `from` go. What no number can be told of stays,
 * as histories of timelines do.
 */
bool wal_is_kept(const struct tree_entry *entry, uint64_t from, uint32_t segment_size);

/* A new state of the archive without the files that do not stay. */
int wal_drop(struct wal_archive *archive, const struct wal_options *options, uint64_t from,
	struct why *why);

#endif
