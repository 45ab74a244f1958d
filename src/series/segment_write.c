/* SPDX-License-Identifier: Apache-2.0 */
/* Writing segments: blocks as they come, then the index, then the foot. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/own.h"
#include "base/vec.h"
#include "base/why.h"
#include "os/disk.h"
#include "series/segment.h"
#include "series/segment_inner.h"
#include "store/replace.h"

enum { PIECE = 256 * 1024 };

struct segment_writer {
	struct disk *disk; /* borrowed */
	char name[SEGMENT_NAME];
	struct file *file;
	struct segment_facts facts;
	uint64_t seed;
	uint64_t written; /* offset before which all is in the file */
	VEC(struct segment_entry) entries;
	size_t len;
	uint8_t piece[PIECE];
};

int segment_name(const struct segment_home *home, uint64_t number, char name[SEGMENT_NAME])
{
	int len = snprintf(name, SEGMENT_NAME, "%s/%016" PRIx64 ".seg", home->folder, number);
	return len > 0 && len < SEGMENT_NAME ? 0 : -ENAMETOOLONG;
}

static int flush(struct segment_writer *writer, struct why *why)
{
	int err = file_write_full(writer->file, writer->piece, writer->len, writer->written);
	if (err)
		return why_errno(why, err, "%s.new: cannot be written", writer->name);
	writer->written += writer->len;
	writer->len = 0;
	return 0;
}

static int put(struct segment_writer *writer, const void *bytes, size_t len, struct why *why)
{
	const uint8_t *at = bytes;
	while (len) {
		size_t some = PIECE - writer->len < len ? PIECE - writer->len : len;
		memcpy(writer->piece + writer->len, at, some);
		writer->len += some;
		at += some;
		len -= some;
		int err = writer->len == PIECE ? flush(writer, why) : 0;
		if (err)
			return err;
	}
	return 0;
}

static void writer_free(struct segment_writer *writer)
{
	file_close(writer->file);
	vec_done(&writer->entries);
	free(writer);
}

static int put_file_head(
	struct segment_writer *writer, const struct segment_home *home, struct why *why)
{
	uint8_t bytes[HEAD_SIZE];
	struct head head = segment_head(home->identity);
	head.first = writer->facts.number;
	head.second = (uint64_t)writer->facts.level;
	file_head_put(&head, bytes);
	return put(writer, bytes, sizeof(bytes), why);
}

int segment_begin(const struct segment_home *home, const struct segment_facts *facts,
	struct segment_writer **ret_writer, struct why *why)
{
	struct segment_writer *writer = calloc(1, sizeof(*writer));
	if (!writer)
		return why_errno(why, -ENOMEM, "%s: a segment", home->folder);
	writer->disk = home->disk;
	writer->facts = *facts;
	writer->facts.blocks = writer->facts.rows = 0;
	writer->seed = block_seed(home->identity, facts->number);
	int err = segment_name(home, facts->number, writer->name);
	if (err)
		why_errno(why, err, "%s: a segment", home->folder);
	else
		err = replace_begin(home->disk, writer->name, &writer->file, why);
	if (!err)
		err = put_file_head(writer, home, why);
	if (err) {
		segment_abandon(writer);
		return err;
	}
	*ret_writer = writer;
	return 0;
}

static bool in_order(const struct segment_entry *before, const struct block *block)
{
	return before->series < block->series ||
		(before->series == block->series && before->last < block->first);
}

int segment_add(
	struct segment_writer *writer, const struct block *block, uint8_t *bytes, struct why *why)
{
	struct segment_facts *facts = &writer->facts;
	struct segment_entry entry = {.series = block->series,
		.length = block->length,
		.offset = writer->written + writer->len,
		.first = block->first,
		.last = block->last};
	must(block->level == facts->level);
	must(!writer->entries.len || in_order(&writer->entries.at[writer->entries.len - 1], block));
	if (entry.offset > SEGMENT_MAX)
		return why_set(why, -EFBIG, "%s: more than a segment may have", writer->name);
	if (vec_push(&writer->entries, entry))
		return why_errno(why, -ENOMEM, "%s: its index", writer->name);
	block_seal(bytes, block->length, writer->seed, entry.offset);
	facts->first = !facts->blocks || block->first < facts->first ? block->first : facts->first;
	facts->last = !facts->blocks || block->last > facts->last ? block->last : facts->last;
	facts->blocks++;
	facts->rows += block->count;
	return put(writer, bytes, block->length, why);
}

