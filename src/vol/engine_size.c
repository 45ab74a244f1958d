/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing and shrinking while the volume is served; docs/FORMATS-VOLUME.md, "Records of `map`", has
 * what counts. Whatever a step has to look through is looked through a part at a time.
 *
 * To grow:    CLEAR  what an earlier size left behind the end: the rest of its block by a write,
 *                    blocks by zeros in the map, commit after commit
 *             SET    the size and its record
 * To shrink:  LOOK   unless forced: whether something would be cut off. Writes under way were
 *                    waited for, and new ones beyond the size wait
 *             SET    the size and its record
 *             CLEAR  the blocks beyond
 */
#include <errno.h>

#include "base/container.h"
#include "base/own.h"
#include "base/plant.h"
#include "os/loop.h"
#include "vol/engine_inner.h"

enum { LOOK_AT_ONCE = 20000 * VOL_EXTENT_BLOCKS, CLEAR_AT_ONCE = 10000 };

static uint64_t blocks_of(uint64_t size)
{
	return (size + VOL_BLOCK - 1) / VOL_BLOCK;
}

bool size_shrinks(const struct engine *engine, const struct engine_act *act)
{
	return engine->sizing.stage == SIZE_NONE && act->size < engine->volume->map.size;
}

void size_over(struct engine *engine)
{
	engine->sizing.stage = SIZE_NONE;
	engine->sizing.limit = UINT64_MAX;
	engine_release_beyond(engine);
}

/* ---- what is beyond the end ---- */

/* Blocks from sizing.block on that show become zeros, so many at most. True: that was all. */
static int clear_some(struct engine *engine, bool *ret_all)
{
	struct vol_map *map = &engine->volume->map;
	uint64_t end = (uint64_t)map->extents * VOL_EXTENT_BLOCKS, *at = &engine->sizing.block;
	uint64_t until = end - *at < LOOK_AT_ONCE ? end : *at + LOOK_AT_ONCE;
	for (int n = 0; *at < until && n < CLEAR_AT_ONCE; n++) {
		uint64_t shown = map_next_shown(map, *at, until);
		*at = shown < until ? shown : until;
		if (shown >= until)
			break;
		uint64_t extent = shown / VOL_EXTENT_BLOCKS;
		int err = map_zero(map, (uint32_t)extent, UINT64_MAX << shown % VOL_EXTENT_BLOCKS);
		if (err)
			return err;
		*at = (extent + 1) * VOL_EXTENT_BLOCKS;
	}
	*ret_all = *at >= end;
	return 0;
}

/* ---- the act's parts ---- */

static int set_size(struct engine *engine, struct commit *commit)
{
	uint64_t size = commit->act->size;
	int err = map_resize(&engine->volume->map, size);
	if (err)
		return why_errno(
			&commit->why, err, "a volume of %llu bytes", (unsigned long long)size);
	commit->extra_len = planted(ENGINE_RESIZE_NOT_RECORDED)
		? 0
		: record_put_resize(commit->extra, size);
	commit->extra_kind = RECORD_RESIZE;
	return 0;
}

static int begin(struct engine *engine, struct commit *commit)
{
	struct sizing *sizing = &engine->sizing;
	const struct engine_act *act = commit->act;
	uint64_t was = engine->volume->map.size;
	if (act->size == 0 || act->size % 512 || act->size > VOL_SIZE_MAX)
		return why_set(&commit->why, -EINVAL,
			"a volume has a multiple of 512 bytes, at most 8 TiB, not %llu",
			(unsigned long long)act->size);
	if (act->size == was)
		return 0;
	commit->aside = true;
	if (act->size < was) {
		sizing->stage = SIZE_LOOK;
		sizing->limit = act->size;
		sizing->block = act->force ? blocks_of(was) : act->size / VOL_BLOCK;
	} else {
		sizing->stage = SIZE_CLEAR;
		sizing->block = blocks_of(was);
	}
	return 0;
}

