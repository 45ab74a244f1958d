/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a block whose checksum is right. What is decoded is in order and finite, and comes
 * back when it is written again.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "series/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t again[BLOCK_MAX];

static void try_samples(const struct block *block, const uint8_t *data)
{
	static struct sample rows[BLOCK_ROWS], twice[BLOCK_ROWS];
	if (!block_samples(block, data, rows))
		return;
	for (size_t i = 0; i < block->count; i++) {
		must(isfinite(rows[i].value) && (i == 0 || rows[i].ms > rows[i - 1].ms));
		rows[i].value += 0.0;
	}
	struct block copy = block_put_samples(block->series, rows, block->count, again);
	must(copy.first == block->first && copy.last == block->last);
	must(block_samples(&copy, again, twice));
	must(memcmp(rows, twice, block->count * sizeof(*rows)) == 0);
}

static void try_buckets(const struct block *block, const uint8_t *data)
{
	struct buckets rows = {0};
	if (block_buckets(block, data, &rows) == 0) {
		must(rows.rows.len == block->count);
		for (size_t i = 0; i < rows.rows.len; i++) {
			const struct bucket *row = &rows.rows.at[i];
			struct sketch sketch;
			must(row->low <= row->mean && row->mean <= row->high && row->count);
			must(!row->sketch_len ||
				sketch_unpack(rows.sketches.at + row->sketch_at, row->sketch_len,
					row, &sketch));
		}
	}
	buckets_done(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct block block;
	if (len < BLOCK_HEAD || len > BLOCK_MAX || !block_head(data, &block))
		return 0;
	/* The length is what there is: mutations that change it would teach nothing else. */
	block.length = (uint32_t)len;
	if (block.length == BLOCK_HEAD)
		return 0;
	if (block.level == LEVEL_RAW)
		try_samples(&block, data);
	else
		try_buckets(&block, data);
	return 0;
}
