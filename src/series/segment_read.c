/* SPDX-License-Identifier: Apache-2.0 */
/* Reading segments: foot first, then fences, pages and blocks as they are asked for. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/own.h"
#include "base/why.h"
#include "os/disk.h"
#include "series/segment.h"
#include "series/segment_inner.h"

static int damaged(uint64_t number, const char *what, uint64_t offset, struct why *why)
{
	return why_set(why, -EBADMSG,
		"segment %016" PRIx64 ".seg: damaged: %s at offset %" PRIu64
		": restore it from a copy",
		number, what, offset);
}

static int unreadable(uint64_t number, int err, struct why *why)
{
	return why_errno(why, err, "segment %016" PRIx64 ".seg: cannot be read", number);
}

static int check_head(const struct segment_home *home, struct segment *segment, struct why *why)
{
	uint8_t bytes[HEAD_SIZE];
	char name[SEGMENT_NAME];
	const struct head want = segment_head(home->identity);
	struct head head;
	int err = file_read_full(segment->file, bytes, sizeof(bytes), 0);
	if (err)
		return unreadable(segment->facts.number, err, why);
	segment_name(home, segment->facts.number, name);
	err = file_head_get(&want, name, bytes, sizeof(bytes), &head, why);
	if (!err && (head.first != segment->facts.number || head.second != segment->facts.level))
		err = damaged(segment->facts.number, "the head of another segment", 40, why);
	return err;
}

/* The foot: what it says must be what is remembered, and fit the file. */
static int check_foot(struct segment *segment, uint64_t *ret_fences, struct why *why)
{
	const struct segment_facts *facts = &segment->facts;
	uint8_t foot[SEGMENT_FOOT];
	uint64_t at = facts->size - SEGMENT_FOOT;
	int err = file_read_full(segment->file, foot, sizeof(foot), at);
	if (err)
		return unreadable(facts->number, err, why);
	segment->index = get_le64(foot + 8);
	uint64_t pages = get_le64(foot + 16);
	if (get_le64(foot) != facts->checksum ||
		foot_checksum(foot, segment->seed) != facts->checksum)
		return damaged(facts->number, "the foot is another than was written", at, why);
	if (get_le64(foot + 24) != facts->blocks || get_le64(foot + 32) != facts->rows ||
		get_le64(foot + 40) != (uint64_t)facts->first ||
		get_le64(foot + 48) != (uint64_t)facts->last || pages == 0 ||
		pages != facts->blocks / SEGMENT_ENTRIES + (facts->blocks % SEGMENT_ENTRIES != 0) ||
		pages > at / (SEGMENT_PAGE + 4) || segment->index < HEAD_SIZE ||
		segment->index != at - pages * (SEGMENT_PAGE + 4))
		return damaged(facts->number, "the foot makes no sense", at, why);
	segment->pages = (uint32_t)pages;
	*ret_fences = get_le64(foot + 56);
	return 0;
}

static int read_fences(struct segment *segment, uint64_t checksum, struct why *why)
{
	uint64_t at = segment->index + (uint64_t)segment->pages * SEGMENT_PAGE;
	uint64_t sum = segment->seed;
	segment->fence = calloc(segment->pages, sizeof(*segment->fence));
	if (!segment->fence)
		return unreadable(segment->facts.number, -ENOMEM, why);
	int err = file_read_full(
		segment->file, segment->fence, segment->pages * sizeof(*segment->fence), at);
	if (err)
		return unreadable(segment->facts.number, err, why);
	for (uint32_t i = 0; i < segment->pages; i++) {
		sum = hash64(&segment->fence[i], 4, sum);
		segment->fence[i] = get_le32(&segment->fence[i]);
	}
	return sum == checksum ? 0 : damaged(segment->facts.number, "the fences", at, why);
}

static int open_file(const struct segment_home *home, struct segment *segment, struct why *why)
{
	char name[SEGMENT_NAME];
	uint64_t size, fences;
	int err = segment_name(home, segment->facts.number, name);
	if (!err)
		err = disk_open(home->disk, name, FILE_READ, &segment->file);
	if (!err)
		err = file_size(segment->file, &size);
	if (err)
		return unreadable(segment->facts.number, err, why);
	if (size != segment->facts.size || size > 2 * SEGMENT_MAX ||
		size < HEAD_SIZE + BLOCK_HEAD + SEGMENT_PAGE + SEGMENT_FOOT)
		return damaged(segment->facts.number, "another length than was written", size, why);
	err = check_head(home, segment, why);
	if (!err)
		err = check_foot(segment, &fences, why);
	return err ? err : read_fences(segment, fences, why);
}

int segment_open(const struct segment_home *home, const struct segment_facts *facts,
	struct segment *ret, struct why *why)
{
	struct segment segment = {
		.facts = *facts, .seed = block_seed(home->identity, facts->number)};
	int err = open_file(home, &segment, why);
	if (err)
		segment_close(&segment);
	else
		*ret = segment;
	return err;
}

