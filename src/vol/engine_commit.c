/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits: one sync of the data, and one of the journal when blocks became present, for all that
 * waits.
 *
 *   NONE -> DRAIN   only for a cut, or to shrink: the writes under way are waited for
 *        -> HELD    only for a cut of a group: the others are waited for
 *        -> COPY    only for a new journal: its slots are copied, a few at a time
 *        -> SYNC    the map says from here on what the commit makes durable; data is synced
 *        -> RECORD  a worker appends to the journal and syncs it
 *        -> NONE    flushes and acts are answered
 *
 * Invariants:
 *   1. what a record shows was written before the sync of data began, and that sync comes before
 *      the record
 *   2. a flush is answered by a commit that began after it came
 *   3. a slot is free again when the record that frees it is durable and no read of it is under way
 */
#include <errno.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/units.h"
#include "os/disk.h"
#include "store/journal.h"
#include "vol/engine_inner.h"

/* ---- acts: what they change in the map, and what they add to the journal ---- */

static int name_ok(const char *name, struct why *why)
{
	bool ok = strlen(name) < VOL_NAME_MAX;
	for (const char *at = name; ok && *at; at++)
		ok = (unsigned char)*at >= ' ' && *at != 127;
	return ok ? 0
		  : why_set(why, -EINVAL, "a name has at most %d bytes, none of them a control",
			    VOL_NAME_MAX - 1);
}

static int act_cut(struct vol_map *map, const struct engine_act *act, struct commit *commit)
{
	struct map_group_of group = group_of(act);
	uint32_t era = map->era;
	commit->extra_len = record_put_cut(commit->extra, era, act->at_ns, act->name);
	commit->extra_kind = RECORD_CUT;
	int err = map_cut(map, act->name, act->at_ns);
	if (err)
		return why_errno(&commit->why, err, "the snapshot \"%s\" cannot be", act->name);
	if (group.id) {
		commit->extra_len += record_put_group(commit->extra + commit->extra_len, group);
		must(map_note_group(map, era, group) == 0);
	}
	return 0;
}

/* A snapshot that was dropped meanwhile needs no record. */
static int act_whole(struct vol_map *map, const struct engine_act *act, struct commit *commit)
{
	const struct map_snapshot *snapshot = map_snapshot(map, act->name);
	if (!snapshot || !snapshot->group.members)
		return 0;
	commit->extra_len = record_put_whole(commit->extra, snapshot->era);
	commit->extra_kind = RECORD_WHOLE;
	return map_note_group(map, snapshot->era, (struct map_group_of){.id = snapshot->group.id});
}

static int act_drop(struct vol_map *map, const struct engine_act *act, struct commit *commit)
{
	const struct map_snapshot *snapshot = map_snapshot(map, act->name);
	if (!snapshot)
		return why_set(&commit->why, -ENOENT, "there is no snapshot \"%s\"", act->name);
	commit->extra_len = record_put_drop(commit->extra, snapshot->era);
	commit->extra_kind = RECORD_DROP;
	return map_drop(map, snapshot->era);
}

static int act_passed(struct vol_map *map, const struct engine_act *act, struct commit *commit)
{
	int err = map_passed(map, act->name, act->era);
	if (err)
		return why_errno(&commit->why, err, "the consumer \"%s\" cannot pass era %u",
			act->name, act->era);
	commit->extra_len = record_put_consumer(commit->extra, map_consumer(map, act->name), true);
	commit->extra_kind = RECORD_CONSUMER;
	return 0;
}

static int act_gone(struct vol_map *map, const struct engine_act *act, struct commit *commit)
{
	const struct map_consumer *consumer = map_consumer(map, act->name);
	if (!consumer)
		return why_set(&commit->why, -ENOENT, "there is no consumer \"%s\"", act->name);
	commit->extra_len = record_put_consumer(commit->extra, consumer, false);
	commit->extra_kind = RECORD_CONSUMER;
	return map_consumer_gone(map, act->name);
}

static int act_on_map(struct engine *engine, struct commit *commit)
{
	const struct engine_act *act = commit->act;
	struct vol_map *map = &engine->volume->map;
	int err = act->name ? name_ok(act->name, &commit->why) : 0;
	if (err)
		return err;
	switch (act->kind) {
	case ENGINE_CUT:
		return act_cut(map, act, commit);
	case ENGINE_DROP:
		return act_drop(map, act, commit);
	case ENGINE_PASSED:
		return act_passed(map, act, commit);
	case ENGINE_GONE:
		return act_gone(map, act, commit);
	case ENGINE_WHOLE:
		return act_whole(map, act, commit);
	case ENGINE_RESIZE:
		return size_act(engine, commit);
	case ENGINE_REST:
		return rest_act(engine, commit);
	case ENGINE_MERGED:
		return clean_merged(engine, commit);
	case ENGINE_TIDY:
		return clean_take_regions(engine, commit);
	}
	return -EINVAL;
}

