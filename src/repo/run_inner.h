/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a run's file, for the two files that write and read it.
 *
 * Any thread.
 */
#ifndef EBB_REPO_RUN_INNER_H
#define EBB_REPO_RUN_INNER_H

#include "base/bytes.h"
#include "base/hash.h"
#include "repo/run.h"

enum {
	RUN_VERSION = 1,
	RUN_ENTRY = 56,
	RUN_PER_BLOCK = 72,
	RUN_AT_COUNT = RUN_PER_BLOCK * RUN_ENTRY,
	RUN_AT_SUM = RUN_BLOCK - 8,
	RUN_SOURCE = 48,
	RUN_PACK = 21,
	RUN_LINE = 64, /* bytes of the filter that one digest touches */
	RUN_FOOT = 96,
	RUN_READ_AHEAD = 16, /* blocks */
};

#define RUN_MAGIC "EBBRUN\r\n"

/* Of all that comes from this run under this repository's keys. 0 or -EIO. */
int run_seed(const struct run_key *key, const struct object_id *id, uint64_t *ret_seed);

static inline uint64_t run_block_sum(uint64_t seed, uint32_t number, const uint8_t *block)
{
	return hash64(block, RUN_AT_SUM, hash_fold(seed, number));
}

static inline uint64_t run_tables_sum(uint64_t seed, const uint8_t *bytes, size_t len)
{
	return hash64(bytes, len, hash_fold(seed, UINT64_MAX));
}

static inline uint64_t run_prefix(const struct digest *digest)
{
	return __builtin_bswap64(get_le64(digest->b));
}

/* 8 bits for each entry. */
static inline uint32_t run_lines(uint64_t entries)
{
	return (uint32_t)(entries / RUN_LINE + 1);
}

/*
 * Six bits in one line of the filter. Digests are keyed: their bytes are as good as random. Sets
 * them, or tells whether all are set.
 */
static inline bool run_filter(
	uint64_t *filter, uint32_t lines, const struct digest *digest, bool set)
{
	uint64_t *line = filter + (size_t)((get_le64(digest->b + 8) >> 32) * lines >> 32) * 8;
	uint64_t bits = get_le64(digest->b + 16);
	bool all = true;
	for (int i = 0; i < 6; i++, bits >>= 9) {
		uint64_t bit = UINT64_C(1) << (bits & 63);
		uint64_t *word = &line[bits >> 6 & 7];
		all = all && (*word & bit);
		if (set)
			*word |= bit;
	}
	return all;
}

static inline uint64_t run_tables_size(
	uint32_t sources, uint32_t packs, uint32_t blocks, uint32_t lines)
{
	return (uint64_t)sources * RUN_SOURCE + (uint64_t)packs * RUN_PACK + (uint64_t)blocks * 8 +
		(uint64_t)lines * RUN_LINE;
}

#endif
