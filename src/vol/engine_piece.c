/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces: taken from the pool, in order where they overlap, done at once where that can be.
 *
 * Invariants:
 *   1. a piece that waits or has I/O under way is in its bucket; two in one bucket that overlap,
 *      one of which writes, are never both under way
 *   2. the map shows blocks when their bytes are written, not before
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "os/disk.h"
#include "os/world.h"
#include "vol/engine_inner.h"

int engine_pool_new(const struct world *world, struct engine_pool **ret_pool)
{
	struct engine_pool *pool = calloc(1, sizeof(*pool));
	uint8_t *blocks = aligned_alloc(VOL_BLOCK, (size_t)POOL_PIECES * VOL_BLOCK);
	uint8_t *zeros = aligned_alloc(VOL_BLOCK, VOL_EXTENT);
	if (!pool || !blocks || !zeros) {
		free(pool);
		free(blocks);
		free(zeros);
		return -ENOMEM;
	}
	memset(zeros, 0, VOL_EXTENT);
	pool->loop = world->loop;
	pool->aio = world->aio;
	pool->clock = world->clock;
	pool->blocks = blocks;
	pool->zeros = zeros;
	for (size_t i = POOL_PIECES; i--;) {
		pool->pieces[i].block = blocks + i * VOL_BLOCK;
		pool->pieces[i].next = pool->free;
		pool->free = &pool->pieces[i];
	}
	*ret_pool = pool;
	return 0;
}

void engine_pool_free(struct engine_pool *pool)
{
	if (!pool)
		return;
	free(pool->blocks);
	free(pool->zeros);
	free(pool);
}

struct piece *piece_take_in(struct engine *engine)
{
	struct piece *piece = engine->pool->free;
	if (!piece || engine->pieces >= POOL_SHARE)
		return NULL;
	engine->pool->free = piece->next;
	engine->pieces++;
	piece->engine = engine;
	piece->waits = piece->listed = piece->in_block = piece->at_once = false;
	piece->done = 0;
	return piece;
}

/* ---- buckets ---- */

static struct piece **bucket_of(const struct piece *piece)
{
	uint64_t key = (uint64_t)(uintptr_t)piece->engine / 64 + piece->extent;
	return &piece->engine->pool->buckets[key % POOL_BUCKETS];
}

static bool overlap(const struct piece *a, const struct piece *b)
{
	return a->engine == b->engine && a->extent == b->extent && (a->blocks & b->blocks) &&
		(a->state != PIECE_READ || b->state != PIECE_READ);
}

/* With one that stands before it in the bucket, or with any when it does not stand there. */
static bool must_wait(const struct piece *piece)
{
	if (planted(ENGINE_OVERLAP))
		return false;
	for (const struct piece *at = *bucket_of(piece); at && at != piece; at = at->next)
		if (overlap(at, piece))
			return true;
	return false;
}

static void list(struct piece *piece)
{
	struct piece **at = bucket_of(piece);
	if (piece->listed)
		return;
	while (*at)
		at = &(*at)->next;
	piece->next = NULL;
	piece->listed = true;
	*at = piece;
}

static void unlist(struct piece *piece)
{
	struct piece **at = bucket_of(piece);
	while (*at != piece)
		at = &(*at)->next;
	*at = piece->next;
	piece->listed = false;
}

static void run(struct piece *piece);

/* From the start after each one, because that one may have ended and let others go. */
static void wake(struct piece **bucket)
{
	struct piece *at = *bucket;
	while (at) {
		if (!at->waits || must_wait(at)) {
			at = at->next;
			continue;
		}
		at->waits = false;
		run(at);
		at = *bucket;
	}
}

void pool_add_starved(struct engine *engine)
{
	struct engine **end = &engine->pool->starved;
	if (engine->is_starved)
		return;
	while (*end)
		end = &(*end)->next_starved;
	engine->next_starved = NULL;
	engine->is_starved = true;
	*end = engine;
}

static void feed(struct engine *engine)
{
	struct engine_queue line;
	struct engine_request *request;
	queue_init(&line);
	queue_move(&line, &engine->starved);
	while (engine->pool->free && engine->pieces < POOL_SHARE && (request = queue_take(&line)))
		engine_go(engine, request);
	if (line.first)
		pool_add_starved(engine);
	queue_move(&engine->starved, &line);
}

