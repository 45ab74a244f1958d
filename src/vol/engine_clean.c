/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine does by itself: it frees slots, merges what dropped snapshots left, and writes the
 * journal anew.
 *
 * A merge is copied beside everything else: into blocks that nobody reads, out of slots of closed
 * eras, which nobody writes. Snapshots may come and go meanwhile. So it is planned anew
 * when the copy is done, and done over when the plan is another by then.
 *
 * A new journal begins with the slots as they are copied, a few at a time; those that changed
 * meanwhile stand behind them once more, all as of one moment.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/units.h"
#include "os/clock.h"
#include "os/disk.h"
#include "store/journal.h"
#include "vol/engine_inner.h"

enum {
	LOOK_AT_ONCE = 20000, /* extents: below a millisecond */
	COPY_AT_ONCE = 20000, /* slots */
	RECORD_SLOTS_AT_ONCE = 4000,
};

#define IDLE_NS (NS_PER_SEC)      /* acts wake it before */
#define REST_NS (30 * NS_PER_SEC) /* regions rest so long after they were written, or twice */

/* ---- slots that are free again ---- */

static void free_retiring(struct engine *engine)
{
	vec_each (slot, &engine->retiring) {
		map_free(&engine->volume->map, *slot);
		sums_forget(&engine->volume->sums, *slot);
	}
	engine->retiring.len = 0;
}

/* Reads that begin from now on are of the other phase; the slots wait for those before. */
static void next_phase(struct engine *engine)
{
	unsigned phase = engine->phase;
	__typeof__(engine->retiring) swap = engine->retiring;
	memcpy(&engine->retiring, &engine->retired, sizeof(swap));
	memcpy(&engine->retired, &swap, sizeof(swap));
	engine->phase = !phase;
	if (engine->reading[phase] == 0 || planted(ENGINE_RETIRE_EARLY))
		free_retiring(engine);
}

void clean_retire(struct engine *engine)
{
	/* No memory: they stay taken until the volume is opened anew. */
	vec_each (slot, &engine->volume->gone)
		(void)vec_push(&engine->retired, *slot);
	engine->volume->gone.len = 0;
	if (engine->retired.len && !engine->retiring.len)
		next_phase(engine);
}

void clean_read_done(struct engine *engine, unsigned phase)
{
	if (phase == engine->phase)
		return;
	free_retiring(engine);
	if (engine->retired.len)
		next_phase(engine);
}

/* ---- merging ---- */

static void look_in(struct engine *engine, int64_t after_ns)
{
	if (engine->cleaning.every_ns && !engine->volume->stopped)
		timer_set(engine->pool->loop, &engine->cleaning.timer,
			clock_mono_ns(engine->pool->clock) + after_ns);
}

static void step_over(struct cleaning *cleaning)
{
	cleaning->busy = false;
	look_in(container_of(cleaning, struct engine, cleaning), cleaning->every_ns);
}

void clean_wake(struct engine *engine)
{
	if (!engine->cleaning.busy)
		look_in(engine, engine->cleaning.every_ns);
}

static void on_act(struct engine_act *act, int err, const struct why *why)
{
	(void)err, (void)why;
	step_over(container_of(act, struct cleaning, act));
}

static void act_now(struct engine *engine, enum engine_act_kind kind)
{
	engine->cleaning.act = (struct engine_act){.kind = kind, .done = on_act};
	engine_do(engine, &engine->cleaning.act);
}

void clean_piece_done(struct engine *engine, int err)
{
	engine->volume->unsynced = !planted(ENGINE_MERGE_NOT_SYNCED);
	engine->cleaning.copying = false;
	if (err || engine->volume->stopped)
		step_over(&engine->cleaning);
	else
		act_now(engine, ENGINE_MERGED);
}

static void start_merge(struct engine *engine)
{
	struct cleaning *cleaning = &engine->cleaning;
	const struct map_merge *merge = &cleaning->merge;
	uint32_t extent = engine->volume->map.slots.at[merge->newer].extent;
	cleaning->busy = true;
	if (!merge->copy || planted(ENGINE_MERGE_NOT_COPIED)) {
		act_now(engine, ENGINE_MERGED);
		return;
	}
	/* What is checked there may be in no view by now, and would be copied over. */
	struct piece *piece = scrub_is_in(engine, extent) ? NULL : piece_take_in(engine);
	if (!piece || volume_note_written(engine->volume, extent)) {
		if (piece)
			piece_put_back(piece);
		step_over(cleaning);
		return;
	}
	cleaning->copying = true;
	piece->state = PIECE_COPY;
	piece->extent = extent;
	piece->slot = merge->from;
	piece->into = merge->into;
	piece->blocks = merge->copy;
	piece_run(piece);
}

static bool same_merge(const struct map_merge *a, const struct map_merge *b)
{
	return a->newer == b->newer && a->base == b->base && a->from == b->from &&
		a->into == b->into && a->copy == b->copy;
}

int clean_merged(struct engine *engine, struct commit *commit)
{
	struct vol_map *map = &engine->volume->map;
	struct map_merge now;
	struct map_change change;
	if (!map_seek_merge(map, LOOK_AT_ONCE) || !map_next_merge(map, &now) ||
		!same_merge(&now, &engine->cleaning.merge))
		return -EAGAIN;
	if (vec_reserve(&engine->volume->gone, 4) ||
		map_merged(map, &engine->cleaning.merge, &change))
		return -ENOMEM;
	if (change.era && !planted(ENGINE_CHANGE_NOT_RECORDED)) {
		record_put_change(commit->extra, &change);
		commit->extra_len = RECORD_CHANGE_SIZE;
		commit->extra_kind = RECORD_CHANGED;
		commit->extra_first = true;
	}
	return 0;
}

