/* SPDX-License-Identifier: Apache-2.0 */
/* Runs on their way to a file: blocks, tables, and the foot that makes them one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "os/disk.h"
#include "repo/fields.h"
#include "repo/run_inner.h"

enum { BLOCKS_AT_ONCE = 32 };

struct run_writer {
	struct file *file;
	struct run_key key;
	struct object_id id;
	uint64_t seed, most, written; /* bytes in the file */
	uint32_t count, lines;
	VEC(uint64_t) fences;
	uint64_t *filter;
	uint8_t blocks[BLOCKS_AT_ONCE * RUN_BLOCK];
};

void run_writer_free(struct run_writer *writer)
{
	if (!writer)
		return;
	file_close(writer->file);
	vec_done(&writer->fences);
	free(writer->filter);
	free(writer);
}

int run_writer_new(struct file *file, const struct run_key *key, const struct object_id *id,
	uint64_t most, struct run_writer **ret_writer)
{
	struct run_writer *writer = calloc(1, sizeof(*writer));
	if (!writer || most > UINT32_MAX / 2) {
		file_close(file);
		free(writer);
		return -ENOMEM;
	}
	writer->file = file;
	writer->key = *key;
	writer->id = *id;
	writer->most = most;
	writer->lines = run_lines(most);
	writer->filter = calloc(writer->lines, RUN_LINE);
	int err = writer->filter ? run_seed(key, id, &writer->seed) : -ENOMEM;
	if (err) {
		run_writer_free(writer);
		return err;
	}
	*ret_writer = writer;
	return 0;
}

static void put_entry(uint8_t *at, const struct run_entry *entry)
{
	memcpy(at, entry->at.digest.b, DIGEST_SIZE);
	put_le32(at + 32, entry->pack);
	put_le32(at + 36, entry->at.offset);
	put_le32(at + 40, entry->at.length);
	put_le32(at + 44, entry->at.plain_length);
	put_le32(at + 48, (uint32_t)entry->at.kind << 24 | entry->at.segment);
	put_le32(at + 52, entry->number);
}

static int write_all(struct run_writer *writer, const void *bytes, size_t len)
{
	int err = file_write_full(writer->file, bytes, len, writer->written);
	writer->written += err ? 0 : len;
	return err;
}

/* Ends the block with `count` entries, which is the last one begun. */
static int end_block(struct run_writer *writer, uint32_t count, bool last)
{
	uint32_t number = (uint32_t)writer->fences.len - 1;
	uint8_t *block = writer->blocks + (size_t)(number % BLOCKS_AT_ONCE) * RUN_BLOCK;
	memset(block + (size_t)count * RUN_ENTRY, 0, RUN_BLOCK - (size_t)count * RUN_ENTRY);
	put_le32(block + RUN_AT_COUNT, count);
	put_le64(block + RUN_AT_SUM, run_block_sum(writer->seed, number, block));
	uint32_t waiting = number % BLOCKS_AT_ONCE + 1;
	if (!last && waiting < BLOCKS_AT_ONCE)
		return 0;
	return write_all(writer, writer->blocks, (size_t)waiting * RUN_BLOCK);
}

int run_writer_add(struct run_writer *writer, const struct run_entry *entry)
{
	uint32_t in_block = writer->count % RUN_PER_BLOCK;
	int err = 0;
	if (writer->count == writer->most)
		return -E2BIG;
	if (!in_block && writer->count)
		err = end_block(writer, RUN_PER_BLOCK, false);
	if (!err && !in_block)
		err = vec_push(&writer->fences, run_prefix(&entry->at.digest));
	if (err)
		return err;
	size_t block = (writer->fences.len - 1) % BLOCKS_AT_ONCE;
	put_entry(writer->blocks + block * RUN_BLOCK + (size_t)in_block * RUN_ENTRY, entry);
	run_filter(writer->filter, writer->lines, &entry->at.digest, true);
	writer->count++;
	return 0;
}

static void put_tables(
	const struct run_writer *writer, const struct run_tables *tables, struct fields_out *out)
{
	vec_each (source, &tables->sources) {
		out_bytes(out, source->id.b, sizeof(source->id.b));
		out_bytes(out, source->sum, sizeof(source->sum));
	}
	vec_each (pack, &tables->packs) {
		out_bytes(out, pack->id.b, sizeof(pack->id.b));
		out_u8(out, (uint8_t)pack->kind);
		out_u32(out, pack->source);
	}
	vec_each (fence, &writer->fences)
		out_u64(out, *fence);
	for (size_t i = 0; i < (size_t)writer->lines * 8; i++)
		out_u64(out, writer->filter[i]);
}

static void put_foot(const struct run_writer *writer, const struct run_tables *tables,
	const struct fields_out *body, uint8_t foot[RUN_FOOT])
{
	memset(foot, 0, RUN_FOOT);
	memcpy(foot, RUN_MAGIC, 8);
	put_le32(foot + 8, RUN_VERSION);
	put_le32(foot + 12, (uint32_t)tables->sources.len);
	put_le32(foot + 16, (uint32_t)tables->packs.len);
	put_le32(foot + 20, writer->count);
	put_le32(foot + 24, (uint32_t)writer->fences.len);
	put_le32(foot + 28, writer->lines);
	memcpy(foot + 32, writer->id.b, sizeof(writer->id.b));
	memcpy(foot + 48, writer->key.repo.b, sizeof(writer->key.repo.b));
	put_le64(foot + 64, run_tables_sum(writer->seed, body->at, body->len));
	put_le64(foot + 88, hash64(foot, 88, writer->seed));
}

static int write_end(struct run_writer *writer, const struct run_tables *tables)
{
	OWN(out_done) struct fields_out out = {0};
	uint8_t foot[RUN_FOOT];
	int err = 0;
	if (writer->count)
		err = end_block(writer, (writer->count - 1) % RUN_PER_BLOCK + 1, true);
	put_tables(writer, tables, &out);
	if (out.failed)
		return -ENOMEM;
	put_foot(writer, tables, &out, foot);
	if (!err)
		err = write_all(writer, out.at, out.len);
	return err ? err : write_all(writer, foot, sizeof(foot));
}

int run_writer_finish(struct run_writer *writer, struct run_tables *tables, struct run **ret_run)
{
	struct run *run = calloc(1, sizeof(*run));
	int err = run ? write_end(writer, tables) : -ENOMEM;
	if (err) {
		free(run);
		return err;
	}
	*run = (struct run){
		.file = TAKE(writer->file),
		.seed = writer->seed,
		.count = writer->count,
		.blocks = (uint32_t)writer->fences.len,
		.fences = TAKE(writer->fences.at),
		.filter = TAKE(writer->filter),
		.lines = writer->lines,
		.tables = *tables,
	};
	*tables = (struct run_tables){0};
	*ret_run = run;
	return 0;
}
