/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of one to ten bytes, seven bits each, the lowest first.
 *
 * Any thread.
 */
#ifndef EBB_SERIES_VARINT_H
#define EBB_SERIES_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VARINT_MAX = 10 };

static inline uint64_t zigzag(uint64_t n)
{
	return n << 1 ^ -(n >> 63);
}

static inline uint64_t unzigzag(uint64_t z)
{
	return z >> 1 ^ -(z & 1);
}

static inline uint8_t *varint_put(uint8_t *at, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		*at++ = (uint8_t)(n | 0x80);
	*at++ = (uint8_t)n;
	return at;
}

/* What is behind the number; NULL: there is none before `end`. */
static inline const uint8_t *varint_get(const uint8_t *at, const uint8_t *end, uint64_t *ret)
{
	uint64_t n = 0;
	for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
		uint8_t byte = *at++;
		if (shift == 63 && byte > 1)
			return NULL;
		n |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret = n;
			return at;
		}
	}
	return NULL;
}

#endif
