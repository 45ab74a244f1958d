/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, and requests from the submission to the answer. */
#include "vol/engine.h"

#include <errno.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/plant.h"
#include "store/journal.h"
#include "vol/engine_inner.h"

/*
 * One record holds all slots that a commit finds touched. Each piece under way may touch two more,
 * and a merge four.
 */
enum { TOUCHED_MAX = JOURNAL_RECORD_MAX / RECORD_SLOT_SIZE - 2 * POOL_PIECES - 8 };

static bool writes(const struct engine_request *request)
{
	return request->kind == ENGINE_WRITE || request->kind == ENGINE_ZERO;
}

void engine_answer(struct engine *engine, struct engine_request *request, int err)
{
	engine->requests--;
	request->done(request, err);
}

/* One hold fewer; without any the request is done, or waits to be durable. */
static void let_go(struct engine *engine, struct engine_request *request)
{
	if (--request->pieces > 0)
		return;
	if (request->err || !request->durable || !writes(request)) {
		engine_answer(engine, request, request->err);
		return;
	}
	queue_put(&engine->flushes, request);
	commit_step(engine);
}

void engine_piece_done(struct engine *engine, struct engine_request *request, int err)
{
	if (err && !request->err)
		request->err = err;
	let_go(engine, request);
}

/* The longest part from `at` on that is one piece: within a block, or of whole ones of an extent.
 */
static size_t next_part(uint64_t at, uint64_t len, bool any_bytes)
{
	uint64_t room = VOL_EXTENT - at % VOL_EXTENT;
	if (!any_bytes && at % VOL_BLOCK)
		room = VOL_BLOCK - at % VOL_BLOCK;
	if (!any_bytes && at % VOL_BLOCK == 0 && len >= VOL_BLOCK)
		len -= len % VOL_BLOCK;
	return (size_t)(room < len ? room : len);
}

static uint64_t blocks_of(uint64_t at, size_t len)
{
	unsigned first = (unsigned)(at % VOL_EXTENT / VOL_BLOCK);
	unsigned count = (unsigned)((at + len - 1) / VOL_BLOCK - at / VOL_BLOCK) + 1;
	return (count == VOL_EXTENT_BLOCKS ? UINT64_MAX : (UINT64_C(1) << count) - 1) << first;
}

static void set_up(struct piece *piece, struct engine_request *request)
{
	uint64_t at = request->reached, left = request->at + request->len - at;
	size_t len = next_part(at, left, request->kind == ENGINE_READ);
	bool whole = at % VOL_BLOCK == 0 && len % VOL_BLOCK == 0;
	piece->request = request;
	piece->extent = (uint32_t)(at / VOL_EXTENT);
	piece->blocks = blocks_of(at, len);
	piece->at = at;
	piece->len = len;
	piece->bytes = request->kind == ENGINE_ZERO
		? piece->engine->pool->zeros
		: (uint8_t *)request->bytes + (at - request->at);
	if (request->kind == ENGINE_READ)
		piece->state = PIECE_READ;
	else if (!whole)
		piece->state = PIECE_FILL;
	else if (request->kind == ENGINE_ZERO && !request->allocate)
		piece->state = PIECE_ZERO;
	else
		piece->state = PIECE_WRITE;
	request->reached += len;
	request->pieces++;
}

/* Writes wait while a cut wants those under way to end, and while a record would be too long. */
static bool may_write(const struct engine *engine)
{
	return engine->commit.stage != COMMIT_DRAIN &&
		engine->volume->map.touched.len <= TOUCHED_MAX;
}

void engine_go(struct engine *engine, struct engine_request *request)
{
	while (request->reached < request->at + request->len && !request->err) {
		if (writes(request) && !may_write(engine)) {
			queue_put(&engine->gated, request);
			commit_step(engine);
			return;
		}
		struct piece *piece = piece_take_in(engine);
		if (!piece) {
			queue_put(&engine->starved, request);
			pool_add_starved(engine);
			return;
		}
		set_up(piece, request);
		engine->writing += writes(request);
		piece_start(piece);
	}
	let_go(engine, request);
}

