/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of an index as a cache folder may hold them: any bytes are read or refused, and what is
 * read is told the same way by looks and by walks. The first byte says whether the sums are made
 * right, so that mutations come to what stands behind them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "os/disk.h"
#include "repo/run_inner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct bytes_file {
	struct file file;
	uint8_t *bytes;
	size_t len;
};

static ssize_t read_bytes(struct file *file, void *bytes, size_t len, uint64_t at)
{
	struct bytes_file *f = container_of(file, struct bytes_file, file);
	if (at >= f->len)
		return 0;
	size_t n = f->len - at < len ? f->len - at : len;
	memcpy(bytes, f->bytes + at, n);
	return (ssize_t)n;
}

static int size_of_bytes(struct file *file, uint64_t *ret_size)
{
	*ret_size = container_of(file, struct bytes_file, file)->len;
	return 0;
}

static void close_bytes(struct file *file)
{
	struct bytes_file *f = container_of(file, struct bytes_file, file);
	free(f->bytes);
	free(f);
}

static struct bytes_file *open_bytes(const uint8_t *data, size_t len)
{
	static const struct file_ops ops = {
		.read_at = read_bytes, .size = size_of_bytes, .close = close_bytes};
	struct bytes_file *f = calloc(1, sizeof(*f));
	must(f);
	f->file.ops = &ops;
	f->len = len;
	f->bytes = malloc(len ? len : 1);
	must(f->bytes);
	memcpy(f->bytes, data, len);
	return f;
}

static void mend_sums(struct bytes_file *f, const struct run_key *key)
{
	struct object_id id;
	uint64_t seed;
	if (f->len < RUN_FOOT)
		return;
	uint8_t *foot = f->bytes + f->len - RUN_FOOT;
	memcpy(id.b, foot + 32, sizeof(id.b));
	memcpy(foot + 48, key->repo.b, sizeof(key->repo.b));
	must(!run_seed(key, &id, &seed));
	uint64_t blocks = get_le32(foot + 24), end = f->len - RUN_FOOT;
	for (uint32_t i = 0; i < blocks && (i + 1) * (uint64_t)RUN_BLOCK <= end; i++) {
		uint8_t *block = f->bytes + (size_t)i * RUN_BLOCK;
		put_le64(block + RUN_AT_SUM, run_block_sum(seed, i, block));
	}
	if (blocks * RUN_BLOCK <= end)
		put_le64(foot + 64,
			run_tables_sum(seed, f->bytes + blocks * RUN_BLOCK,
				(size_t)(end - blocks * RUN_BLOCK)));
	put_le64(foot + 88, hash64(foot, 88, seed));
}

static void on_place(void *arg, const struct run_entry *entry)
{
	size_t *count = arg;
	(void)entry;
	(*count)++;
}

static void use(struct run *run)
{
	struct run_cursor cursor;
	struct run_entry entry;
	must(!run_cursor_init(&cursor, run));
	for (int i = 0; i < 500 && run_cursor_next(&cursor, &entry) == 1; i++) {
		size_t count = 0;
		must(entry.at.kind >= CHUNK_CONTENT && entry.at.kind < CHUNK_KINDS);
		must(!run->tables.sources.len || entry.pack < run->tables.packs.len);
		/* Only where it is in order does a look find all. */
		(void)run_look(run, &entry.at.digest, on_place, &count);
		must(count <= run->count);
	}
	run_cursor_done(&cursor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct run_key key;
	struct run *run;
	if (!len || len > 1 << 20)
		return 0;
	struct bytes_file *f = open_bytes(data + 1, len - 1);
	if (data[0] & 1)
		mend_sums(f, &key);
	if (run_open(&f->file, &key, &run))
		return 0;
	use(run);
	run_free(run);
	return 0;
}
