/* SPDX-License-Identifier: Apache-2.0 */
/* Runs as they are read: opened by their end, then block by block, each checked. */
#include "repo/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "chunk/keys.h"
#include "os/disk.h"
#include "repo/fields.h"
#include "repo/run_inner.h"

int run_seed(const struct run_key *key, const struct object_id *id, uint64_t *ret_seed)
{
	uint8_t salt[2 * sizeof(id->b)], derived[32];
	memcpy(salt, key->repo.b, sizeof(id->b));
	memcpy(salt + sizeof(id->b), id->b, sizeof(id->b));
	int err = key_derive(
		key->secret, sizeof(key->secret), salt, sizeof(salt), "ebb index run 1", derived);
	*ret_seed = get_le64(derived);
	return err;
}

void run_tables_done(struct run_tables *tables)
{
	vec_done(&tables->sources);
	vec_done(&tables->packs);
}

void run_free(struct run *run)
{
	if (!run)
		return;
	file_close(run->file);
	free(run->fences);
	free(run->filter);
	free(run->map);
	run_tables_done(&run->tables);
	free(run);
}

static void run_own(struct run **run)
{
	run_free(*run);
}

/* ---- opening ---- */

struct foot {
	uint32_t sources, packs;
	uint64_t tables_sum, at; /* where the tables begin */
	size_t tables_len;
};

static int read_foot(struct run *run, const struct run_key *key, struct foot *ret_foot)
{
	uint8_t foot[RUN_FOOT];
	struct object_id id;
	uint64_t size;
	int err = file_size(run->file, &size);
	if (!err && size < RUN_FOOT)
		err = -EBADMSG;
	if (!err)
		err = file_read_full(run->file, foot, RUN_FOOT, size - RUN_FOOT);
	if (err)
		return err == -ENODATA ? -EBADMSG : err;
	memcpy(id.b, foot + 32, sizeof(id.b));
	err = run_seed(key, &id, &run->seed);
	if (err)
		return err;
	if (memcmp(foot, RUN_MAGIC, 8) != 0 || get_le32(foot + 8) != RUN_VERSION ||
		memcmp(foot + 48, key->repo.b, sizeof(key->repo.b)) != 0 ||
		get_le64(foot + 88) != hash64(foot, 88, run->seed))
		return -EBADMSG;
	run->count = get_le32(foot + 20);
	run->blocks = get_le32(foot + 24);
	run->lines = get_le32(foot + 28);
	*ret_foot = (struct foot){
		.sources = get_le32(foot + 12),
		.packs = get_le32(foot + 16),
		.tables_sum = get_le64(foot + 64),
		.at = (uint64_t)run->blocks * RUN_BLOCK,
	};
	uint64_t tables = run_tables_size(
		ret_foot->sources, ret_foot->packs, run->blocks, run->lines);
	ret_foot->tables_len = tables;
	bool fits = run->blocks == (run->count + (uint64_t)RUN_PER_BLOCK - 1) / RUN_PER_BLOCK &&
		run->lines && ret_foot->at + tables + RUN_FOOT == size;
	return fits ? 0 : -EBADMSG;
}

static int get_sources(struct fields_in *in, const struct foot *foot, struct run_tables *tables)
{
	uint32_t source_before = 0;
	if (vec_reserve(&tables->sources, foot->sources + (size_t)1) ||
		vec_reserve(&tables->packs, foot->packs + (size_t)1))
		return -ENOMEM;
	for (uint32_t i = 0; i < foot->sources; i++) {
		struct head_index *source = &tables->sources.at[tables->sources.len++];
		in_bytes(in, source->id.b, sizeof(source->id.b));
		in_bytes(in, source->sum, sizeof(source->sum));
	}
	for (uint32_t i = 0; i < foot->packs; i++) {
		struct run_pack *pack = &tables->packs.at[tables->packs.len++];
		in_bytes(in, pack->id.b, sizeof(pack->id.b));
		pack->kind = (enum object_kind)in_u8(in);
		pack->source = in_u32(in);
		if (pack->source < source_before || pack->source >= foot->sources ||
			(pack->kind != OBJECT_DATA && pack->kind != OBJECT_META))
			return -EBADMSG;
		source_before = pack->source;
	}
	return 0;
}

static int get_words(struct fields_in *in, uint64_t *words, size_t count)
{
	if (!words)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		words[i] = in_u64(in);
	return 0;
}

static int read_tables(struct run *run, const struct foot *foot)
{
	OWN(own_free) uint8_t *bytes = malloc(foot->tables_len);
	if (!bytes)
		return -ENOMEM;
	int err = file_read_full(run->file, bytes, foot->tables_len, foot->at);
	if (err)
		return err == -ENODATA ? -EBADMSG : err;
	if (run_tables_sum(run->seed, bytes, foot->tables_len) != foot->tables_sum)
		return -EBADMSG;
	struct fields_in in = {.at = bytes, .end = bytes + foot->tables_len};
	err = get_sources(&in, foot, &run->tables);
	run->fences = calloc(run->blocks + (size_t)1, 8);
	run->filter = calloc(run->lines, RUN_LINE);
	if (!err)
		err = get_words(&in, run->fences, run->blocks);
	if (!err)
		err = get_words(&in, run->filter, (size_t)run->lines * 8);
	return !err && !in_done(&in) ? -EBADMSG : err;
}

