/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C by the instruction that x86 has for it, three streams at a time, or by a table. */
#include "base/crc32c.h"

#include <string.h>

/* The sum of a byte is that of its bits: the table from the sums of eight. */
#define BIT(n, bit, sum) ((n) & (1U << (bit)) ? (sum) : 0U)
#define ENTRY(n) \
	(BIT(n, 0, 0xf26b8303U) ^ BIT(n, 1, 0xe13b70f7U) ^ BIT(n, 2, 0xc79a971fU) ^ \
		BIT(n, 3, 0x8ad958cfU) ^ BIT(n, 4, 0x105ec76fU) ^ BIT(n, 5, 0x20bd8edeU) ^ \
		BIT(n, 6, 0x417b1dbcU) ^ BIT(n, 7, 0x82f63b78U))
#define FOUR(n) ENTRY(n), ENTRY((n) + 1), ENTRY((n) + 2), ENTRY((n) + 3)
#define SIXTEEN(n) FOUR(n), FOUR((n) + 4), FOUR((n) + 8), FOUR((n) + 12)
#define SIXTY_FOUR(n) SIXTEEN(n), SIXTEEN((n) + 16), SIXTEEN((n) + 32), SIXTEEN((n) + 48)

static const uint32_t table[256] = {
	SIXTY_FOUR(0U), SIXTY_FOUR(64U), SIXTY_FOUR(128U), SIXTY_FOUR(192U)};

uint32_t crc32c_plain(uint32_t crc, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	crc = ~crc;
	for (size_t i = 0; i < len; i++)
		crc = crc >> 8 ^ table[(uint8_t)crc ^ at[i]];
	return ~crc;
}

#ifdef __x86_64__
#include <immintrin.h>

/* One step of the instruction waits three cycles for the step before: three streams fill them. */
enum { STREAM = 1360, STREAMS = 3 * STREAM };

static uint64_t word(const uint8_t *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof(word));
	return word;
}

/*
 * Sums of three streams into that of all: the first two times x to the bits that follow them,
 * x^(8 * (bytes + 8) - 33) modulo the polynomial, reduced by the step over the word that comes next
 * (Gopal et al., "Fast CRC computation for iSCSI polynomial using CRC32 instruction", Intel 2011).
 */
__attribute__((target("sse4.2,pclmul"))) static uint64_t join(uint32_t first, uint32_t second)
{
	__m128i a = _mm_clmulepi64_si128(
		_mm_cvtsi32_si128((int)first), _mm_cvtsi32_si128((int)0x7b454cb3), 0);
	__m128i b = _mm_clmulepi64_si128(
		_mm_cvtsi32_si128((int)second), _mm_cvtsi32_si128((int)0x79113270), 0);
	return (uint64_t)_mm_cvtsi128_si64(_mm_xor_si128(a, b));
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t by_instruction(
	uint32_t crc, const uint8_t *at, size_t len)
{
	uint64_t a = ~crc;
	for (; len >= STREAMS + 8; at += STREAMS + 8, len -= STREAMS + 8) {
		uint64_t b = 0, c = 0;
		for (size_t i = 0; i < STREAM; i += 8) {
			a = _mm_crc32_u64(a, word(at + i));
			b = _mm_crc32_u64(b, word(at + i + STREAM));
			c = _mm_crc32_u64(c, word(at + i + STREAM * 2));
		}
		a = _mm_crc32_u64(c, word(at + STREAMS) ^ join((uint32_t)a, (uint32_t)b));
	}
	for (; len >= 8; at += 8, len -= 8)
		a = _mm_crc32_u64(a, word(at));
	for (; len > 0; at++, len--)
		a = _mm_crc32_u8((uint32_t)a, *at);
	return ~(uint32_t)a;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
	if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul"))
		return by_instruction(crc, bytes, len);
	return crc32c_plain(crc, bytes, len);
}
#else
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
	return crc32c_plain(crc, bytes, len);
}
#endif
