/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extents with many slots have them side by side in a chain, too: the slots by era, and for each
 * GROUP of them what any of them has. A block among a thousand slots is found in some sixty looks
 * at memory that lies in a row. The list of the slots stays what counts; when there is no memory
 * for a chain, finding is slower and that is all.
 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "vol/map_inner.h"

enum { CHAIN_UNTIL = 8, GROUP = 32 };

static const struct map_chain *chain_of(const struct vol_map *map, uint32_t extent)
{
	uint32_t n = map->chained ? map->chained[extent] : 0;
	return n ? &map->chains.at[n - 1] : NULL;
}

/* How many slots the extent has, at most `most`. */
static size_t list_len(const struct vol_map *map, uint32_t extent, size_t most)
{
	size_t len = 0;
	for (uint32_t n = map_newest(map, extent); n != SLOT_NONE && len < most;
		n = map->slots.at[n].older)
		len++;
	return len;
}

static void let_go(struct vol_map *map, uint32_t extent)
{
	struct map_chain *chain = &map->chains.at[map->chained[extent] - 1];
	free(chain->links);
	free(chain->groups);
	*chain = map->chains.at[--map->chains.len];
	map->chained[chain->extent] = map->chained[extent];
	map->chained[extent] = 0;
}

/* Room for `len` links. False: there is no memory. */
static bool grow(struct map_chain *chain, size_t len)
{
	size_t cap = len + len / 2 + GROUP;
	if (len <= chain->cap)
		return true;
	void *links = realloc(chain->links, cap * sizeof(*chain->links));
	if (links)
		chain->links = links;
	void *groups = realloc(chain->groups, (cap / GROUP + 1) * sizeof(*chain->groups));
	if (groups)
		chain->groups = groups;
	if (!links || !groups)
		return false;
	chain->cap = (uint32_t)cap;
	return true;
}

static void set_link(const struct vol_map *map, struct map_chain *chain, uint32_t at, uint32_t n)
{
	const struct map_slot *slot = &map->slots.at[n];
	chain->links[at] = (struct map_link){slot->present, n, slot->era};
	if (at % GROUP == 0)
		chain->groups[at / GROUP] = 0;
	chain->groups[at / GROUP] |= slot->present;
}

static struct map_chain *begin(struct vol_map *map, uint32_t extent)
{
	if (!map->chained)
		map->chained = calloc(map->extents, sizeof(*map->chained));
	if (!map->chained || vec_push(&map->chains, ((struct map_chain){.extent = extent})))
		return NULL;
	map->chained[extent] = (uint32_t)map->chains.len;
	return &map->chains.at[map->chains.len - 1];
}

void map_chain_renew(struct vol_map *map, uint32_t extent)
{
	size_t len = list_len(map, extent, SIZE_MAX);
	struct map_chain *chain = (struct map_chain *)(uintptr_t)chain_of(map, extent);
	if (len < (chain ? CHAIN_UNTIL : CHAIN_FROM)) {
		if (chain)
			let_go(map, extent);
		return;
	}
	if (!chain)
		chain = begin(map, extent);
	if (!chain)
		return;
	if (!grow(chain, len)) {
		let_go(map, extent);
		return;
	}
	chain->len = (uint32_t)len;
	uint32_t n = map_newest(map, extent);
	memset(chain->groups, 0, (len / GROUP + 1) * sizeof(*chain->groups));
	for (; n != SLOT_NONE; n = map->slots.at[n].older) {
		const struct map_slot *slot = &map->slots.at[n];
		chain->links[--len] = (struct map_link){slot->present, n, slot->era};
		chain->groups[len / GROUP] |= slot->present;
	}
}

void map_chain_push(struct vol_map *map, uint32_t n)
{
	uint32_t extent = map->slots.at[n].extent;
	struct map_chain *chain = (struct map_chain *)(uintptr_t)chain_of(map, extent);
	if (!chain) {
		if (list_len(map, extent, CHAIN_FROM) == CHAIN_FROM)
			map_chain_renew(map, extent);
		return;
	}
	if (grow(chain, chain->len + 1U))
		set_link(map, chain, chain->len++, n);
	else
		let_go(map, extent);
}

/* Slots of the open era, which are the last ones. */
void map_chain_update(struct vol_map *map, uint32_t n)
{
	const struct map_chain *chain = chain_of(map, map->slots.at[n].extent);
	if (!chain)
		return;
	uint32_t at = chain->len - 1;
	while (chain->links[at].slot != n)
		at--;
	chain->links[at].present = map->slots.at[n].present;
	uint64_t blocks = 0;
	for (uint32_t i = at - at % GROUP; i < chain->len && i / GROUP == at / GROUP; i++)
		blocks |= chain->links[i].present;
	chain->groups[at / GROUP] = blocks;
}

void map_chain_done(struct vol_map *map)
{
	vec_each (chain, &map->chains) {
		free(chain->links);
		free(chain->groups);
	}
	vec_done(&map->chains);
	free(map->chained);
}

/* How many links are not of later eras. */
static uint32_t links_upto(const struct map_chain *chain, uint32_t era)
{
	uint32_t low = 0, high = chain->len;
	if (chain->links[high - 1].era <= era)
		return high;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (chain->links[middle].era <= era)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool map_chain_find(const struct vol_map *map, uint32_t view, uint64_t block, struct map_seen *seen)
{
	const struct map_chain *chain = chain_of(map, (uint32_t)(block / VOL_EXTENT_BLOCKS));
	unsigned bit = block % VOL_EXTENT_BLOCKS;
	if (!chain)
		return false;
	*seen = (struct map_seen){.slot = SLOT_NONE, .blocks = UINT64_MAX};
	for (uint32_t at = links_upto(chain, view); at > 0;) {
		uint64_t group = chain->groups[(at - 1) / GROUP];
		if (at % GROUP == 0 && !(group >> bit & 1)) {
			seen->blocks &= ~group;
			at -= GROUP;
			continue;
		}
		const struct map_link *link = &chain->links[--at];
		if (link->present >> bit & 1) {
			seen->slot = link->slot;
			seen->blocks &= link->present;
			break;
		}
		seen->blocks &= ~link->present;
	}
	return true;
}
