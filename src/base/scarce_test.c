/* SPDX-License-Identifier: Apache-2.0 */
/* The nth allocation fails, whichever function asks for it, and the others do not. */
#include "base/scarce.h"

#include <errno.h>
#include <stdlib.h>

#include "base/test.h"

/*
 * Asks for memory in every way there is; bit n of the answer: the nth came back empty. A compiler
 * may leave out an allocation that nobody looks at: volatile looks.
 */
static unsigned ask(void)
{
	void *volatile got[] = {malloc(8), calloc(1, 8), realloc(NULL, 8), reallocarray(NULL, 1, 8),
		aligned_alloc(64, 64), strdup("text"), strndup("text", 2)};
	unsigned empty = 0;
	for (size_t i = 0; i < sizeof(got) / sizeof(got[0]); i++) {
		empty |= (unsigned)!got[i] << i;
		free(got[i]);
	}
	return empty;
}

TEST(unarmed_it_only_counts)
{
	scarce_arm(0, false);
	unsigned empty = ask();
	CHECK_EQ(empty, 0);
	CHECK_EQ(scarce_count(), 7);
	CHECK_EQ(scarce_failed(), 0);
}

TEST(the_nth_fails_that_one_only)
{
	for (unsigned nth = 1; nth <= 8; nth++) {
		errno = 0;
		scarce_arm(nth, false);
		unsigned empty = ask();
		uint64_t failed = scarce_failed();
		scarce_arm(0, false);
		CHECK_EQ(empty, nth < 8 ? 1u << (nth - 1) : 0);
		CHECK_EQ(failed, nth < 8);
		CHECK_EQ(errno, nth < 8 ? ENOMEM : 0);
	}
}

TEST(or_each_from_there_on)
{
	scarce_arm(4, true);
	unsigned empty = ask();
	uint64_t failed = scarce_failed();
	scarce_arm(0, false);
	CHECK_EQ(empty, 0x78);
	CHECK_EQ(failed, 4);
}

TEST(in_a_pause_nothing_fails_or_counts)
{
	scarce_arm(2, true);
	scarce_pause(true);
	unsigned paused = ask();
	scarce_pause(false);
	unsigned empty = ask();
	scarce_arm(0, false);
	CHECK_EQ(paused, 0);
	CHECK_EQ(empty, 0x7e);
}

TEST_MAIN
