/* SPDX-License-Identifier: Apache-2.0 */
/* The map against a plain second writing of what volumes, snapshots and changes are. */
#include "vol/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"

enum { EXTENTS = 3, BLOCKS = EXTENTS * VOL_EXTENT_BLOCKS, VIEWS = 6, SLOTS = 400, ERAS = 400 };

/* What each block holds: the number of the write, 0 for zeros. */
struct view {
	uint32_t era; /* 0: none */
	unsigned blocks;
	unsigned block[BLOCKS];
};

struct bench {
	struct vol_map map;
	struct rng rng;
	struct view now, kept[VIEWS];
	unsigned writes;
	uint32_t written_in[BLOCKS]; /* the era of the last write or zero of a block */
	unsigned data[SLOTS][VOL_EXTENT_BLOCKS];
	/* What records say, as a reader would meet them. */
	struct map_slot recorded[SLOTS];
	struct map_change changes[ERAS * EXTENTS];
	size_t change_count;
	uint32_t passed; /* of the consumer "c"; only when it is there */
	bool consumer;
};

static void check_view(struct bench *bench, const struct view *view, uint32_t era)
{
	CHECK_EQ(map_view_size(&bench->map, era), (uint64_t)view->blocks * VOL_BLOCK);
	for (unsigned block = 0; block < view->blocks;) {
		struct map_run run = map_find(&bench->map, era, block);
		CHECK(run.blocks > 0);
		CHECK(block / VOL_EXTENT_BLOCKS == (block + run.blocks - 1) / VOL_EXTENT_BLOCKS);
		for (unsigned end = block + run.blocks; block < end && block < view->blocks;
			block++) {
			unsigned found = run.slot == SLOT_NONE
				? 0
				: bench->data[run.slot][block % VOL_EXTENT_BLOCKS];
			CHECK_EQ(found, view->block[block]);
		}
	}
}

/* Exactly what was written after the era that a consumer has passed. */
static void check_changes(struct bench *bench)
{
	for (unsigned block = 0; bench->consumer && block < bench->now.blocks; block++) {
		uint64_t changed = map_changed(
			&bench->map, block / VOL_EXTENT_BLOCKS, bench->passed, bench->map.era);
		bool said = changed >> block % VOL_EXTENT_BLOCKS & 1;
		bool is = bench->written_in[block] > bench->passed;
		/* Zeros over what never was anything else change nothing. */
		CHECK(said || !is || bench->now.block[block] == 0);
		CHECK(!said || is || bench->passed < bench->map.forgotten);
	}
}

static void check_all(struct bench *bench)
{
	check_view(bench, &bench->now, bench->map.era);
	for (size_t i = 0; i < VIEWS; i++)
		if (bench->kept[i].era)
			check_view(bench, &bench->kept[i], bench->kept[i].era);
	check_changes(bench);
}

static int record(void *arg, uint32_t slot, const struct map_slot *state)
{
	struct bench *bench = arg;
	must(slot < SLOTS);
	bench->recorded[slot] = *state;
	return 0;
}

/* Makes everything durable and lets go what no view has. */
static void flush(struct bench *bench)
{
	uint32_t gone[SLOTS];
	size_t count = 0;
	vec_each (slot, &bench->map.touched)
		if (!bench->map.slots.at[*slot].era)
			gone[count++] = *slot;
	CHECK_EQ(map_take_touched(&bench->map, record, bench), 0);
	while (count > 0)
		map_free(&bench->map, gone[--count]);
}

static void write_some(struct bench *bench)
{
	unsigned at = (unsigned)rng_below(&bench->rng, bench->now.blocks);
	unsigned len = 1 + (unsigned)rng_below(&bench->rng, rng_below(&bench->rng, 4) ? 4 : 90);
	bool zero = rng_below(&bench->rng, 4) == 0;
	unsigned value = zero ? 0 : ++bench->writes;
	for (unsigned block = at; block < at + len && block < bench->now.blocks; block++) {
		uint32_t extent = block / VOL_EXTENT_BLOCKS, slot;
		uint64_t bit = UINT64_C(1) << block % VOL_EXTENT_BLOCKS;
		if (zero) {
			CHECK_EQ(map_zero(&bench->map, extent, bit), 0);
		} else {
			CHECK_EQ(map_place(&bench->map, extent, &slot), 0);
			must(slot < SLOTS);
			bench->data[slot][block % VOL_EXTENT_BLOCKS] = value;
			map_wrote(&bench->map, slot, bit);
		}
		bench->now.block[block] = value;
		bench->written_in[block] = bench->map.era;
	}
}

