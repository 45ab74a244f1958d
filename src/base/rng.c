/* SPDX-License-Identifier: Apache-2.0 */
/* xoshiro256**, and uniform draws from it. */
#include "base/rng.h"

#include <string.h>

#include "base/must.h"

void rng_seed(struct rng *rng, uint64_t seed)
{
	for (size_t i = 0; i < 4; i++) {
		seed += 0x9e3779b97f4a7c15u;
		uint64_t z = seed;
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		rng->s[i] = z ^ (z >> 31);
	}
}

static inline uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t rng_u64(struct rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

void rng_fill(struct rng *rng, void *bytes, size_t len)
{
	uint8_t *at = bytes;
	while (len) {
		uint64_t v = rng_u64(rng);
		size_t n = len < sizeof(v) ? len : sizeof(v);
		memcpy(at, &v, n);
		at += n;
		len -= n;
	}
}

uint64_t rng_below(struct rng *rng, uint64_t below)
{
	must(below > 0);
	/* Lemire's multiply-and-reject: no division but in the rare rejected case. */
	__extension__ typedef unsigned __int128 u128;
	u128 product = (u128)rng_u64(rng) * below;
	if ((uint64_t)product < below) {
		uint64_t floor = -below % below;
		while ((uint64_t)product < floor)
			product = (u128)rng_u64(rng) * below;
	}
	return (uint64_t)(product >> 64);
}

bool rng_chance(struct rng *rng, uint32_t per_million)
{
	return rng_below(rng, 1000000) < per_million;
}
