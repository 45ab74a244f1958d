/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index objects without the packs that die. Those that tell of none of them stay as they are, but
 * where there are many small ones they become few. The new ones come first in the head, so that
 * what was copied to a better place later is still found there.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/clock.h"
#include "repo/gc_inner.h"

/* So many small indexes may stand before they are put together. */
enum { SMALL_INDEXES = 32, SMALL_ENTRIES = INDEX_OBJECT_ENTRIES / 4 };

static bool holds(const ids_t *ids, const struct object_id *id)
{
	return ids->len && bsearch(id, ids->at, ids->len, sizeof(*id), gc_by_id);
}

/* One index object alone. Doomed packs count as retired: of two places of a chunk the other wins.
 */
static int load_index(struct gc *gc, const struct head_index *named, const ids_t *doomed,
	struct index *ret_index, struct why *why)
{
	OWN(own_free) uint8_t *plain = NULL;
	size_t len;
	int err = repo_fetch_index(gc->repo, named, &plain, &len, why);
	if (!err)
		err = index_set_retired(ret_index, doomed->at, doomed->len);
	return err ? err : index_get(ret_index, plain, len, why);
}

static bool tells_of(const struct index *index, const ids_t *packs)
{
	vec_each (pack, &index->packs)
		if (holds(packs, &pack->id))
			return true;
	return false;
}

/* Adds all of `from` that is not doomed. */
static int add_rest(struct index *to, const struct index *from, const ids_t *doomed)
{
	OWN(own_free) uint32_t *numbers = calloc(from->packs.len + 1, sizeof(*numbers));
	int err = numbers ? 0 : -ENOMEM;
	for (size_t i = 0; !err && i < from->packs.len; i++) {
		numbers[i] = UINT32_MAX;
		if (!holds(doomed, &from->packs.at[i].id))
			err = index_add_pack(to, &from->packs.at[i], &numbers[i]);
	}
	vec_each (entry, &from->entries)
		if (!err && numbers[entry->pack] != UINT32_MAX)
			err = index_add(to, numbers[entry->pack], &entry->at);
	return err;
}

struct renewal {
	struct gc *gc;
	struct gc_plan *plan;
	struct index rest; /* of replaced indexes, not yet stored */
	head_indexes_t fresh, kept;
	ids_t replaced;
	bool gather; /* small ones too */
};

static void renewal_done(struct renewal *r)
{
	index_done(&r->rest);
	vec_done(&r->fresh);
	vec_done(&r->kept);
	vec_done(&r->replaced);
}

static int flush(struct renewal *r, struct why *why)
{
	int err = repo_put_index(r->gc->repo, &r->rest, 0, &r->fresh, why);
	index_done(&r->rest);
	return err;
}

static int renew_one(struct renewal *r, const struct head_index *named, struct why *why)
{
	OWN(index_done) struct index index = {0};
	const ids_t *doomed = &r->plan->doomed;
	int err = load_index(r->gc, named, doomed, &index, why);
	if (err)
		return err;
	bool small = r->gather && index.entries.len < SMALL_ENTRIES;
	if (!small && !tells_of(&index, doomed))
		return vec_push(&r->kept, *named);
	err = vec_push(&r->replaced, named->id);
	if (!err)
		err = add_rest(&r->rest, &index, doomed);
	if (!err && r->rest.entries.len >= INDEX_OBJECT_ENTRIES)
		err = flush(r, why);
	return err;
}

/* Those who opened before still read the old ones: they go the way of all that is not needed. */
static int apply(struct renewal *r)
{
	struct head *head = &r->plan->head;
	int64_t now = clock_wall_ns(r->gc->repo->world.clock);
	int err = 0;
	head->indexes.len = 0;
	vec_each (named, &r->fresh)
		err = err ? err : vec_push(&head->indexes, *named);
	vec_each (named, &r->kept)
		err = err ? err : vec_push(&head->indexes, *named);
	vec_each (id, &r->replaced) {
		struct head_retired retired = {.id = *id,
			.kind = OBJECT_INDEX,
			.state = RETIRED_TOMBSTONED,
			.since = r->gc->seen.generation + 1,
			.since_ns = now};
		err = err ? err : vec_push(&head->retired, retired);
	}
	r->plan->changes |= r->replaced.len != 0;
	return err;
}

int gc_renew_indexes(struct gc *gc, struct gc_plan *plan, struct why *why)
{
	OWN(renewal_done) struct renewal r = {.gc = gc, .plan = plan};
	r.gather = plan->head.indexes.len > SMALL_INDEXES && !gc->frugal;
	if ((!plan->doomed.len && !r.gather) || planted(GC_INDEX_KEEPS_DEAD))
		return 0;
	int err = 0;
	for (size_t i = 0; !err && i < plan->head.indexes.len; i++)
		err = renew_one(&r, &plan->head.indexes.at[i], why);
	if (!err && r.rest.packs.len)
		err = flush(&r, why);
	return err ? err : apply(&r);
}

int gc_narrow(struct gc *gc, ids_t *packs, struct why *why)
{
	static const ids_t none;
	vec_each (named, &gc->seen.indexes) {
		OWN(index_done) struct index index = {0};
		size_t kept = 0;
		int err = load_index(gc, named, &none, &index, why);
		if (err)
			return err;
		if (!tells_of(&index, packs))
			continue;
		vec_each (pack, packs)
			vec_each (told, &index.packs)
				if (object_id_equal(&told->id, pack)) {
					packs->at[kept++] = *pack;
					break;
				}
		packs->len = kept;
		return 0;
	}
	packs->len = 0;
	return 0;
}