/* What is added reads as zeros, also where there was something before. */
static void resize(struct bench *bench)
{
	unsigned blocks = 1 + (unsigned)rng_below(&bench->rng, BLOCKS);
	uint64_t block = bench->now.blocks;
	while (blocks > block && (block = map_next_shown(&bench->map, block, BLOCKS)) < BLOCKS) {
		CHECK_EQ(map_zero(&bench->map, (uint32_t)(block / VOL_EXTENT_BLOCKS),
				 UINT64_C(1) << block % VOL_EXTENT_BLOCKS),
			0);
		bench->written_in[block] = bench->map.era;
	}
	for (; bench->now.blocks < blocks; bench->now.blocks++)
		bench->now.block[bench->now.blocks] = 0;
	bench->now.blocks = blocks;
	CHECK_EQ(map_resize(&bench->map, (uint64_t)blocks * VOL_BLOCK), 0);
}

static void cut(struct bench *bench)
{
	size_t free = 0;
	while (free < VIEWS && bench->kept[free].era)
		free++;
	bool keep = free < VIEWS && rng_below(&bench->rng, 2);
	char name[20] = "";
	if (keep) {
		bench->kept[free] = bench->now;
		bench->kept[free].era = bench->map.era;
		snprintf(name, sizeof(name), "s%u", bench->map.era);
	}
	CHECK_EQ(map_cut(&bench->map, name, 0), 0);
}

static void drop(struct bench *bench)
{
	size_t i = (size_t)rng_below(&bench->rng, VIEWS);
	if (!bench->kept[i].era) {
		CHECK_EQ(map_drop(&bench->map, 0), -ENOENT);
		return;
	}
	CHECK_EQ(map_drop(&bench->map, bench->kept[i].era), 0);
	bench->kept[i].era = 0;
}

static void merge_some(struct bench *bench)
{
	flush(bench);
	struct map_merge merge;
	for (uint64_t i = rng_below(&bench->rng, 20); i > 0; i--) {
		if (!map_next_merge(&bench->map, &merge))
			return;
		for (unsigned bit = 0; bit < VOL_EXTENT_BLOCKS; bit++)
			if (merge.copy >> bit & 1)
				bench->data[merge.into][bit] = bench->data[merge.from][bit];
		check_all(bench); /* the copy alone shows nowhere */
		struct map_change change;
		CHECK_EQ(map_merged(&bench->map, &merge, &change), 0);
		if (change.era)
			bench->changes[bench->change_count++ % (ERAS * EXTENTS)] = change;
		must(bench->change_count < ERAS * EXTENTS);
		flush(bench);
	}
}

static void pass(struct bench *bench)
{
	if (bench->map.era == 1)
		return;
	if (bench->consumer && rng_below(&bench->rng, 8) == 0) {
		CHECK_EQ(map_consumer_gone(&bench->map, "c"), 0);
		bench->consumer = false;
		return;
	}
	uint32_t era = (uint32_t)rng_below(&bench->rng, bench->map.era);
	CHECK_EQ(map_passed(&bench->map, "c", era), 0);
	bench->passed = bench->consumer && era < bench->passed ? bench->passed : era;
	bench->consumer = true;
}

/* A snapshot gives way to a new one, so that views lie all along the lists. */
static void cut_and_look(struct bench *bench)
{
	drop(bench);
	cut(bench);
}

/* From records into a new map, as opening does. */
static void reload(struct bench *bench)
{
	flush(bench);
	struct vol_map map;
	CHECK_EQ(map_begin(&map, (uint64_t)BLOCKS * VOL_BLOCK), 0);
	CHECK_EQ(map_resize(&map, bench->map.size), 0);
	map.era = bench->map.era;
	for (uint32_t n = 0; n < bench->map.slots.len; n++)
		CHECK_EQ(map_load_slot(&map, n, &bench->recorded[n]), 0);
	vec_each (snapshot, &bench->map.snapshots)
		CHECK_EQ(vec_push(&map.snapshots, *snapshot), 0);
	vec_each (consumer, &bench->map.consumers)
		CHECK_EQ(vec_push(&map.consumers, *consumer), 0);
	for (size_t i = 0; i < bench->change_count; i++)
		CHECK_EQ(map_load_change(&map, &bench->changes[i]), 0);
	CHECK_EQ(map_loaded(&map), 0);
	CHECK(map.forgotten <= bench->map.forgotten); /* records forget less */
	map_end(&bench->map);
	bench->map = map;
}

