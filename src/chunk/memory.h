/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of packs that are gone, kept for those to come. Memory that is freed and asked for again
 * costs a fault for each of its pages, which for packs is a tenth of what a backup costs.
 *
 * Large pieces begin on a block of the disk, so that they can be written past the page cache, and
 * lie in huge pages where the kernel has any.
 *
 * One thread for each struct. All zeros is an empty one.
 */
#ifndef EBB_CHUNK_MEMORY_H
#define EBB_CHUNK_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* A small piece of bytes that go together with others. */
enum { PIECE_SIZE = (32 << 10) - 16 };

struct piece {
	struct piece *next;
	uint8_t bytes[PIECE_SIZE];
};

struct span {
	uint8_t *bytes;
	size_t cap;
};

enum { MEMORY_SPANS = 6 };

struct pack_memory {
	struct piece *pieces;
	struct span spans[MEMORY_SPANS];
	size_t out; /* bytes of spans that were taken and not given back */
};

/* At least `least` bytes, from those that are kept if one of them will do. Gives it. 0, -ENOMEM. */
int span_take(struct pack_memory *memory, size_t least, struct span *ret_span);

/* Takes the span, to keep it if there is room. NULL for the memory: it is freed. */
void span_give(struct pack_memory *memory, struct span *span);

/* Gives a piece, NULL: no memory. */
struct piece *piece_take(struct pack_memory *memory);

/* Takes the piece and all behind it. */
void pieces_give(struct pack_memory *memory, struct piece *first);

void pack_memory_done(struct pack_memory *memory);

#endif
