/* SPDX-License-Identifier: Apache-2.0 */
/* Memory given back at once: zero, aligned, unmoved, and its failure remembered. */
#include "base/arena.h"

#include <errno.h>
#include <stdint.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/scarce.h"
#include "base/test.h"

TEST(what_is_taken_is_zero_and_nobody_elses)
{
	OWN(arena_done) struct arena arena = {0};
	struct rng rng;
	unsigned char *at[500];
	size_t size[500];
	rng_seed(&rng, test_seed());
	for (size_t i = 0; i < 500; i++) {
		size[i] = rng_below(&rng, rng_chance(&rng, 20000) ? 1 << 20 : 3000);
		at[i] = arena_take(&arena, size[i], 1);
		CHECK(at[i] && (uintptr_t)at[i] % 16 == 0);
		for (size_t b = 0; b < size[i]; b++)
			CHECK(!at[i][b]);
		memset(at[i], (int)(i % 255) + 1, size[i]);
	}
	for (size_t i = 0; i < 500; i++)
		for (size_t b = 0; b < size[i]; b++)
			CHECK_EQ(at[i][b], i % 255 + 1);
	CHECK_STR(arena_printf(&arena, "%d of %s", 3, "four"), "3 of four");
	CHECK_EQ(arena_error(&arena), 0);
}

TEST(more_than_there_can_be_is_refused)
{
	OWN(arena_done) struct arena arena = {0};
	CHECK(!arena_take(&arena, SIZE_MAX / 2, 3));
	CHECK_EQ(arena_error(&arena), -ENOMEM);
	CHECK(!arena_take(&arena, 1, 1));
}

TEST(want_of_memory_is_told_at_the_end)
{
	OWN(arena_done) struct arena arena = {0};
	scarce_arm(1, false);
	CHECK_STR(arena_printf(&arena, "text"), "");
	scarce_arm(0, false);
	CHECK_EQ(arena_error(&arena), -ENOMEM);
}

TEST_MAIN
