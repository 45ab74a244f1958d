/* SPDX-License-Identifier: Apache-2.0 */
/* What is at the place, and how much of each pack is needed. */
#include <stdlib.h>
#include <string.h>

#include "base/why.h"
#include "place/place.h"
#include "repo/gc_inner.h"

/* Every struct that is compared with this begins with its id. */
int gc_by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct object_id));
}

const struct gc_found *gc_find(const struct gc *gc, const struct object_id *id)
{
	return gc->found.len
		? bsearch(id, gc->found.at, gc->found.len, sizeof(*gc->found.at), gc_by_id)
		: NULL;
}

struct gc_pack *gc_find_pack(const struct gc *gc, const struct object_id *id)
{
	return gc->packs.len
		? bsearch(id, gc->packs.at, gc->packs.len, sizeof(*gc->packs.at), gc_by_id)
		: NULL;
}

struct listing {
	struct gc *gc;
	bool failed;
};

static bool note_object(void *arg, const char *name, uint64_t size)
{
	struct listing *listing = arg;
	struct gc_found found = {.size = size};
	if (object_parse_name(name, &found.kind, &found.id))
		listing->failed = vec_push(&listing->gc->found, found) != 0;
	return !listing->failed;
}

static bool note_inbox(void *arg, const char *name, uint64_t size)
{
	struct gc *gc = arg;
	(void)name;
	(void)size;
	gc->inbox = true;
	return false;
}

static int list_place(struct gc *gc, struct why *why)
{
	static const char *const folders[] = {"data", "meta", "index", "point"};
	struct listing listing = {gc, false};
	struct place *place = gc->repo->world.place;
	gc->found.len = 0;
	gc->inbox = false;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		int err = place_list(place, folders[i], note_object, &listing);
		if (err || listing.failed)
			return listing.failed ? -ENOMEM
					      : why_errno(why, err, "%s: listing it", folders[i]);
	}
	if (gc->found.len)
		qsort(gc->found.at, gc->found.len, sizeof(*gc->found.at), gc_by_id);
	int err = place_list(place, "inbox", note_inbox, gc);
	return err ? why_errno(why, err, "inbox: listing it") : 0;
}

/* One row for each pack, though two indexes may tell of it. */
static int list_packs(struct gc *gc)
{
	size_t kept = 0;
	gc->packs.len = 0;
	vec_each (pack, &gc->repo->index.packs) {
		struct gc_pack row = {.id = pack->id, .kind = pack->kind};
		if (vec_push(&gc->packs, row))
			return -ENOMEM;
	}
	if (gc->packs.len)
		qsort(gc->packs.at, gc->packs.len, sizeof(*gc->packs.at), gc_by_id);
	vec_each (pack, &gc->packs)
		if (!kept || !object_id_equal(&gc->packs.at[kept - 1].id, &pack->id))
			gc->packs.at[kept++] = *pack;
	gc->packs.len = kept;
	vec_each (pack, &gc->packs) {
		const struct gc_found *found = gc_find(gc, &pack->id);
		pack->size = found ? found->size : 0;
	}
	vec_each (retired, &gc->seen.retired) {
		struct gc_pack *pack = gc_find_pack(gc, &retired->id);
		if (pack)
			pack->retired = true;
	}
	return 0;
}

static int weigh(void *arg, uint32_t number, const struct index_entry *entry)
{
	struct gc *gc = arg;
	if (gc_is_marked(gc, number))
		gc_find_pack(gc, &gc->repo->index.packs.at[entry->pack].id)
			->live += entry->at.length + PACK_DIRECTORY_ENTRY;
	return 0;
}

int gc_look(struct gc *gc, struct why *why)
{
	int err = list_place(gc, why);
	if (!err)
		err = list_packs(gc);
	if (err)
		return err;
	err = index_walk(&gc->repo->index, weigh, gc);
	if (err)
		return why_errno(why, err, "reading the index");
	gc->result.packs = gc->result.pack_bytes = 0;
	vec_each (found, &gc->found) {
		if (found->kind != OBJECT_DATA && found->kind != OBJECT_META)
			continue;
		gc->result.packs++;
		gc->result.pack_bytes += found->size;
	}
	return 0;
}
