/* SPDX-License-Identifier: Apache-2.0 */
/* How large the volume and each of its snapshots is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "vol/map_inner.h"

static uint32_t extents_of(uint64_t size)
{
	return (uint32_t)((size + VOL_EXTENT - 1) / VOL_EXTENT);
}

/* More numbers by extent; NULL stays NULL when nothing needs them yet. */
static int grow(uint32_t **array, uint32_t from, uint32_t to)
{
	if (!*array)
		return 0;
	uint32_t *grown = realloc(*array, to * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memset(grown + from, 0, (to - from) * sizeof(*grown));
	*array = grown;
	return 0;
}

int map_resize(struct vol_map *map, uint64_t size)
{
	if (size == 0 || size % 512 != 0 || size > VOL_SIZE_MAX)
		return -EINVAL;
	uint32_t extents = extents_of(size);
	int err = 0;
	if (extents > map->extents) {
		err = grow(&map->newest, map->extents, extents);
		if (!err)
			err = grow(&map->changed, map->extents, extents);
		if (!err)
			err = grow(&map->chained, map->extents, extents);
	}
	if (err)
		return err;
	map->extents = extents > map->extents ? extents : map->extents;
	map->size = size;
	return 0;
}

uint64_t map_view_size(const struct vol_map *map, uint32_t view)
{
	const struct map_snapshot *snapshot = view < map->era ? map_snapshot_of(map, view) : NULL;
	return snapshot ? snapshot->size : map->size;
}

uint64_t map_next_shown(const struct vol_map *map, uint64_t block, uint64_t end)
{
	uint64_t last = (uint64_t)map->extents * VOL_EXTENT_BLOCKS;
	end = end < last ? end : last;
	while (block < end) {
		struct map_run run = map_find(map, map->era, block);
		if (run.slot != SLOT_NONE)
			return block;
		block += run.blocks;
	}
	return UINT64_MAX;
}
