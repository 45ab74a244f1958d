/* SPDX-License-Identifier: Apache-2.0 */
/* The sums of blocks: pages in memory, matching, and what is bad. */
#include "vol/sums.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/must.h"
#include "base/plant.h"
#include "vol/map.h"

void sums_begin(struct sums *sums, const uint8_t identity[16], size_t frames)
{
	must(frames > 0);
	*sums = (struct sums){.seed = crc32c(0, identity, 16), .frames_max = frames};
}

void sums_end(struct sums *sums)
{
	vec_each (frame, &sums->frames)
		free(frame->bytes);
	vec_done(&sums->frames);
	vec_done(&sums->frame_of);
	vec_done(&sums->regions);
	vec_done(&sums->wanted);
	vec_done(&sums->logged);
	vec_done(&sums->bad);
}

int sums_reserve(struct sums *sums, size_t slots)
{
	size_t regions = (slots + SUMS_REGION_SLOTS - 1) / SUMS_REGION_SLOTS;
	size_t pages = regions * (SUMS_REGION_SLOTS / SUMS_PAGE_SLOTS);
	if (regions <= sums->regions.len)
		return 0;
	int err = vec_reserve(&sums->regions, regions);
	if (!err)
		err = vec_reserve(&sums->frame_of, pages);
	/* Each region is at most once in each of these. */
	if (!err)
		err = vec_reserve(&sums->wanted, sums->regions.cap);
	if (!err)
		err = vec_reserve(&sums->logged, sums->regions.cap);
	if (err)
		return err;
	memset(sums->regions.at + sums->regions.len, 0,
		(regions - sums->regions.len) * sizeof(*sums->regions.at));
	memset(sums->frame_of.at + sums->frame_of.len, 0,
		(pages - sums->frame_of.len) * sizeof(*sums->frame_of.at));
	sums->regions.len = regions;
	sums->frame_of.len = pages;
	return 0;
}

