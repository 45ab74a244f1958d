/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is given back all at once: for answers that are built, read and thrown away as a
 * whole. What is taken is zero, aligned for anything, and does not move.
 *
 * A failed allocation is remembered and told by arena_error(); after one every taking fails.
 *
 * Any thread, one at a time for each arena.
 */
#ifndef EBB_BASE_ARENA_H
#define EBB_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

/* All-zero: empty. */
struct arena {
	struct arena_block *blocks; /* the newest first */
	bool failed;
};

/* `count` things of `size`; NULL when there is no memory. */
void *arena_take(struct arena *arena, size_t count, size_t size);

/* "" when there is no memory, so that composing text needs no check per line. */
const char *arena_printf(struct arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* 0 or -ENOMEM. */
int arena_error(const struct arena *arena);
void arena_done(struct arena *arena);

#endif
