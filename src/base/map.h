/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table from names to pointers that remembers the order in which names came: walking it is
 * deterministic whatever the seed of its hash.
 *
 * Names are copied; values are borrowed (the table never frees them). A name is any bytes up to its
 * NUL. Give a seed from the world's dice where names come from outside.
 *
 * Any thread, one at a time for each map.
 */
#ifndef EBB_BASE_MAP_H
#define EBB_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
	char *name; /* NULL: removed */
	void *value;
	uint64_t hash;
};

struct map {
	struct map_entry *entries; /* in order of arrival */
	uint32_t *slots;           /* entry number + 1; 0: free */
	size_t used;               /* entries in use, removed ones included */
	size_t live;
	size_t slot_count; /* a power of two, or 0 */
	uint64_t seed;
};

/* An all-zero struct map is an empty one with seed 0. */
void map_init(struct map *map, uint64_t seed);
void map_done(struct map *map);

/* The value under `name`, NULL when there is none. */
void *map_get(const struct map *map, const char *name);

/* Sets or replaces; `value` is not NULL. 0, or -ENOMEM with the map as it was. */
int map_put(struct map *map, const char *name, void *value);

/* Removes and returns the value, NULL when there was none. Safe inside map_each. */
void *map_remove(struct map *map, const char *name);

/* Walks in order of arrival. A name new to the map is not put meanwhile: that moves the entries. */
#define map_each(entry, map) \
	for (struct map_entry *entry = map_next(map, NULL); entry; entry = map_next(map, entry))

struct map_entry *map_next(const struct map *map, struct map_entry *after);

#endif
