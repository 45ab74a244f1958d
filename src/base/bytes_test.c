/* SPDX-License-Identifier: Apache-2.0 */
/* The order of bytes on disk, and sums at the edges of their types. */
#include "base/bytes.h"

#include "base/rng.h"
#include "base/test.h"

TEST(numbers_lie_with_their_low_byte_first)
{
	uint8_t at[16];
	put_le16(at, 0x0102);
	CHECK(memcmp(at, "\x02\x01", 2) == 0);
	put_le32(at, 0x01020304);
	CHECK(memcmp(at, "\x04\x03\x02\x01", 4) == 0);
	put_le64(at, 0x0102030405060708);
	CHECK(memcmp(at, "\x08\x07\x06\x05\x04\x03\x02\x01", 8) == 0);
}

TEST(numbers_come_back_from_any_address)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	uint8_t at[32];
	for (int i = 0; i < 1000; i++) {
		uint64_t v = rng_u64(&rng);
		uint8_t *odd = at + rng_below(&rng, 16);
		put_le64(odd, v);
		CHECK(get_le64(odd) == v);
		put_le32(odd, (uint32_t)v);
		CHECK_EQ(get_le32(odd), (uint32_t)v);
		put_le16(odd, (uint16_t)v);
		CHECK_EQ(get_le16(odd), (uint16_t)v);
	}
}

TEST(sums_say_when_they_do_not_fit)
{
	uint64_t u;
	int64_t i;
	uint8_t b;
	CHECK(add_fits(UINT64_MAX - 1, 1u, &u) && u == UINT64_MAX);
	CHECK(!add_fits(UINT64_MAX, 1u, &u));
	CHECK(sub_fits(UINT64_C(5), UINT64_C(5), &u) && u == 0);
	CHECK(!sub_fits(UINT64_C(5), UINT64_C(6), &u));
	CHECK(sub_fits(5, 6, &i) && i == -1);
	CHECK(!add_fits(INT64_MAX, 1, &i));
	CHECK(mul_fits(UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1, &u));
	CHECK(!mul_fits(UINT64_C(1) << 32, UINT64_C(1) << 32, &u));
	CHECK(mul_fits(15, 17, &b) && b == 255);
	CHECK(!mul_fits(16, 16, &b));
}

TEST_MAIN
