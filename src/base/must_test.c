/* SPDX-License-Identifier: Apache-2.0 */
/* A broken promise ends the process and says which one it was. */
#include "base/must.h"

#include "base/test.h"

TEST(a_kept_promise_is_silent)
{
	int looked = 0;
	must(++looked == 1);
	CHECK_EQ(looked, 1);
}

TEST(a_broken_promise_names_itself_and_its_place)
{
	CHECK_DIES(must(1 + 1 == 3), "ebb: broken promise at ");
	CHECK_DIES(must(1 + 1 == 3), "must_test.c:");
	CHECK_DIES(must(1 + 1 == 3), "in test_a_broken_promise_names_itself_and_its_place(): ");
	CHECK_DIES(must(1 + 1 == 3), ": 1 + 1 == 3\n");
}

TEST_MAIN
