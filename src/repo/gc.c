/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collection, turn by turn until a turn finds nothing to do: mark, look, copy, plan, head,
 * remove. A turn leaves the repository whole wherever it is cut off.
 *
 * On a full place nothing can be written, not even the head that would give room. Therefore an
 * object of no use, `reserve`, is kept there: it is let go first, and made anew at the end.
 */
#include "repo/gc.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/dice.h"
#include "place/place.h"
#include "repo/gc_inner.h"

/* A turn copies a GiB, or writes a head: more than so many mean that something is wrong. */
enum { TURNS_MAX = 1000, RACES_MAX = 100 };

static const char reserve[] = "reserve";

static void tell(const struct gc *gc, const char *what)
{
	if (gc->options->on_step)
		gc->options->on_step(gc->options->arg, what);
}

/* ---- the reserve ---- */

int repo_put_reserve(const struct repo_world *world, uint64_t bytes, struct why *why)
{
	uint64_t there;
	if (!bytes || !place_size(world->place, reserve, &there))
		return 0;
	/* Random: a file system that compresses would keep nothing aside for zeros. */
	OWN(own_free) uint8_t *noise = malloc(bytes);
	if (!noise)
		return -ENOMEM;
	dice_fill(world->dice, noise, bytes);
	return place_put(world->place, reserve, noise, bytes, why);
}

bool repo_release_reserve(const struct repo_world *world)
{
	return place_remove(world->place, reserve) == 0;
}

/* The place is full: lets the reserve go. False: there is none left. */
static bool release_reserve(struct gc *gc)
{
	if (planted(GC_RESERVE_KEPT) || gc->result.reserve_used ||
		!repo_release_reserve(&gc->repo->world))
		return false;
	tell(gc, "the place is full: the reserve is used");
	gc->result.reserve_used = true;
	return true;
}

/* ---- the head ---- */

struct applying {
	const struct gc *gc;
	const struct gc_plan *plan;
};

/* What was planned holds for one head only: on any other all is looked at again. */
static int apply_plan(void *arg, struct head *head, struct why *why)
{
	const struct applying *applying = arg;
	struct head next;
	(void)why;
	if (head->generation != applying->gc->seen.generation && !planted(GC_RACE_IGNORED))
		return -EAGAIN;
	int err = head_copy(&applying->plan->head, &next);
	if (err)
		return err;
	head_done(head);
	*head = next;
	return 0;
}

static void count(struct gc *gc, const struct gc_plan *plan)
{
	gc->result.tombstoned += plan->counts.tombstoned;
	gc->result.tombstoned_bytes += plan->counts.tombstoned_bytes;
	gc->result.orphans += plan->counts.orphans;
	gc->result.lifted += plan->counts.lifted;
}

static void count_waiting(struct gc *gc, const struct head *head)
{
	gc->result.waiting = gc->result.waiting_bytes = gc->result.dying_bytes = 0;
	vec_each (retired, &head->retired) {
		const struct gc_found *found = gc_find(gc, &retired->id);
		if (retired->state != RETIRED_TOMBSTONED) {
			gc->result.dying_bytes += found ? found->size : 0;
			continue;
		}
		gc->result.waiting++;
		gc->result.waiting_bytes += found ? found->size : 0;
	}
}

/* ---- removing ---- */

/* Whatever the newest head calls dead. What the place does not let go stays dead. */
static int remove_dead(struct gc *gc, bool *ret_did, struct why *why)
{
	char name[OBJECT_NAME];
	vec_each (retired, &gc->repo->head.retired) {
		const struct gc_found *found = gc_find(gc, &retired->id);
		if (retired->state != RETIRED_DEAD || !found)
			continue;
		object_name(retired->kind, &retired->id, name);
		int err = place_remove(gc->repo->world.place, name);
		if (err == -EPERM || err == -EACCES) {
			gc->result.locked++;
			continue;
		}
		if (err && err != -ENOENT)
			return why_errno(why, err, "%s: removing it", name);
		gc->result.removed++;
		gc->result.removed_bytes += found->size;
		*ret_did = true;
	}
	return 0;
}

struct old_heads {
	struct repo *repo;
	ids_t ids;
};

static bool note_old(void *arg, const char *name, uint64_t size)
{
	struct old_heads *old = arg;
	enum object_kind kind;
	struct object_id id;
	(void)size;
	if (object_parse_name(name, &kind, &id) && kind == OBJECT_HEAD &&
		object_head_generation(&id) + HEADS_KEPT < old->repo->head.generation)
		return vec_push(&old->ids, id) == 0;
	return true;
}

/* Heads that nobody can take for the newest. One that the place does not let go does no harm. */
static int remove_old_heads(struct gc *gc, struct why *why)
{
	struct old_heads old = {.repo = gc->repo};
	char name[OBJECT_NAME];
	int err = place_list(gc->repo->world.place, "head", note_old, &old);
	if (err)
		why_errno(why, err, "head: listing the heads");
	for (size_t i = 0; !err && i < old.ids.len; i++) {
		object_name(OBJECT_HEAD, &old.ids.at[i], name);
		err = place_remove(gc->repo->world.place, name);
		if (err == -ENOENT || err == -EPERM || err == -EACCES)
			err = 0;
		if (err)
			why_errno(why, err, "%s: removing it", name);
	}
	vec_done(&old.ids);
	return err;
}