static int clear(struct engine *engine, struct commit *commit)
{
	bool all = false;
	int err = planted(VOL_GROWN_NOT_CLEARED) ? 0 : clear_some(engine, &all);
	all |= planted(VOL_GROWN_NOT_CLEARED);
	if (err)
		return why_errno(&commit->why, err, "clearing what is beyond the end");
	if (all && commit->act->size != engine->volume->map.size)
		err = set_size(engine, commit);
	if (all || err)
		engine->sizing.stage = SIZE_NONE;
	else
		commit->aside = true;
	return err;
}

int size_act(struct engine *engine, struct commit *commit)
{
	struct sizing *sizing = &engine->sizing;
	if (sizing->stage == SIZE_NONE)
		return begin(engine, commit);
	if (sizing->stage == SIZE_CLEAR)
		return clear(engine, commit);
	int err = set_size(engine, commit);
	if (err) {
		size_over(engine);
		return err;
	}
	sizing->stage = SIZE_CLEAR;
	sizing->block = blocks_of(commit->act->size);
	commit->aside = true;
	return 0;
}

/* ---- between its commits ---- */

static void look_on(struct engine *engine);

static void on_timer(struct timer *timer)
{
	look_on(container_of(timer, struct engine, sizing.timer));
}

static void refuse(struct engine *engine, uint64_t block)
{
	struct engine_act *act = TAKE(engine->sizing.act);
	struct why why;
	int err = why_set(&why, -EBUSY, "there is data at %llu, beyond the new size",
		(unsigned long long)(block * VOL_BLOCK));
	size_over(engine);
	act->done(act, err, &why);
	commit_step(engine);
}

static void look_on(struct engine *engine)
{
	struct sizing *sizing = &engine->sizing;
	const struct vol_map *map = &engine->volume->map;
	uint64_t end = blocks_of(map->size);
	uint64_t until = end - sizing->block < LOOK_AT_ONCE ? end : sizing->block + LOOK_AT_ONCE;
	uint64_t shown = map_next_shown(map, sizing->block, until);
	if (shown < until) {
		refuse(engine, shown);
		return;
	}
	sizing->block = until;
	if (until < end) {
		timer_set(engine->pool->loop, &sizing->timer, 0);
		return;
	}
	sizing->stage = SIZE_SET;
	commit_return(engine, TAKE(sizing->act));
}

static void on_tail(struct engine_request *request, int err)
{
	struct engine *engine = container_of(request, struct engine, sizing.tail);
	struct engine_act *act = TAKE(engine->sizing.act);
	struct why why;
	if (!err) {
		commit_return(engine, act);
		return;
	}
	size_over(engine);
	why_errno(&why, err, "clearing what is beyond the end");
	act->done(act, err, &why);
	commit_step(engine);
}

/* Bytes behind the end that its block still has. */
static bool clear_tail(struct engine *engine)
{
	struct sizing *sizing = &engine->sizing;
	const struct vol_map *map = &engine->volume->map;
	uint64_t part = map->size % VOL_BLOCK, block = map->size / VOL_BLOCK;
	if (!part || map_next_shown(map, block, block + 1) != block ||
		planted(VOL_GROWN_NOT_CLEARED))
		return false;
	sizing->tail = (struct engine_request){.kind = ENGINE_ZERO,
		.at = map->size,
		.len = VOL_BLOCK - part,
		.done = on_tail,
		.reached = map->size,
		.pieces = 1};
	engine->requests++;
	engine_go(engine, &sizing->tail);
	return true;
}

/* The first commit of a growing one changes nothing yet. */
bool size_goes_on(struct engine *engine, struct engine_act *act)
{
	struct sizing *sizing = &engine->sizing;
	if (act->kind != ENGINE_RESIZE)
		return false;
	bool grows = act->size > engine->volume->map.size;
	bool first = sizing->block == blocks_of(engine->volume->map.size);
	if (sizing->stage == SIZE_CLEAR && !grows) {
		sizing->limit = UINT64_MAX;
		engine_release_beyond(engine);
	}
	sizing->act = act;
	if (sizing->stage == SIZE_LOOK)
		look_on(engine);
	else if (!grows || !first || !clear_tail(engine))
		commit_return(engine, TAKE(sizing->act));
	return true;
}

void size_init(struct engine *engine)
{
	engine->sizing.timer.fn = on_timer;
	engine->sizing.limit = UINT64_MAX;
	queue_init(&engine->sizing.beyond);
}
