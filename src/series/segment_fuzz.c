/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a segment's file. The first byte says what is made right in the rest, so that
 * mutations get past the checksums: 1 the head, 2 the foot and what is remembered of it, 4 the
 * pages and fences, 8 the blocks that the pages name. Whatever is read is in order and of the right
 * series.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/why.h"
#include "os/disk.h"
#include "series/segment.h"
#include "series/segment_inner.h"
#include "sim/disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { FIX_HEAD = 1, FIX_FOOT = 2, FIX_PAGES = 4, FIX_BLOCKS = 8, NUMBER = 5 };
enum { LEAST = HEAD_SIZE + BLOCK_HEAD + SEGMENT_PAGE + SEGMENT_FOOT, MOST = 1 << 17 };

static const uint8_t identity[IDENTITY_SIZE] = "a fuzzer's store";

static void fix_blocks(uint8_t *bytes, const uint8_t *page, uint64_t index, uint64_t seed)
{
	for (uint32_t i = 0; i < get_le32(page + 8) && i < SEGMENT_ENTRIES; i++) {
		const uint8_t *entry = page + PAGE_HEAD + i * PAGE_ENTRY;
		uint32_t length = get_le32(entry + 4);
		uint64_t offset = get_le64(entry + 8);
		if (offset >= HEAD_SIZE && offset < index && length > BLOCK_HEAD &&
			length <= index - offset)
			block_seal(bytes + offset, length, seed, offset);
	}
}

/* From the inside out: a page's checksum covers nothing of the blocks. */
static void fix_pages(uint8_t *bytes, size_t len, uint64_t index, uint64_t pages, unsigned what)
{
	uint64_t seed = block_seed(identity, NUMBER), fences = seed;
	for (uint64_t i = 0; i < pages; i++) {
		uint8_t *page = bytes + index + i * SEGMENT_PAGE;
		uint8_t *fence = bytes + index + pages * SEGMENT_PAGE + i * 4;
		if (what & FIX_BLOCKS)
			fix_blocks(bytes, page, index, seed);
		put_le32(page + 12, (uint32_t)i);
		put_le64(page, page_checksum(page, seed));
		memcpy(fence, page + PAGE_HEAD, 4);
		fences = hash64(fence, 4, fences);
	}
	put_le64(bytes + len - SEGMENT_FOOT + 56, fences);
}

static struct segment_facts fix(uint8_t *bytes, size_t len, unsigned what)
{
	uint8_t *foot = bytes + len - SEGMENT_FOOT;
	uint64_t seed = block_seed(identity, NUMBER);
	struct segment_facts facts = {.number = NUMBER, .size = len, .level = bytes[1] % LEVELS};
	if (what & FIX_HEAD) {
		struct head head = segment_head(identity);
		head.first = NUMBER;
		head.second = facts.level;
		file_head_put(&head, bytes);
	}
	uint64_t index = get_le64(foot + 8), pages = get_le64(foot + 16);
	if ((what & FIX_PAGES) && index >= HEAD_SIZE && index < len - SEGMENT_FOOT &&
		pages <= MOST && index + pages * (SEGMENT_PAGE + 4) == len - SEGMENT_FOOT)
		fix_pages(bytes, len, index, pages, what);
	if (what & FIX_FOOT)
		put_le64(foot, foot_checksum(foot, seed));
	facts.checksum = get_le64(foot);
	facts.blocks = get_le64(foot + 24);
	facts.rows = get_le64(foot + 32);
	facts.first = (int64_t)get_le64(foot + 40);
	facts.last = (int64_t)get_le64(foot + 48);
	return facts;
}

static void read_block(const struct segment *segment, const struct segment_entry *entry)
{
	static uint8_t bytes[BLOCK_MAX];
	static struct sample rows[BLOCK_ROWS];
	struct block block;
	struct why why = {""};
	if (segment_read(segment, entry, &block, bytes, &why)) {
		must(why.text[0]);
		return;
	}
	must(block.series == entry->series && block.first == entry->first);
	struct buckets buckets = {0};
	if (block.level == LEVEL_RAW)
		(void)block_samples(&block, bytes, rows);
	else
		(void)block_buckets(&block, bytes, &buckets);
	buckets_done(&buckets);
}

static void read_all(const struct segment *segment)
{
	struct segment_cursor cursor;
	struct segment_entry entry, before = {0};
	struct why why = {""};
	bool any = false;
	segment_walk(segment, &cursor);
	while (segment_next(&cursor, &entry, &why) > 0) {
		must(entry.length <= BLOCK_MAX);
		before = entry;
		any = true;
		read_block(segment, &entry);
	}
	if (any && segment_seek(&cursor, before.series, &why) == 0 &&
		segment_next(&cursor, &entry, &why) > 0)
		read_block(segment, &entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < LEAST + 2 || len > MOST)
		return 0;
	struct sim_disk *sim = sim_disk_new();
	uint8_t *bytes = malloc(len - 1);
	must(sim && bytes);
	memcpy(bytes, data + 1, len - 1);
	struct segment_facts facts = fix(bytes, len - 1, data[0]);
	struct segment_home home = {.disk = sim_disk_seam(sim), .folder = "f"};
	memcpy(home.identity, identity, IDENTITY_SIZE);
	char name[SEGMENT_NAME];
	struct file *file;
	must(segment_name(&home, NUMBER, name) == 0 && disk_mkdir(home.disk, "f") == 0);
	must(disk_open(home.disk, name, FILE_READ | FILE_WRITE | FILE_CREATE, &file) == 0);
	must(file_write_full(file, bytes, len - 1, 0) == 0);
	file_close(file);
	struct segment segment;
	struct why why = {""};
	if (segment_open(&home, &facts, &segment, &why) == 0) {
		read_all(&segment);
		segment_close(&segment);
	} else {
		must(why.text[0]);
	}
	must(sim_disk_open_files(sim) == 0);
	sim_disk_free(sim);
	free(bytes);
	return 0;
}