int run_open(struct file *file, const struct run_key *key, struct run **ret_run)
{
	OWN(run_own) struct run *run = calloc(1, sizeof(*run));
	struct foot foot;
	if (!run) {
		file_close(file);
		return -ENOMEM;
	}
	run->file = file;
	int err = read_foot(run, key, &foot);
	if (!err)
		err = read_tables(run, &foot);
	if (!err)
		*ret_run = TAKE(run);
	return err;
}

/* ---- blocks ---- */

static int check_block(const struct run *run, uint32_t number, const uint8_t *block)
{
	bool last = number == run->blocks - 1;
	uint32_t count = last ? (run->count - 1) % RUN_PER_BLOCK + 1 : RUN_PER_BLOCK;
	if (planted(RUN_BLOCK_UNCHECKED))
		return 0;
	return get_le64(block + RUN_AT_SUM) == run_block_sum(run->seed, number, block) &&
			get_le32(block + RUN_AT_COUNT) == count
		? 0
		: -EBADMSG;
}

static int read_blocks(const struct run *run, uint32_t first, uint32_t count, uint8_t *blocks)
{
	int err = file_read_full(
		run->file, blocks, (size_t)count * RUN_BLOCK, (uint64_t)first * RUN_BLOCK);
	for (uint32_t i = 0; !err && i < count; i++)
		err = check_block(run, first + i, blocks + (size_t)i * RUN_BLOCK);
	return err == -ENODATA ? -EBADMSG : err;
}

static int get_entry(const struct run *run, const uint8_t *at, struct run_entry *ret_entry)
{
	uint32_t word = get_le32(at + 48);
	struct run_entry entry = {
		.pack = get_le32(at + 32),
		.number = get_le32(at + 52),
		.at.offset = get_le32(at + 36),
		.at.length = get_le32(at + 40),
		.at.plain_length = get_le32(at + 44),
		.at.kind = (enum chunk_kind)(word >> 24),
		.at.segment = word & 0xffffff,
	};
	memcpy(entry.at.digest.b, at, DIGEST_SIZE);
	if (entry.at.kind < CHUNK_CONTENT || entry.at.kind >= CHUNK_KINDS ||
		(run->tables.sources.len && entry.pack >= run->tables.packs.len))
		return -EBADMSG;
	*ret_entry = entry;
	return 0;
}

/* The last block whose first digest is below all with this prefix, or the first block. */
static uint32_t find_block(const struct run *run, uint64_t prefix)
{
	uint32_t low = 0, high = run->blocks;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (run->fences[middle] < prefix)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : 0;
}

/* 1: entries that lie in the next block may match, too. */
static int look_in(const struct run *run, const uint8_t *block, const struct digest *digest,
	run_place_fn *fn, void *arg)
{
	uint32_t count = get_le32(block + RUN_AT_COUNT), low = 0, high = count;
	struct run_entry entry;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (memcmp(block + (size_t)middle * RUN_ENTRY, digest->b, DIGEST_SIZE) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < count; low++) {
		const uint8_t *at = block + (size_t)low * RUN_ENTRY;
		if (memcmp(at, digest->b, DIGEST_SIZE) != 0)
			return 0;
		int err = get_entry(run, at, &entry);
		if (err)
			return err;
		fn(arg, &entry);
	}
	return 1;
}

int run_look(struct run *run, const struct digest *digest, run_place_fn *fn, void *arg)
{
	uint8_t block[RUN_BLOCK];
	int more = 1;
	if (!run->count || !run_filter(run->filter, run->lines, digest, false))
		return 0;
	uint64_t prefix = run_prefix(digest);
	for (uint32_t number = find_block(run, prefix);
		more == 1 && number < run->blocks && run->fences[number] <= prefix; number++) {
		int err = read_blocks(run, number, 1, block);
		if (err)
			return err;
		more = look_in(run, block, digest, fn, arg);
	}
	return more < 0 ? more : 0;
}

/* ---- all of it ---- */

int run_cursor_init(struct run_cursor *cursor, struct run *run)
{
	*cursor = (struct run_cursor){
		.run = run, .blocks = malloc((size_t)RUN_READ_AHEAD * RUN_BLOCK)};
	return cursor->blocks ? 0 : -ENOMEM;
}

void run_cursor_done(struct run_cursor *cursor)
{
	free(TAKE(cursor->blocks));
}

int run_cursor_next(struct run_cursor *cursor, struct run_entry *ret_entry)
{
	const struct run *run = cursor->run;
	uint32_t block = cursor->at / RUN_PER_BLOCK;
	if (cursor->at == run->count)
		return 0;
	if (block >= cursor->first + cursor->loaded || !cursor->loaded) {
		uint32_t left = run->blocks - block;
		uint32_t count = left < RUN_READ_AHEAD ? left : RUN_READ_AHEAD;
		cursor->loaded = 0;
		int err = read_blocks(run, block, count, cursor->blocks);
		if (err)
			return err;
		cursor->first = block;
		cursor->loaded = count;
	}
	size_t at = (size_t)(block - cursor->first) * RUN_BLOCK +
		(size_t)(cursor->at % RUN_PER_BLOCK) * RUN_ENTRY;
	int err = get_entry(run, cursor->blocks + at, ret_entry);
	cursor->at += !err;
	return err ? err : 1;
}
