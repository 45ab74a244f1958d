/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and placing blocks. */
#include "vol/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "vol/map_inner.h"

int map_begin(struct vol_map *map, uint64_t size)
{
	if (size == 0 || size % 512 != 0 || size > VOL_SIZE_MAX)
		return -EINVAL;
	*map = (struct vol_map){.size = size, .era = 1};
	map->extents = (uint32_t)((size + VOL_EXTENT - 1) / VOL_EXTENT);
	map->newest = calloc(map->extents, sizeof(*map->newest));
	return map->newest ? 0 : -ENOMEM;
}

void map_end(struct vol_map *map)
{
	free(map->newest);
	free(map->changed);
	map_chain_done(map);
	vec_done(&map->slots);
	vec_done(&map->free);
	vec_done(&map->touched);
	vec_done(&map->snapshots);
	vec_done(&map->consumers);
	vec_done(&map->changes);
}

/* How many bits from `bit` on are set without a gap. */
static uint32_t run_of(uint64_t bits, unsigned bit)
{
	uint64_t gaps = ~(bits >> bit);
	uint32_t run = gaps ? (uint32_t)__builtin_ctzll(gaps) : VOL_EXTENT_BLOCKS;
	return run < VOL_EXTENT_BLOCKS - bit ? run : VOL_EXTENT_BLOCKS - bit;
}

struct map_run map_find(const struct vol_map *map, uint32_t view, uint64_t block)
{
	uint32_t extent = (uint32_t)(block / VOL_EXTENT_BLOCKS);
	unsigned bit = block % VOL_EXTENT_BLOCKS;
	must(extent < map->extents);
	struct map_seen far;
	if (map_chain_find(map, view, block, &far)) {
		bool zeros = far.slot == SLOT_NONE || map->slots.at[far.slot].zeros;
		return (struct map_run){zeros ? SLOT_NONE : far.slot, run_of(far.blocks, bit)};
	}
	uint64_t unseen = UINT64_MAX;
	for (uint32_t n = map_newest(map, extent); n != SLOT_NONE; n = map->slots.at[n].older) {
		const struct map_slot *slot = &map->slots.at[n];
		if (slot->era > view)
			continue;
		uint64_t seen = slot->present & unseen;
		if (seen >> bit & 1)
			return (struct map_run){slot->zeros ? SLOT_NONE : n, run_of(seen, bit)};
		unseen &= ~slot->present;
	}
	return (struct map_run){SLOT_NONE, run_of(unseen, bit)};
}

const struct map_snapshot *map_snapshot(const struct vol_map *map, const char *name)
{
	vec_each (snapshot, &map->snapshots)
		if (strcmp(snapshot->name, name) == 0)
			return snapshot;
	return NULL;
}

const struct map_consumer *map_consumer(const struct vol_map *map, const char *name)
{
	vec_each (consumer, &map->consumers)
		if (strcmp(consumer->name, name) == 0)
			return consumer;
	return NULL;
}

int map_reserve(struct vol_map *map, size_t slots)
{
	size_t fresh = slots > map->free.len ? slots - map->free.len : 0;
	if (map->slots.len + fresh > VOL_SLOTS_MAX)
		return -ENOMEM;
	int err = vec_reserve(&map->slots, map->slots.len + fresh);
	/* Each slot is at most once in each of these. */
	if (!err)
		err = vec_reserve(&map->touched, map->slots.cap);
	return err ? err : vec_reserve(&map->free, map->slots.cap);
}

void map_touch(struct vol_map *map, uint32_t slot)
{
	if (map->slots.at[slot].touched)
		return;
	map->slots.at[slot].touched = true;
	must(map->touched.len < map->touched.cap);
	map->touched.at[map->touched.len++] = slot;
}

