/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading back: one slot after the other, regions in doubt first. A region is verified when all
 * its slots were read without an error, and no write in it failed meanwhile. One slot at a time
 * for all engines of a pool.
 */
#include "base/container.h"
#include "base/units.h"
#include "os/clock.h"
#include "vol/engine_inner.h"

enum { LOOK_AT_ONCE = 4096 };

#define BUSY_NS (5 * NS_PER_MS)
#define ROUND_NS (3600 * NS_PER_SEC) /* rot does not hurry */

enum found { FOUND_SLOT, FOUND_NONE_YET, FOUND_END };

static void look_in(struct engine *engine, int64_t after_ns)
{
	if (engine->scrub.bytes_per_s && !engine->volume->stopped)
		timer_set(engine->pool->loop, &engine->scrub.timer,
			clock_mono_ns(engine->pool->clock) + after_ns);
}

static bool is_read(const struct map_slot *slot)
{
	return slot->era && slot->present && !slot->zeros;
}

/* Begins with the next region in doubt; false: there is none. */
static bool next_region(struct engine *engine)
{
	struct volume *volume = engine->volume;
	struct scrubbing *scrub = &engine->scrub;
	uint32_t region = sums_suspect(&volume->sums, volume->suspect_at);
	if (region == UINT32_MAX)
		return false;
	sums_verify(&volume->sums, region);
	volume->suspect_at = region + 1;
	scrub->region = region;
	scrub->slot = region * SUMS_REGION_SLOTS;
	scrub->failed = false;
	return true;
}

static void end_region(struct engine *engine)
{
	struct scrubbing *scrub = &engine->scrub;
	if (!scrub->failed)
		sums_verified(&engine->volume->sums, scrub->region);
	scrub->region = UINT32_MAX;
}

/* The next slot that has something to be read. */
static enum found next_slot(struct engine *engine, uint32_t *ret_slot)
{
	struct volume *volume = engine->volume;
	struct scrubbing *scrub = &engine->scrub;
	const struct vol_map *map = &volume->map;
	for (int looks = 0; looks < LOOK_AT_ONCE; looks++) {
		bool verifies = scrub->region != UINT32_MAX || next_region(engine);
		uint32_t *at = verifies ? &scrub->slot : &volume->scrub_at;
		if (verifies && *at >= (scrub->region + 1) * SUMS_REGION_SLOTS) {
			end_region(engine);
		} else if (*at >= map->slots.len) {
			if (!verifies)
				return FOUND_END;
			*at = (scrub->region + 1) * SUMS_REGION_SLOTS;
		} else if (is_read(&map->slots.at[(*at)++])) {
			*ret_slot = *at - 1;
			return FOUND_SLOT;
		}
	}
	return FOUND_NONE_YET;
}

bool scrub_is_in(const struct engine *engine, uint32_t extent)
{
	return engine->scrub.busy && engine->scrub.extent == extent;
}

/* Its writes wait in the bucket, and it for them. */
static void check(struct engine *engine, struct piece *piece, uint32_t n)
{
	const struct map_slot *slot = &engine->volume->map.slots.at[n];
	engine->pool->checking = engine->scrub.busy = true;
	engine->scrub.extent = slot->extent;
	piece->state = PIECE_CHECK;
	piece->extent = slot->extent;
	piece->slot = n;
	piece->blocks = slot->present;
	piece->renew = engine->scrub.region != UINT32_MAX;
	piece->len = (size_t)__builtin_popcountll(slot->present) * VOL_BLOCK;
	piece_hold(piece);
	piece_start(piece);
}

static void on_timer(struct timer *timer)
{
	struct engine *engine = container_of(timer, struct engine, scrub.timer);
	uint32_t slot = 0;
	if (engine->scrub.busy || !engine->scrub.bytes_per_s || engine->volume->stopped)
		return;
	bool blocked = engine->pool->checking || engine->cleaning.copying;
	struct piece *piece = blocked ? NULL : piece_take_in(engine);
	enum found found = piece ? next_slot(engine, &slot) : FOUND_NONE_YET;
	if (found == FOUND_SLOT) {
		check(engine, piece, slot);
		return;
	}
	if (piece)
		piece_put_back(piece);
	if (found == FOUND_END)
		engine->volume->scrub_at = engine->volume->suspect_at = 0;
	look_in(engine, found == FOUND_END ? ROUND_NS : BUSY_NS);
}

void scrub_piece_done(struct engine *engine, struct piece *piece, int err)
{
	struct scrubbing *scrub = &engine->scrub;
	engine->pool->checking = scrub->busy = false;
	scrub->failed |= err != 0;
	if (scrub->bytes_per_s)
		look_in(engine,
			(int64_t)((double)piece->len * NS_PER_SEC / (double)scrub->bytes_per_s));
}

static void set(struct engine *engine)
{
	if (!engine->scrub.bytes_per_s)
		timer_cancel(engine->pool->loop, &engine->scrub.timer);
	else if (!engine->scrub.busy)
		look_in(engine, 0);
}

void engine_scrub(struct engine *engine, uint64_t bytes_per_s)
{
	struct scrubbing *scrub = &engine->scrub;
	scrub->wanted = engine->volume->map.sums ? bytes_per_s : 0;
	scrub->bytes_per_s = scrub->paused ? 0 : scrub->wanted;
	set(engine);
}

void scrub_pause(struct engine *engine, bool pause)
{
	struct scrubbing *scrub = &engine->scrub;
	if (scrub->paused == pause)
		return;
	scrub->paused = pause;
	scrub->bytes_per_s = pause ? 0 : scrub->wanted;
	set(engine);
}

void scrub_init(struct engine *engine)
{
	engine->scrub.timer.fn = on_timer;
	engine->scrub.region = UINT32_MAX;
}