void segment_close(struct segment *segment)
{
	file_close(segment->file);
	free(segment->fence);
	segment->file = NULL;
	segment->fence = NULL;
}

/* ---- the index ---- */

static void entry_get(const uint8_t *at, struct segment_entry *ret)
{
	*ret = (struct segment_entry){
		.series = get_le32(at),
		.length = get_le32(at + 4),
		.offset = get_le64(at + 8),
		.first = (int64_t)get_le64(at + 16),
		.last = (int64_t)get_le64(at + 24),
	};
}

static bool entry_ok(const struct segment *segment, const struct segment_entry *entry)
{
	return entry->length > BLOCK_HEAD && entry->length <= BLOCK_MAX &&
		entry->offset >= HEAD_SIZE && entry->offset < segment->index &&
		entry->length <= segment->index - entry->offset && entry->first <= entry->last;
}

static bool follows(const struct segment_entry *before, const struct segment_entry *entry)
{
	return before->series < entry->series ||
		(before->series == entry->series && before->last < entry->first);
}

static bool page_ok(const struct segment_cursor *cursor)
{
	const struct segment *segment = cursor->segment;
	const uint8_t *bytes = cursor->bytes;
	uint32_t entries = get_le32(bytes + 8);
	struct segment_entry before, entry;
	if (get_le64(bytes) != page_checksum(bytes, segment->seed) || entries == 0 ||
		entries > SEGMENT_ENTRIES || get_le32(bytes + 12) != cursor->page)
		return false;
	for (uint32_t i = 0; i < entries; i++) {
		entry_get(bytes + PAGE_HEAD + i * PAGE_ENTRY, &entry);
		if (!entry_ok(segment, &entry) || (i && !follows(&before, &entry)) ||
			(i == 0 && entry.series != segment->fence[cursor->page]))
			return false;
		before = entry;
	}
	return true;
}

/* Makes the page at the cursor the one that is held. */
static int load(struct segment_cursor *cursor, struct why *why)
{
	const struct segment *segment = cursor->segment;
	uint64_t at = segment->index + (uint64_t)cursor->page * SEGMENT_PAGE;
	int err = file_read_full(segment->file, cursor->bytes, SEGMENT_PAGE, at);
	if (err)
		return unreadable(segment->facts.number, err, why);
	if (!page_ok(cursor))
		return damaged(segment->facts.number, "a page of the index", at, why);
	cursor->entries = get_le32(cursor->bytes + 8);
	cursor->loaded = true;
	return 0;
}

void segment_walk(const struct segment *segment, struct segment_cursor *ret)
{
	ret->segment = segment;
	ret->page = ret->entry = ret->entries = 0;
	ret->loaded = false;
}

int segment_peek(struct segment_cursor *cursor, struct segment_entry *ret, struct why *why)
{
	if (cursor->loaded && cursor->entry == cursor->entries) {
		cursor->page++;
		cursor->entry = 0;
		cursor->loaded = false;
	}
	if (cursor->page >= cursor->segment->pages)
		return 0;
	int err = cursor->loaded ? 0 : load(cursor, why);
	if (err)
		return err;
	entry_get(cursor->bytes + PAGE_HEAD + cursor->entry * PAGE_ENTRY, ret);
	return 1;
}

int segment_next(struct segment_cursor *cursor, struct segment_entry *ret, struct why *why)
{
	int some = segment_peek(cursor, ret, why);
	if (some > 0)
		cursor->entry++;
	return some;
}

int segment_seek(struct segment_cursor *cursor, uint32_t series, struct why *why)
{
	const struct segment *segment = cursor->segment;
	uint32_t low = 0, high = segment->pages;
	/* The last page that begins before the series: its blocks begin there or on the next. */
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (segment->fence[middle] < series)
			low = middle;
		else
			high = middle;
	}
	cursor->page = low;
	cursor->entry = 0;
	cursor->loaded = false;
	int err = load(cursor, why);
	if (err)
		return err;
	uint32_t first = 0, last = cursor->entries;
	while (first < last) {
		uint32_t middle = first + (last - first) / 2;
		if (get_le32(cursor->bytes + PAGE_HEAD + middle * PAGE_ENTRY) < series)
			first = middle + 1;
		else
			last = middle;
	}
	cursor->entry = first;
	return 0;
}

int segment_read(const struct segment *segment, const struct segment_entry *entry,
	struct block *ret_block, uint8_t *bytes, struct why *why)
{
	uint64_t number = segment->facts.number;
	int err = file_read_full(segment->file, bytes, entry->length, entry->offset);
	if (err)
		return unreadable(number, err, why);
	struct block block;
	if (!block_head(bytes, &block) || block.length != entry->length ||
		!block_whole(&block, bytes, segment->seed, entry->offset))
		return damaged(number, "a block", entry->offset, why);
	if (block.series != entry->series || block.first != entry->first ||
		block.last != entry->last || block.level != segment->facts.level)
		return damaged(number, "a block of another series or time", entry->offset, why);
	*ret_block = block;
	return 0;
}
