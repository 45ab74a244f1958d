/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits: one sync of the data, and one of the journal when blocks became present, for all that
 * waits.
 *
 *   NONE -> DRAIN   only for a cut: the writes of the ending era are waited for
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
	commit->extra_len = record_put_cut(commit->extra, map->era, act->at_ns, act->name);
	commit->extra_kind = RECORD_CUT;
	int err = map_cut(map, act->name, act->at_ns);
	return err ? why_errno(&commit->why, err, "the snapshot \"%s\" cannot be", act->name) : 0;
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
	case ENGINE_RESIZE:
	case ENGINE_REST:
		return -ENOTSUP;
	case ENGINE_MERGED:
		return clean_merged(engine, commit);
	case ENGINE_TIDY:
		commit->rewrite = true;
		return 0;
	}
	return -EINVAL;
}

/* ---- the end ---- */

static void answer_act(struct engine *engine, int err)
{
	struct engine_act *act = TAKE(engine->commit.act);
	struct why why = engine->commit.why;
	if (act)
		act->done(act, err, &why);
}

static void commit_end(struct engine *engine, int err)
{
	struct commit *commit = &engine->commit;
	struct engine_request *request;
	struct engine_queue covered;
	if (err)
		engine->volume->stopped = true;
	else
		clean_retire(engine);
	queue_init(&covered);
	queue_move(&covered, &commit->covered);
	commit->stage = COMMIT_NONE;
	answer_act(engine, err);
	while ((request = queue_take(&covered)))
		engine_answer(engine, request, err ? -EIO : 0);
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
	if (task_start(engine->pool->loop, &commit->task))
		timer_set(engine->pool->loop, &engine->again, 0);
}

/* ---- the data ---- */

/* Bytes of writes that are under way may be readable after a sync that failed, and not durable. */
static void note_under_way(struct engine *engine)
{
	struct engine_pool *pool = engine->pool;
	for (size_t i = 0; i < POOL_PIECES; i++) {
		const struct piece *piece = &pool->pieces[i];
		if (piece->state == PIECE_WRITE && piece->engine == engine &&
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
	if (!commit->record_len && !commit->extra_len && !commit->rewrite)
		commit_end(engine, 0);
	else
		start_record(engine);
}

static void on_sync(struct aio_request *request, ssize_t result)
{
	struct engine *engine = container_of(request, struct engine, commit.sync);
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
	if (aio_submit(engine->pool->aio, &commit->sync)) {
		timer_set(engine->pool->loop, &engine->again, 0);
		return;
	}
	commit->stage = COMMIT_SYNC;
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
	must(map_take_touched(&engine->volume->map, put_slot, engine) == 0);
}

static void sync_or_record(struct engine *engine)
{
	struct volume *volume = engine->volume;
	if (planted(ENGINE_JOURNAL_BEFORE_DATA)) {
		record_work(&engine->commit.task);
		engine->commit.record_len = engine->commit.extra_len = 0;
	}
	if (!volume->unsynced || planted(ENGINE_DATA_NOT_SYNCED)) {
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

void commit_begin(struct engine *engine)
{
	struct commit *commit = &engine->commit;
	int err = commit->act ? act_on_map(engine, commit) : 0;
	commit->stage = COMMIT_SYNC;
	if (err) {
		commit->extra_len = 0;
		commit->rewrite = false;
		answer_act(engine, err);
	}
	take_touched(engine);
	queue_move(&commit->covered, &engine->flushes);
	engine_release_gated(engine);
	sync_or_record(engine);
}

static void refuse_all(struct engine *engine)
{
	struct engine_request *request;
	while ((request = queue_take(&engine->flushes)))
		engine_answer(engine, request, -EIO);
	while (engine->acts) {
		struct engine_act *act = engine->acts;
		struct why why;
		engine->acts = act->next;
		if (!engine->acts)
			engine->acts_end = &engine->acts;
		act->done(act, volume_usable(engine->volume, &why), &why);
	}
	engine_release_gated(engine);
}

static void begin_next(struct engine *engine)
{
	struct commit *commit = &engine->commit;
	commit->act = engine->acts;
	if (commit->act) {
		engine->acts = commit->act->next;
		if (!engine->acts)
			engine->acts_end = &engine->acts;
	}
	commit->err = 0;
	commit->extra_len = 0;
	commit->extra_first = commit->rewrite = commit->tell_unsure = false;
	commit->why = (struct why){""};
	enum engine_act_kind kind = commit->act ? commit->act->kind : ENGINE_DROP;
	if (kind == ENGINE_CUT && engine->writing && !planted(ENGINE_CUT_NOT_DRAINED)) {
		commit->stage = COMMIT_DRAIN;
	} else if (kind == ENGINE_TIDY) {
		commit->stage = COMMIT_COPY;
		clean_copy_slots(engine);
	} else {
		commit_begin(engine);
	}
}

void commit_step(struct engine *engine)
{
	struct commit *commit = &engine->commit;
	bool wanted = engine->flushes.first || engine->acts || engine->gated.first;
	if (commit->stage == COMMIT_NONE && wanted && engine->volume->stopped)
		refuse_all(engine);
	else if (commit->stage == COMMIT_NONE && wanted)
		begin_next(engine);
}

void commit_drained(struct engine *engine)
{
	if (engine->commit.stage == COMMIT_DRAIN)
		commit_begin(engine);
}

/* What the world had no room for is tried once more. */
void commit_again(struct engine *engine)
{
	if (engine->commit.stage == COMMIT_RECORD)
		start_record(engine);
	else if (engine->commit.stage == COMMIT_SYNC)
		start_sync(engine);
}

void engine_do(struct engine *engine, struct engine_act *act)
{
	act->next = NULL;
	*engine->acts_end = act;
	engine->acts_end = &act->next;
	commit_step(engine);
}