/* ---- turns ---- */

/* Gives back their tombstones to those packs that do not die yet. */
static void spare(struct gc *gc, struct gc_plan *plan)
{
	vec_each (retired, &plan->head.retired) {
		const struct head_retired *before = NULL;
		if (retired->state != RETIRED_DEAD || !gc_find_pack(gc, &retired->id) ||
			(plan->doomed.len &&
				bsearch(&retired->id, plan->doomed.at, plan->doomed.len,
					sizeof(retired->id), gc_by_id)))
			continue;
		vec_each (one, &gc->seen.retired)
			if (object_id_equal(&one->id, &retired->id))
				before = one;
		if (before)
			*retired = *before;
	}
}

static int write_plan(struct gc *gc, struct gc_plan *plan, struct why *why)
{
	int err = 0;
	if (gc->frugal && plan->doomed.len) {
		err = gc_narrow(gc, &plan->doomed, why);
		spare(gc, plan);
	}
	if (!err)
		err = gc_renew_indexes(gc, plan, why);
	if (!err && plan->changes) {
		struct applying applying = {gc, plan};
		err = repo_edit_head(gc->repo, apply_plan, &applying, why);
	}
	return err;
}

/* One turn. Tells whether there may be more to do. */
static int turn(struct gc *gc, bool *ret_more, struct why *why)
{
	OWN(gc_plan_done) struct gc_plan plan = {0};
	bool copied = false, removed = false;
	int err = gc_mark(gc, why);
	if (!err)
		err = gc_look(gc, why);
	if (!err && !gc->options->dry_run)
		err = gc_rewrite(gc, &copied, why);
	*ret_more = copied;
	if (err || copied)
		return err;
	err = gc_make_plan(gc, &plan);
	if (!err && planted(GC_REMOVED_BEFORE_HEAD))
		err = head_copy(&plan.head, &gc->repo->head);
	if (!err && planted(GC_REMOVED_BEFORE_HEAD))
		err = remove_dead(gc, &removed, why);
	if (!err && !gc->options->dry_run)
		err = write_plan(gc, &plan, why);
	if (err)
		return err;
	count(gc, &plan);
	count_waiting(gc, &plan.head);
	gc->result.sparse_bytes = gc_sparse_bytes(gc);
	if (!gc->options->dry_run)
		err = remove_dead(gc, &removed, why);
	*ret_more = (plan.changes || removed) && !gc->options->dry_run;
	return err;
}

/* What an interrupted try has put into the index in memory does not hold. */
static void forget(struct gc *gc)
{
	head_done(&gc->seen);
	gc->seen = (struct head){0};
}

/* Whether, after that error, another turn can do better. */
static bool can_go_on(struct gc *gc, int err, int *races)
{
	bool again = (err == -EAGAIN || err == -ESTALE) && ++*races < RACES_MAX;
	if (gc_is_full(err)) {
		bool first = !gc->no_rewrite;
		gc->no_rewrite = true;
		again = first;
		if (!first && !gc->frugal)
			again = gc->frugal = true;
		/* Copying is not worth the reserve; a head is. */
		if (!first)
			again = release_reserve(gc) || again;
		packing_drop(gc->repo);
	}
	if (again && err != -EAGAIN)
		forget(gc);
	return again;
}

static void gc_done(struct gc *gc)
{
	free(gc->marks);
	free(gc->followed);
	vec_done(&gc->walked);
	vec_done(&gc->found);
	vec_done(&gc->packs);
	vec_done(&gc->bad);
	head_done(&gc->seen);
}

static int run_turns(struct gc *gc, struct why *why)
{
	bool more = true;
	int races = 0, err = 0;
	for (int i = 0; more && i < TURNS_MAX; i++) {
		err = turn(gc, &more, why);
		if (!err)
			continue;
		more = can_go_on(gc, err, &races);
		if (!more)
			return err == -EAGAIN ? why_set(why, err,
							"other writers were faster %d times: try "
							"again when less is going on",
							races)
					      : err;
	}
	return 0;
}

int repo_gc(struct repo *repo, const struct gc_options *options, struct gc_result *ret_result,
	struct why *why)
{
	OWN(gc_done) struct gc gc = {.repo = repo, .options = options};
	/* Without room for it the place is full, and there is nothing to say yet. */
	if (!options->dry_run)
		repo_put_reserve(&repo->world, options->reserve, NULL);
	int err = run_turns(&gc, why);
	if (!options->dry_run) {
		if (!err)
			err = remove_old_heads(&gc, why);
		/* Costs room and does no harm: what cannot be removed waits for the next one. */
		if (!err)
			(void)place_sweep(repo->world.place);
		repo_put_reserve(&repo->world, options->reserve, NULL);
	}
	*ret_result = gc.result;
	return err;
}
