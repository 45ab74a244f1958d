/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments: files of blocks, sorted by series and time, with an index behind them; written once,
 * put in place whole, never changed (docs/FORMATS.md, "Series").
 *
 * Calls block. One thread at a time for each struct.
 */
#ifndef EBB_SERIES_SEGMENT_H
#define EBB_SERIES_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "series/block.h"
#include "store/head.h"

struct disk;
struct file;
struct why;

#define SEGMENT_MAX (UINT64_C(1) << 36)

enum { SEGMENT_NAME = 128, SEGMENT_PAGE = 4096, SEGMENT_ENTRIES = 127, SEGMENT_FOOT = 64 };

/* What is remembered of a segment outside of it, by which it is known again. */
struct segment_facts {
	uint64_t number;
	uint64_t rank; /* who is believed where two say something of one time (store.c) */
	enum series_level level;
	bool rolled; /* of raw samples: the coarser levels have all that is in it */
	int64_t first, last;
	uint64_t size, blocks, rows;
	uint64_t checksum; /* of its foot */
};

/* Where segments are kept. */
struct segment_home {
	struct disk *disk; /* borrowed */
	const char *folder;
	uint8_t identity[IDENTITY_SIZE];
};

/* The file's name. */
int segment_name(const struct segment_home *home, uint64_t number, char name[SEGMENT_NAME]);

/* ---- writing ---- */

struct segment_writer;

/* Begins a segment: facts->number, rank, level and rolled are set. */
int segment_begin(const struct segment_home *home, const struct segment_facts *facts,
	struct segment_writer **ret_writer, struct why *why);

/* Adds a block that block_put_...() made in `bytes`; series, then times, go up. */
int segment_add(
	struct segment_writer *writer, const struct block *block, uint8_t *bytes, struct why *why);

uint64_t segment_blocks(const struct segment_writer *writer);

/*
 * Puts it in place, durably, with at least one block. Takes the writer whatever the answer;
 * -ENOSPC and -ENOMEM leave the disk as it was, after any other error it is not to be trusted.
 */
int segment_commit(struct segment_writer *writer, struct segment_facts *ret_facts, struct why *why);

/* Takes the writer and leaves nothing; NULL is allowed. */
void segment_abandon(struct segment_writer *writer);

/* ---- reading ---- */

/* Where a block lies. */
struct segment_entry {
	uint32_t series, length;
	uint64_t offset;
	int64_t first, last;
};

struct segment {
	struct segment_facts facts;
	struct file *file;
	uint64_t seed;
	uint64_t index; /* where the pages begin */
	uint32_t pages;
	uint32_t *fence; /* the first series of each page */
};

/* Opens what `facts` describes. -EBADMSG: damaged or another; -ENOTSUP: from a newer program. */
int segment_open(const struct segment_home *home, const struct segment_facts *facts,
	struct segment *ret, struct why *why);
void segment_close(struct segment *segment);

/* Walks a segment's index; the position lies in the page that is held. */
struct segment_cursor {
	const struct segment *segment; /* borrowed */
	uint32_t page, entry, entries;
	bool loaded;
	uint8_t bytes[SEGMENT_PAGE];
};

void segment_walk(const struct segment *segment, struct segment_cursor *ret);

/* To the first block of that series, or of one behind it. */
int segment_seek(struct segment_cursor *cursor, uint32_t series, struct why *why);

/* 1 and the entry under the cursor, which moves on; 0: there are no more. */
int segment_next(struct segment_cursor *cursor, struct segment_entry *ret, struct why *why);

/* The same, and the cursor stays. */
int segment_peek(struct segment_cursor *cursor, struct segment_entry *ret, struct why *why);

/* Reads a block into BLOCK_MAX bytes and checks it against its entry. */
int segment_read(const struct segment *segment, const struct segment_entry *entry,
	struct block *ret_block, uint8_t *bytes, struct why *why);

#endif