void engine_release_gated(struct engine *engine)
{
	struct engine_queue gated;
	struct engine_request *request;
	queue_init(&gated);
	queue_move(&gated, &engine->gated);
	while ((request = queue_take(&gated)))
		engine_go(engine, request);
}

/* A snapshot keeps the size that the volume had. */
static bool within(const struct vol_map *map, const struct engine_request *request)
{
	uint64_t size = request->view ? map_view_size(map, request->view) : map->size;
	return request->at <= size && request->len <= size - request->at;
}

void engine_submit(struct engine *engine, struct engine_request *request)
{
	const struct vol_map *map = &engine->volume->map;
	bool flush = request->kind == ENGINE_FLUSH;
	int err = 0;
	engine->requests++;
	if (engine->volume->stopped)
		err = -EIO;
	else if (!flush && !within(map, request))
		err = -EINVAL;
	if (err) {
		engine_answer(engine, request, err);
		return;
	}
	request->reached = request->at;
	request->pieces = 1;
	request->err = 0;
	if (!flush) {
		engine_go(engine, request);
		return;
	}
	bool joins = planted(ENGINE_FLUSH_JOINS) && engine->commit.stage > COMMIT_DRAIN;
	queue_put(joins ? &engine->commit.covered : &engine->flushes, request);
	commit_step(engine);
}

/* Queues see it when its turn comes, as if a piece had failed. */
void engine_forsake(struct engine_request *request)
{
	if (!request->err)
		request->err = -ECANCELED;
}

int engine_now(struct engine *engine, const struct engine_request *request)
{
	const struct vol_map *map = &engine->volume->map;
	bool read = request->kind == ENGINE_READ;
	if (engine->volume->stopped)
		return -EIO;
	if (!within(map, request))
		return -EINVAL;
	if (request->durable || !(read || request->kind == ENGINE_WRITE))
		return -EAGAIN;
	struct engine_request part = *request;
	part.reached = part.at;
	while (part.reached < part.at + part.len) {
		struct piece piece = {.engine = engine};
		set_up(&piece, &part);
		if (piece.state == PIECE_FILL || (!read && !may_write(engine)))
			return -EAGAIN;
		int err = piece_now(&piece);
		if (err)
			return err;
	}
	return 0;
}

/* ---- opening ---- */

static void on_again(struct timer *timer)
{
	commit_again(container_of(timer, struct engine, again));
}

int engine_open(struct engine_pool *pool, struct volume *volume, struct engine **ret_engine)
{
	OWN(own_free) struct engine *engine = NULL;
	if (volume->map.sums)
		return -ENOTSUP;
	engine = calloc(1, sizeof(*engine));
	if (!engine)
		return -ENOMEM;
	if (!volume->record)
		volume->record = malloc(JOURNAL_RECORD_MAX);
	if (!volume->record)
		return -ENOMEM;
	engine->pool = pool;
	queue_init(&engine->starved);
	queue_init(&engine->gated);
	queue_init(&engine->flushes);
	queue_init(&engine->commit.covered);
	engine->acts_end = &engine->acts;
	engine->again.fn = on_again;
	engine->volume = volume;
	clean_init(engine);
	*ret_engine = TAKE(engine);
	return 0;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	clean_done(engine);
	vec_done(&engine->retiring);
	vec_done(&engine->retired);
	vec_done(&engine->syncing);
	volume_close(engine->volume);
	free(engine);
}

int engine_end(struct engine *engine, struct why *why)
{
	if (!engine)
		return 0;
	int err = engine_stopped(engine) ? 0 : volume_flush(engine->volume, why);
	engine_free(engine);
	return err;
}

bool engine_idle(const struct engine *engine)
{
	return engine->requests == 0 && engine->commit.stage == COMMIT_NONE && !engine->acts &&
		!engine->cleaning.busy;
}

const struct vol_map *engine_map(const struct engine *engine)
{
	return &engine->volume->map;
}

const struct sums_facts *engine_sums(const struct engine *engine)
{
	return engine->volume->map.sums ? &engine->volume->sums.facts : NULL;
}

bool engine_stopped(const struct engine *engine)
{
	return engine->volume->stopped;
}