/* ---- the end ---- */

static void put_first(struct engine *engine, struct engine_act *act)
{
	act->next = engine->acts;
	engine->acts = act;
	if (!act->next)
		engine->acts_end = &act->next;
}

static struct engine_act *take_first(struct engine *engine)
{
	struct engine_act *act = engine->acts;
	engine->acts = act->next;
	if (!engine->acts)
		engine->acts_end = &engine->acts;
	return act;
}

static void answer_act(struct engine *engine, int err)
{
	struct engine_act *act = TAKE(engine->commit.act);
	struct why why = engine->commit.why;
	if (act)
		act->done(act, err, &why);
}

/* It failed between its commits. */
static void forget_act(struct engine *engine, const struct engine_act *act)
{
	if (act->kind == ENGINE_REST)
		engine->rest.stage = REST_NONE;
	if (act->kind == ENGINE_RESIZE)
		size_over(engine);
}

/* The act is over, or goes on beside commits. */
static void end_act(struct engine *engine, int err)
{
	struct engine_act *act = engine->commit.act;
	if (!act)
		return;
	if (!err && engine->commit.aside) {
		engine->commit.act = NULL;
		if (size_goes_on(engine, act) || rest_goes_on(engine, act))
			return;
		engine->commit.act = act;
	}
	if (err)
		forget_act(engine, act);
	answer_act(engine, err);
	clean_wake(engine);
}

static void commit_end(struct engine *engine, int err)
{
	struct commit *commit = &engine->commit;
	struct engine_request *request;
	struct engine_queue covered;
	if (err) {
		engine->volume->stopped = true;
		volume_forget_recent(engine->volume);
	} else {
		recent_over(&engine->volume->recent);
		clean_retire(engine);
	}
	if (!err && commit->regions)
		sums_synced(&engine->volume->sums, commit->ticket);
	queue_init(&covered);
	queue_move(&covered, &commit->covered);
	commit->stage = COMMIT_NONE;
	end_act(engine, err);
	while ((request = queue_take(&covered)))
		engine_answer(engine, request, err ? -EIO : 0);
	parked_wake(engine);
	commit_step(engine);
}

void commit_return(struct engine *engine, struct engine_act *act)
{
	put_first(engine, act);
	commit_step(engine);
}

/* ---- the journal, on a worker ---- */

static int append_extra(struct engine *engine, bool first)
{
	struct commit *commit = &engine->commit;
	if (!commit->extra_len || commit->extra_first != first)
		return 0;
	return journal_append(engine->volume->journal, commit->extra_kind, commit->extra,
		commit->extra_len, &commit->why);
}

static void record_work(struct task *task)
{
	struct engine *engine = container_of(task, struct engine, commit.task);
	struct commit *commit = &engine->commit;
	struct volume *volume = engine->volume;
	if (commit->tell_unsure) {
		volume_tell_unsure(volume);
		return;
	}
	if (commit->rewrite) {
		commit->err = clean_rewrite(engine, &commit->why);
		return;
	}
	int err = append_extra(engine, true);
	if (!err && commit->regions_len)
		err = journal_append(volume->journal, RECORD_REGIONS, commit->regions,
			commit->regions_len, &commit->why);
	if (!err && commit->record_len)
		err = journal_append(volume->journal, RECORD_SLOTS, volume->record,
			commit->record_len, &commit->why);
	if (!err)
		err = append_extra(engine, false);
	if (!err && !planted(ENGINE_JOURNAL_NOT_SYNCED))
		err = journal_sync(volume->journal, &commit->why);
	commit->err = err;
}

static void record_done(struct task *task)
{
	struct engine *engine = container_of(task, struct engine, commit.task);
	if (engine->commit.tell_unsure)
		engine->commit.err = -EIO;
	commit_end(engine, engine->commit.err);
}

static void start_record(struct engine *engine)
{
	struct commit *commit = &engine->commit;
	commit->stage = COMMIT_RECORD;
	commit->task = (struct task){.work = record_work, .done = record_done};
	/* No worker has room: asked again, as long as it takes. */
	commit->waits = task_start(engine->pool->loop, &commit->task) != 0;
	if (commit->waits)
		timer_set(engine->pool->loop, &engine->again, 0);
}

/* ---- the data ---- */

