/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that look random and repeat with their seed: for simulations, tests and jitter. Keys and
 * identities come from the world's dice, never from here.
 *
 * xoshiro256** by Blackman and Vigna (2018), seeded by splitmix64.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_BASE_RNG_H
#define EBB_BASE_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];
};

void rng_seed(struct rng *rng, uint64_t seed);
uint64_t rng_u64(struct rng *rng);
void rng_fill(struct rng *rng, void *bytes, size_t len);

/* Uniform in 0 .. below - 1; `below` is at least 1. */
uint64_t rng_below(struct rng *rng, uint64_t below);

/* True in `per_million` of a million draws. */
bool rng_chance(struct rng *rng, uint32_t per_million);

#endif
