/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks that are filled from their start. */
#include "base/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

enum { BLOCK = 256 << 10, ALIGN = 16 };

struct arena_block {
	struct arena_block *older;
	size_t used, size;
	_Alignas(ALIGN) char bytes[];
};

static struct arena_block *add_block(struct arena *arena, size_t size)
{
	size_t whole;
	if (!add_fits(size, sizeof(struct arena_block), &whole))
		return NULL;
	struct arena_block *block = calloc(1, whole);
	if (!block)
		return NULL;
	*block = (struct arena_block){.size = size};
	/* A large one goes behind the newest, of which the rest stays in use. */
	if (size > BLOCK && arena->blocks) {
		block->older = arena->blocks->older;
		arena->blocks->older = block;
	} else {
		block->older = arena->blocks;
		arena->blocks = block;
	}
	return block;
}

void *arena_take(struct arena *arena, size_t count, size_t size)
{
	struct arena_block *block = arena->blocks;
	size_t bytes;
	if (arena->failed || !mul_fits(count, size, &bytes) || bytes > PTRDIFF_MAX - ALIGN) {
		arena->failed = true;
		return NULL;
	}
	bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	if (!block || block->size - block->used < bytes)
		block = add_block(arena, bytes > BLOCK ? bytes : BLOCK);
	if (!block) {
		arena->failed = true;
		return NULL;
	}
	void *taken = block->bytes + block->used;
	block->used += bytes;
	return taken;
}

const char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	char *text = len < 0 ? NULL : arena_take(arena, (size_t)len + 1, 1);
	if (!text)
		return "";
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return text;
}

int arena_error(const struct arena *arena)
{
	return arena->failed ? -ENOMEM : 0;
}

void arena_done(struct arena *arena)
{
	for (struct arena_block *block = arena->blocks, *older; block; block = older) {
		older = block->older;
		free(block);
	}
	*arena = (struct arena){0};
}