/* Engine by engine. What ends meanwhile is seen here: nobody feeds within a feeding. */
void pool_feed(struct engine_pool *pool)
{
	if (pool->feeding)
		return;
	pool->feeding = true;
	struct engine *next = TAKE(pool->starved);
	while (next) {
		struct engine *engine = next;
		next = engine->next_starved;
		engine->is_starved = false;
		feed(engine);
	}
	pool->feeding = false;
}

/* ---- ends ---- */

static void end(struct piece *piece, int err)
{
	struct engine *engine = piece->engine;
	struct engine_request *request = piece->request;
	struct piece **bucket = bucket_of(piece);
	bool listed = piece->listed, wrote = piece->state != PIECE_READ;
	if (listed)
		unlist(piece);
	piece->state = PIECE_FREE;
	piece->next = engine->pool->free;
	engine->pool->free = piece;
	engine->pieces--;
	engine->writing -= wrote;
	if (listed)
		wake(bucket);
	engine_piece_done(engine, request, err);
	if (wrote && !engine->writing)
		commit_drained(engine);
	if (engine->pool->starved)
		pool_feed(engine->pool);
}

/* ---- I/O ---- */

static void on_io(struct aio_request *request, ssize_t result);

/* Where byte `at` of the volume lies in `data` when it is in that slot. */
static uint64_t in_data(uint32_t slot, uint64_t at)
{
	return (uint64_t)slot * VOL_EXTENT + at % VOL_EXTENT;
}

/* Bytes moved; -EAGAIN: on_io() will be called. */
static ssize_t move(struct piece *piece, enum aio_kind kind, void *bytes, size_t len, uint64_t at)
{
	struct engine *engine = piece->engine;
	piece->io = (struct aio_request){.kind = kind,
		.file = engine->volume->data,
		.bytes = bytes,
		.len = len,
		.at = at,
		.done = on_io};
	ssize_t n = aio_now(engine->pool->aio, &piece->io);
	if (n > 0 && (size_t)n > len)
		n = -EIO;
	if (n != -EAGAIN || piece->at_once)
		return n ? n : -EIO; /* what was never written is not asked for */
	if (aio_submit(engine->pool->aio, &piece->io))
		return -EBUSY; /* the pool is smaller than what an aio takes: its world has ended */
	list(piece);
	if (kind == AIO_READ) {
		piece->phase = engine->phase;
		engine->reading[piece->phase]++;
	}
	return -EAGAIN;
}

static void advance(struct piece *piece, size_t n)
{
	piece->at += n;
	piece->bytes += n;
	piece->len -= n;
}

static int read_on(struct piece *piece)
{
	const struct vol_map *map = &piece->engine->volume->map;
	uint32_t view = piece->request->view ? piece->request->view : map->era;
	while (piece->len > 0) {
		struct map_run run = map_find(map, view, piece->at / VOL_BLOCK);
		uint64_t room = (piece->at / VOL_BLOCK + run.blocks) * VOL_BLOCK - piece->at;
		size_t len = room < piece->len ? (size_t)room : piece->len;
		if (run.slot == SLOT_NONE) {
			memset(piece->bytes, 0, len);
			advance(piece, len);
			continue;
		}
		ssize_t n = move(piece, AIO_READ, piece->bytes, len, in_data(run.slot, piece->at));
		if (n < 0)
			return (int)n;
		advance(piece, (size_t)n);
	}
	return 0;
}

static int wrote_all(struct piece *piece)
{
	struct volume *volume = piece->engine->volume;
	if (volume->stopped)
		return -EIO;
	/* Since the sync that may have begun meanwhile: it need not have seen this. */
	if (!planted(ENGINE_UNSYNCED_LOST))
		volume->unsynced = true;
	map_wrote(&volume->map, piece->slot, piece->blocks);
	return 0;
}

