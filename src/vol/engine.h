/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A volume that is served: the same promises and the same files as volume.h has, without waiting.
 * Requests go in, done() tells how each went, in any order; it may be called before
 * engine_submit() returns, because what lies in memory is read and written at once.
 *
 *   - A flush covers all that was answered before it was submitted, whoever wrote it. One sync
 *     serves all flushes that wait.
 *   - Writes that overlap have their effects one after the other, and blocks are whole: a write of
 *     less is a read, a change and a write of the block, which nobody gets between.
 *   - A cut falls between writes. Those under way belong to the era that ends; new ones wait until
 *     these are done, and for nothing else.
 *   - A failed read or write fails its request: -EIO, -ENOSPC ... A failed sync, or a failed write
 *     of the map, stops the volume: all requests are answered -EIO until it is opened anew.
 *
 *   - A block whose volume has sums is compared with its own before it is answered, and read once
 *     more when it does not match; then it is -EIO, until all of it is written again.
 *
 * All engines of a loop share the pieces of one pool, of which one engine never has all. Nothing is
 * allocated for a request; only the map and the sums grow, with slots that are new.
 *
 * The loop's thread only.
 */
#ifndef EBB_VOL_ENGINE_H
#define EBB_VOL_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"

struct engine;
struct engine_member;
struct engine_pool;
struct sums_facts;
struct vol_map;
struct volume;
struct world;

/* Borrows the clock, the loop and the aio of the world. -ENOMEM. */
int engine_pool_new(const struct world *world, struct engine_pool **ret_pool);
void engine_pool_free(struct engine_pool *pool);

/* Takes the volume when it answers 0. -ENOMEM; what the disk says. */
int engine_open(struct engine_pool *pool, struct volume *volume, struct engine **ret_engine);

/*
 * Takes the engine; NULL is allowed. Either it is idle, or the world whose loop and aio it borrows
 * is closed, and what was under way is never answered.
 */
void engine_free(struct engine *engine);

/*
 * Makes an idle engine's volume durable, and then as engine_free(). Blocks. What could not be made
 * durable is an error, and the engine is gone all the same.
 */
int engine_end(struct engine *engine, struct why *why);

/* Nothing is under way: neither requests, nor acts, nor work of its own. */
bool engine_idle(const struct engine *engine);

/* For looking, between calls. */
const struct vol_map *engine_map(const struct engine *engine);
bool engine_stopped(const struct engine *engine);

/* ---- requests ---- */

enum engine_kind { ENGINE_READ, ENGINE_WRITE, ENGINE_ZERO, ENGINE_FLUSH };

/* Lies in its owner's memory, untouched until done(). */
struct engine_request {
	enum engine_kind kind;
	bool durable;  /* writes and zeros: answered when they are */
	bool allocate; /* zeros: written as such, so that later writes need no room */
	uint32_t view; /* reads: an era that is kept; 0: the volume itself */
	uint64_t at, len;
	void *bytes;
	void (*done)(struct engine_request *request, int err);
	/* the engine's own */
	struct engine_request *next;
	uint64_t reached; /* from here on nothing was begun */
	unsigned pieces;  /* under way */
	int err;
};

/* -EINVAL for what is beyond the volume is told as all errors are. */
void engine_submit(struct engine *engine, struct engine_request *request);

/*
 * The shorter way for what is likely to be in memory, of reads and of writes of whole blocks: done
 * when it returns, 0 or an error, and done() is not called. -EAGAIN: not at once; nothing happened,
 * though bytes to be read into may have changed, and engine_submit() is the way.
 */
int engine_now(struct engine *engine, const struct engine_request *request);

/*
 * Nobody waits for the answer of a request that was submitted: what of it was not begun is not
 * done. done() is called all the same, with -ECANCELED unless it was over or had failed.
 */
void engine_forsake(struct engine_request *request);

/* ---- acts ---- */

enum engine_act_kind {
	ENGINE_CUT,    /* as map_cut(), durably */
	ENGINE_DROP,   /* the snapshot `name` */
	ENGINE_PASSED, /* the consumer `name` has seen eras up to `era` */
	ENGINE_GONE,   /* the consumer `name` is no more */
	ENGINE_RESIZE, /* the volume has `size` bytes from now on; see below */
	ENGINE_REST,   /* all is durable, and a crash leaves no block in doubt; before an end */
	ENGINE_WHOLE,  /* the engine's own */
	ENGINE_MERGED, /* the engine's own */
	ENGINE_TIDY,   /* the engine's own */
};

struct engine_act {
	enum engine_act_kind kind;
	const char *name;
	uint32_t era;
	int64_t at_ns;
	uint64_t size;
	bool force; /* resizing cuts off what there is */
	/* `why` tells of errors, and is borrowed for the call. */
	void (*done)(struct engine_act *act, int err, const struct why *why);
	/* the engine's own */
	struct engine_act *next;
	struct engine_member *member; /* NULL: of no group */
};

/*
 * One after the other, in the order in which they come.
 *
 * A volume that grows is larger when done() is called, and what is added reads as zeros. One that
 * shrinks is smaller by then; requests beyond the new size that are submitted before wait until it
 * is known whether that will be. Without `force`, -EBUSY when data would be cut off; -EINVAL.
 * Snapshots keep the size that they have.
 */
void engine_do(struct engine *engine, struct engine_act *act);

/*
 * Merges what dropped snapshots left, brings sums to rest, and rewrites the journal when that pays:
 * one small step every `every_ns`, fewer while there is nothing to do; 0 stops it, and scrubbing
 * as long.
 */
void engine_clean(struct engine *engine, int64_t every_ns);

/*
 * Reads back what is there, round after round, at most so many bytes a second, beginning with what
 * an unclean end left in doubt; 0 stops it. Without sums there is nothing to compare, and nothing
 * is read.
 */
void engine_scrub(struct engine *engine, uint64_t bytes_per_s);

/* What scrubbing and reading found; NULL: the volume has no sums. */
const struct sums_facts *engine_sums(const struct engine *engine);

#endif
