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
	bool relied;  /* a writer named a chunk of it: see repo_rely() */
	bool retired; /* on its way out: of two places of a chunk the other is taken */
	bool bad;     /* damaged beyond parity: what is in it has to be stored again */
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
	VEC(struct object_id) retired; /* sorted; set before packs come */
};

void index_done(struct index *index);

/* False when the chunk is not known. */
bool index_find(
	const struct index *index, const struct digest *digest, struct index_entry *ret_entry);

/* Which packs are on their way out: for those that are added afterwards. 0 or -ENOMEM. */
int index_set_retired(struct index *index, const struct object_id *ids, size_t count);

/* Chunks are numbered from 0 without gaps; a number stays while nothing is moved. */
size_t index_count(const struct index *index);
bool index_find_number(
	const struct index *index, const struct digest *digest, uint32_t *ret_number);
struct index_entry index_at(const struct index *index, uint32_t number);

/* Gives a pack its number. 0 or -ENOMEM. */
int index_add_pack(struct index *index, const struct index_pack *pack, uint32_t *ret_number);

/*
 * Of two places of one chunk the later counts, unless it is in a retired pack and the older one is
 * not: what a collection copied to a better place is found there. 0 or -ENOMEM.
 */
int index_add(struct index *index, uint32_t pack, const struct pack_entry *entry);

/* An index object tells of at most so many chunks, but of one pack at least. */
enum { INDEX_OBJECT_ENTRIES = 32 << 10 };

/*
 * The body of an index object for the packs from number `first` on, as many as it may tell of; all
 * of them are told of when *ret_next is the number of packs. Gives the bytes.
 */
int index_put(const struct index *index, uint32_t first, uint8_t **ret_body, size_t *ret_len,
	uint32_t *ret_next);

/* Adds what an index object's body says. -EBADMSG leaves the index as it was. */
int index_get(struct index *index, const uint8_t *body, size_t len, struct why *why);

#endif
