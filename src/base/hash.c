/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XXH3-64 of the library. Its plain entry is compiled for the oldest x86-64 processors; the other
 * one looks which instructions there are, and is two to seven times as fast.
 */
#include "base/hash.h"

#include <xxhash.h>

#ifdef __x86_64__
#include <xxh_x86dispatch.h> /* XXH3_64bits_withSeed is that one from here on */
#endif

uint64_t hash64(const void *bytes, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes, len, seed);
}

uint64_t hash64_two(const void *a, size_t a_len, const void *b, size_t b_len, uint64_t seed)
{
	return XXH3_64bits_withSeed(b, b_len, XXH3_64bits_withSeed(a, a_len, seed));
}
