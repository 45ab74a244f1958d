/* SPDX-License-Identifier: Apache-2.0 */
/* Spans are mappings of their own, grown by counting; pieces are in a chain. */
#include "chunk/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/must.h"
#include "base/own.h"

/*
 * From the second huge page on they are asked for: a pack of few bytes is to take few. Given back
 * is whole ones only, for it costs more to split them.
 */
enum { HUGE_PAGE = 2 << 20 };

void pack_memory_init(struct pack_memory *memory)
{
	*memory = (struct pack_memory){0};
	must(pthread_mutex_init(&memory->mutex, NULL) == 0);
	must(pthread_cond_init(&memory->less, NULL) == 0);
}

void pack_memory_done(struct pack_memory *memory)
{
	must(!memory->out && !memory->spenders);
	pieces_give(NULL, TAKE(memory->pieces));
	pthread_cond_destroy(&memory->less);
	pthread_mutex_destroy(&memory->mutex);
}

static void count_out(struct pack_memory *memory, size_t more, size_t less)
{
	if (!memory)
		return;
	pthread_mutex_lock(&memory->mutex);
	memory->out += more;
	memory->out -= less;
	if (less)
		pthread_cond_signal(&memory->less);
	pthread_mutex_unlock(&memory->mutex);
}

void pack_memory_spender(struct pack_memory *memory, int more)
{
	pthread_mutex_lock(&memory->mutex);
	memory->spenders += (unsigned)more;
	pthread_cond_signal(&memory->less);
	pthread_mutex_unlock(&memory->mutex);
}

bool pack_memory_wait(struct pack_memory *memory, size_t most)
{
	bool waited = false;
	pthread_mutex_lock(&memory->mutex);
	while (memory->out > most && memory->spenders) {
		waited = true;
		pthread_cond_wait(&memory->less, &memory->mutex);
	}
	pthread_mutex_unlock(&memory->mutex);
	return waited;
}

/* Addresses for `cap` bytes, on a huge page. */
static int span_new(size_t cap, struct span *ret_span)
{
	if (cap > SIZE_MAX - 3 * HUGE_PAGE)
		return -ENOMEM;
	cap = (cap + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	uint8_t *all = mmap(NULL, cap + HUGE_PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return -ENOMEM;
	size_t before = (HUGE_PAGE - (uintptr_t)all % HUGE_PAGE) % HUGE_PAGE;
	if (before)
		munmap(all, before);
	munmap(all + before + cap, HUGE_PAGE - before);
	*ret_span = (struct span){.bytes = all + before, .cap = cap};
	/* Without them it is memory all the same. */
	if (cap > HUGE_PAGE)
		madvise(ret_span->bytes + HUGE_PAGE, cap - HUGE_PAGE, MADV_HUGEPAGE);
	return 0;
}

size_t span_growth(const struct span *span, size_t need)
{
	return need <= span->grown ? 0
				   : (need - span->grown + SPAN_STEP - 1) / SPAN_STEP * SPAN_STEP;
}

int span_grow(struct pack_memory *memory, struct span *span, size_t need, size_t cap)
{
	const size_t growth = span_growth(span, need), grown = span->grown + growth;
	if (grown > span->cap) {
		struct span next;
		int err = span_new(grown > cap ? grown : cap, &next);
		if (err)
			return err;
		must(!span->spent);
		if (span->grown)
			memcpy(next.bytes, span->bytes, span->grown);
		next.grown = span->grown;
		if (span->bytes)
			munmap(span->bytes, span->cap);
		*span = next;
	}
	span->grown = grown;
	count_out(memory, growth, 0);
	return 0;
}

void span_spend(struct pack_memory *memory, struct span *span, size_t upto)
{
	size_t end = upto >= span->grown ? span->grown : upto / HUGE_PAGE * HUGE_PAGE;
	if (end <= span->spent)
		return;
	madvise(span->bytes + span->spent, end - span->spent, MADV_DONTNEED);
	count_out(memory, 0, end - span->spent);
	span->spent = end;
}

void span_give(struct pack_memory *memory, struct span *span)
{
	if (span->bytes)
		munmap(span->bytes, span->cap);
	count_out(memory, 0, span->grown - span->spent);
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