static int write_block_on(struct piece *piece)
{
	uint64_t at = piece->at / VOL_BLOCK * VOL_BLOCK;
	while (piece->done < VOL_BLOCK) {
		ssize_t n = move(piece, AIO_WRITE, piece->block + piece->done,
			VOL_BLOCK - piece->done, in_data(piece->slot, at) + piece->done);
		if (n < 0)
			return (int)n;
		piece->done += (size_t)n;
	}
	return wrote_all(piece);
}

static int write_on(struct piece *piece)
{
	if (piece->in_block)
		return write_block_on(piece);
	while (piece->len > 0) {
		ssize_t n = move(piece, AIO_WRITE, piece->bytes, piece->len,
			in_data(piece->slot, piece->at));
		if (n < 0)
			return (int)n;
		advance(piece, (size_t)n);
	}
	return wrote_all(piece);
}

static int fill_on(struct piece *piece)
{
	const struct vol_map *map = &piece->engine->volume->map;
	uint64_t at = piece->at / VOL_BLOCK * VOL_BLOCK;
	struct map_run run = map_find(map, map->era, at / VOL_BLOCK);
	if (run.slot == SLOT_NONE) {
		memset(piece->block, 0, VOL_BLOCK);
		piece->done = VOL_BLOCK;
	}
	while (piece->done < VOL_BLOCK) {
		ssize_t n = move(piece, AIO_READ, piece->block + piece->done,
			VOL_BLOCK - piece->done, in_data(run.slot, at) + piece->done);
		if (n < 0)
			return (int)n;
		piece->done += (size_t)n;
	}
	memcpy(piece->block + piece->at % VOL_BLOCK, piece->bytes, piece->len);
	piece->in_block = true;
	piece->done = 0;
	piece->state = PIECE_WRITE;
	return write_on(piece);
}

static void go_on(struct piece *piece)
{
	int err = piece->state == PIECE_READ ? read_on(piece)
		: piece->state == PIECE_FILL ? fill_on(piece)
					     : write_on(piece);
	if (err != -EAGAIN)
		end(piece, err == -EBUSY ? -EIO : err);
}

static void on_io(struct aio_request *io, ssize_t result)
{
	struct piece *piece = container_of(io, struct piece, io);
	struct engine *engine = piece->engine;
	if (io->kind == AIO_READ) {
		unsigned phase = piece->phase;
		if (--engine->reading[phase] == 0)
			clean_read_done(engine, phase);
	}
	if (result > 0 && (size_t)result > io->len)
		result = -EIO;
	if (result <= 0 || engine->volume->stopped) {
		end(piece, result < 0 ? (int)result : -EIO);
		return;
	}
	if (piece->state == PIECE_FILL || piece->in_block)
		piece->done += (size_t)result;
	else
		advance(piece, (size_t)result);
	go_on(piece);
}

/* ---- starts ---- */

/* The slot, and a note of what a sync that fails would leave unsure. */
static int place(struct piece *piece)
{
	struct volume *volume = piece->engine->volume;
	int err = map_place(&volume->map, piece->extent, &piece->slot);
	if (!err)
		err = volume_note_written(volume, piece->extent);
	if (!err && planted(ENGINE_MAP_BEFORE_DATA))
		map_wrote(&volume->map, piece->slot, piece->blocks);
	return err;
}

static void run(struct piece *piece)
{
	struct volume *volume = piece->engine->volume;
	int err = volume->stopped ? -EIO : 0;
	if (!err && piece->state == PIECE_ZERO) {
		end(piece, map_zero(&volume->map, piece->extent, piece->blocks));
		return;
	}
	if (!err && piece->state != PIECE_READ)
		err = place(piece);
	if (err)
		end(piece, err);
	else
		go_on(piece);
}

void piece_start(struct piece *piece)
{
	if (*bucket_of(piece) && must_wait(piece)) {
		piece->waits = true;
		list(piece);
		return;
	}
	run(piece);
}

int piece_now(struct piece *piece)
{
	piece->at_once = true;
	if (*bucket_of(piece) && must_wait(piece))
		return -EAGAIN;
	int err = piece->state == PIECE_READ ? 0 : place(piece);
	if (err)
		return err;
	return piece->state == PIECE_READ ? read_on(piece) : write_on(piece);
}
