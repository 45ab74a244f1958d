/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing over an array of entries.
 *
 * Invariants:
 *   1. every live entry is reachable by linear probing from its hash before any free slot
 *   2. slot_count >= 2 * used: probing always meets a free slot
 *   3. removed entries keep their place (name NULL) until the next growth packs them
 */
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/must.h"

void map_init(struct map *map, uint64_t seed)
{
	*map = (struct map){.seed = seed};
}

void map_done(struct map *map)
{
	for (size_t i = 0; i < map->used; i++)
		free(map->entries[i].name);
	free(map->entries);
	free(map->slots);
	*map = (struct map){.seed = map->seed};
}

static struct map_entry *map_find(const struct map *map, const char *name, uint64_t hash)
{
	if (!map->slot_count)
		return NULL;
	size_t mask = map->slot_count - 1;
	for (size_t s = hash & mask; map->slots[s]; s = (s + 1) & mask) {
		struct map_entry *entry = &map->entries[map->slots[s] - 1];
		if (entry->name && entry->hash == hash && strcmp(entry->name, name) == 0)
			return entry;
	}
	return NULL;
}

static void map_place(struct map *map, uint32_t number)
{
	size_t mask = map->slot_count - 1;
	size_t s = map->entries[number].hash & mask;
	while (map->slots[s])
		s = (s + 1) & mask;
	map->slots[s] = number + 1;
}

/* Packs the entries into a table with room for twice the live ones. */
static int map_rebuild(struct map *map)
{
	size_t room = 8;
	while (room < map->live * 2 + 1)
		room *= 2;
	must(room < UINT32_MAX / 2);
	struct map_entry *entries = calloc(room, sizeof(*entries));
	uint32_t *slots = calloc(room * 2, sizeof(*slots));
	if (!entries || !slots) {
		free(entries);
		free(slots);
		return -ENOMEM;
	}
	size_t used = 0;
	for (size_t i = 0; i < map->used; i++)
		if (map->entries[i].name)
			entries[used++] = map->entries[i];
	free(map->entries);
	free(map->slots);
	map->entries = entries;
	map->slots = slots;
	map->used = used;
	map->slot_count = room * 2;
	for (size_t i = 0; i < used; i++)
		map_place(map, (uint32_t)i);
	return 0;
}

void *map_get(const struct map *map, const char *name)
{
	struct map_entry *entry = map_find(map, name, hash64(name, strlen(name), map->seed));
	return entry ? entry->value : NULL;
}

int map_put(struct map *map, const char *name, void *value)
{
	must(value);
	uint64_t hash = hash64(name, strlen(name), map->seed);
	struct map_entry *entry = map_find(map, name, hash);
	if (entry) {
		entry->value = value;
		return 0;
	}
	if ((map->used + 1) * 2 > map->slot_count) {
		int err = map_rebuild(map);
		if (err)
			return err;
	}
	char *copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	map->entries[map->used] = (struct map_entry){copy, value, hash};
	map_place(map, (uint32_t)map->used);
	map->used++;
	map->live++;
	return 0;
}

void *map_remove(struct map *map, const char *name)
{
	struct map_entry *entry = map_find(map, name, hash64(name, strlen(name), map->seed));
	if (!entry)
		return NULL;
	free(entry->name);
	entry->name = NULL;
	map->live--;
	return entry->value;
}

struct map_entry *map_next(const struct map *map, struct map_entry *after)
{
	size_t i = after ? (size_t)(after - map->entries) + 1 : 0;
	for (; i < map->used; i++)
		if (map->entries[i].name)
			return &map->entries[i];
	return NULL;
}
