/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the next head says of objects on their way out. Numbered as in FORMATS-REPOSITORY.md's two
 * phases:
 *   1. a tombstoned pack that a point needs after all is let live
 *   2. what has soaked dies
 *   3. what is dead and gone is forgotten
 *   4. what nothing needs is tombstoned: packs, and objects that no head names
 */
#include <stdlib.h>

#include "base/own.h"
#include "base/plant.h"
#include "os/clock.h"
#include "repo/gc_inner.h"

/* A head stays small: more goes into the next one. */
enum { NEW_TOMBSTONES_MAX = 16 << 10 };

void gc_plan_done(struct gc_plan *plan)
{
	head_done(&plan->head);
	vec_done(&plan->doomed);
}

static uint64_t size_of(const struct gc *gc, const struct object_id *id)
{
	const struct gc_found *found = gc_find(gc, id);
	return found ? found->size : 0;
}

static bool has_soaked(const struct gc *gc, const struct head_retired *retired, int64_t now)
{
	if (planted(GC_NO_SOAK))
		return true;
	return retired->state == RETIRED_TOMBSTONED && now >= retired->since_ns &&
		now - retired->since_ns >= gc->options->soak_ns;
}

/* Whether the head leads to the object: by name, or by an index that tells of it. */
static bool is_named(const struct gc *gc, enum object_kind kind, const struct object_id *id)
{
	if (kind == OBJECT_INDEX)
		return head_find_index(&gc->seen, id) != NULL;
	if (kind == OBJECT_POINT)
		return head_find_point(&gc->seen, id) != NULL;
	return gc_find_pack(gc, id) != NULL;
}

/* One that is retired already: as it stays, or false when the head shall forget it. */
static bool next_state(
	struct gc *gc, struct gc_plan *plan, struct head_retired *retired, int64_t now)
{
	const struct gc_pack *pack = gc_find_pack(gc, &retired->id);
	if (retired->state == RETIRED_DEAD)
		return gc_find(gc, &retired->id) != NULL;
	bool needed = pack ? pack->live > 0 : is_named(gc, retired->kind, &retired->id);
	if (needed && !planted(GC_NEEDED_DIES)) {
		plan->counts.lifted++;
		plan->changes = true;
		return false;
	}
	if (!has_soaked(gc, retired, now))
		return true;
	retired->state = RETIRED_DEAD;
	retired->since = gc->seen.generation + 1;
	retired->since_ns = now;
	plan->head.collected = retired->since;
	plan->changes = true;
	return true;
}

static int plan_retired(struct gc *gc, struct gc_plan *plan, int64_t now)
{
	size_t kept = 0;
	int err = 0;
	vec_each (retired, &plan->head.retired) {
		bool was_dead = retired->state == RETIRED_DEAD;
		if (!next_state(gc, plan, retired, now))
			continue;
		if (!was_dead && retired->state == RETIRED_DEAD && gc_find_pack(gc, &retired->id))
			err = err ? err : vec_push(&plan->doomed, retired->id);
		plan->head.retired.at[kept++] = *retired;
	}
	plan->head.retired.len = kept;
	if (plan->doomed.len)
		qsort(plan->doomed.at, plan->doomed.len, sizeof(*plan->doomed.at), gc_by_id);
	return err;
}

static int tombstone(struct gc *gc, struct gc_plan *plan, const struct object_id *id,
	enum object_kind kind, int64_t now)
{
	struct head_retired retired = {.id = *id,
		.kind = kind,
		.state = RETIRED_TOMBSTONED,
		.since = gc->seen.generation + 1,
		.since_ns = now};
	if (plan->counts.tombstoned >= NEW_TOMBSTONES_MAX)
		return 0;
	if (planted(GC_TOMBSTONE_SKIPPED)) {
		retired.state = RETIRED_DEAD;
		plan->head.collected = retired.since;
		if (gc_find_pack(gc, id) && vec_push(&plan->doomed, *id))
			return -ENOMEM;
	}
	plan->counts.tombstoned++;
	plan->counts.tombstoned_bytes += size_of(gc, id);
	plan->changes = true;
	return vec_push(&plan->head.retired, retired);
}

/* Which objects some head calls retired, to look up quickly; sorted. */
static int retired_ids(const struct head *head, ids_t *ret_ids)
{
	vec_each (retired, &head->retired)
		if (vec_push(ret_ids, retired->id))
			return -ENOMEM;
	if (ret_ids->len)
		qsort(ret_ids->at, ret_ids->len, sizeof(*ret_ids->at), gc_by_id);
	return 0;
}

static bool holds(const ids_t *ids, const struct object_id *id)
{
	return ids->len && bsearch(id, ids->at, ids->len, sizeof(*id), gc_by_id);
}

/* What waits in an inbox may need any of these: until that was read they stay. */
static int plan_orphans(struct gc *gc, struct gc_plan *plan, const ids_t *retired, int64_t now)
{
	int err = 0;
	if (gc->inbox)
		return 0;
	vec_each (found, &gc->found) {
		if (err || is_named(gc, found->kind, &found->id) || holds(retired, &found->id))
			continue;
		plan->counts.orphans++;
		err = tombstone(gc, plan, &found->id, found->kind, now);
	}
	return err;
}

int gc_make_plan(struct gc *gc, struct gc_plan *ret_plan)
{
	OWN(ids_done) ids_t retired = {0};
	int64_t now = clock_wall_ns(gc->repo->world.clock);
	int err = head_copy(&gc->seen, &ret_plan->head);
	if (!err)
		err = retired_ids(&gc->seen, &retired);
	if (!err)
		err = plan_retired(gc, ret_plan, now);
	vec_each (pack, &gc->packs)
		if (!err && !pack->live && !pack->retired &&
			!(planted(GC_INDEX_KEEPS_DEAD) && !pack->size))
			err = tombstone(gc, ret_plan, &pack->id, pack->kind, now);
	return err ? err : plan_orphans(gc, ret_plan, &retired, now);
}
