/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces, and the pool that all engines of a loop share. For the files of the engine only.
 *
 * A request is cut into parts, none of which leaves an extent; a part under way is a piece. Pieces
 * of one extent stand in one bucket in the order in which they came, and wait for those before them
 * with which they overlap.
 *
 * The loop's thread only.
 */
#ifndef EBB_VOL_ENGINE_PIECE_H
#define EBB_VOL_ENGINE_PIECE_H

#include "os/aio.h"
#include "vol/sums.h"

struct clock;
struct engine;
struct engine_request;
struct loop;

enum {
	POOL_PIECES = 224, /* below what an aio takes, by POOL_SIDE */
	POOL_SIDE = 24,    /* syncs and pages of sums */
	POOL_SHARE = 160,  /* of one engine */
	POOL_BUCKETS = 1024,
};

enum piece_state {
	PIECE_FREE,
	PIECE_READ,
	PIECE_FILL, /* reads the block of which a part is to be written */
	PIECE_WRITE,
	PIECE_ZERO,
	PIECE_COPY,  /* blocks from slot to slot; the engine's own */
	PIECE_CHECK, /* reads what is in a slot; the engine's own */
};

/* Of a slot, read or written as one. */
struct part {
	uint32_t slot, from; /* a byte of the slot */
	uint8_t *bytes;
	size_t len, done;
	size_t end;       /* reads: so far now */
	unsigned checked; /* blocks that match their sums */
	bool again;       /* the next one was read once more */
};

enum copy_step { COPY_READ, COPY_WRITE, COPY_SPOIL };

struct piece {
	struct aio_request io;
	struct engine *engine;
	struct engine_request *request; /* NULL: the engine's own */
	struct piece *next;             /* free, or in its bucket */
	struct piece *next_held;        /* waits for a page of sums, or for a region */
	enum piece_state state;
	bool waits;    /* for one before it in the bucket */
	bool listed;   /* in its bucket */
	bool at_once;  /* none of the pool's: what cannot be done at once is not begun */
	bool in_block; /* its bytes go through `block` */
	bool holds;    /* slots that are freed wait until it has read */
	bool summed;   /* its write is one of the sums' */
	bool for_room; /* waits for pages to be written back */
	bool spoilt;   /* what it copies is bad */
	bool renew;    /* what it checks is written back */
	enum copy_step step;
	unsigned phase; /* of reads */
	uint32_t extent, slot, into;
	uint64_t blocks; /* of the extent */
	uint64_t at;     /* what is left to be done */
	size_t len;
	uint8_t *bytes;
	struct part part;
	struct sums_write write;
	uint32_t page;  /* of sums that is read into */
	uint8_t *frame; /* NULL: none is */
	size_t frame_done;
	uint8_t *block;
};

struct engine_pool {
	struct loop *loop;
	struct aio *aio;
	struct clock *clock;
	struct piece *free;
	struct engine *starved; /* engines with requests that wait for a piece */
	unsigned side;          /* of what is under way */
	bool feeding, checking;
	struct piece *buckets[POOL_BUCKETS];
	struct piece pieces[POOL_PIECES];
	uint8_t *blocks; /* one for each piece */
	uint8_t *zeros;  /* an extent of them, to be written */
	uint8_t *checks; /* an extent that is checked */
};

/* ---- engine_pool.c ---- */

/* NULL: none is left for this engine. */
struct piece *piece_take_in(struct engine *engine);

/* It was not begun. */
void piece_put_back(struct piece *piece);

/* Gives it back, and lets go those that waited for it; it was answered when it was a request's. */
void piece_end(struct piece *piece, int err);

/* It overlaps with one before it. */
bool piece_must_wait(const struct piece *piece);
void piece_list(struct piece *piece);

/* Some of its requests found no piece. */
void pool_add_starved(struct engine *engine);

/* A request that is no piece's: false: tried again after a while. */
bool pool_take_side(struct engine *engine, struct aio_request *io);
void pool_give_side(struct engine *engine);

/* ---- engine_piece.c ---- */

/* Runs it, at once or when those before it are done; it is gone when that is all. */
void piece_start(struct piece *piece);

/* When its turn has come. */
void piece_run(struct piece *piece);

/* What it waited for has come. */
void piece_go_on(struct piece *piece);

/* All of the piece at once, without one of the pool: 0, an error, or -EAGAIN. */
int piece_now(struct piece *piece);

/* Bytes moved; -EAGAIN: the piece goes on when they are. */
ssize_t piece_move(struct piece *piece, enum aio_kind kind);

/* Slots that are freed from now on are not used while it reads. */
void piece_hold(struct piece *piece);
void piece_let_go(struct piece *piece);

/* ---- engine_check.c ---- */

/* All of its part is read, and is what was written. */
int piece_read_part(struct piece *piece);
int piece_write_part(struct piece *piece);

/* Blocks of a slot into another, and reading back what is in a slot: pieces of the engine's. */
int piece_copy_on(struct piece *piece);
int piece_check_on(struct piece *piece);

/* ---- engine_sums.c ---- */

/* 0: the page of the slot is in memory; -EAGAIN: the piece goes on when it may be. */
int piece_want_page(struct piece *piece, uint32_t slot);

/* Goes on reading the page that the piece reads. */
int piece_read_page(struct piece *piece);

/* It ends before its page was read. */
void piece_drop_page(struct piece *piece);

/* 0: the piece may write its part. */
int piece_want_write(struct piece *piece);

/* A page is there, or one was written back. */
void pages_wake(struct engine *engine, int err);

/* After a commit. */
void parked_wake(struct engine *engine);

/* Writes the next page that somebody waits for. */
void pages_write(struct engine *engine);

/* Tries once more what the world had no room for. */
void pages_again(struct engine *engine);

#endif
