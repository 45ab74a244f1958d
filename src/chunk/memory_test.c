/* SPDX-License-Identifier: Apache-2.0 */
/* Spans: what grows stays, what is spent is nobody's any more, and who waits for it goes on. */
#include "chunk/memory.h"

#include "base/rng.h"
#include "base/test.h"

enum { MIB = 1 << 20, PAGE = 4096, FULL = 20 * MIB };

static uint8_t mark(size_t at)
{
	return (uint8_t)(at / PAGE * 7 + 1);
}

/* Also beyond the addresses that were asked for, where it moves. */
TEST(what_grows_stays)
{
	struct pack_memory memory;
	struct span span = {0};
	struct rng rng;
	size_t need = 0;
	rng_seed(&rng, test_seed());
	pack_memory_init(&memory);
	while (need < FULL + FULL / 2) {
		size_t out = memory.out, before = (need + PAGE - 1) / PAGE * PAGE;
		need += 1 + rng_below(&rng, 3 * MIB);
		size_t growth = span_growth(&span, need);
		CHECK_EQ(span_grow(&memory, &span, need, FULL), 0);
		CHECK_EQ(memory.out, out + growth);
		CHECK(span.grown >= need && span.grown < need + MIB);
		CHECK_EQ(span_growth(&span, need), 0);
		for (size_t at = before; at < need; at += PAGE)
			span.bytes[at] = mark(at);
		for (size_t at = 0; at < need; at += PAGE)
			CHECK_EQ(span.bytes[at], mark(at));
	}
	span_give(&memory, &span);
	CHECK_EQ(memory.out, 0);
	pack_memory_done(&memory);
}

TEST(what_is_spent_is_given_back_once)
{
	struct pack_memory memory;
	struct span span = {0};
	pack_memory_init(&memory);
	CHECK_EQ(span_grow(&memory, &span, 7 * MIB, FULL), 0);
	for (size_t at = 0; at < 7 * MIB; at += PAGE)
		span.bytes[at] = mark(at);
	CHECK_EQ(memory.out, 7 * MIB);
	span_spend(&memory, &span, 5 * MIB);
	CHECK_EQ(memory.out, 3 * MIB);
	span_spend(&memory, &span, 4 * MIB);
	CHECK_EQ(memory.out, 3 * MIB);
	CHECK_EQ(span.bytes[0], 0);
	CHECK_EQ(span.bytes[5 * MIB], mark(5 * MIB));
	span_spend(&memory, &span, SIZE_MAX);
	CHECK_EQ(memory.out, 0);
	span_give(&memory, &span);
	CHECK_EQ(memory.out, 0);
	pack_memory_done(&memory);
}

struct spender {
	struct pack_memory *memory;
	struct span *span;
	bool spends;
};

static void *spender_main(void *arg)
{
	struct spender *spender = arg;
	for (size_t at = MIB; spender->spends && at <= 6 * MIB; at += MIB)
		span_spend(spender->memory, spender->span, at);
	pack_memory_spender(spender->memory, -1);
	return NULL;
}

/* For what another thread spends; and for none that spends nothing and has ended. */
TEST(who_waits_for_memory_goes_on)
{
	for (int spends = 0; spends < 2; spends++) {
		struct pack_memory memory;
		struct span span = {0};
		pthread_t thread;
		struct spender spender = {&memory, &span, spends};
		pack_memory_init(&memory);
		CHECK_EQ(span_grow(&memory, &span, 8 * MIB, FULL), 0);
		CHECK(!pack_memory_wait(&memory, 8 * MIB));
		CHECK(!pack_memory_wait(&memory, 0));
		pack_memory_spender(&memory, 1);
		CHECK_EQ(pthread_create(&thread, NULL, spender_main, &spender), 0);
		pack_memory_wait(&memory, 2 * MIB);
		CHECK_EQ(pthread_join(thread, NULL), 0);
		CHECK_EQ(memory.out, (spends ? 2 : 8) * MIB);
		span_give(&memory, &span);
		pack_memory_done(&memory);
	}
}

TEST_MAIN
