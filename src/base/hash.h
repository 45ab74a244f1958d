/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums and hashes without a key: XXH3-64 (libxxhash). For blocks on disk, tables in memory and
 * the trace of a simulation. Not against an adversary: what an attacker may touch gets a keyed
 * digest or an AEAD from the store that keeps it.
 *
 * The values are part of on-disk formats (docs/FORMATS.md): XXH3 has been frozen since its 0.8.0.
 *
 * Any thread.
 */
#ifndef EBB_BASE_HASH_H
#define EBB_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash64(const void *bytes, size_t len, uint64_t seed);

/*
 * The checksum of two parts, e.g. a header and its payload: the hash of b, seeded with that of a.
 * Where the first part ends counts.
 */
uint64_t hash64_two(const void *a, size_t a_len, const void *b, size_t b_len, uint64_t seed);

/* Folds one number into a running hash: for traces, where order matters. */
static inline uint64_t hash_fold(uint64_t hash, uint64_t value)
{
	hash ^= value + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
	hash *= 0xff51afd7ed558ccdu;
	return hash ^ (hash >> 32);
}

#endif
