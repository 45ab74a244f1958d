/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts: bounds, locality, independence of the reader's buffer, dependence on the key. */
#include "chunk/cut.h"

#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"

enum { SIZE = 16 << 20, CUTS = 1024 };

static const uint8_t key_a[32] = {1}, key_b[32] = {2};

static size_t cut_all(const uint8_t *key, const uint8_t *bytes, size_t len, size_t *cuts)
{
	struct cutter cutter;
	size_t n = 0, at = 0;
	cutter_init(&cutter, key);
	while (at < len) {
		at += cut_next(&cutter, bytes + at, len - at);
		CHECK(n < CUTS);
		cuts[n++] = at;
	}
	return n;
}

static uint8_t *random_bytes(size_t len)
{
	struct rng rng;
	uint8_t *bytes = malloc(len);
	CHECK(bytes);
	rng_seed(&rng, test_seed());
	rng_fill(&rng, bytes, len);
	return bytes;
}

TEST(chunks_keep_their_bounds_and_mean)
{
	OWN(own_free) uint8_t *bytes = random_bytes(SIZE);
	size_t cuts[CUTS], last = 0;
	size_t n = cut_all(key_a, bytes, SIZE, cuts);
	for (size_t i = 0; i < n; i++) {
		CHECK(cuts[i] - last <= CUT_MAX);
		CHECK(cuts[i] - last >= CUT_MIN || i == n - 1);
		last = cuts[i];
	}
	test_note("%zu chunks, mean %zu bytes", n, (size_t)SIZE / n);
	CHECK((size_t)SIZE / n > CUT_NORMAL / 2 && (size_t)SIZE / n < CUT_NORMAL * 2);
}

TEST(an_insertion_moves_cuts_with_it)
{
	OWN(own_free) uint8_t *bytes = random_bytes(SIZE + 1);
	size_t before[CUTS], after[CUTS], common = 0;
	size_t n = cut_all(key_a, bytes + 1, SIZE, before);
	size_t m = cut_all(key_a, bytes, SIZE + 1, after);
	for (size_t i = 0, j = 0; i < n && j < m;) {
		if (before[i] + 1 == after[j]) {
			common++;
			i++;
			j++;
		} else if (before[i] + 1 < after[j]) {
			i++;
		} else {
			j++;
		}
	}
	test_note("%zu of %zu cuts stayed with their content", common, n);
	CHECK(common * 10 > n * 8);
}

TEST(bytes_beyond_the_longest_chunk_do_not_matter)
{
	OWN(own_free) uint8_t *bytes = random_bytes(4 * CUT_MAX);
	struct cutter cutter;
	cutter_init(&cutter, key_a);
	for (size_t at = 0; at < 3 * CUT_MAX; at += 77777)
		CHECK_EQ(cut_next(&cutter, bytes + at, CUT_MAX),
			cut_next(&cutter, bytes + at, 4 * CUT_MAX - at));
}

/* The format's words, one byte after the other. */
static size_t cut_plainly(const struct cutter *cutter, const uint8_t *bytes, size_t len)
{
	uint64_t hash = 0;
	for (size_t i = CUT_MIN - 64; i < CUT_MIN; i++)
		hash = (hash << 1) + cutter->gear[bytes[i]];
	for (size_t at = CUT_MIN; at < len; at++) {
		uint64_t mask = at < CUT_NORMAL ? UINT64_C(0xfffff) << 44 : UINT64_C(0xffff) << 48;
		hash = (hash << 1) + cutter->gear[bytes[at]];
		if (!(hash & mask))
			return at + 1;
	}
	return len;
}

/* Noise cuts everywhere; few values cut seldom, and so at the longest. */
static void few_values(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = bytes[i] % 3;
}

/* Also where the reads end just before, at and behind the lengths at which its rules change. */
TEST(cuts_are_those_of_the_format_however_the_bytes_come)
{
	static const size_t steps[] = {1000, CUT_MIN - 1, CUT_MIN, CUT_MIN + 1, 128 << 10,
		CUT_NORMAL - 1, CUT_NORMAL, CUT_NORMAL + 1, CUT_MAX - 1, CUT_MAX};
	OWN(own_free) uint8_t *bytes = random_bytes(SIZE);
	struct cutter cutter;
	cutter_init(&cutter, key_a);
	few_values(bytes + SIZE / 2, SIZE / 2);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		for (size_t at = 0; at + CUT_MAX <= SIZE;) {
			struct cut_state state = {0};
			size_t have = 0, cut = 0;
			while (!cut && have < CUT_MAX) {
				have = have + steps[i] < CUT_MAX ? have + steps[i] : CUT_MAX;
				cut = cut_more(&cutter, &state, bytes + at, have);
			}
			CHECK_EQ(cut, cut_plainly(&cutter, bytes + at, CUT_MAX));
			at += cut;
		}
	}
}

TEST(two_keys_cut_differently)
{
	OWN(own_free) uint8_t *bytes = random_bytes(SIZE);
	size_t a[CUTS], b[CUTS], common = 0;
	size_t n = cut_all(key_a, bytes, SIZE, a), m = cut_all(key_b, bytes, SIZE, b);
	for (size_t i = 0, j = 0; i + 1 < n && j + 1 < m;) {
		common += a[i] == b[j];
		if (a[i] <= b[j])
			i++;
		else
			j++;
	}
	CHECK_EQ(common, 0);
}

TEST(short_and_even_content)
{
	OWN(own_free) uint8_t *zeros = calloc(1, 4 * CUT_MAX);
	struct cutter cutter;
	CHECK(zeros);
	cutter_init(&cutter, key_a);
	CHECK_EQ(cut_next(&cutter, zeros, 0), 0);
	CHECK_EQ(cut_next(&cutter, zeros, 1), 1);
	CHECK_EQ(cut_next(&cutter, zeros, CUT_MIN), CUT_MIN);
	CHECK(cut_next(&cutter, zeros, 4 * CUT_MAX) <= CUT_MAX);
}

TEST_MAIN
