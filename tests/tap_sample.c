/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that fail, skip and die on purpose: tests/tap_test.py looks at what comes out of them. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"

TEST(passes)
{
	CHECK(true);
	CHECK_EQ(2 + 2, 4);
	CHECK_STR("a", "a");
}

TEST(fails_a_check)
{
	CHECK(2 + 2 == 5);
	puts("not reached");
}

TEST(fails_a_number)
{
	CHECK_EQ(2 + 2, 5);
}

/* What a failure shows must not be taken for points of its own. */
TEST(fails_a_text_of_many_lines)
{
	CHECK_STR("one\nok 9 - two\nnot ok 10", NULL);
}

TEST(skips)
{
	test_skip("no %s here", "moon");
}

TEST(seeds)
{
	test_note("drew %" PRIu64, test_seed());
}

TEST(dies_as_promised)
{
	CHECK_DIES((fputs("last words\n", stderr), abort()), "last words");
}

TEST(does_not_die)
{
	CHECK_DIES((void)0, "last words");
}

TEST(dies_with_other_words)
{
	CHECK_DIES((fputs("other words\n", stderr), abort()), "last words");
}

/* In the child there is nowhere to jump back to: it must not go on with the next tests. */
TEST(fails_in_a_child)
{
	CHECK_DIES(CHECK(false), "last words");
}

static void *check_in_thread(void *arg)
{
	CHECK_EQ((intptr_t)arg, 1);
	return NULL;
}

TEST(ends_by_a_check_in_a_thread)
{
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, check_in_thread, NULL), 0);
	pthread_join(thread, NULL);
}

TEST(comes_last)
{
	CHECK(true);
}

TEST_MAIN
