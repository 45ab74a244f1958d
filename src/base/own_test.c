/* SPDX-License-Identifier: Apache-2.0 */
/* Cleanup at the end of a scope, and what was taken before. */
#include "base/own.h"

#include "base/test.h"

static void count_down(int **counter)
{
	if (*counter)
		--**counter;
}

static int *give(int *counter, bool early)
{
	OWN(count_down) int *owned = counter;
	if (early)
		return NULL;
	return TAKE(owned);
}

TEST(what_is_owned_is_cleaned_up_on_every_way_out)
{
	int counter = 1;
	CHECK(give(&counter, true) == NULL);
	CHECK_EQ(counter, 0);
}

TEST(what_is_taken_is_not_cleaned_up)
{
	int counter = 1;
	CHECK(give(&counter, false) == &counter);
	CHECK_EQ(counter, 1);
}

/* A sanitizer would tell of a leak or of a second free. */
TEST(heap_memory_is_freed_once)
{
	OWN(own_free) char *kept = malloc(10);
	OWN(own_free) char *taken = malloc(10);
	OWN(own_free) char *never = NULL;
	CHECK(kept && taken && !never);
	char *mine = TAKE(taken);
	CHECK(mine && !taken);
	free(mine);
}

TEST_MAIN