/* The slot of that era and kind, SLOT_NONE when there is none. */
uint32_t map_era_slot(const struct vol_map *map, uint32_t extent, uint32_t era, bool zeros)
{
	uint32_t n = map_newest(map, extent);
	/* Newest first: behind an older era there is none. */
	while (n != SLOT_NONE &&
		(map->slots.at[n].era > era ||
			(map->slots.at[n].era == era && map->slots.at[n].zeros != zeros)))
		n = map->slots.at[n].older;
	return n != SLOT_NONE && map->slots.at[n].era == era ? n : SLOT_NONE;
}

/* A new slot of the open era, before all others of its extent. */
static int take_slot(struct vol_map *map, uint32_t extent, bool zeros, uint32_t *ret_slot)
{
	int err = map_reserve(map, 1);
	if (err)
		return err;
	uint32_t n = map->free.len ? map->free.at[--map->free.len] : (uint32_t)map->slots.len++;
	map->slots.at[n] = (struct map_slot){.extent = extent,
		.era = map->era,
		.older = map_newest(map, extent),
		.zeros = zeros};
	map->newest[extent] = n + 1;
	map_chain_push(map, n);
	*ret_slot = n;
	return 0;
}

int map_place(struct vol_map *map, uint32_t extent, uint32_t *ret_slot)
{
	must(extent < map->extents);
	*ret_slot = map_era_slot(map, extent, map->era, false);
	return *ret_slot != SLOT_NONE ? 0 : take_slot(map, extent, false, ret_slot);
}

static void add_blocks(struct vol_map *map, uint32_t n, uint64_t blocks)
{
	struct map_slot *slot = &map->slots.at[n];
	if ((slot->present & blocks) == blocks)
		return;
	slot->present |= blocks;
	map_chain_update(map, n);
	map_touch(map, n);
}

static void take_blocks(struct vol_map *map, uint32_t n, uint64_t blocks)
{
	if (n == SLOT_NONE || !(map->slots.at[n].present & blocks))
		return;
	map->slots.at[n].present &= ~blocks;
	map_chain_update(map, n);
	map_touch(map, n);
}

void map_wrote(struct vol_map *map, uint32_t n, uint64_t blocks)
{
	const struct map_slot *slot = &map->slots.at[n];
	must(slot->era && !slot->zeros);
	add_blocks(map, n, blocks);
	take_blocks(map, map_era_slot(map, slot->extent, slot->era, true), blocks);
}

/* What slots of eras below `era` have of the extent. */
uint64_t map_below(const struct vol_map *map, uint32_t extent, uint32_t era)
{
	uint64_t blocks = 0;
	for (uint32_t n = map_newest(map, extent); n != SLOT_NONE; n = map->slots.at[n].older)
		if (map->slots.at[n].era < era && !map->slots.at[n].zeros)
			blocks |= map->slots.at[n].present;
	return blocks;
}

int map_zero(struct vol_map *map, uint32_t extent, uint64_t blocks)
{
	must(extent < map->extents);
	uint32_t own = map_era_slot(map, extent, map->era, false);
	uint64_t hide = blocks & map_below(map, extent, map->era);
	/* What only this era wrote may still have been seen by nobody, yet a zero after it is a
	 * change as well: a slot of zeros says so. */
	if (own != SLOT_NONE)
		hide |= blocks & map->slots.at[own].present;
	if (hide) {
		uint32_t zeros = map_era_slot(map, extent, map->era, true);
		int err = zeros != SLOT_NONE ? 0 : take_slot(map, extent, true, &zeros);
		if (err)
			return err;
		add_blocks(map, zeros, hide);
	}
	take_blocks(map, own, blocks);
	return 0;
}

int map_take_touched(struct vol_map *map, map_slot_fn *fn, void *arg)
{
	vec_each (slot, &map->touched) {
		int err = fn(arg, *slot, &map->slots.at[*slot]);
		if (err)
			return err;
	}
	vec_each (slot, &map->touched) {
		map->slots.at[*slot].touched = false;
		map->slots.at[*slot].told = true;
	}
	map->touched.len = 0;
	return 0;
}
