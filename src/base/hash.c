/* SPDX-License-Identifier: Apache-2.0 */
/* XXH3-64, compiled into this one file. */
#include "base/hash.h"

#include <xxhash.h>

uint64_t hash64(const void *bytes, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes, len, seed);
}

uint64_t hash64_two(const void *a, size_t a_len, const void *b, size_t b_len, uint64_t seed)
{
	return XXH3_64bits_withSeed(b, b_len, XXH3_64bits_withSeed(a, a_len, seed));
}
