/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following points: every tree is loaded, every chunk that an entry names must be known and not
 * lost. A folder or list that was found whole in one point is passed over in the next.
 *
 * Calls block. One thread for each struct.
 */
#ifndef EBB_SHIP_FOLLOW_H
#define EBB_SHIP_FOLLOW_H

#include <stdint.h>

#include "base/str.h"
#include "ship/digests.h"

struct object_id;
struct repo;
struct tree_entry;

struct follow {
	/* set by the caller; borrowed */
	struct repo *repo;
	const struct digests *lost; /* chunks that are known, and cannot be read */
	void (*on_affected)(
		void *arg, const struct object_id *point, const char *path, const char *what);
	/* Each chunk that is missing; may be told more than once. NULL: not told. */
	void (*on_missing)(void *arg, const struct digest *digest, enum chunk_kind kind);
	void *arg;
	/* the walk's own */
	struct digests whole; /* folders and lists */
	const struct object_id *point;
	struct str path;
	uint64_t missing, affected; /* of all points so far */
	int depth;
};

/* True when the point has all that it needs. -ENOMEM, else 0. */
int follow_point(struct follow *f, const struct object_id *id, bool *ret_whole);

/* Whether every chunk of the entry's own content is there. */
int follow_content(struct follow *f, const struct tree_entry *entry, bool *ret_whole);

void follow_done(struct follow *f);

#endif
