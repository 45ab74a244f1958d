/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of bits against an array of booleans. */
#include "base/bits.h"

#include "base/rng.h"
#include "base/test.h"

enum { MOST = 300 };

struct pair {
	uint64_t words[BITS_WORDS(MOST) + 1]; /* one more than needed: never to be looked at */
	bool model[MOST];
};

static void flip_some(struct pair *pair, struct rng *rng)
{
	for (uint64_t i = rng_below(rng, 2 * MOST); i; i--) {
		size_t bit = rng_below(rng, MOST);
		pair->model[bit] = rng_chance(rng, 500000);
		if (pair->model[bit])
			bits_set(pair->words, bit);
		else
			bits_clear(pair->words, bit);
	}
}

static void compare(const struct pair *pair, size_t count)
{
	size_t set = 0;
	for (size_t i = 0; i < count; i++) {
		CHECK(bits_get(pair->words, i) == pair->model[i]);
		set += pair->model[i];
	}
	CHECK_EQ(bits_count(pair->words, count), set);
	for (size_t from = 0; from <= count + 70; from++) {
		size_t next = from;
		while (next < count && !pair->model[next])
			next++;
		CHECK_EQ(bits_next(pair->words, from, count), next < count ? next : count);
	}
}

TEST(bits_agree_with_an_array_of_booleans)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 300; round++) {
		struct pair pair = {0};
		memset(pair.words, round % 2 ? 0xff : 0, sizeof(pair.words));
		memset(pair.model, round % 2, sizeof(pair.model));
		flip_some(&pair, &rng);
		compare(&pair, rng_below(&rng, MOST + 1));
	}
}

TEST(bits_at_the_edges_of_words)
{
	static const size_t edges[] = {0, 1, 63, 64, 65, 127, 128};
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		uint64_t words[4] = {0};
		bits_set(words, edges[i]);
		CHECK_EQ(bits_count(words, edges[i]), 0);
		CHECK_EQ(bits_count(words, edges[i] + 1), 1);
		CHECK_EQ(bits_next(words, 0, 200), edges[i]);
		CHECK_EQ(bits_next(words, edges[i], edges[i]), edges[i]);
		CHECK_EQ(bits_next(words, edges[i] + 1, 200), 200);
		bits_clear(words, edges[i]);
		CHECK_EQ(bits_count(words, 200), 0);
	}
}

TEST(no_bits_need_no_words)
{
	CHECK_EQ(BITS_WORDS(0), 0);
	CHECK_EQ(BITS_WORDS(1), 1);
	CHECK_EQ(BITS_WORDS(64), 1);
	CHECK_EQ(BITS_WORDS(65), 2);
	CHECK_EQ(bits_count(NULL, 0), 0);
	CHECK_EQ(bits_next(NULL, 0, 0), 0);
}

TEST_MAIN
