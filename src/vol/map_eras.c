/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts, snapshots, consumers, and what changed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "vol/map_inner.h"

static void set_name(char to[VOL_NAME_MAX], const char *name)
{
	size_t len = strlen(name);
	must(len < VOL_NAME_MAX);
	memcpy(to, name, len + 1);
}

int map_cut(struct vol_map *map, const char *name, int64_t at_ns)
{
	if (map->era >= INT32_MAX)
		return -ENOSPC;
	if (name[0]) {
		if (map_snapshot(map, name))
			return -EEXIST;
		if (map->snapshots.len >= VOL_NAMES)
			return -ENOSPC;
		struct map_snapshot snapshot = {.era = map->era, .size = map->size, .at_ns = at_ns};
		set_name(snapshot.name, name);
		int err = vec_push(&map->snapshots, snapshot);
		if (err)
			return err;
	}
	map->era++;
	map->merge_at = 0;
	return 0;
}

int map_note_group(struct vol_map *map, uint32_t era, struct map_group_of group)
{
	vec_each (snapshot, &map->snapshots) {
		if (snapshot->era != era)
			continue;
		snapshot->group = group;
		return 0;
	}
	return -ENOENT;
}

int map_drop(struct vol_map *map, uint32_t era)
{
	vec_each (snapshot, &map->snapshots) {
		if (snapshot->era != era)
			continue;
		size_t i = (size_t)(snapshot - map->snapshots.at);
		memmove(snapshot, snapshot + 1, (--map->snapshots.len - i) * sizeof(*snapshot));
		map->merge_at = 0;
		return 0;
	}
	return -ENOENT;
}

size_t map_snapshot_from(const struct vol_map *map, uint32_t era)
{
	size_t low = 0, high = map->snapshots.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (map->snapshots.at[middle].era < era)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct map_snapshot *map_snapshot_of(const struct vol_map *map, uint32_t era)
{
	size_t at = map_snapshot_from(map, era);
	bool is = at < map->snapshots.len && map->snapshots.at[at].era == era;
	return is ? &map->snapshots.at[at] : NULL;
}

uint32_t map_group(const struct vol_map *map, uint32_t era)
{
	size_t at = map_snapshot_from(map, era);
	return at < map->snapshots.len ? map->snapshots.at[at].era : UINT32_MAX;
}

/* The lowest era that every consumer has passed; without consumers all are. */
static uint32_t passed_by_all(const struct vol_map *map)
{
	uint32_t passed = UINT32_MAX;
	vec_each (consumer, &map->consumers)
		passed = consumer->passed < passed ? consumer->passed : passed;
	return passed;
}

bool map_awaited(const struct vol_map *map, uint32_t era)
{
	return era > passed_by_all(map);
}

static void link_changes(struct vol_map *map)
{
	if (map->changed)
		memset(map->changed, 0, map->extents * sizeof(*map->changed));
	for (size_t i = 0; i < map->changes.len; i++) {
		struct map_change *change = &map->changes.at[i];
		change->next = map->changed[change->extent];
		map->changed[change->extent] = (uint32_t)i + 1;
	}
}

void map_prune(struct vol_map *map)
{
	size_t kept = 0;
	for (size_t i = 0; i < map->changes.len; i++) {
		if (map_awaited(map, map->changes.at[i].era))
			map->changes.at[kept++] = map->changes.at[i];
		else if (map->changes.at[i].era > map->forgotten)
			map->forgotten = map->changes.at[i].era;
	}
	if (kept == map->changes.len)
		return;
	map->changes.len = kept;
	link_changes(map);
}

int map_add_change(struct vol_map *map, const struct map_change *change)
{
	if (!map->changed)
		map->changed = calloc(map->extents, sizeof(*map->changed));
	if (!map->changed)
		return -ENOMEM;
	struct map_change added = *change;
	added.next = map->changed[change->extent];
	int err = map->changes.len < INT32_MAX ? vec_push(&map->changes, added) : -ENOMEM;
	if (!err)
		map->changed[change->extent] = (uint32_t)map->changes.len;
	return err;
}

static struct map_consumer *find_consumer(struct vol_map *map, const char *name)
{
	return (struct map_consumer *)(uintptr_t)map_consumer(map, name);
}

int map_passed(struct vol_map *map, const char *name, uint32_t era)
{
	if (era >= map->era)
		return -EINVAL;
	struct map_consumer *consumer = find_consumer(map, name);
	if (!consumer) {
		if (map->consumers.len >= VOL_NAMES)
			return -ENOSPC;
		struct map_consumer fresh = {.passed = 0};
		set_name(fresh.name, name);
		int err = vec_push(&map->consumers, fresh);
		if (err)
			return err;
		consumer = &map->consumers.at[map->consumers.len - 1];
	}
	if (era > consumer->passed)
		consumer->passed = era;
	map_prune(map);
	return 0;
}

int map_consumer_gone(struct vol_map *map, const char *name)
{
	struct map_consumer *consumer = find_consumer(map, name);
	if (!consumer)
		return -ENOENT;
	size_t i = (size_t)(consumer - map->consumers.at);
	memmove(consumer, consumer + 1, (--map->consumers.len - i) * sizeof(*consumer));
	map_prune(map);
	return 0;
}

uint64_t map_changed(const struct vol_map *map, uint32_t extent, uint32_t since, uint32_t upto)
{
	must(extent < map->extents);
	uint64_t blocks = 0;
	bool all = since < map->forgotten;
	for (uint32_t n = map_newest(map, extent); n != SLOT_NONE; n = map->slots.at[n].older) {
		const struct map_slot *slot = &map->slots.at[n];
		if (slot->era <= upto && (all || slot->era > since))
			blocks |= slot->present;
	}
	uint32_t i = map->changed ? map->changed[extent] : 0;
	for (; i; i = map->changes.at[i - 1].next) {
		const struct map_change *change = &map->changes.at[i - 1];
		if (change->era <= upto && (all || change->era > since))
			blocks |= change->blocks;
	}
	return blocks;
}
