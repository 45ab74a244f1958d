/* SPDX-License-Identifier: Apache-2.0 */
/* From records back to a map. */
#include <errno.h>

#include "vol/map_inner.h"

int map_load_slot(struct vol_map *map, uint32_t n, const struct map_slot *state)
{
	if (n >= VOL_SLOTS_MAX)
		return -EBADMSG;
	if (n >= map->slots.len) {
		int err = map_reserve(map, n + 1 - map->slots.len);
		if (err)
			return err;
		while (map->slots.len <= n)
			map->slots.at[map->slots.len++] = (struct map_slot){.older = SLOT_NONE};
	}
	map->slots.at[n] = (struct map_slot){.older = SLOT_NONE};
	if (!state->present)
		return 0;
	if (state->extent >= map->extents || state->era == 0 || state->era > map->era)
		return -EBADMSG;
	map->slots.at[n].present = state->present;
	map->slots.at[n].extent = state->extent;
	map->slots.at[n].era = state->era;
	map->slots.at[n].zeros = state->zeros;
	map->slots.at[n].told = true;
	return 0;
}

int map_load_change(struct vol_map *map, const struct map_change *change)
{
	if (change->era == 0 || change->era > map->era)
		return -EBADMSG;
	if (change->extent == SLOT_NONE) {
		map->forgotten = change->era > map->forgotten ? change->era : map->forgotten;
		return 0;
	}
	return change->extent < map->extents ? map_add_change(map, change) : -EBADMSG;
}

/* Into its extent's list, newest first. */
static int link_slot(struct vol_map *map, uint32_t n)
{
	struct map_slot *slot = &map->slots.at[n];
	uint32_t before = SLOT_NONE, at = map_newest(map, slot->extent);
	while (at != SLOT_NONE && map->slots.at[at].era >= slot->era) {
		if (map->slots.at[at].era == slot->era &&
			(map->slots.at[at].zeros == slot->zeros ||
				(map->slots.at[at].present & slot->present)))
			return -EBADMSG;
		before = at;
		at = map->slots.at[at].older;
	}
	slot->older = at;
	if (before == SLOT_NONE)
		map->newest[slot->extent] = n + 1;
	else
		map->slots.at[before].older = n;
	return 0;
}

int map_loaded(struct vol_map *map)
{
	int err = map_reserve(map, map->slots.len);
	for (size_t n = map->slots.len; !err && n-- > 0;) {
		if (map->slots.at[n].present)
			err = link_slot(map, (uint32_t)n);
		else
			map->free.at[map->free.len++] = (uint32_t)n;
	}
	map_prune(map);
	return err;
}
