/* SPDX-License-Identifier: Apache-2.0 */
/* Counting and finding, a word at a time. */
#include "base/bits.h"

/* The bits of word `w` that lie below `count`. */
static uint64_t bits_word(const uint64_t *words, size_t w, size_t count)
{
	uint64_t word = words[w];
	if (count - w * 64 < 64)
		word &= (UINT64_C(1) << (count - w * 64)) - 1;
	return word;
}

size_t bits_count(const uint64_t *words, size_t count)
{
	size_t total = 0;
	for (size_t w = 0; w < BITS_WORDS(count); w++)
		total += (size_t)__builtin_popcountll(bits_word(words, w, count));
	return total;
}

size_t bits_next(const uint64_t *words, size_t from, size_t count)
{
	for (size_t w = from / 64; w < BITS_WORDS(count); w++) {
		uint64_t word = bits_word(words, w, count);
		if (w == from / 64)
			word &= ~UINT64_C(0) << (from % 64);
		if (word)
			return w * 64 + (size_t)__builtin_ctzll(word);
	}
	return count;
}