/* Bytes of writes that are under way may be readable after a sync that failed, and not durable. */
static void note_under_way(struct engine *engine)
{
	struct engine_pool *pool = engine->pool;
	for (size_t i = 0; i < POOL_PIECES && !planted(ENGINE_UNDER_WAY_NOT_NOTED); i++) {
		const struct piece *piece = &pool->pieces[i];
		if ((piece->state == PIECE_WRITE || piece->state == PIECE_COPY) &&
			piece->engine == engine &&
			volume_note_written(engine->volume, piece->extent))
			engine->volume->written.len = 0; /* none: all */
	}
}

/* What the sync was to cover is unsure, and what came since as well. */
static void sync_failed(struct engine *engine, int err)
{
	struct commit *commit = &engine->commit;
	struct volume *volume = engine->volume;
	volume->stopped = true;
	volume_forget_recent(volume);
	commit->tell_unsure = true;
	why_errno(&commit->why, err, "data: sync");
	if (!engine->syncing.len || !volume->written.len)
		volume->written.len = 0;
	else
		vec_each (extent, &engine->syncing)
			if (vec_push(&volume->written, *extent)) {
				volume->written.len = 0;
				break;
			}
	start_record(engine);
}

static void data_durable(struct engine *engine)
{
	struct commit *commit = &engine->commit;
	if (!commit->record_len && !commit->extra_len && !commit->regions_len && !commit->rewrite)
		commit_end(engine, 0);
	else
		start_record(engine);
}

static void on_sync(struct aio_request *request, ssize_t result)
{
	struct engine *engine = container_of(request, struct engine, commit.sync);
	pool_give_side(engine);
	if (result < 0) {
		sync_failed(engine, (int)result);
		return;
	}
	engine->syncing.len = 0;
	data_durable(engine);
}

static void start_sync(struct engine *engine)
{
	struct commit *commit = &engine->commit;
	struct volume *volume = engine->volume;
	commit->sync = (struct aio_request){
		.kind = AIO_SYNC, .file = volume->data, .done = on_sync};
	commit->waits = !pool_take_side(engine, &commit->sync);
}

/* ---- the beginning ---- */

static int put_slot(void *arg, uint32_t slot, const struct map_slot *state)
{
	struct engine *engine = arg;
	struct commit *commit = &engine->commit;
	must(commit->record_len + RECORD_SLOT_SIZE <= JOURNAL_RECORD_MAX);
	record_put_slot(engine->volume->record + commit->record_len, slot, state);
	commit->record_len += RECORD_SLOT_SIZE;
	return state->era ? 0 : vec_push(&engine->volume->gone, slot);
}

/* What the map says by now is what this commit makes durable. */
static void take_touched(struct engine *engine)
{
	struct commit *commit = &engine->commit;
	commit->record_len = 0;
	engine->volume->gone.len = 0;
	recent_turn(&engine->volume->recent, journal_facts(engine->volume->journal).sequence);
	must(map_take_touched(&engine->volume->map, put_slot, engine) == 0);
}

/* Regions stand in front of the slots in them, behind what came to rest. */
static void take_regions(struct engine *engine)
{
	struct commit *commit = &engine->commit;
	size_t len = 0, room = JOURNAL_RECORD_MAX - commit->regions_len;
	bool skip = planted(VOL_SUMS_FRESH_NOT_LOGGED) && !engine->parked;
	if (!commit->regions || skip)
		return;
	commit->ticket++;
	/* There is room for them: each slot that is touched wants one at most. */
	must(sums_put_wanted(&engine->volume->sums, commit->ticket,
		     commit->regions + commit->regions_len, room, &len) == 0);
	must(engine->volume->sums.wanted.len == 0);
	commit->regions_len += len;
}

static void sync_or_record(struct engine *engine)
{
	struct volume *volume = engine->volume;
	if (planted(ENGINE_JOURNAL_BEFORE_DATA)) {
		record_work(&engine->commit.task);
		engine->commit.record_len = engine->commit.extra_len = 0;
		engine->commit.regions_len = 0;
	}
	const struct engine_act *act = engine->commit.act;
	bool skip = planted(VOL_SUMS_BEFORE_DATA) && act && act->kind == ENGINE_REST &&
		!engine->commit.covered.first;
	if (!volume->unsynced || skip || planted(ENGINE_DATA_NOT_SYNCED)) {
		engine->commit.stage = COMMIT_SYNC;
		data_durable(engine);
		return;
	}
	/* Writes that end from here on are for the next sync. */
	volume->unsynced = false;
	__typeof__(engine->syncing) swap = engine->syncing;
	memcpy(&engine->syncing, &volume->written, sizeof(engine->syncing));
	memcpy(&volume->written, &swap, sizeof(swap));
	volume->written.len = 0;
	note_under_way(engine);
	volume->unsynced = false;
	start_sync(engine);
}

