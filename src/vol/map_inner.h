/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the map share. For these only.
 *
 * One thread for each map.
 */
#ifndef EBB_VOL_MAP_INNER_H
#define EBB_VOL_MAP_INNER_H

#include "vol/map.h"

static inline uint32_t map_newest(const struct vol_map *map, uint32_t extent)
{
	return map->newest[extent] - 1; /* 0 becomes SLOT_NONE */
}

void map_touch(struct vol_map *map, uint32_t slot);
uint32_t map_era_slot(const struct vol_map *map, uint32_t extent, uint32_t era, bool zeros);
uint64_t map_below(const struct vol_map *map, uint32_t extent, uint32_t era);

/* Does a consumer still have to see the changes of that era? */
bool map_awaited(const struct vol_map *map, uint32_t era);
int map_add_change(struct vol_map *map, const struct map_change *change);
/* Lets changes go that nobody waits for any more. */
void map_prune(struct vol_map *map);

/* The highest kept era of the view that a slot of `era` is seen by first: slots with the same one
 * are told apart by nobody. */
uint32_t map_group(const struct vol_map *map, uint32_t era);

#endif
