/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where every chunk of a repository lies: a table from digest to place, filled from index objects
 * or, when those are gone, from the directories of packs.
 *
 * One thread for each struct.
 */
#ifndef EBB_REPO_INDEX_H
#define EBB_REPO_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "chunk/digest.h"
#include "chunk/object.h"
#include "chunk/pack.h"

struct why;

struct index_pack {
	struct object_id id;
	enum object_kind kind;
	bool relied; /* a writer named a chunk of it: see repo_rely() */
};

struct index_entry {
	struct pack_entry at;
	uint32_t pack; /* number in packs */
};

/* All zero: empty. */
struct index {
	VEC(struct index_pack) packs;
	VEC(struct index_entry) entries;
	uint32_t *slots; /* entry number + 1; 0: free */
	size_t slot_count;
};

void index_done(struct index *index);

/* False when the chunk is not known. */
bool index_find(
	const struct index *index, const struct digest *digest, struct index_entry *ret_entry);

/* Gives a pack its number. 0 or -ENOMEM. */
int index_add_pack(struct index *index, const struct index_pack *pack, uint32_t *ret_number);

/* A chunk that is known already keeps its older place. 0 or -ENOMEM. */
int index_add(struct index *index, uint32_t pack, const struct pack_entry *entry);

/* The body of an index object for the packs from number `first` on. Gives the bytes. */
int index_put(const struct index *index, uint32_t first, uint8_t **ret_body, size_t *ret_len);

/* Adds what an index object's body says. -EBADMSG leaves the index as it was. */
int index_get(struct index *index, const uint8_t *body, size_t len, struct why *why);

#endif
