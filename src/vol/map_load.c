/* SPDX-License-Identifier: Apache-2.0 */
/* From records back to a map. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int map_load_recent(struct vol_map *map, uint32_t n, const struct map_slot *state)
{
	bool told = n < map->slots.len && map->slots.at[n].told;
	int err = map_load_slot(map, n, state);
	if (err)
		return err;
	map->slots.at[n].told = told;
	/* One that is empty is free, unless a record says otherwise and has to be corrected. */
	map->slots.at[n].touched = state->present || told;
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

/* Two lists, newest first, become one. */
static uint32_t join(struct vol_map *map, uint32_t a, uint32_t b)
{
	uint32_t first = SLOT_NONE, *end = &first;
	while (a != SLOT_NONE && b != SLOT_NONE) {
		uint32_t *from = map->slots.at[a].era >= map->slots.at[b].era ? &a : &b;
		*end = *from;
		end = &map->slots.at[*from].older;
		*from = *end;
	}
	*end = a != SLOT_NONE ? a : b;
	return first;
}

/* Lists of 1, 2, 4, ... slots are joined as they come, so that a long one takes no square of time.
 */
static void sort_list(struct vol_map *map, uint32_t extent)
{
	uint32_t sorted[32], next;
	memset(sorted, 0xff, sizeof(sorted));
	for (uint32_t n = map_newest(map, extent); n != SLOT_NONE; n = next) {
		next = map->slots.at[n].older;
		map->slots.at[n].older = SLOT_NONE;
		uint32_t list = n, i = 0;
		for (; sorted[i] != SLOT_NONE; i++) {
			list = join(map, sorted[i], list);
			sorted[i] = SLOT_NONE;
		}
		sorted[i] = list;
	}
	uint32_t all = SLOT_NONE;
	for (uint32_t i = 0; i < 32; i++)
		all = join(map, sorted[i], all);
	map->newest[extent] = all + 1;
}

/* An era has at most one slot of data and one of zeros, with no block in both. */
static int check_era(const struct vol_map *map, uint32_t n)
{
	const struct map_slot *slot = &map->slots.at[n];
	const struct map_slot *twin = slot->older != SLOT_NONE ? &map->slots.at[slot->older] : NULL;
	if (!twin || twin->era != slot->era)
		return 0;
	if (twin->zeros == slot->zeros || (twin->present & slot->present))
		return -EBADMSG;
	bool third = twin->older != SLOT_NONE && map->slots.at[twin->older].era == slot->era;
	return third ? -EBADMSG : 0;
}

enum { COUNT = 0x7f, UNSORTED = 0x80 }; /* of an extent's slots */

static void link_slot(struct vol_map *map, uint32_t n, uint8_t *tally)
{
	struct map_slot *slot = &map->slots.at[n];
	slot->older = map_newest(map, slot->extent);
	map->newest[slot->extent] = n + 1;
	if ((*tally & COUNT) < COUNT)
		++*tally;
	if (slot->older != SLOT_NONE && map->slots.at[slot->older].era > slot->era)
		*tally |= UNSORTED;
}

static int link_all(struct vol_map *map, uint8_t *tallies)
{
	int err = 0;
	for (uint32_t n = 0; n < map->slots.len; n++) {
		if (map->slots.at[n].present)
			link_slot(map, n, &tallies[map->slots.at[n].extent]);
	}
	for (uint32_t extent = 0; extent < map->extents; extent++)
		if (tallies[extent] & UNSORTED)
			sort_list(map, extent);
	for (uint32_t n = 0; !err && n < map->slots.len; n++)
		err = check_era(map, n);
	for (uint32_t extent = 0; !err && extent < map->extents; extent++)
		if ((tallies[extent] & COUNT) >= CHAIN_FROM)
			map_chain_renew(map, extent);
	return err;
}

int map_loaded(struct vol_map *map)
{
	uint8_t *tallies = calloc(map->extents, 1);
	int err = tallies ? map_reserve(map, map->slots.len) : -ENOMEM;
	if (!err)
		err = link_all(map, tallies);
	free(tallies);
	/* The lowest is taken first: files stay short. */
	for (size_t n = map->slots.len; !err && n-- > 0;) {
		if (map->slots.at[n].touched)
			map->touched.at[map->touched.len++] = (uint32_t)n;
		else if (!map->slots.at[n].present)
			map->free.at[map->free.len++] = (uint32_t)n;
	}
	map_prune(map);
	return err;
}
