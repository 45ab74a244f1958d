/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is still to happen: events in order of time, and those of one time in the order in which
 * they were pushed.
 *
 * A monotone radix heap (Ahuja, Mehlhorn, Orlin, Tarjan 1990): nothing may be pushed before the
 * time of the last pop, so an event's bucket is the highest bit in which its time differs from that
 * time, and an event only ever moves to lower buckets. Measured against a bare 4-ary heap with
 * inline 16-byte keys it is as fast at 1,000 pending events and 1.5 times as fast at 100,000 (it
 * walks memory in order; bench/events.c has today's figures), and events of one time keep their
 * order without a number that must be stored and compared.
 *
 * Only queue_push() allocates; queue_pop() cannot fail.
 *
 * One thread.
 */
#ifndef EBB_SIM_QUEUE_H
#define EBB_SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUEUE_BUCKETS = 64, QUEUE_CHUNK = 15 };

struct queue_event {
	int64_t at_ns;
	uint32_t handle;
	uint32_t tag; /* the pusher's own */
	void *what;   /* the pusher's own, not NULL */
};

/* As an event waits: 16 bytes, so that a chunk fills four cache lines. */
struct queue_item {
	int64_t at_ns;
	uint32_t handle;
	uint32_t tag;
};

struct queue_chunk {
	uint32_t next; /* chunk number; 0: none */
	uint32_t count;
	uint64_t spare;
	struct queue_item items[QUEUE_CHUNK];
};

struct queue_bucket {
	uint32_t first, last; /* chunk numbers; 0: none */
};

struct queue {
	int64_t now_ns;  /* of the last pop */
	uint64_t filled; /* which buckets hold chunks */
	size_t len;      /* events that will still be popped */
	size_t cancelled;
	uint32_t head; /* items of bucket 0's first chunk that are already popped */
	struct queue_bucket buckets[QUEUE_BUCKETS];
	struct queue_chunk *chunks;
	uint32_t chunk_count, free_chunk;
	size_t room;  /* events that the chunks are sure to hold */
	void **whats; /* by handle; NULL: cancelled. A free one keeps the next free handle. */
	uint32_t handle_count, free_handle;
};

/* An all-zero queue is an empty one at time 0. */
void queue_done(struct queue *queue);

/*
 * `at_ns` is queue->now_ns or later, and below INT64_MAX. Gives a handle above 0, which is good
 * until the event is popped or cancelled; a push right after a pop gets the popped event's handle.
 * 0 or -ENOMEM.
 */
int queue_push(struct queue *queue, int64_t at_ns, uint32_t tag, void *what, uint32_t *ret_handle);

/* Whether `handle` is one of a waiting event that carries `what`. */
bool queue_holds(const struct queue *queue, uint32_t handle, const void *what);

void queue_cancel(struct queue *queue, uint32_t handle);

/* The earliest event, if it is not after `until_ns`. */
bool queue_pop(struct queue *queue, int64_t until_ns, struct queue_event *ret_event);

/*
 * Shows every event to `fn`, which may change its time (to now_ns or later) or drop it by answering
 * false. Events that meet at one time keep the order in which they were shown: bucket by bucket,
 * the earliest first.
 */
typedef bool queue_sweep_fn(void *arg, struct queue_event *event);
void queue_sweep(struct queue *queue, queue_sweep_fn *fn, void *arg);

#endif
