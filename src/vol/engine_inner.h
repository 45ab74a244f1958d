/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the engine share. For these only.
 *
 * A commit makes durable what came before it: it may begin with an act that changes the map, syncs
 * the data, then writes what the map says by now. One is under way at a time.
 *
 * The loop's thread only, but for work() of the tasks.
 */
#ifndef EBB_VOL_ENGINE_INNER_H
#define EBB_VOL_ENGINE_INNER_H

#include "os/loop.h"
#include "vol/engine_group.h"
#include "vol/engine_piece.h"
#include "vol/record.h"
#include "vol/volume_inner.h"

struct engine_queue {
	struct engine_request *first, **end;
};

enum commit_stage {
	COMMIT_NONE,
	COMMIT_DRAIN,
	COMMIT_HELD,
	COMMIT_COPY,
	COMMIT_SYNC,
	COMMIT_RECORD
};

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
	bool waits;       /* for a world with room */
	bool aside;       /* the act is not over, and goes on beside commits */
	size_t record_len;
	uint64_t ticket;  /* of its regions */
	uint8_t *regions; /* NULL: the volume has no sums */
	size_t regions_len;
	/* what the act adds to the journal, before or behind the slots */
	uint16_t extra_kind;
	bool extra_first;
	size_t extra_len;
	uint8_t extra[RECORD_SMALL];
};

/* Merging and tidying, beside what clients want. */
struct cleaning {
	struct timer timer;
	struct engine_act act;
	struct map_merge merge;
	int64_t every_ns; /* 0: off */
	int64_t rest_ns;  /* the last time */
	bool busy;        /* a step is under way */
	bool copying;     /* and copies blocks */
	uint8_t *image;   /* of the slots, for a new journal */
	size_t image_len, image_cap;
	uint32_t image_slot;
	uint8_t *active; /* and of the regions */
	size_t active_len;
};

/* A page of sums goes back to its file. */
struct page_writer {
	struct aio_request io;
	uint8_t *bytes;
	uint32_t page, cursor;
	size_t done;
	bool busy, waits; /* for an aio with room */
	bool asked;       /* somebody waits for room in memory */
};

enum rest_stage { REST_NONE, REST_DATA, REST_PAGES, REST_SYNC, REST_END };

struct resting {
	enum rest_stage stage;
	struct engine_act *act;
	struct task task;
	struct why why;
	int err;
	bool waits; /* for a worker */
};

struct scrubbing {
	struct timer timer;
	uint64_t wanted, bytes_per_s; /* 0: off */
	uint32_t region;              /* that is verified; UINT32_MAX: none */
	uint32_t slot;                /* the next */
	uint32_t extent;              /* that is read while it is busy */
	bool busy, failed, paused;
};

enum size_stage { SIZE_NONE, SIZE_LOOK, SIZE_SET, SIZE_CLEAR };

/* Getting another size. */
struct sizing {
	enum size_stage stage;
	struct engine_act *act;
	struct timer timer;
	struct engine_request tail; /* what is behind the end, in its block */
	struct engine_queue beyond; /* writes that wait to know how it ends */
	uint64_t block;             /* that is looked at next */
	uint64_t limit;             /* writes beyond it wait */
};

struct engine {
	struct engine_pool *pool;
	struct volume *volume;
	struct engine *next_starved;
	bool is_starved, going;
	struct engine_queue starved; /* requests that wait for a piece */
	struct engine_queue gated;   /* writes that wait for a commit to begin */
	struct engine_queue flushes; /* that wait for a commit */
	struct engine_queue turns;   /* long ones, between whose parts others get theirs */
	struct piece *held, *parked; /* wait for a page of sums, and for a region */
	struct engine_act *acts, **acts_end;
	unsigned pieces, writing; /* all, and those that write */
	unsigned requests;
	bool draining; /* writes wait until those under way are done */
	unsigned phase, reading[2];
	VEC(uint32_t) retiring; /* freed when the reads of the other phase are done */
	VEC(uint32_t) retired;  /* wait for their turn to be that */
	VEC(uint32_t) syncing;  /* extents that the sync under way covers */
	struct commit commit;
	struct cleaning cleaning;
	struct page_writer writer;
	struct resting rest;
	struct scrubbing scrub;
	struct sizing sizing;
	struct timer again; /* for a world that had no room */
	struct timer turn;
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

/* The writes that waited for a commit, and those that waited for a new size. */
void engine_release_gated(struct engine *engine);
void engine_release_beyond(struct engine *engine);

void engine_answer(struct engine *engine, struct engine_request *request, int err);

/* One of its pieces is. */
void engine_piece_done(struct engine *engine, struct engine_request *request, int err);

/* ---- engine_rest.c ---- */

/* The act's part of a commit, and what comes behind it; true: the act is not over. */
int rest_act(struct engine *engine, struct commit *commit);
bool rest_goes_on(struct engine *engine, struct engine_act *act);

/* No page is left to be written; an error: one could not be. */
void rest_pages_done(struct engine *engine, int err);

/* Tries once more what the world had no room for. */
void rest_again(struct engine *engine);

/* Another act of the kind has to wait. */
bool rest_is_busy(const struct engine *engine);

/* ---- engine_scrub.c ---- */

void scrub_init(struct engine *engine);
bool scrub_is_in(const struct engine *engine, uint32_t extent);
void scrub_pause(struct engine *engine, bool pause);
void scrub_piece_done(struct engine *engine, struct piece *piece, int err);

/* ---- engine_size.c ---- */

void size_init(struct engine *engine);
int size_act(struct engine *engine, struct commit *commit);
bool size_goes_on(struct engine *engine, struct engine_act *act);
bool size_shrinks(const struct engine *engine, const struct engine_act *act);
void size_over(struct engine *engine);

/* ---- engine_group.c ---- */

/* The engine of an act of a group has drained its writes. */
void group_held(struct engine_act *act);

/* One of them holds, or failed. */
void group_look(struct engine_group *group);

/* What a cut of a group adds to the record of the cut. */
struct map_group_of group_of(const struct engine_act *act);

/* ---- engine_commit.c ---- */

/* Begins the next commit when something wants one and none is under way. */
void commit_step(struct engine *engine);

/* Tries once more what the world had no room for. */
void commit_again(struct engine *engine);

/* A write is done, or waits for a commit: perhaps a cut waited for it. */
void commit_drained(struct engine *engine);

/* Begins with the commit's work, when nothing is waited for any more. */
void commit_begin(struct engine *engine);

/* The act that is held is not done. */
void commit_cancel(struct engine *engine, int err, const struct why *why);

/* An act that went on beside commits is the next again. */
void commit_return(struct engine *engine, struct engine_act *act);

/* ---- engine_clean.c ---- */

void clean_init(struct engine *engine);
void clean_done(struct engine *engine);

/* Slots that a durable record freed. */
void clean_retire(struct engine *engine);

/* A copy is done. */
void clean_piece_done(struct engine *engine, int err);

/* A read of that phase is done. */
void clean_read_done(struct engine *engine, unsigned phase);

/* The copy is compared with what is to be merged now: the act's part of a commit. */
int clean_merged(struct engine *engine, struct commit *commit);

/* Begins to write the journal anew. No step may be under way. */
void clean_tidy(struct engine *engine);

/* An act is over, or the journal grew: perhaps there is something to do. */
void clean_wake(struct engine *engine);

/* Copies slots for a new journal; commit_begin() follows. */
void clean_copy_slots(struct engine *engine);
int clean_take_regions(struct engine *engine, struct commit *commit);
int clean_rewrite(struct engine *engine, struct why *why);

#endif
