/* SPDX-License-Identifier: Apache-2.0 */
/* Slots that no kept view tells apart become one. */
#include "base/must.h"
#include "vol/map_inner.h"

/*
 * The oldest slot of the extent that has a slot of an older era in its own group: all slots below
 * it in the group are then of one era, the base. Or one that is of no use any more.
 */
static uint32_t find_newer(const struct vol_map *map, uint32_t extent)
{
	uint32_t found = SLOT_NONE, older;
	for (uint32_t n = map_newest(map, extent); n != SLOT_NONE; n = older) {
		const struct map_slot *slot = &map->slots.at[n];
		older = slot->older;
		if (slot->era >= map->era)
			continue;
		if (!slot->present)
			return n;
		uint32_t below = older;
		while (below != SLOT_NONE && map->slots.at[below].era == slot->era)
			below = map->slots.at[below].older;
		if (below != SLOT_NONE &&
			map_group(map, slot->era) == map_group(map, map->slots.at[below].era))
			found = n;
	}
	return found;
}

static uint32_t base_era(const struct vol_map *map, const struct map_slot *newer)
{
	uint32_t era = newer->era;
	for (uint32_t n = newer->older; n != SLOT_NONE; n = map->slots.at[n].older)
		if (map_group(map, map->slots.at[n].era) == map_group(map, newer->era))
			era = map->slots.at[n].era;
	return era;
}

static struct map_merge plan_merge(const struct vol_map *map, uint32_t newer)
{
	const struct map_slot *slot = &map->slots.at[newer];
	struct map_merge merge = {newer, SLOT_NONE, SLOT_NONE, SLOT_NONE, 0};
	uint32_t era = base_era(map, slot);
	if (!slot->present || era == slot->era)
		return merge;
	merge.base = map_era_slot(map, slot->extent, era, slot->zeros);
	if (merge.base == SLOT_NONE || slot->zeros)
		return merge;
	uint64_t down = slot->present, up = map->slots.at[merge.base].present & ~slot->present;
	bool is_down = __builtin_popcountll(down) <= __builtin_popcountll(up);
	merge.from = is_down ? newer : merge.base;
	merge.into = is_down ? merge.base : newer;
	merge.copy = is_down ? down : up;
	return merge;
}

bool map_seek_merge(struct vol_map *map, uint32_t most)
{
	for (; map->merge_at < map->extents && most > 0; map->merge_at++, most--)
		if (find_newer(map, map->merge_at) != SLOT_NONE)
			return true;
	return map->merge_at == map->extents;
}

bool map_next_merge(struct vol_map *map, struct map_merge *ret_merge)
{
	for (; map->merge_at < map->extents; map->merge_at++) {
		uint32_t newer = find_newer(map, map->merge_at);
		if (newer == SLOT_NONE)
			continue;
		*ret_merge = plan_merge(map, newer);
		return true;
	}
	return false;
}

static void set_present(struct vol_map *map, uint32_t n, uint64_t present)
{
	if (n == SLOT_NONE || map->slots.at[n].present == present)
		return;
	map->slots.at[n].present = present;
	map_touch(map, n);
}

static void lose(struct vol_map *map, uint32_t n, uint64_t blocks)
{
	if (n != SLOT_NONE)
		set_present(map, n, map->slots.at[n].present & ~blocks);
}

static void unlink_slot(struct vol_map *map, uint32_t n)
{
	const struct map_slot *slot = &map->slots.at[n];
	uint32_t at = map_newest(map, slot->extent);
	if (at == n) {
		map->newest[slot->extent] = slot->older + 1;
		return;
	}
	while (map->slots.at[at].older != n)
		at = map->slots.at[at].older;
	map->slots.at[at].older = slot->older;
}

static void move_to_era(struct vol_map *map, uint32_t n, uint32_t era)
{
	map->slots.at[n].era = era;
	map_touch(map, n);
}

/* The newer slot is the base's now: what its era changed, its kind hides from the other kind. */
static void merge_slots(struct vol_map *map, const struct map_merge *merge, uint32_t era)
{
	struct map_slot *newer = &map->slots.at[merge->newer];
	lose(map, map_era_slot(map, newer->extent, era, !newer->zeros), newer->present);
	if (merge->base == SLOT_NONE) {
		move_to_era(map, merge->newer, era);
	} else if (newer->zeros || merge->into == merge->base) {
		set_present(map, merge->base, map->slots.at[merge->base].present | newer->present);
		set_present(map, merge->newer, 0);
	} else {
		set_present(map, merge->newer, newer->present | merge->copy);
		move_to_era(map, merge->newer, era);
		set_present(map, merge->base, 0);
	}
}

static void drop_if_empty(struct vol_map *map, uint32_t n)
{
	if (n == SLOT_NONE || map->slots.at[n].present || !map->slots.at[n].era)
		return;
	unlink_slot(map, n);
	map->slots.at[n].era = 0;
	map_touch(map, n);
}

/* What is to be remembered of the newer slot's era before the slot becomes one of an older. */
static int note_change(struct vol_map *map, uint32_t n, struct map_change *ret_change)
{
	const struct map_slot *newer = &map->slots.at[n];
	*ret_change = (struct map_change){
		.era = newer->era, .extent = newer->extent, .blocks = newer->present};
	if (map_awaited(map, newer->era))
		return map_add_change(map, ret_change);
	ret_change->extent = SLOT_NONE;
	map->forgotten = newer->era > map->forgotten ? newer->era : map->forgotten;
	return 0;
}

int map_merged(struct vol_map *map, const struct map_merge *merge, struct map_change *ret_change)
{
	const struct map_slot *newer = &map->slots.at[merge->newer];
	uint32_t era = base_era(map, newer), other = SLOT_NONE;
	*ret_change = (struct map_change){0};
	if (newer->present && era != newer->era) {
		int err = note_change(map, merge->newer, ret_change);
		if (err)
			return err;
		other = map_era_slot(map, newer->extent, era, !newer->zeros);
		merge_slots(map, merge, era);
	}
	/* Zeros are there to hide: where nothing lies below, they go. */
	uint32_t zeros = map_era_slot(map, newer->extent, era, true);
	if (zeros != SLOT_NONE)
		lose(map, zeros, ~map_below(map, newer->extent, era));
	drop_if_empty(map, zeros);
	drop_if_empty(map, other);
	drop_if_empty(map, merge->base);
	drop_if_empty(map, merge->newer);
	map_chain_renew(map, newer->extent);
	return 0;
}

void map_free(struct vol_map *map, uint32_t n)
{
	must(n < map->slots.len && !map->slots.at[n].era && !map->slots.at[n].touched);
	map->slots.at[n] = (struct map_slot){.older = SLOT_NONE};
	must(map->free.len < map->free.cap);
	map->free.at[map->free.len++] = n;
}