/* Where the block lies goes in, so that a block in the wrong place does not match. */
uint32_t sum_of_block(const struct sums *sums, uint32_t slot, unsigned block, const void *bytes)
{
	uint64_t place = (uint64_t)slot * VOL_EXTENT_BLOCKS + block;
	uint32_t mixed = (uint32_t)((place + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
	return crc32c(sums->seed ^ mixed, bytes, VOL_BLOCK);
}

/* ---- pages ---- */

static struct sums_frame *frame_of(const struct sums *sums, uint32_t page)
{
	must(page < sums->frame_of.len);
	uint32_t n = sums->frame_of.at[page];
	return n ? &sums->frames.at[n - 1] : NULL;
}

enum sums_here sums_look(const struct sums *sums, uint32_t slot)
{
	const struct sums_frame *frame = frame_of(sums, sums_page(slot));
	return !frame ? SUMS_ABSENT : frame->loading ? SUMS_LOADING : SUMS_HERE;
}

/* A frame to read into, with its memory: one more as long as there may be, then by second chance.
 */
static int take_frame(struct sums *sums, struct sums_frame **ret_frame)
{
	if (sums->frames.len < sums->frames_max) {
		struct sums_frame frame = {.page = UINT32_MAX};
		int err = vec_reserve(&sums->frames, sums->frames.len + 1);
		if (!err)
			frame.bytes = aligned_alloc(SUMS_PAGE, SUMS_PAGE);
		if (err || !frame.bytes)
			return -ENOMEM;
		sums->frames.at[sums->frames.len] = frame;
		*ret_frame = &sums->frames.at[sums->frames.len++];
		return 0;
	}
	for (size_t tries = 0; tries < 2 * sums->frames.len; tries++) {
		struct sums_frame *frame = &sums->frames.at[sums->hand];
		sums->hand = (uint32_t)((sums->hand + 1) % sums->frames.len);
		if (frame->loading || frame->dirty || frame->writing)
			continue;
		if (!frame->recent) {
			*ret_frame = frame;
			return 0;
		}
		frame->recent = false;
	}
	return -EAGAIN;
}

int sums_load(struct sums *sums, uint32_t page, void **ret_bytes)
{
	struct sums_frame *frame;
	must(!frame_of(sums, page));
	int err = take_frame(sums, &frame);
	if (err)
		return err;
	if (frame->page != UINT32_MAX)
		sums->frame_of.at[frame->page] = 0;
	frame->page = page;
	frame->loading = true;
	sums->frame_of.at[page] = (uint32_t)(frame - sums->frames.at) + 1;
	*ret_bytes = frame->bytes;
	return 0;
}

void sums_loaded(struct sums *sums, uint32_t page, bool ok)
{
	struct sums_frame *frame = frame_of(sums, page);
	must(frame && frame->loading);
	frame->loading = false;
	if (ok)
		return;
	frame->page = UINT32_MAX;
	sums->frame_of.at[page] = 0;
}

static struct sums_region *region_of(const struct sums *sums, uint32_t slot)
{
	must(slot / SUMS_REGION_SLOTS < sums->regions.len);
	return &sums->regions.at[slot / SUMS_REGION_SLOTS];
}

bool sums_next_dirty(struct sums *sums, bool resting, uint32_t *cursor, uint32_t *ret_page,
	const void **ret_bytes)
{
	for (; *cursor < sums->frames.len; ++*cursor) {
		struct sums_frame *frame = &sums->frames.at[*cursor];
		if (!frame->dirty || frame->writing ||
			(resting && !region_of(sums, frame->page * SUMS_PAGE_SLOTS)->resting))
			continue;
		frame->dirty = false;
		frame->writing = true;
		*ret_page = frame->page;
		*ret_bytes = frame->bytes;
		return true;
	}
	return false;
}

void sums_written(struct sums *sums, uint32_t page, bool ok)
{
	struct sums_frame *frame = frame_of(sums, page);
	must(frame && frame->writing);
	frame->writing = false;
	frame->dirty |= !ok;
}

/* ---- sums ---- */

static uint8_t *sum_at(struct sums *sums, uint32_t slot, unsigned block)
{
	struct sums_frame *frame = frame_of(sums, sums_page(slot));
	must(frame && !frame->loading && block < VOL_EXTENT_BLOCKS);
	frame->recent = true;
	return frame->bytes + (slot % SUMS_PAGE_SLOTS * VOL_EXTENT_BLOCKS + block) * 4;
}

void sums_renew(struct sums *sums, uint32_t slot)
{
	struct sums_frame *frame = frame_of(sums, sums_page(slot));
	must(frame && !frame->loading);
	frame->dirty = true;
}

static void set_sum(struct sums *sums, uint32_t slot, unsigned block, uint32_t sum)
{
	put_le32(sum_at(sums, slot, block), sum);
	sums_renew(sums, slot);
}

unsigned sums_match(
	struct sums *sums, uint32_t slot, unsigned first, unsigned count, const void *bytes)
{
	const uint8_t *at = bytes, *sum = sum_at(sums, slot, first);
	must(first + count <= VOL_EXTENT_BLOCKS);
	for (unsigned i = 0; i < count; i++, at += VOL_BLOCK)
		if (get_le32(sum + (size_t)4 * i) != sum_of_block(sums, slot, first + i, at))
			return i;
	return count;
}

bool sums_busy(const struct sums *sums, uint32_t slot, unsigned block)
{
	for (const struct sums_write *write = sums->writes; write; write = write->next)
		if (write->slot == slot && write->blocks >> block & 1)
			return true;
	return false;
}

static struct sums_bad *bad_of(const struct sums *sums, uint32_t slot)
{
	vec_each (bad, &sums->bad)
		if (bad->slot == slot)
			return bad;
	return NULL;
}

bool sums_is_bad(const struct sums *sums, uint32_t slot, unsigned block)
{
	const struct sums_bad *bad = bad_of(sums, slot);
	return bad && bad->blocks >> block & 1;
}

/* Without memory it is counted each time that it is met. */
static void note_bad(struct sums *sums, uint32_t slot, unsigned block)
{
	struct sums_bad *bad = bad_of(sums, slot);
	uint64_t bit = UINT64_C(1) << block;
	if (bad && bad->blocks & bit)
		return;
	sums->facts.bad++;
	if (bad)
		bad->blocks |= bit;
	else
		(void)vec_push(&sums->bad, ((struct sums_bad){.slot = slot, .blocks = bit}));
}

static uint64_t forget_bad(struct sums *sums, uint32_t slot, uint64_t blocks)
{
	struct sums_bad *bad = sums->bad.len ? bad_of(sums, slot) : NULL;
	uint64_t found = bad ? bad->blocks & blocks : 0;
	if (!bad)
		return 0;
	bad->blocks &= ~blocks;
	if (!bad->blocks)
		*bad = sums->bad.at[--sums->bad.len];
	return found;
}

bool sums_judge(struct sums *sums, uint32_t slot, unsigned block, const void *bytes)
{
	uint32_t sum = sum_of_block(sums, slot, block, bytes);
	must(!sums_busy(sums, slot, block));
	if (get_le32(sum_at(sums, slot, block)) == sum)
		return true;
	if (!region_of(sums, slot)->suspect) {
		note_bad(sums, slot, block);
		return false;
	}
	sums->facts.resummed++;
	set_sum(sums, slot, block, sum);
	return true;
}

void sums_write(struct sums *sums, struct sums_write *write, uint32_t slot, unsigned first,
	unsigned count, const void *bytes)
{
	struct sums_region *region = region_of(sums, slot);
	const uint8_t *at = bytes;
	must(count > 0 && first + count <= VOL_EXTENT_BLOCKS);
	must(region->state != SUMS_AT_REST || planted(VOL_SUMS_NOT_LOGGED));
	must(region->writes < UINT16_MAX);
	for (unsigned i = 0; i < count; i++, at += VOL_BLOCK)
		set_sum(sums, slot, first + i, sum_of_block(sums, slot, first + i, at));
	region->writes++;
	region->resting = false;
	region->recent = true;
	write->slot = slot;
	write->blocks = (count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1) << first;
	write->next = sums->writes;
	write->at = &sums->writes;
	if (write->next)
		write->next->at = &write->next;
	sums->writes = write;
}

void sums_wrote(struct sums *sums, struct sums_write *write, bool ok)
{
	struct sums_region *region = region_of(sums, write->slot);
	must(region->writes > 0);
	region->writes--;
	*write->at = write->next;
	if (write->next)
		write->next->at = write->at;
	if (ok) {
		uint64_t healed = forget_bad(sums, write->slot, write->blocks);
		sums->facts.healed += (unsigned)__builtin_popcountll(healed);
	} else {
		sums->facts.suspect += !region->suspect;
		region->suspect = true;
		region->verifying = false;
	}
}

void sums_spoil(struct sums *sums, uint32_t slot, unsigned block)
{
	set_sum(sums, slot, block, ~get_le32(sum_at(sums, slot, block)));
	note_bad(sums, slot, block);
}

void sums_forget(struct sums *sums, uint32_t slot)
{
	(void)forget_bad(sums, slot, UINT64_MAX);
}
