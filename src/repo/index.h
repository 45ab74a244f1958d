/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where every chunk of a repository lies: from digest to place, filled from index objects or, when
 * those are gone, from the directories of packs.
 *
 * What is added stands in a table in memory. An index that has a disk moves it to runs (run.h) when
 * it is large, and may begin with runs of earlier times: then a chunk may have several places, in
 * runs and in the table. Which of them counts is decided when it is asked for, by one rule: the one
 * in the pack added last, unless that is retired and another is not. What a collection copied to a
 * better place is so found there.
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

struct index_disk;
struct why;

struct index_pack {
	struct object_id id;
	enum object_kind kind;
	uint64_t length; /* of the object at the place; 0: its index does not tell */
	bool relied;     /* a writer named a chunk of it: see repo_rely() */
	bool retired;    /* on its way out: of two places of a chunk the other is taken */
	bool bad;        /* damaged beyond parity: what is in it has to be stored again */
};

struct index_entry {
	struct pack_entry at;
	uint32_t pack; /* number in packs */
};

/* All zero: empty, and all in memory. */
struct index {
	VEC(struct index_pack) packs;
	VEC(struct index_entry) entries; /* the table; all there is, without a disk */
	uint32_t *slots;                 /* entry number + 1; 0: free */
	size_t slot_count;
	VEC(struct object_id) retired; /* sorted; set before packs come */
	struct index_disk *disk;       /* borrowed; its runs are the index's */
};

/* The disk has no runs then. */
void index_done(struct index *index);

/* 1, 0 when the chunk is not known, or an error of the disk: never where there is none. */
int index_find(
	const struct index *index, const struct digest *digest, struct index_entry *ret_entry);

/* Which packs are on their way out: for those that are added afterwards. 0 or -ENOMEM. */
int index_set_retired(struct index *index, const struct object_id *ids, size_t count);

/* Chunks have numbers below this one, which stay, whatever is added; some stand for no chunk. */
size_t index_count(const struct index *index);
int index_find_number(const struct index *index, const struct digest *digest, uint32_t *ret_number);

/* Each chunk once, in no order that means something. Not 0 ends the walk and is its result. */
typedef int index_walk_fn(void *arg, uint32_t number, const struct index_entry *entry);
int index_walk(const struct index *index, index_walk_fn *fn, void *arg);

/* Gives a pack its number. 0 or -ENOMEM. */
int index_add_pack(struct index *index, const struct index_pack *pack, uint32_t *ret_number);

int index_add(struct index *index, uint32_t pack, const struct pack_entry *entry);

/* Room for so many more. 0 or -ENOMEM. */
int index_reserve(struct index *index, size_t packs, size_t entries);

/* Whether the table has as many as it should, and there is a disk. */
bool index_is_heavy(const struct index *index);

/*
 * Moves the table to a run: index_put() does not tell of it any more. A disk that takes nothing is
 * no error; -ENOMEM.
 */
int index_spill(struct index *index);

/* An index object tells of at most so many chunks, but of one pack at least. */
enum { INDEX_OBJECT_ENTRIES = 32 << 10 };

/*
 * The body of an index object, of version 2 when a length of its packs is known, for the packs from
 * number `first` on, as many as it may tell of; all of them are told of when *ret_next is the
 * number of packs. Gives the bytes.
 */
int index_put(const struct index *index, uint32_t first, uint8_t **ret_body, size_t *ret_len,
	uint32_t *ret_next);

/* Adds what an index object's body says. -EBADMSG leaves the index as it was. */
int index_get(struct index *index, const uint8_t *body, size_t len, struct why *why);

#endif
