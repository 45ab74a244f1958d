/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sums as one drives them who does not wait: writes, pages and records are under way side by
 * side, end in any order, and a crash keeps what was durable and any of the rest. What a durable
 * record shows must be matched or judged to be believed, whatever came between.
 */
#include "vol/sums.h"

#include <stdlib.h>

#include "base/must.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "vol/map.h"

enum { SLOTS = 200, PAGES = 16, FRAMES = 3, WRITES = 4, ENTRIES = 4000, NOTHING = 0 };

/* A record of regions, or of a slot whose block is there from now on. */
struct entry {
	uint8_t bytes[64];
	size_t len;
	uint32_t shows; /* slot + 1 */
};

struct rig {
	struct sums sums;
	struct rng rng;
	/* One block of each slot: what it holds for who reads it, and what a crash leaves. */
	uint8_t now[SLOTS], durable[SLOTS];
	bool told[SLOTS];
	uint8_t pages[PAGES][SUMS_PAGE], durable_pages[PAGES][SUMS_PAGE];
	struct sums_write writes[WRITES];
	uint8_t writing[WRITES];
	struct entry journal[ENTRIES];
	size_t entries, synced;
	uint8_t content;
};

static const void *block_of(uint8_t content)
{
	static uint8_t bytes[VOL_BLOCK];
	memset(bytes, content, sizeof(bytes));
	return bytes;
}

static void page_here(struct rig *rig, uint32_t slot)
{
	uint32_t cursor = 0, page;
	const void *bytes;
	void *to;
	if (sums_look(&rig->sums, slot) == SUMS_HERE)
		return;
	while (sums_load(&rig->sums, sums_page(slot), &to)) {
		CHECK(sums_next_dirty(&rig->sums, false, &cursor, &page, &bytes));
		memcpy(rig->pages[page], bytes, SUMS_PAGE);
		sums_written(&rig->sums, page, true);
	}
	memcpy(to, rig->pages[sums_page(slot)], SUMS_PAGE);
	sums_loaded(&rig->sums, sums_page(slot), true);
}

static struct entry *append(struct rig *rig)
{
	must(rig->entries < ENTRIES);
	rig->journal[rig->entries] = (struct entry){0};
	return &rig->journal[rig->entries++];
}

static void append_wanted(struct rig *rig)
{
	struct entry entry = {0};
	CHECK_EQ(sums_put_wanted(&rig->sums, rig->entries + 1, entry.bytes, sizeof(entry.bytes),
			 &entry.len),
		0);
	if (entry.len)
		*append(rig) = entry;
}

static void sync_journal(struct rig *rig)
{
	rig->synced = rig->entries;
	sums_synced(&rig->sums, rig->synced);
}

static void begin_write(struct rig *rig)
{
	uint32_t slot = (uint32_t)rng_below(&rig->rng, SLOTS);
	size_t i = (size_t)rng_below(&rig->rng, WRITES);
	if (rig->writing[i] || sums_busy(&rig->sums, slot, 7))
		return;
	page_here(rig, slot);
	if (!sums_want(&rig->sums, slot) && rig->told[slot]) {
		append_wanted(rig); /* it waits: another try comes */
		return;
	}
	rig->content = rig->content % 250 + 1;
	rig->writing[i] = rig->content;
	sums_write(&rig->sums, &rig->writes[i], slot, 7, 1, block_of(rig->content));
}

static void end_write(struct rig *rig)
{
	size_t i = (size_t)rng_below(&rig->rng, WRITES);
	if (!rig->writing[i])
		return;
	rig->now[rig->writes[i].slot] = rig->writing[i];
	rig->writing[i] = NOTHING;
	sums_wrote(&rig->sums, &rig->writes[i], true);
}

/* Data, then the regions, then the slots; the journal is synced at some later time. */
static void flush(struct rig *rig)
{
	memcpy(rig->durable, rig->now, sizeof(rig->now));
	append_wanted(rig);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		if (rig->told[slot] || !rig->now[slot])
			continue;
		rig->told[slot] = true;
		append(rig)->shows = slot + 1;
	}
}

static void read_one(struct rig *rig)
{
	uint32_t slot = (uint32_t)rng_below(&rig->rng, SLOTS);
	if (!rig->now[slot] || sums_busy(&rig->sums, slot, 7))
		return;
	page_here(rig, slot);
	CHECK(sums_match(&rig->sums, slot, 7, 1, block_of(rig->now[slot])) == 1 ||
		sums_judge(&rig->sums, slot, 7, block_of(rig->now[slot])));
}

