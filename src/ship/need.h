/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All chunks that a point needs, for the collection (repo/gc.h): the repository knows chunks and
 * points, and only this room what trees and maps name.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SHIP_NEED_H
#define EBB_SHIP_NEED_H

#include "repo/gc.h"

/* A gc_walk_fn. */
int need_walk(
	struct repo *repo, const struct point *point, gc_chunk_fn *fn, void *arg, struct why *why);

struct check_list;

/*
 * Leaves of a list what bringing back this one point takes: its words, its packs, and what the
 * repository is opened by. Of a point that cannot be followed to its end, what is known so far.
 */
int need_only(struct repo *repo, const struct point *point, struct check_list *list);

#endif
