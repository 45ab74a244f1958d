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

/* The first snapshot of that era or a later one. */
size_t map_snapshot_from(const struct vol_map *map, uint32_t era);

/* The highest kept era of the view that a slot of `era` is seen by first: slots with the same one
 * are told apart by nobody. */
uint32_t map_group(const struct vol_map *map, uint32_t era);

/* ---- map_chain.c ---- */

/* Extents with so many slots get a chain. */
enum { CHAIN_FROM = 16 };

/* Links are by era; where two slots share one, in the order in which the list has them. */
struct map_link {
	uint64_t present;
	uint32_t slot, era;
};

struct map_chain {
	uint32_t extent, len, cap;
	struct map_link *links;
	uint64_t *groups; /* what any of so many links has */
};

/* A new slot of the open era is in front of its list. */
void map_chain_push(struct vol_map *map, uint32_t slot);
/* The present blocks of a slot of the open era changed. */
void map_chain_update(struct vol_map *map, uint32_t slot);
/* Anything about the extent's slots changed. */
void map_chain_renew(struct vol_map *map, uint32_t extent);
void map_chain_done(struct vol_map *map);

/* The slot that shows a block, SLOT_NONE for none, and the blocks that no newer one shows: all of
 * them that it has, or all that nothing has. */
struct map_seen {
	uint32_t slot;
	uint64_t blocks;
};

/* False: the extent has no chain. */
bool map_chain_find(
	const struct vol_map *map, uint32_t view, uint64_t block, struct map_seen *ret_seen);

#endif
