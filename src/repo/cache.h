/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The indexes that the newest head names, read with the help of what this machine kept of them: the
 * runs in the cache folder. For this room only.
 *
 * Runs are found by their names and tell themselves which index objects they hold, by id and sum.
 * What the head does not name is left out of them; what none of them holds is read from the place,
 * and kept when it is much. Files are written under another name and renamed when they are whole;
 * nothing is synced, since nothing is believed unchecked. Other processes may do the same in the
 * same folder: what two of them made is used once.
 *
 * One thread for each repository.
 */
#ifndef EBB_REPO_CACHE_H
#define EBB_REPO_CACHE_H

#include "repo/inner.h"

/* Fills repo->index, which is empty but for its retired packs. */
int cache_read_indexes(struct repo *repo, struct why *why);

/* Before the first cache_read_indexes(): whether, and where, runs are kept. */
void cache_begin(struct repo *repo);

/*
 * Adds a pack that no index object tells of. A long run has its packs told of now and then, by
 * index objects that its head will name, so that they need no memory.
 */
int cache_add_pack(struct repo *repo, const struct index_pack *pack,
	const struct pack_entry *entries, size_t count, struct why *why);

/* Index objects for all packs that none tells of. Adds them, and those of cache_add_pack(). */
int cache_tell_packs(struct repo *repo, head_indexes_t *ret_indexes, struct why *why);

/* A head names all of them. */
void cache_all_told(struct repo *repo);

#endif
