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

/* Bytes of one request before others get their turn, and what an extent of zeros counts. */
enum { TURN = 4 << 20, TURN_ZEROS = 4096 };

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
	bool any_bytes = request->kind == ENGINE_READ && !piece->engine->volume->map.sums;
	size_t len = next_part(at, left, any_bytes);
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

/* A snapshot keeps the size that the volume had. */
static bool within(const struct vol_map *map, const struct engine_request *request)
{
	uint64_t size = request->view ? map_view_size(map, request->view) : map->size;
	return request->at <= size && request->len <= size - request->at;
}

/*
 * Writes wait while a cut wants those under way to end, and while a record would be too long or
 * nothing more can be noted; those
 * beyond a size that the volume may get wait to know it.
 */
static bool may_write(struct engine *engine)
{
	return engine->volume->stopped ||
		(!engine->draining && engine->volume->map.touched.len <= TOUCHED_MAX &&
			recent_has_room(&engine->volume->recent, engine->writing + 1));
}

static bool is_beyond(const struct engine *engine, const struct engine_request *request)
{
	return request->at + request->len > engine->sizing.limit && !engine->volume->stopped;
}

/* What waits waits in a queue; false: there is a piece for the next part. */
static bool must_wait(struct engine *engine, struct engine_request *request, size_t turn)
{
	if (!turn) {
		queue_put(&engine->turns, request);
		timer_set(engine->pool->loop, &engine->turn, 0);
	} else if (writes(request) && is_beyond(engine, request)) {
		queue_put(&engine->sizing.beyond, request);
	} else if (writes(request) && !may_write(engine)) {
		queue_put(&engine->gated, request);
		commit_step(engine);
	} else {
		return false;
	}
	return true;
}

void engine_go(struct engine *engine, struct engine_request *request)
{
	size_t turn = TURN;
	/* The volume may have shrunk while it waited. */
	if (!request->err && !request->view && request != &engine->sizing.tail &&
		!within(&engine->volume->map, request))
		request->err = -EINVAL;
	while (request->reached < request->at + request->len && !request->err) {
		if (must_wait(engine, request, turn))
			return;
		struct piece *piece = piece_take_in(engine);
		if (!piece) {
			queue_put(&engine->starved, request);
			pool_add_starved(engine);
			return;
		}
		set_up(piece, request);
		size_t cost = piece->state == PIECE_ZERO ? TURN_ZEROS : piece->len;
		turn -= cost < turn ? cost : turn;
		engine->writing += writes(request);
		piece_start(piece);
	}
	let_go(engine, request);
}

static void release(struct engine *engine, struct engine_queue *from)
{
	struct engine_queue line;
	struct engine_request *request;
	queue_init(&line);
	queue_move(&line, from);
	while ((request = queue_take(&line)))
		engine_go(engine, request);
}

void engine_release_gated(struct engine *engine)
{
	release(engine, &engine->gated);
}

void engine_release_beyond(struct engine *engine)
{
	release(engine, &engine->sizing.beyond);
}

static void on_turn(struct timer *timer)
{
	struct engine *engine = container_of(timer, struct engine, turn);
	struct engine_request *request = queue_take(&engine->turns);
	if (engine->turns.first)
		timer_set(engine->pool->loop, &engine->turn, 0);
	engine_go(engine, request);
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
	if (request->durable || !(read || request->kind == ENGINE_WRITE) || request->len > TURN)
		return -EAGAIN;
	struct engine_request part = *request;
	part.reached = part.at;
	while (part.reached < part.at + part.len) {
		struct piece piece = {.engine = engine};
		set_up(&piece, &part);
		bool whole = (piece.at | piece.len) % VOL_BLOCK == 0 || !map->sums;
		if (piece.state == PIECE_FILL || !whole)
			return -EAGAIN;
		if (!read && (!may_write(engine) || is_beyond(engine, request)))
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
	struct engine *engine = container_of(timer, struct engine, again);
	commit_again(engine);
	pages_again(engine);
	rest_again(engine);
}

/* What sums need in memory. Their file gets a length that it never had, before it is used. */
static int open_sums(struct engine *engine)
{
	engine->commit.regions = malloc(JOURNAL_RECORD_MAX);
	engine->writer.bytes = aligned_alloc(SUMS_PAGE, SUMS_PAGE);
	if (!engine->commit.regions || !engine->writer.bytes)
		return -ENOMEM;
	return volume_lengthen_sums(engine->volume);
}

static void release_memory(struct engine *engine)
{
	clean_done(engine);
	free(engine->commit.regions);
	free(engine->writer.bytes);
	vec_done(&engine->retiring);
	vec_done(&engine->retired);
	vec_done(&engine->syncing);
	free(engine);
}

int engine_open(struct engine_pool *pool, struct volume *volume, struct engine **ret_engine)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	if (!engine)
		return -ENOMEM;
	if (!volume->record)
		volume->record = malloc(JOURNAL_RECORD_MAX);
	engine->pool = pool;
	queue_init(&engine->starved);
	queue_init(&engine->gated);
	queue_init(&engine->flushes);
	queue_init(&engine->turns);
	queue_init(&engine->commit.covered);
	engine->acts_end = &engine->acts;
	engine->again.fn = on_again;
	engine->turn.fn = on_turn;
	engine->volume = volume;
	clean_init(engine);
	scrub_init(engine);
	size_init(engine);
	int err = !volume->record ? -ENOMEM : volume->map.sums ? open_sums(engine) : 0;
	if (err) {
		release_memory(engine);
		return err;
	}
	*ret_engine = engine;
	return 0;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	volume_close(engine->volume);
	release_memory(engine);
}

int engine_end(struct engine *engine, struct why *why)
{
	if (!engine)
		return 0;
	int err = engine_stopped(engine)   ? 0
		: engine->volume->map.sums ? volume_rest(engine->volume, true, why)
					   : volume_flush(engine->volume, why);
	engine_free(engine);
	return err;
}

bool engine_idle(const struct engine *engine)
{
	return engine->requests == 0 && engine->commit.stage == COMMIT_NONE && !engine->acts &&
		!engine->cleaning.busy && !engine->scrub.busy && !engine->writer.busy &&
		engine->rest.stage == REST_NONE && engine->sizing.stage == SIZE_NONE;
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