/* ---- a new journal ---- */

static int make_image(struct cleaning *cleaning, size_t slots)
{
	cleaning->image_cap = slots * RECORD_SLOT_SIZE;
	cleaning->image = malloc(cleaning->image_cap + 1);
	return cleaning->image ? 0 : -ENOMEM;
}

void clean_copy_slots(struct engine *engine)
{
	struct cleaning *cleaning = &engine->cleaning;
	const struct vol_map *map = &engine->volume->map;
	size_t end = cleaning->image_cap / RECORD_SLOT_SIZE, left = COPY_AT_ONCE;
	for (; cleaning->image_slot < end && left > 0; cleaning->image_slot++, left--) {
		const struct map_slot *slot = &map->slots.at[cleaning->image_slot];
		if (!slot->present)
			continue;
		record_put_slot(cleaning->image + cleaning->image_len, cleaning->image_slot, slot);
		cleaning->image_len += RECORD_SLOT_SIZE;
	}
	if (cleaning->image_slot < end)
		timer_set(engine->pool->loop, &cleaning->timer, 0);
	else
		commit_begin(engine);
}

/* As they are now; what comes to rest later says so behind them. */
int clean_take_regions(struct engine *engine, struct commit *commit)
{
	struct cleaning *cleaning = &engine->cleaning;
	const struct sums *sums = &engine->volume->sums;
	size_t room = sums->regions.len * SUMS_REGION_SIZE;
	uint32_t cursor = 0;
	free(cleaning->active);
	cleaning->active_len = 0;
	cleaning->active = malloc(room + 1);
	if (!cleaning->active)
		return -ENOMEM;
	if (!planted(VOL_SUMS_TIDY_FORGETS))
		cleaning->active_len = sums_put_active(sums, &cursor, cleaning->active, room);
	commit->rewrite = true;
	return 0;
}

static int append_all(
	struct journal *to, uint16_t kind, const uint8_t *bytes, size_t len, struct why *why)
{
	enum { AT_ONCE = RECORD_SLOTS_AT_ONCE * RECORD_SLOT_SIZE };
	int err = 0;
	for (size_t at = 0; !err && at < len; at += AT_ONCE)
		err = journal_append(
			to, kind, bytes + at, len - at < AT_ONCE ? len - at : AT_ONCE, why);
	return err;
}

static int fill(void *arg, struct journal *to, struct why *why)
{
	struct engine *engine = arg;
	const struct cleaning *cleaning = &engine->cleaning;
	int err = volume_fill_eras(engine->volume, to, why);
	if (!err)
		err = append_all(to, RECORD_REGIONS, cleaning->active, cleaning->active_len, why);
	if (!err)
		err = append_all(to, RECORD_SLOTS, cleaning->image, cleaning->image_len, why);
	if (!err && engine->commit.record_len && !planted(ENGINE_TIDY_FORGETS))
		err = journal_append(
			to, RECORD_SLOTS, engine->volume->record, engine->commit.record_len, why);
	return err;
}

int clean_rewrite(struct engine *engine, struct why *why)
{
	return journal_rewrite(engine->volume->journal, fill, engine, why);
}

void clean_tidy(struct engine *engine)
{
	struct cleaning *cleaning = &engine->cleaning;
	free(TAKE(cleaning->image));
	cleaning->image_len = cleaning->image_slot = 0;
	cleaning->busy = true;
	if (make_image(cleaning, engine->volume->map.slots.len)) {
		step_over(cleaning);
		return;
	}
	act_now(engine, ENGINE_TIDY);
}

/* ---- one step after the other ---- */

/* Regions that were left alone come to rest now and then. */
static bool may_rest(struct engine *engine)
{
	struct cleaning *cleaning = &engine->cleaning;
	int64_t now_ns = clock_mono_ns(engine->pool->clock);
	if (!engine->volume->map.sums || !engine->volume->sums.facts.active ||
		now_ns - cleaning->rest_ns < REST_NS)
		return false;
	cleaning->rest_ns = now_ns;
	return true;
}

static void clean_step(struct engine *engine)
{
	struct cleaning *cleaning = &engine->cleaning;
	struct vol_map *map = &engine->volume->map;
	bool sought = map_seek_merge(map, LOOK_AT_ONCE);
	if (engine->commit.stage == COMMIT_NONE && volume_tidy_pays(engine->volume)) {
		clean_tidy(engine);
	} else if (!sought) {
		look_in(engine, cleaning->every_ns);
	} else if (map_next_merge(map, &cleaning->merge)) {
		start_merge(engine);
	} else if (may_rest(engine)) {
		cleaning->busy = true;
		act_now(engine, ENGINE_REST);
	} else {
		look_in(engine, IDLE_NS);
	}
}

static void on_timer(struct timer *timer)
{
	struct cleaning *cleaning = container_of(timer, struct cleaning, timer);
	struct engine *engine = container_of(cleaning, struct engine, cleaning);
	if (engine->commit.stage == COMMIT_COPY)
		clean_copy_slots(engine);
	else if (!cleaning->busy && cleaning->every_ns && !engine->volume->stopped)
		clean_step(engine);
}

void engine_clean(struct engine *engine, int64_t every_ns)
{
	engine->cleaning.every_ns = every_ns;
	if (!every_ns && engine->commit.stage != COMMIT_COPY)
		timer_cancel(engine->pool->loop, &engine->cleaning.timer);
	else if (every_ns && !engine->cleaning.busy)
		look_in(engine, every_ns);
	scrub_pause(engine, !every_ns);
}

void clean_init(struct engine *engine)
{
	engine->cleaning.timer.fn = on_timer;
}

void clean_done(struct engine *engine)
{
	free(engine->cleaning.image);
	free(engine->cleaning.active);
}
