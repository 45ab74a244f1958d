/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers in byte arrays, and sums that say when they do not fit.
 *
 * Everything on disk and on the wire is little-endian. add_fits() and mul_fits() store the result
 * and answer whether it is the true one; they work on any integer types.
 *
 * Any thread.
 */
#ifndef EBB_BASE_BYTES_H
#define EBB_BASE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define add_fits(a, b, ret) (!__builtin_add_overflow((a), (b), (ret)))
#define sub_fits(a, b, ret) (!__builtin_sub_overflow((a), (b), (ret)))
#define mul_fits(a, b, ret) (!__builtin_mul_overflow((a), (b), (ret)))

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the byte order functions below copy as they stand: a big-endian machine needs swaps here"
#endif

static inline void put_le16(void *at, uint16_t v)
{
	memcpy(at, &v, sizeof(v));
}

static inline void put_le32(void *at, uint32_t v)
{
	memcpy(at, &v, sizeof(v));
}

static inline void put_le64(void *at, uint64_t v)
{
	memcpy(at, &v, sizeof(v));
}

static inline uint16_t get_le16(const void *at)
{
	uint16_t v;
	memcpy(&v, at, sizeof(v));
	return v;
}

static inline uint32_t get_le32(const void *at)
{
	uint32_t v;
	memcpy(&v, at, sizeof(v));
	return v;
}

static inline uint64_t get_le64(const void *at)
{
	uint64_t v;
	memcpy(&v, at, sizeof(v));
	return v;
}

#endif
