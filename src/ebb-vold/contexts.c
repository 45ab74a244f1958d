/* SPDX-License-Identifier: Apache-2.0 */
/* What is told is found extent by extent, in the map. */
#include "ebb-vold/contexts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ebb-vold/exports.h"
#include "vol/engine.h"
#include "vol/map.h"

#define BITMAP "qemu:dirty-bitmap:"

/* Of one request: the rest may be asked for again. */
enum { EXTENTS_AT_ONCE = 16384 };

enum { NAME_ROOM = sizeof(BITMAP) + VOL_NAME_MAX, ERA = 1, DIRTY = 1 };

/* ---- names ---- */

static void add(struct contexts *contexts, const char *space, const char *name, uint32_t since)
{
	char *at = contexts->text + (size_t)contexts->count * NAME_ROOM;
	if (contexts->count == NBD_CONTEXTS - 1)
		return;
	snprintf(at, NAME_ROOM, "%s%s", space, name);
	contexts->names[contexts->count] = at;
	contexts->since[contexts->count++] = since;
}

int contexts_init(struct contexts *contexts, const struct vol_map *map, uint32_t upto)
{
	*contexts = (struct contexts){.text = malloc((NBD_CONTEXTS - 1) * (size_t)NAME_ROOM)};
	if (!contexts->text)
		return -ENOMEM;
	add(contexts, "x-ebb:era", "", 0);
	vec_each (consumer, &map->consumers)
		if (consumer->passed < upto)
			add(contexts, BITMAP, consumer->name, consumer->passed);
	for (size_t i = map->snapshots.len; i--;) {
		const struct map_snapshot *snapshot = &map->snapshots.at[i];
		if (snapshot->era < upto && !map_consumer(map, snapshot->name))
			add(contexts, BITMAP, snapshot->name, snapshot->era);
	}
	return 0;
}

void contexts_done(struct contexts *contexts)
{
	free(contexts->text);
}

/* ---- answers ---- */

struct telling {
	const struct vol_map *map;
	struct nbd *nbd;
	struct nbd_request *request;
	uint32_t upto;
	uint64_t at, size;
	bool more;
	bool fills; /* what is not there yet is no hole */
};

/* From where the last one ended up to block `to`. */
static void tell(struct telling *telling, uint64_t to, uint32_t flags)
{
	uint64_t end = to * VOL_BLOCK < telling->size ? to * VOL_BLOCK : telling->size;
	if (telling->more && end > telling->at)
		telling->more = nbd_extent(
			telling->nbd, telling->request, end - telling->at, flags);
	telling->at = end > telling->at ? end : telling->at;
}

static void tell_allocation(struct telling *telling, uint32_t extent)
{
	uint64_t end = ((uint64_t)extent + 1) * VOL_EXTENT_BLOCKS;
	for (uint64_t block = telling->at / VOL_BLOCK; telling->more && block < end;) {
		struct map_run run = map_find(telling->map, telling->upto, block);
		block += run.blocks;
		tell(telling, block,
			run.slot == SLOT_NONE && !telling->fills ? NBD_HOLE | NBD_ZEROES : 0);
	}
}

static void note(uint32_t eras[VOL_EXTENT_BLOCKS], uint64_t blocks, uint32_t era)
{
	for (; blocks; blocks &= blocks - 1) {
		unsigned block = (unsigned)__builtin_ctzll(blocks);
		eras[block] = era > eras[block] ? era : eras[block];
	}
}

/* Merging puts blocks into slots of older eras; those that somebody waits for it notes. */
static void find_eras(
	const struct telling *telling, uint32_t extent, uint32_t eras[VOL_EXTENT_BLOCKS])
{
	const struct vol_map *map = telling->map;
	uint32_t slot = map->newest[extent] - 1;
	uint32_t change = map->changed ? map->changed[extent] : 0;
	memset(eras, 0, VOL_EXTENT_BLOCKS * sizeof(*eras));
	for (; slot != SLOT_NONE; slot = map->slots.at[slot].older) {
		uint32_t era = map->slots.at[slot].era;
		if (era <= telling->upto)
			note(eras, map->slots.at[slot].present,
				era > map->forgotten ? era : map->forgotten);
	}
	for (; change; change = map->changes.at[change - 1].next)
		if (map->changes.at[change - 1].era <= telling->upto)
			note(eras, map->changes.at[change - 1].blocks,
				map->changes.at[change - 1].era);
}

static void tell_eras(struct telling *telling, uint32_t extent)
{
	uint32_t eras[VOL_EXTENT_BLOCKS];
	uint64_t first = (uint64_t)extent * VOL_EXTENT_BLOCKS;
	find_eras(telling, extent, eras);
	for (unsigned i = 1; i <= VOL_EXTENT_BLOCKS; i++)
		if (i == VOL_EXTENT_BLOCKS || eras[i] != eras[i - 1])
			tell(telling, first + i, eras[i - 1]);
}

static void tell_dirty(struct telling *telling, uint32_t extent, uint32_t since)
{
	uint64_t blocks = map_changed(telling->map, extent, since, telling->upto);
	uint64_t first = (uint64_t)extent * VOL_EXTENT_BLOCKS;
	for (unsigned i = 1; i <= VOL_EXTENT_BLOCKS; i++)
		if (i == VOL_EXTENT_BLOCKS || (blocks >> i & 1) != (blocks >> (i - 1) & 1))
			tell(telling, first + i, blocks >> (i - 1) & 1 ? DIRTY : 0);
}

static void tell_context(struct telling *telling, const struct contexts *contexts, unsigned context)
{
	uint32_t extent = (uint32_t)(telling->request->offset / VOL_EXTENT);
	telling->at = telling->request->offset;
	telling->more = true;
	nbd_context(telling->nbd, telling->request, context);
	for (unsigned n = 0; n < EXTENTS_AT_ONCE && telling->more && telling->at < telling->size;
		n++, extent++) {
		if (context == 0)
			tell_allocation(telling, extent);
		else if (context == ERA)
			tell_eras(telling, extent);
		else
			tell_dirty(telling, extent, contexts->since[context - 1]);
	}
}

void contexts_answer(const struct export *export, struct nbd *nbd, struct nbd_request *request)
{
	const struct vol_map *map = engine_map(export->served->engine);
	struct telling telling = {.fills = export->served->fill != NULL,
		.map = map,
		.nbd = nbd,
		.request = request,
		.upto = export->era ? export->era : map->era,
		.size = export->nbd.size};
	for (uint64_t left = request->contexts; left; left &= left - 1)
		tell_context(&telling, &export->contexts, (unsigned)__builtin_ctzll(left));
	nbd_done(nbd, request);
}
