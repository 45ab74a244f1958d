/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of packs. A span is addresses for a whole pack, of which only as much is memory as was
 * grown into and has not been spent: so the next pack grows while the one before is written, in the
 * memory that the written bytes no longer take.
 *
 * Spans begin on a block of the disk, so that they can be written past the page cache, and lie in
 * huge pages where the kernel has any. Small pieces are kept for those to come: memory that is
 * freed and asked for again costs a fault for each of its pages.
 *
 * One thread for each struct, but for what says otherwise.
 */
#ifndef EBB_CHUNK_MEMORY_H
#define EBB_CHUNK_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A small piece of bytes that go together with others. */
enum { PIECE_SIZE = (32 << 10) - 16 };

struct piece {
	struct piece *next;
	uint8_t bytes[PIECE_SIZE];
};

/* What a span grows by at least. */
enum { SPAN_STEP = 1 << 20 };

struct span {
	uint8_t *bytes;
	size_t cap;   /* addresses */
	size_t grown; /* bytes that may be used */
	size_t spent; /* of them, those that were given back already */
};

struct pack_memory {
	struct piece *pieces;
	pthread_mutex_t mutex; /* guards the rest */
	pthread_cond_t less;
	size_t out;        /* bytes of spans that were grown and not given back */
	unsigned spenders; /* at work on other threads */
};

void pack_memory_init(struct pack_memory *memory);
void pack_memory_done(struct pack_memory *memory);

/* By how much a span of so many grown bytes grows that needs `need`. 0: not at all. */
size_t span_growth(const struct span *span, size_t need);

/*
 * Grows it to `need` bytes at least; those that are there stay. Addresses for `cap` bytes are taken
 * with the first. Where they are too few it moves. NULL for the memory: nobody counts. 0, -ENOMEM.
 */
int span_grow(struct pack_memory *memory, struct span *span, size_t need, size_t cap);

/* The bytes before `upto` are not looked at again. Any thread. */
void span_spend(struct pack_memory *memory, struct span *span, size_t upto);

void span_give(struct pack_memory *memory, struct span *span);

/* Another thread begins or ends to spend spans. */
void pack_memory_spender(struct pack_memory *memory, int more);

/*
 * Waits until at most `most` bytes are out, or nobody spends any more. Returns whether it had to.
 */
bool pack_memory_wait(struct pack_memory *memory, size_t most);

/* Gives a piece, NULL: no memory. */
struct piece *piece_take(struct pack_memory *memory);

/* Takes the piece and all behind it. */
void pieces_give(struct pack_memory *memory, struct piece *first);

#endif
