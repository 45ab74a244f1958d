/* SPDX-License-Identifier: Apache-2.0 */
/* A short list of spans, best fit; pieces in a chain. */
#include "chunk/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/own.h"

/* From here on huge pages are asked for; below, one could be larger than what is wanted. */
enum { BLOCK = 4096, HUGE_PAGE = 2 << 20, HUGE_FROM = 8 << 20 };

static int span_new(size_t least, struct span *ret_span)
{
	size_t unit = least >= HUGE_FROM ? HUGE_PAGE : BLOCK;
	if (least > SIZE_MAX - HUGE_PAGE)
		return -ENOMEM;
	size_t cap = (least + BLOCK - 1) / BLOCK * BLOCK;
	uint8_t *bytes = aligned_alloc(unit, (cap + unit - 1) / unit * unit);
	if (!bytes)
		return -ENOMEM;
	/* Not the last one, of which little is used. Without them it is memory all the same. */
	if (unit == HUGE_PAGE)
		madvise(bytes, cap / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
	*ret_span = (struct span){bytes, cap};
	return 0;
}

/* The smallest that will do, if it is not far too large. */
static struct span *find_kept(struct pack_memory *memory, size_t least)
{
	struct span *best = NULL;
	for (size_t i = 0; i < MEMORY_SPANS; i++) {
		struct span *span = &memory->spans[i];
		if (span->cap >= least && span->cap / 2 <= least &&
			(!best || span->cap < best->cap))
			best = span;
	}
	return best;
}

int span_take(struct pack_memory *memory, size_t least, struct span *ret_span)
{
	struct span *kept = memory ? find_kept(memory, least) : NULL;
	int err = 0;
	if (kept) {
		*ret_span = *kept;
		*kept = (struct span){0};
	} else {
		err = span_new(least, ret_span);
	}
	if (!err && memory)
		memory->out += ret_span->cap;
	return err;
}

void span_give(struct pack_memory *memory, struct span *span)
{
	if (memory)
		memory->out -= span->cap;
	for (size_t i = 0; memory && span->bytes && i < MEMORY_SPANS; i++) {
		if (!memory->spans[i].bytes) {
			memory->spans[i] = *span;
			*span = (struct span){0};
		}
	}
	free(span->bytes);
	*span = (struct span){0};
}

struct piece *piece_take(struct pack_memory *memory)
{
	struct piece *piece = memory ? memory->pieces : NULL;
	if (!piece)
		return malloc(sizeof(*piece));
	memory->pieces = piece->next;
	return piece;
}

void pieces_give(struct pack_memory *memory, struct piece *first)
{
	while (first) {
		struct piece *piece = first;
		first = piece->next;
		if (memory) {
			piece->next = memory->pieces;
			memory->pieces = piece;
		} else {
			free(piece);
		}
	}
}

void pack_memory_done(struct pack_memory *memory)
{
	pieces_give(NULL, TAKE(memory->pieces));
	for (size_t i = 0; i < MEMORY_SPANS; i++)
		span_give(NULL, &memory->spans[i]);
}
