/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of hashes are part of formats on disk: these never change.
 *
 * The vectors of XXH3-64 come from the reference implementation's own sanity test
 * (XSUM_XXH3_testdata in its command line tool), on its buffer of pseudo-random bytes.
 */
#include "base/hash.h"

#include "base/test.h"

#define PRIME32 UINT64_C(2654435761)
#define PRIME64 UINT64_C(11400714785074694797)

/* fillTestBuffer() of the reference's sanity test. */
static void fill(uint8_t *bytes, size_t len)
{
	uint64_t generator = PRIME32;
	for (size_t i = 0; i < len; i++) {
		bytes[i] = (uint8_t)(generator >> 56);
		generator *= PRIME64;
	}
}

struct vector {
	size_t len;
	uint64_t seed;
	uint64_t hash;
};

static const struct vector vectors[] = {
	{0, 0, 0x2d06800538d394c2},
	{0, PRIME64, 0xa8a6b918b2f0364a},
	{1, 0, 0xc44bdff4074eecdb},
	{1, PRIME64, 0x032be332dd766ef8},
	{6, 0, 0x27b56a84cd2d7325},
	{6, PRIME64, 0x84589c116ab59ab9},
	{12, 0, 0xa713daf0dfbb77e7},
	{12, PRIME64, 0xe7303e1b2336de0e},
	{24, 0, 0xa3fe70bf9d3510eb},
	{24, PRIME64, 0x850e80fc35bdd690},
	{48, 0, 0x397da259ecba1f11},
	{48, PRIME64, 0xadc2cbaa44acc616},
	{80, 0, 0xbcdefbbb2c47c90a},
	{80, PRIME64, 0xc6dd0cb699532e73},
	{195, 0, 0xcd94217ee362ec3a},
	{195, PRIME64, 0xba68003d370cb3d9},
	{403, 0, 0xcdeb804d65c6dea4},
	{403, PRIME64, 0x6259f6ecfd6443fd},
	{512, 0, 0x617e49599013cb6b},
	{512, PRIME64, 0x3ce457de14c27708},
	{2048, 0, 0xdd59e2c3a5f038e0},
	{2048, PRIME64, 0x66f81670669ababc},
	{2367, 0, 0xcb37aeb9e5d361ed},
	{2367, PRIME64, 0xd2db3415b942b42a},
};

TEST(xxh3_has_its_frozen_values)
{
	uint8_t bytes[4096];
	fill(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		CHECK_EQ(hash64(bytes, vectors[i].len, vectors[i].seed), vectors[i].hash);
}

TEST(two_parts_are_hashed_one_by_the_other)
{
	CHECK_EQ(hash64_two("header", 6, "payload", 7, 0),
		hash64("payload", 7, hash64("header", 6, 0)));
	CHECK_EQ(hash64_two("header", 6, "payload", 7, 0), UINT64_C(0x7eb121c0e66d4367));
	/* Where the first part ends counts, and so does a part that is empty. */
	CHECK(hash64_two("ab", 2, "c", 1, 0) != hash64_two("a", 1, "bc", 2, 0));
	CHECK(hash64_two("", 0, "abc", 3, 0) != hash64("abc", 3, 0));
	CHECK(hash64_two("a", 1, "b", 1, 0) != hash64_two("a", 1, "b", 1, 1));
}

TEST(folding_depends_on_values_and_order)
{
	uint64_t forth = hash_fold(hash_fold(0, 1), 2), back = hash_fold(hash_fold(0, 2), 1);
	CHECK(forth != back);
	CHECK(hash_fold(0, 0) != 0);
	/* Traces of simulations are compared between compilers and machines. */
	CHECK_EQ(forth, 0x857e62ca7bdd4226);
}

TEST_MAIN