/* For writes that wait for a region only, neither data nor slots have to be durable. */
void commit_begin(struct engine *engine)
{
	struct commit *commit = &engine->commit;
	int err = commit->act ? act_on_map(engine, commit) : 0;
	bool light = !commit->act && !engine->flushes.first && !engine->gated.first;
	commit->stage = COMMIT_SYNC;
	if (commit->act)
		engine->draining = false;
	if (err) {
		commit->extra_len = 0;
		commit->rewrite = false;
		answer_act(engine, err);
	}
	take_regions(engine);
	if (light) {
		commit->record_len = 0;
		start_record(engine);
		return;
	}
	take_touched(engine);
	if (planted(ENGINE_FREE_EARLY))
		clean_retire(engine);
	queue_move(&commit->covered, &engine->flushes);
	engine_release_gated(engine);
	sync_or_record(engine);
}

void commit_cancel(struct engine *engine, int err, const struct why *why)
{
	struct commit *commit = &engine->commit;
	commit->stage = COMMIT_NONE;
	commit->why = *why;
	engine->draining = false;
	answer_act(engine, err);
	commit_step(engine);
}

static void refuse_all(struct engine *engine)
{
	struct engine_request *request;
	while ((request = queue_take(&engine->flushes)))
		engine_answer(engine, request, -EIO);
	while (engine->acts) {
		struct engine_act *act = take_first(engine);
		struct why why;
		forget_act(engine, act);
		act->done(act, volume_usable(engine->volume, &why), &why);
	}
	engine->draining = false;
	parked_wake(engine);
	engine_release_gated(engine);
}

static bool drains(const struct engine *engine, const struct engine_act *act)
{
	return (act->kind == ENGINE_CUT && !planted(ENGINE_CUT_NOT_DRAINED)) ||
		(act->kind == ENGINE_RESIZE && size_shrinks(engine, act));
}

/* The next act, when it may begin. */
static struct engine_act *next_act(struct engine *engine)
{
	struct engine_act *act = engine->acts;
	bool busy = act &&
		((act->kind == ENGINE_REST && rest_is_busy(engine)) ||
			(act->kind == ENGINE_RESIZE && engine->sizing.act));
	return busy ? NULL : act;
}

static void start_act(struct engine *engine, struct engine_act *act)
{
	struct commit *commit = &engine->commit;
	commit->act = take_first(engine);
	if (act->kind == ENGINE_CUT && act->member) {
		commit->stage = COMMIT_HELD;
		engine->draining = true;
		group_held(act);
	} else if (act->kind == ENGINE_TIDY) {
		commit->stage = COMMIT_COPY;
		clean_copy_slots(engine);
	} else {
		commit_begin(engine);
	}
}

/* Writes that wait for a region go first: a cut would wait for them, and they for it. */
static void begin_next(struct engine *engine)
{
	struct commit *commit = &engine->commit;
	struct engine_act *act = next_act(engine);
	commit->err = 0;
	commit->extra_len = commit->regions_len = 0;
	commit->extra_first = commit->rewrite = commit->tell_unsure = commit->aside = false;
	commit->why = (struct why){""};
	bool waits = act && drains(engine, act) && engine->writing;
	engine->draining |= waits;
	if (waits && !engine->parked)
		commit->stage = COMMIT_DRAIN;
	else if (waits || !act)
		commit_begin(engine);
	else
		start_act(engine, act);
}

void commit_step(struct engine *engine)
{
	struct commit *commit = &engine->commit;
	bool wanted = engine->flushes.first || next_act(engine) || engine->parked ||
		(engine->gated.first && !engine->draining);
	if (commit->stage == COMMIT_NONE && wanted && engine->volume->stopped)
		refuse_all(engine);
	else if (commit->stage == COMMIT_NONE && wanted)
		begin_next(engine);
}

void commit_drained(struct engine *engine)
{
	if (engine->commit.stage == COMMIT_DRAIN)
		engine->commit.stage = COMMIT_NONE;
	commit_step(engine);
}

/* What the world had no room for is tried once more. */
void commit_again(struct engine *engine)
{
	if (!engine->commit.waits)
		return;
	if (engine->commit.stage == COMMIT_RECORD)
		start_record(engine);
	else
		start_sync(engine);
}

void engine_do(struct engine *engine, struct engine_act *act)
{
	act->next = NULL;
	*engine->acts_end = act;
	engine->acts_end = &act->next;
	commit_step(engine);
}