/* Writes begin and end in between, in regions that rest and in others. */
static void rest(struct rig *rig)
{
	uint32_t cursor = 0, page;
	const void *bytes;
	if (!sums_rest_begin(&rig->sums, rng_below(&rig->rng, 2)))
		return;
	memcpy(rig->durable, rig->now, sizeof(rig->now));
	begin_write(rig);
	while (sums_next_dirty(&rig->sums, true, &cursor, &page, &bytes)) {
		memcpy(rig->pages[page], bytes, SUMS_PAGE);
		if (rng_below(&rig->rng, 4) == 0)
			end_write(rig);
		sums_written(&rig->sums, page, true);
	}
	memcpy(rig->durable_pages, rig->pages, sizeof(rig->pages));
	begin_write(rig);
	struct entry entry = {0};
	while ((entry.len = sums_rest_end(&rig->sums, entry.bytes, sizeof(entry.bytes))) > 0)
		*append(rig) = entry;
}

static void verify(struct rig *rig)
{
	uint32_t region = sums_suspect(&rig->sums, 0);
	if (region == UINT32_MAX)
		return;
	sums_verify(&rig->sums, region);
	for (uint32_t slot = region * SUMS_REGION_SLOTS;
		slot < SLOTS && slot / SUMS_REGION_SLOTS == region; slot++) {
		if (!rig->now[slot])
			continue;
		if (sums_busy(&rig->sums, slot, 7))
			return; /* later */
		page_here(rig, slot);
		CHECK(sums_judge(&rig->sums, slot, 7, block_of(rig->now[slot])));
		sums_renew(&rig->sums, slot);
	}
	sums_verified(&rig->sums, region);
}

/* Sectors of pages, blocks, and the end of the journal: each as durable or as written. */
static void choose(struct rig *rig)
{
	for (size_t i = 0; i < WRITES; i++)
		if (rig->writing[i] && rng_below(&rig->rng, 2))
			rig->now[rig->writes[i].slot] = rig->writing[i];
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		if (rng_below(&rig->rng, 2))
			rig->now[slot] = rig->durable[slot];
	for (size_t at = 0; at < sizeof(rig->pages); at += 512)
		if (rng_below(&rig->rng, 2))
			memcpy((uint8_t *)rig->pages + at, (uint8_t *)rig->durable_pages + at, 512);
	rig->entries = rig->synced + (size_t)rng_below(&rig->rng, rig->entries - rig->synced + 1);
}

static void begin(struct rig *rig)
{
	sums_begin(&rig->sums, (const uint8_t *)"of what is tried", FRAMES);
	CHECK_EQ(sums_reserve(&rig->sums, SLOTS), 0);
}

static void crash(struct rig *rig)
{
	choose(rig);
	sums_end(&rig->sums);
	begin(rig);
	memset(rig->told, 0, sizeof(rig->told));
	memset(rig->writing, 0, sizeof(rig->writing));
	for (size_t i = 0; i < rig->entries; i++) {
		const struct entry *entry = &rig->journal[i];
		if (entry->shows)
			rig->told[entry->shows - 1] = true;
		CHECK_EQ(sums_load_regions(&rig->sums, entry->bytes, entry->len), 0);
	}
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		if (!rig->told[slot])
			rig->now[slot] = NOTHING;
	rig->synced = rig->entries;
	memcpy(rig->durable, rig->now, sizeof(rig->now));
	memcpy(rig->durable_pages, rig->pages, sizeof(rig->pages));
	/* Half of the time all is read at once, which mends much. */
	for (uint32_t slot = 0; slot < SLOTS && rng_below(&rig->rng, 100); slot++) {
		if (!rig->now[slot])
			continue;
		page_here(rig, slot);
		CHECK(sums_judge(&rig->sums, slot, 7, block_of(rig->now[slot])));
	}
	CHECK_EQ(rig->sums.facts.bad, 0);
}

TEST(what_is_shown_is_believed_whatever_was_under_way)
{
	static void (*const steps[])(struct rig *) = {begin_write, begin_write, begin_write,
		begin_write, end_write, end_write, end_write, read_one, flush, sync_journal,
		sync_journal, rest, verify};
	uint64_t seed = test_seed();
	for (uint64_t life = 0; life < 60; life++) {
		OWN(own_free) struct rig *rig = calloc(1, sizeof(*rig));
		CHECK(rig);
		rng_seed(&rig->rng, seed + life);
		begin(rig);
		for (unsigned i = 0; i < 3000 && rig->entries < ENTRIES - 2 * SLOTS; i++) {
			steps[rng_below(&rig->rng, sizeof(steps) / sizeof(*steps))](rig);
			if (rng_below(&rig->rng, 100) == 0)
				crash(rig);
		}
		CHECK_EQ(rig->sums.facts.bad, 0);
		sums_end(&rig->sums);
	}
}

TEST_MAIN
