/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces that all engines of a loop share: taken, in order where they overlap, given back.
 *
 * Invariant: a piece that waits or has I/O under way is in its bucket; two in one bucket that
 * overlap, one of which writes, are never both under way. Pieces that copy are in none: nobody
 * reads what they write, and nobody writes what they read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/units.h"
#include "os/clock.h"
#include "os/world.h"
#include "vol/engine_inner.h"

int engine_pool_new(const struct world *world, struct engine_pool **ret_pool)
{
	struct engine_pool *pool = calloc(1, sizeof(*pool));
	uint8_t *blocks = aligned_alloc(VOL_BLOCK, (size_t)POOL_PIECES * VOL_BLOCK);
	uint8_t *zeros = aligned_alloc(VOL_BLOCK, VOL_EXTENT);
	uint8_t *checks = aligned_alloc(VOL_BLOCK, VOL_EXTENT);
	if (!pool || !blocks || !zeros || !checks) {
		free(pool);
		free(blocks);
		free(zeros);
		free(checks);
		return -ENOMEM;
	}
	memset(zeros, 0, VOL_EXTENT);
	pool->loop = world->loop;
	pool->aio = world->aio;
	pool->clock = world->clock;
	pool->blocks = blocks;
	pool->zeros = zeros;
	pool->checks = checks;
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
	free(pool->checks);
	free(pool);
}

struct piece *piece_take_in(struct engine *engine)
{
	struct piece *piece = engine->pool->free;
	if (!piece || engine->pieces >= POOL_SHARE)
		return NULL;
	engine->pool->free = piece->next;
	engine->pieces++;
	uint8_t *block = piece->block;
	*piece = (struct piece){.engine = engine, .block = block};
	return piece;
}

void piece_put_back(struct piece *piece)
{
	struct engine *engine = piece->engine;
	piece->state = PIECE_FREE;
	piece->next = engine->pool->free;
	engine->pool->free = piece;
	engine->pieces--;
}

/* ---- buckets ---- */

static struct piece **bucket_of(const struct piece *piece)
{
	uint64_t key = (uint64_t)(uintptr_t)piece->engine / 64 + piece->extent;
	return &piece->engine->pool->buckets[key % POOL_BUCKETS];
}

static bool reads_only(const struct piece *piece)
{
	return piece->state == PIECE_READ || piece->state == PIECE_CHECK;
}

static bool overlap(const struct piece *a, const struct piece *b)
{
	return a->engine == b->engine && a->extent == b->extent && (a->blocks & b->blocks) &&
		!(reads_only(a) && reads_only(b));
}

/* With one that stands before it in the bucket, or with any when it does not stand there. */
bool piece_must_wait(const struct piece *piece)
{
	if (planted(ENGINE_OVERLAP))
		return false;
	for (const struct piece *at = *bucket_of(piece); at && at != piece; at = at->next)
		if (overlap(at, piece))
			return true;
	return false;
}

void piece_list(struct piece *piece)
{
	struct piece **at = bucket_of(piece);
	if (piece->listed || piece->state == PIECE_COPY)
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

/* From the start after each one, because that one may have ended and let others go. */
static void wake(struct piece **bucket)
{
	struct piece *at = *bucket;
	while (at) {
		if (!at->waits || piece_must_wait(at)) {
			at = at->next;
			continue;
		}
		at->waits = false;
		piece_run(at);
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
static void pool_feed(struct engine_pool *pool)
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

static void tell(struct engine *engine, struct piece *piece, int err)
{
	struct engine_request *request = piece->request;
	if (request)
		engine_piece_done(engine, request, err);
	else if (piece->state == PIECE_COPY)
		clean_piece_done(engine, err);
	else
		scrub_piece_done(engine, piece, err);
}

/* It is told of when the piece is free for what comes then. */
void piece_end(struct piece *piece, int err)
{
	struct engine *engine = piece->engine;
	struct piece over = *piece, **bucket = bucket_of(piece);
	bool wrote = piece->request && piece->state != PIECE_READ;
	if (piece->summed)
		sums_wrote(&engine->volume->sums, &piece->write, false);
	if (piece->frame)
		piece_drop_page(piece);
	if (piece->listed)
		unlist(piece);
	piece_put_back(piece);
	engine->writing -= wrote;
	if (over.holds)
		piece_let_go(&over);
	if (over.listed)
		wake(bucket);
	tell(engine, &over, err);
	if (wrote && !engine->writing)
		commit_drained(engine);
	if (engine->pool->starved)
		pool_feed(engine->pool);
}

/* ---- beside pieces ---- */

/* So many engines wait at most a moment each: what is under way ends by itself. */
bool pool_take_side(struct engine *engine, struct aio_request *io)
{
	struct engine_pool *pool = engine->pool;
	if (pool->side < POOL_SIDE && !aio_submit(pool->aio, io)) {
		pool->side++;
		return true;
	}
	timer_set(pool->loop, &engine->again, clock_mono_ns(pool->clock) + NS_PER_MS / 4);
	return false;
}

void pool_give_side(struct engine *engine)
{
	engine->pool->side--;
}
