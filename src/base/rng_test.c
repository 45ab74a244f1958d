/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Old seeds repeat their runs for ever, and draws are uniform.
 *
 * Vectors: xoshiro256** from state 1 2 3 4 and splitmix64 from 1234567 as published with the
 * reference implementations (prng.di.unimi.it) and used by the Rust crates and Rosetta Code.
 */
#include "base/rng.h"

#include "base/test.h"

TEST(xoshiro_gives_the_published_numbers)
{
	static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240,
		1216172134540287360, 607988272756665600, UINT64_C(16172922978634559625),
		8476171486693032832, UINT64_C(10595114339597558777), 2904607092377533576};
	struct rng rng = {{1, 2, 3, 4}};
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		CHECK_EQ(rng_u64(&rng), expected[i]);
}

TEST(seeding_gives_the_published_splitmix)
{
	struct rng rng;
	rng_seed(&rng, 1234567);
	CHECK_EQ(rng.s[0], 6457827717110365317);
	CHECK_EQ(rng.s[1], 3203168211198807973);
	CHECK_EQ(rng.s[2], UINT64_C(9817491932198370423));
	CHECK_EQ(rng.s[3], 4593380528125082431);
}

TEST(filling_is_drawing_byte_by_byte)
{
	struct rng one, other;
	for (size_t len = 0; len < 40; len++) {
		uint8_t filled[48], drawn[48];
		memset(filled, 0xee, sizeof(filled));
		rng_seed(&one, len);
		rng_seed(&other, len);
		rng_fill(&one, filled, len);
		for (size_t at = 0; at < len; at += 8) {
			uint64_t v = rng_u64(&other);
			memcpy(drawn + at, &v, 8);
		}
		CHECK(memcmp(filled, drawn, len) == 0);
		for (size_t i = len; i < sizeof(filled); i++)
			CHECK_EQ(filled[i], 0xee);
		CHECK_EQ(rng_u64(&one), rng_u64(&other));
	}
}

/* Pearson's chi-squared over `cells` equally likely cells. */
static double chi_squared(const uint32_t *counts, size_t cells, double draws)
{
	double sum = 0, expected = draws / (double)cells;
	for (size_t i = 0; i < cells; i++)
		sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
	return sum;
}

/* Fixed seed: the statistic is one number, so the limits (p = 0.0001 each way) are no luck. */
TEST(draws_below_a_number_are_uniform)
{
	enum { CELLS = 97, DRAWS = 970000 };
	static const uint64_t belows[] = {CELLS, CELLS * UINT64_C(190172619316593315)};
	for (size_t i = 0; i < 2; i++) {
		uint32_t counts[CELLS] = {0};
		struct rng rng;
		rng_seed(&rng, 42);
		for (int d = 0; d < DRAWS; d++) {
			uint64_t draw = rng_below(&rng, belows[i]);
			CHECK(draw < belows[i]);
			counts[draw / (belows[i] / CELLS)]++;
		}
		double chi = chi_squared(counts, CELLS, DRAWS);
		test_note("chi squared of %d cells: %.1f", CELLS, chi);
		CHECK(chi > 53 && chi < 155);
	}
}

/*
 * Below 3 * 2^62 a plain remainder would draw each number of the lower third twice as often; a
 * multiplication without rejection spreads that unfairness, which the low bits then show.
 */
TEST(draws_below_a_large_number_are_uniform)
{
	enum { DRAWS = 300000 };
	uint64_t below = UINT64_C(3) << 62;
	uint32_t thirds[3] = {0}, rests[3] = {0};
	struct rng rng;
	rng_seed(&rng, 7);
	for (int d = 0; d < DRAWS; d++) {
		uint64_t draw = rng_below(&rng, below);
		thirds[draw >> 62]++;
		rests[draw % 3]++;
	}
	for (int i = 0; i < 3; i++) {
		CHECK(thirds[i] > 99000 && thirds[i] < 101000);
		CHECK(rests[i] > 99000 && rests[i] < 101000);
	}
}

TEST(small_bounds)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	uint32_t counts[3] = {0};
	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(rng_below(&rng, 1), 0);
		counts[rng_below(&rng, 3)]++;
	}
	CHECK(counts[0] && counts[1] && counts[2]);
	CHECK_DIES(rng_below(&rng, 0), "below > 0");
}

TEST(chance_is_parts_of_a_million)
{
	struct rng rng;
	rng_seed(&rng, 11);
	int never = 0, always = 0, tenth = 0;
	for (int i = 0; i < 100000; i++)
		tenth += rng_chance(&rng, 100000);
	/* Enough draws to meet each of the million numbers at the edge. */
	for (int i = 0; i < 10000000; i++) {
		never += rng_chance(&rng, 0);
		always += rng_chance(&rng, 1000000);
	}
	CHECK_EQ(never, 0);
	CHECK_EQ(always, 10000000);
	CHECK(tenth > 9600 && tenth < 10400);
}

TEST_MAIN
