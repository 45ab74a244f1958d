/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of small numbers in words of 64 bits: which sectors, which blocks. The caller owns the words
 * and knows how many bits it asked for.
 *
 * Any thread, one at a time for each array.
 */
#ifndef EBB_BASE_BITS_H
#define EBB_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITS_WORDS(count) (((size_t)(count) + 63) / 64)

static inline bool bits_get(const uint64_t *words, size_t bit)
{
	return words[bit / 64] >> (bit % 64) & 1;
}

static inline void bits_set(uint64_t *words, size_t bit)
{
	words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static inline void bits_clear(uint64_t *words, size_t bit)
{
	words[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
}

/* How many of the first `count` bits are set. */
size_t bits_count(const uint64_t *words, size_t count);

/* The first set bit at or after `from`, `count` when there is none below it. */
size_t bits_next(const uint64_t *words, size_t from, size_t count);

#endif
