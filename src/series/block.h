/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks: up to BLOCK_ROWS samples, or BLOCK_BUCKETS buckets, of one series as bytes, with a
 * checksum that counts only in their own store, file and place (docs/FORMATS.md, "Series"). No I/O.
 *
 * Any thread.
 */
#ifndef EBB_SERIES_BLOCK_H
#define EBB_SERIES_BLOCK_H

#include "series/bucket.h"
#include "series/ints.h"

enum {
	BLOCK_HEAD = 40,
	BLOCK_ROWS = COLUMN_MAX,
	BLOCK_BUCKETS = 256,
	BLOCK_MAX = 128 * 1024, /* bytes of a whole one, at most */
};

struct block {
	uint32_t series;
	uint32_t count;
	int64_t first, last; /* times of the first and last row */
	uint32_t length;     /* in bytes, the head included */
	enum series_level level;
};

/* What makes a checksum count only in this file of this store. */
uint64_t block_seed(const uint8_t *identity, uint64_t file);

/*
 * Write a whole block of BLOCK_MAX bytes' room, but for its checksum; rows are in order of time, at
 * least one and no more than fit. Give what the block says of itself.
 */
struct block block_put_samples(
	uint32_t series, const struct sample *rows, size_t count, uint8_t *bytes);
struct block block_put_buckets(uint32_t series, enum series_level level,
	const struct buckets *buckets, size_t from, size_t count, uint8_t *bytes);

/* Writes the checksum of a block that will stand at `offset`. */
void block_seal(uint8_t *bytes, size_t len, uint64_t seed, uint64_t offset);

/* Reads BLOCK_HEAD bytes. False: no block begins like this. */
bool block_head(const uint8_t *bytes, struct block *ret);

/* Whether these block->length bytes are what was written at `offset` of this file. */
bool block_whole(const struct block *block, const uint8_t *bytes, uint64_t seed, uint64_t offset);

/* Decode a whole block into block->count rows. False: damaged in spite of its checksum. */
bool block_samples(const struct block *block, const uint8_t *bytes, struct sample *ret);

/* Adds the rows. 0, -EBADMSG, -ENOMEM; then what was added so far stays. */
int block_buckets(const struct block *block, const uint8_t *bytes, struct buckets *ret);

#endif