uint64_t segment_blocks(const struct segment_writer *writer)
{
	return writer->facts.blocks;
}

static int put_page(struct segment_writer *writer, size_t from, size_t count, struct why *why)
{
	uint8_t page[SEGMENT_PAGE] = {0};
	put_le32(page + 8, (uint32_t)count);
	put_le32(page + 12, (uint32_t)(from / SEGMENT_ENTRIES));
	for (size_t i = 0; i < count; i++) {
		const struct segment_entry *entry = &writer->entries.at[from + i];
		uint8_t *at = page + PAGE_HEAD + i * PAGE_ENTRY;
		put_le32(at, entry->series);
		put_le32(at + 4, entry->length);
		put_le64(at + 8, entry->offset);
		put_le64(at + 16, (uint64_t)entry->first);
		put_le64(at + 24, (uint64_t)entry->last);
	}
	put_le64(page, page_checksum(page, writer->seed));
	return put(writer, page, sizeof(page), why);
}

/* The index: pages, then the first series of each. */
static int put_index(struct segment_writer *writer, uint64_t *ret_fences, struct why *why)
{
	size_t count = writer->entries.len;
	uint64_t fences = writer->seed;
	for (size_t from = 0; from < count; from += SEGMENT_ENTRIES) {
		size_t some = count - from < SEGMENT_ENTRIES ? count - from : SEGMENT_ENTRIES;
		int err = put_page(writer, from, some, why);
		if (err)
			return err;
	}
	for (size_t from = 0; from < count; from += SEGMENT_ENTRIES) {
		uint8_t bytes[4];
		put_le32(bytes, writer->entries.at[from].series);
		fences = hash64(bytes, sizeof(bytes), fences);
		int err = put(writer, bytes, sizeof(bytes), why);
		if (err)
			return err;
	}
	*ret_fences = fences;
	return 0;
}

static int put_end(struct segment_writer *writer, struct why *why)
{
	struct segment_facts *facts = &writer->facts;
	uint8_t foot[SEGMENT_FOOT] = {0};
	uint64_t index = writer->written + writer->len, fences;
	size_t pages = (writer->entries.len + SEGMENT_ENTRIES - 1) / SEGMENT_ENTRIES;
	int err = put_index(writer, &fences, why);
	if (err)
		return err;
	put_le64(foot + 8, index);
	put_le64(foot + 16, pages);
	put_le64(foot + 24, facts->blocks);
	put_le64(foot + 32, facts->rows);
	put_le64(foot + 40, (uint64_t)facts->first);
	put_le64(foot + 48, (uint64_t)facts->last);
	put_le64(foot + 56, fences);
	facts->checksum = foot_checksum(foot, writer->seed);
	put_le64(foot, facts->checksum);
	err = put(writer, foot, sizeof(foot), why);
	if (!err)
		err = flush(writer, why);
	facts->size = writer->written;
	return err;
}

int segment_commit(struct segment_writer *writer, struct segment_facts *ret_facts, struct why *why)
{
	must(writer->facts.blocks > 0);
	int err = put_end(writer, why);
	if (err) {
		segment_abandon(writer);
		return err;
	}
	err = replace_commit(writer->disk, writer->name, writer->file, why);
	/* A sync that failed for want of room is a failed sync. */
	if (err == -ENOSPC || err == -ENOMEM)
		err = -EIO;
	if (!err)
		*ret_facts = writer->facts;
	writer_free(writer);
	return err;
}

void segment_abandon(struct segment_writer *writer)
{
	if (!writer)
		return;
	if (writer->file)
		replace_abandon(writer->disk, writer->name);
	writer_free(writer);
}
