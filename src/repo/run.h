/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run: a file with places of chunks, sorted by digest, written once. So an index takes a few bits
 * of memory for each chunk and not its whole entry: a filter tells mostly which chunks are not
 * there, fences tell the block of 4 KiB in which one lies.
 *
 * A run is a cache of index objects and names them. Nothing in it is believed before its sum was
 * checked, and the sums are seeded with a secret of the repository, the run and the number of the
 * block: what is damaged, of another repository, or at another position is -EBADMSG.
 * docs/FORMATS-REPOSITORY.md, "The index on this machine".
 *
 * One thread for each struct.
 */
#ifndef EBB_REPO_RUN_H
#define EBB_REPO_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "chunk/digest.h"
#include "chunk/object.h"
#include "chunk/pack.h"
#include "repo/head.h"

struct file;

enum { RUN_BLOCK = 4096, RUN_GONE = UINT32_MAX };

/* Whose run it is. */
struct run_key {
	uint8_t secret[32];
	struct object_id repo;
};

struct run_entry {
	struct pack_entry at;
	uint32_t pack; /* number in the run's packs; without such a list, in those of the index */
	uint32_t number;
};

struct run_pack {
	struct object_id id;
	enum object_kind kind;
	uint32_t source; /* number in the run's sources, rising */
};

/* What the entries stem from. */
struct run_tables {
	VEC(struct head_index) sources;
	VEC(struct run_pack) packs;
};

void run_tables_done(struct run_tables *tables);

struct run {
	struct file *file;
	uint64_t seed;
	uint32_t count, blocks;
	uint64_t *fences; /* the first 8 bytes of each block's first digest */
	uint64_t *filter;
	uint32_t lines; /* of the filter */
	struct run_tables tables;
	uint32_t *map;  /* from its packs to those of the index, or RUN_GONE; NULL: the same */
	uint32_t first; /* added to the numbers of its entries */
	char name[40];  /* in its folder; "": it has none */
};

/* Closes the file; NULL is allowed. */
void run_free(struct run *run);

/* Opens what run_writer_finish() left in the file. Takes the file. Gives the run; -EBADMSG. */
int run_open(struct file *file, const struct run_key *key, struct run **ret_run);

/* Every place of the chunk in the run, one call each. 0, -EBADMSG, -EIO ... */
typedef void run_place_fn(void *arg, const struct run_entry *entry);
int run_look(struct run *run, const struct digest *digest, run_place_fn *fn, void *arg);

/* All entries in order. */
struct run_cursor {
	struct run *run;
	uint8_t *blocks;
	uint32_t at, first, loaded; /* the next entry; which blocks are in memory */
};

int run_cursor_init(struct run_cursor *cursor, struct run *run);
void run_cursor_done(struct run_cursor *cursor);

/* 1: an entry, 0: the end, or an error, after which the same entry may be asked for again. */
int run_cursor_next(struct run_cursor *cursor, struct run_entry *ret_entry);

struct run_writer;

/* Takes the file, which is empty and open both ways. At most `most` entries come. */
int run_writer_new(struct file *file, const struct run_key *key, const struct object_id *id,
	uint64_t most, struct run_writer **ret_writer);
void run_writer_free(struct run_writer *writer);

/* In the order of digests. */
int run_writer_add(struct run_writer *writer, const struct run_entry *entry);

/* Takes the tables, gives the run. The writer is only to be freed then. Nothing is synced. */
int run_writer_finish(struct run_writer *writer, struct run_tables *tables, struct run **ret_run);

#endif
