/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C: known answers, both ways of computing alike, and parts that make the whole. */
#include "base/crc32c.h"

#include "base/rng.h"
#include "base/test.h"

/* RFC 3720, B.4, and the check value of the catalogue of parametrised CRC algorithms. */
TEST(known_answers)
{
	uint8_t bytes[32];
	CHECK_EQ(crc32c(0, "123456789", 9), 0xe3069283U);
	memset(bytes, 0, sizeof(bytes));
	CHECK_EQ(crc32c(0, bytes, sizeof(bytes)), 0x8a9136aaU);
	memset(bytes, 0xff, sizeof(bytes));
	CHECK_EQ(crc32c(0, bytes, sizeof(bytes)), 0x62a8ab43U);
	for (uint8_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	CHECK_EQ(crc32c(0, bytes, sizeof(bytes)), 0x46dd794eU);
	CHECK_EQ(crc32c(7, bytes, 0), 7);
}

TEST(both_ways_give_the_same_sum_of_any_length_and_place)
{
	enum { MOST = 20000 };
	static uint8_t bytes[MOST + 8];
	struct rng rng;
	rng_seed(&rng, test_seed());
	rng_fill(&rng, bytes, sizeof(bytes));
	for (int i = 0; i < 2000; i++) {
		size_t at = (size_t)rng_below(&rng, 8);
		size_t len = (size_t)rng_below(&rng, rng_below(&rng, 2) ? 64 : MOST);
		size_t first = (size_t)rng_below(&rng, len + 1);
		uint32_t from = (uint32_t)rng_below(&rng, UINT32_MAX);
		uint32_t whole = crc32c(from, bytes + at, len);
		CHECK_EQ(whole, crc32c_plain(from, bytes + at, len));
		uint32_t part = crc32c(from, bytes + at, first);
		CHECK_EQ(whole, crc32c(part, bytes + at + first, len - first));
	}
}

TEST_MAIN