static void reload_or_resize(struct bench *bench)
{
	(rng_below(&bench->rng, 2) ? reload : resize)(bench);
}

/* Seldom: lists have to grow long in between. */
static void reload_or_merge(struct bench *bench)
{
	if (rng_below(&bench->rng, 8) == 0)
		resize(bench);
	if (rng_below(&bench->rng, 16) == 0)
		(rng_below(&bench->rng, 4) ? reload : merge_some)(bench);
}

typedef void step_fn(struct bench *bench);

static void one_life(uint64_t seed, step_fn *const steps[10], int count)
{
	OWN(own_free) struct bench *bench = calloc(1, sizeof(*bench));
	CHECK(bench);
	rng_seed(&bench->rng, seed);
	CHECK_EQ(map_begin(&bench->map, (uint64_t)BLOCKS * VOL_BLOCK), 0);
	bench->now.blocks = BLOCKS;
	for (int i = 0; i < count && bench->map.slots.len < SLOTS - 8; i++) {
		steps[rng_below(&bench->rng, 10)](bench);
		check_all(bench);
	}
	map_end(&bench->map);
}

TEST(views_and_changes_are_those_of_the_second_writing)
{
	static step_fn *const steps[] = {write_some, write_some, write_some, cut, cut, drop,
		merge_some, merge_some, pass, reload_or_resize};
	uint64_t seed = test_seed();
	for (uint64_t i = 0; i < 400; i++)
		one_life(seed + i, steps, 120);
}

/* Slots by the hundred for each extent. */
TEST(long_lists_are_those_of_the_second_writing)
{
	static step_fn *const steps[] = {write_some, cut, write_some, cut, write_some, cut,
		write_some, cut, cut_and_look, reload_or_merge};
	uint64_t seed = test_seed();
	for (uint64_t i = 0; i < 40; i++)
		one_life(seed + i, steps, 500);
}

TEST(when_all_is_merged_an_extent_has_one_slot)
{
	struct vol_map map;
	CHECK_EQ(map_begin(&map, VOL_EXTENT), 0);
	for (unsigned i = 0; i < 30; i++) {
		uint32_t slot;
		CHECK_EQ(map_place(&map, 0, &slot), 0);
		map_wrote(&map, slot, UINT64_C(5) << i);
		CHECK_EQ(map_cut(&map, "", 0), 0);
	}
	struct map_merge merge;
	struct map_change change;
	unsigned copied = 0;
	while (map_next_merge(&map, &merge)) {
		copied += (unsigned)__builtin_popcountll(merge.copy);
		CHECK_EQ(map_merged(&map, &merge, &change), 0);
	}
	CHECK_EQ(map_find(&map, map.era, 0).blocks, 32);
	CHECK(copied <= 2 * 29);
	size_t used = 0;
	vec_each (slot, &map.slots)
		used += slot->era != 0;
	CHECK_EQ(used, 1);
	map_end(&map);
}

TEST(nonsense_in_records_is_refused)
{
	struct vol_map map;
	CHECK_EQ(map_begin(&map, 1000), -EINVAL);
	CHECK_EQ(map_begin(&map, 0), -EINVAL);
	CHECK_EQ(map_begin(&map, VOL_SIZE_MAX + 512), -EINVAL);
	CHECK_EQ(map_begin(&map, 2 * VOL_EXTENT), 0);
	CHECK_EQ(map_load_slot(&map, 0, &(struct map_slot){.present = 1, .extent = 2, .era = 1}),
		-EBADMSG);
	CHECK_EQ(map_load_slot(&map, 0, &(struct map_slot){.present = 1, .extent = 1, .era = 2}),
		-EBADMSG);
	CHECK_EQ(
		map_load_slot(&map, 1, &(struct map_slot){.present = 1, .extent = 1, .era = 1}), 0);
	CHECK_EQ(
		map_load_slot(&map, 3, &(struct map_slot){.present = 2, .extent = 1, .era = 1}), 0);
	CHECK_EQ(map_loaded(&map), -EBADMSG);
	map_end(&map);
}

TEST_MAIN
