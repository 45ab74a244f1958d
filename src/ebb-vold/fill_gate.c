/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of clients to a volume that fills: which may run, and what the others wait for. */
#include <errno.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/own.h"
#include "ebb-vold/fill_inner.h"

static bool overlaps(const struct engine_request *request, uint32_t extent)
{
	uint64_t from = (uint64_t)extent * VOL_EXTENT;
	return request->at < from + VOL_EXTENT && request->at + request->len > from;
}

static bool changes(const struct engine_request *request)
{
	return request->kind == ENGINE_WRITE || request->kind == ENGINE_ZERO;
}

bool gate_writes(const struct fill *fill, uint32_t extent)
{
	for (const struct gated *at = fill->gated; at; at = at->next)
		if (at->running && changes(&at->own) && overlaps(&at->own, extent))
			return true;
	return false;
}

static bool we_write(const struct fill *fill, const struct engine_request *request)
{
	for (unsigned i = 0; i < FILL_SLOTS; i++)
		if (fill->fetches[i].state == FETCH_WRITES &&
			overlaps(request, fill->fetches[i].extent))
			return true;
	return false;
}

static bool fetched(const struct fill *fill, uint32_t extent)
{
	for (unsigned i = 0; i < FILL_SLOTS; i++)
		if (fill->fetches[i].state != FETCH_FREE && fill->fetches[i].extent == extent)
			return true;
	return false;
}

/* A walk over the extents of which blocks in a range are missing. */
struct missing {
	const struct fill *fill;
	bool (*on_extent)(const struct missing *missing, uint32_t extent); /* true: ends the walk */
	uint32_t extent, wanted; /* that ended it; of is_that() */
};

static bool walk_range(struct missing *missing, uint64_t at, uint64_t end)
{
	const struct vol_map *map = engine_map(missing->fill->parts.engine);
	while (at < end) {
		uint32_t extent = (uint32_t)(at / VOL_EXTENT);
		struct map_run run = {.blocks = 0};
		if (!fill_settled(missing->fill, extent))
			run = map_find(map, map->era, at / VOL_BLOCK);
		bool there = !run.blocks || run.slot != SLOT_NONE;
		missing->extent = extent;
		if (!there && missing->on_extent(missing, extent))
			return true;
		at = run.blocks && there ? (at / VOL_BLOCK + run.blocks) * VOL_BLOCK
					 : (uint64_t)(extent + 1) * VOL_EXTENT;
	}
	return false;
}

/* What of a request must be read before it can run. */
static bool walk(struct missing *missing, const struct engine_request *request)
{
	uint64_t at = request->at, end = at + request->len;
	uint64_t size = engine_map(missing->fill->parts.engine)->size;
	if (request->kind == ENGINE_FLUSH || at > size || request->len > size - at)
		return false;
	if (request->kind == ENGINE_READ)
		return walk_range(missing, at, end);
	/* Of blocks that are written in part the rest. */
	return (at % VOL_BLOCK && walk_range(missing, at, at + 1)) ||
		(end % VOL_BLOCK && walk_range(missing, end - 1, end));
}

static bool any(const struct missing *missing, uint32_t extent)
{
	(void)missing, (void)extent;
	return true;
}

static bool unfetched(const struct missing *missing, uint32_t extent)
{
	return !fetched(missing->fill, extent);
}

static bool may_run(const struct fill *fill, const struct engine_request *request)
{
	struct missing missing = {.fill = fill, .on_extent = any};
	return !walk(&missing, request) && !(changes(request) && we_write(fill, request));
}

bool gate_wants(const struct fill *fill, uint32_t *ret_extent)
{
	struct missing missing = {.fill = fill, .on_extent = unfetched};
	for (const struct gated *at = fill->gated; at; at = at->next) {
		if (at->running || !walk(&missing, at->theirs))
			continue;
		*ret_extent = missing.extent;
		return true;
	}
	return false;
}

/* ---- requests ---- */

static void forget(struct gated *gated)
{
	struct fill *fill = gated->fill;
	struct gated **at = &fill->gated;
	while (*at != gated)
		at = &(*at)->next;
	*at = gated->next;
	if (fill->gated_end == &gated->next)
		fill->gated_end = at;
	free(gated);
}

static void answer(struct gated *gated, int err)
{
	struct engine_request *theirs = gated->theirs;
	forget(gated);
	theirs->done(theirs, err);
}

static void on_ran(struct engine_request *request, int err)
{
	struct gated *gated = container_of(request, struct gated, own);
	struct fill *fill = gated->fill;
	answer(gated, err);
	fill->running--;
	fill_ran(fill);
}

static void run(struct gated *gated)
{
	struct fill *fill = gated->fill;
	gated->own = *gated->theirs;
	gated->own.done = on_ran;
	/* Zeros that leave no block would be fetched over. */
	gated->own.allocate = true;
	gated->running = true;
	fill->running++;
	engine_submit(fill->parts.engine, &gated->own);
}

void fill_submit(struct fill *fill, struct engine_request *request)
{
	struct gated *gated = calloc(1, sizeof(*gated));
	request->err = 0;
	if (!gated || fill->stopped) {
		free(gated);
		request->done(request, fill->stopped ? -ESHUTDOWN : -ENOMEM);
		return;
	}
	gated->fill = fill;
	gated->theirs = request;
	*fill->gated_end = gated;
	fill->gated_end = &gated->next;
	if (may_run(fill, request))
		run(gated);
	else
		fill_kick(fill);
}

void fill_forsake(struct fill *fill, struct engine_request *request)
{
	struct gated *at = fill->gated;
	while (at && at->theirs != request)
		at = at->next;
	if (at && at->running)
		engine_forsake(&at->own);
	else if (at)
		answer(at, -ECANCELED);
}

/* From the first again after each: what is told may change the list. */
void gate_wake(struct fill *fill)
{
	struct gated *at = fill->gated;
	while (at) {
		if (at->running || !may_run(fill, at->theirs)) {
			at = at->next;
			continue;
		}
		run(at);
		at = fill->gated;
	}
}

static bool is_that(const struct missing *missing, uint32_t extent)
{
	return extent == missing->wanted;
}

void gate_fail(struct fill *fill, uint32_t extent, int err)
{
	struct gated *at = fill->gated;
	while (at) {
		struct missing missing = {.fill = fill, .on_extent = is_that, .wanted = extent};
		bool waits = !at->running && overlaps(at->theirs, extent) &&
			walk(&missing, at->theirs);
		struct gated *next = at->next;
		if (waits) {
			answer(at, err);
			next = fill->gated;
		}
		at = next;
	}
}

void gate_refuse(struct fill *fill, int err)
{
	struct gated *at = fill->gated;
	while (at) {
		struct gated *next = at->next;
		if (!at->running) {
			answer(at, err);
			next = fill->gated;
		}
		at = next;
	}
}
