/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the engine share. For these only.
 *
 * A request is cut into parts, none of which leaves an extent; a part under way is a piece. Pieces
 * of one extent stand in one bucket in the order in which they came, and wait for those before them
 * with which they overlap.
 *
 * A commit makes durable what came before it: it may begin with an act that changes the map, syncs
 * the data, then writes what the map says by now. One is under way at a time.
 *
 * The loop's thread only, but for work() of the tasks.
 */
#ifndef EBB_VOL_ENGINE_INNER_H
#define EBB_VOL_ENGINE_INNER_H

#include "os/aio.h"
#include "os/loop.h"
#include "vol/engine.h"
#include "vol/record.h"
#include "vol/volume_inner.h"

enum {
	POOL_PIECES = 224, /* below what an aio takes: syncs find room, too */
	POOL_SHARE = 160,  /* of one engine */
	POOL_BUCKETS = 1024,
};

enum piece_state {
	PIECE_FREE,
	PIECE_READ,
	PIECE_FILL, /* reads the block of which a part is to be written */
	PIECE_WRITE,
	PIECE_ZERO,
};

struct piece {
	struct aio_request io;
	struct engine *engine;
	struct engine_request *request;
	struct piece *next; /* free, or in its bucket */
	enum piece_state state;
	bool waits;     /* for one before it in the bucket */
	bool listed;    /* in its bucket */
	bool at_once;   /* none of the pool's: what cannot be done at once is not begun */
	bool in_block;  /* its bytes go through `block` */
	unsigned phase; /* of reads */
	uint32_t extent, slot;
	uint64_t blocks; /* of the extent */
	uint64_t at;     /* what is left to be done */
	size_t len;
	uint8_t *bytes;
	size_t done; /* of the block that is read or written through `block` */
	uint8_t *block;
};

struct engine_queue {
	struct engine_request *first, **end;
};

struct engine_pool {
	struct loop *loop;
	struct aio *aio;
	struct clock *clock;
	struct piece *free;
	struct engine *starved; /* engines with requests that wait for a piece */
	bool feeding;
	struct piece *buckets[POOL_BUCKETS];
	struct piece pieces[POOL_PIECES];
	uint8_t *blocks; /* one for each piece */
	uint8_t *zeros;  /* an extent of them, to be written */
};

enum commit_stage { COMMIT_NONE, COMMIT_DRAIN, COMMIT_COPY, COMMIT_SYNC, COMMIT_RECORD };

struct commit {
	enum commit_stage stage;
	struct engine_act *act;      /* NULL: none */
	struct engine_queue covered; /* flushes */
	struct aio_request sync;
	struct task task;
	struct why why;
	int err;
	bool tell_unsure; /* the sync failed */
	bool rewrite;     /* the journal is written anew */
	size_t record_len;
	/* what the act adds to the journal, before or behind the slots */
	uint16_t extra_kind;
	bool extra_first;
	size_t extra_len;
	uint8_t extra[RECORD_SMALL];
};

/* Merging and tidying, beside what clients want. */
struct cleaning {
	struct timer timer;
	struct task task;
	struct engine_act act;
	struct map_merge merge;
	int64_t every_ns; /* 0: off */
	bool busy;        /* a step is under way */
	bool copying;     /* and its task */
	int err;
	uint8_t *image; /* of the slots, for a new journal */
	size_t image_len, image_cap;
	uint32_t image_slot;
};

struct engine {
	struct engine_pool *pool;
	struct volume *volume;
	struct engine *next_starved;
	bool is_starved, going;
	struct engine_queue starved; /* requests that wait for a piece */
	struct engine_queue gated;   /* writes that wait for a commit to begin */
	struct engine_queue flushes; /* that wait for a commit */
	struct engine_act *acts, **acts_end;
	unsigned pieces, writing; /* all, and those that write */
	unsigned requests;
	unsigned phase, reading[2];
	VEC(uint32_t) retiring; /* freed when the reads of the other phase are done */
	VEC(uint32_t) retired;  /* wait for their turn to be that */
	VEC(uint32_t) syncing;  /* extents that the sync under way covers */
	struct commit commit;
	struct cleaning cleaning;
	struct timer again; /* for a world that had no room */
};

static inline void queue_init(struct engine_queue *queue)
{
	*queue = (struct engine_queue){.end = &queue->first};
}

static inline void queue_put(struct engine_queue *queue, struct engine_request *request)
{
	request->next = NULL;
	*queue->end = request;
	queue->end = &request->next;
}

static inline struct engine_request *queue_take(struct engine_queue *queue)
{
	struct engine_request *request = queue->first;
	if (request) {
		queue->first = request->next;
		if (!queue->first)
			queue->end = &queue->first;
	}
	return request;
}

/* All of `from` behind what is in `to`. */
static inline void queue_move(struct engine_queue *to, struct engine_queue *from)
{
	if (!from->first)
		return;
	*to->end = from->first;
	to->end = from->end;
	queue_init(from);
}

/* ---- engine.c ---- */

/* Begins what of the request can be begun, and answers it when all is done. */
void engine_go(struct engine *engine, struct engine_request *request);

/* The writes that waited for a commit. */
void engine_release_gated(struct engine *engine);

void engine_answer(struct engine *engine, struct engine_request *request, int err);

/* One of its pieces is. */
void engine_piece_done(struct engine *engine, struct engine_request *request, int err);

/* ---- engine_piece.c ---- */

/* NULL: none is left for this engine. */
struct piece *piece_take_in(struct engine *engine);

/* Runs it, at once or when those before it are done; it is gone when that is all. */
void piece_start(struct piece *piece);

/* All of the piece at once, without one of the pool: 0, an error, or -EAGAIN. */
int piece_now(struct piece *piece);

/* Some of its requests found no piece. */
void pool_add_starved(struct engine *engine);

/* Goes on with requests that found no piece, as long as there are some. */
void pool_feed(struct engine_pool *pool);

/* ---- engine_commit.c ---- */

/* Begins the next commit when something wants one and none is under way. */
void commit_step(struct engine *engine);

/* Tries once more what the world had no room for. */
void commit_again(struct engine *engine);

/* A write is done: perhaps a cut waited for it. */
void commit_drained(struct engine *engine);

/* Begins with the commit's work, when nothing is waited for any more. */
void commit_begin(struct engine *engine);

/* ---- engine_clean.c ---- */

void clean_init(struct engine *engine);
void clean_done(struct engine *engine);

/* Slots that a durable record freed. */
void clean_retire(struct engine *engine);

/* A read of that phase is done. */
void clean_read_done(struct engine *engine, unsigned phase);

/* The copy is compared with what is to be merged now: the act's part of a commit. */
int clean_merged(struct engine *engine, struct commit *commit);

/* Begins to write the journal anew. No step may be under way. */
void clean_tidy(struct engine *engine);

/* Copies slots for a new journal; commit_begin() follows. */
void clean_copy_slots(struct engine *engine);
int clean_rewrite(struct engine *engine, struct why *why);

#endif
