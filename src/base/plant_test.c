/* SPDX-License-Identifier: Apache-2.0 */
/* A bug is planted where EBB_PLANT names it whole, and nowhere else. */
#define PLANTS
#include "base/plant.h"

#include "base/test.h"

#include <stdlib.h>

TEST(only_what_is_named_is_planted)
{
	CHECK_EQ(setenv("EBB_PLANT", "ONE,TWO_MORE", 1), 0);
	CHECK(planted(ONE) && planted(TWO_MORE));
	CHECK(!planted(TWO) && !planted(MORE) && !planted(ON) && !planted(ONE_));
	CHECK_EQ(setenv("EBB_PLANT", "", 1), 0);
	CHECK(!planted(THREE));
	CHECK_EQ(unsetenv("EBB_PLANT"), 0);
	CHECK(!planted(FOUR));
}

TEST(a_place_asks_once)
{
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(i ? unsetenv("EBB_PLANT") : setenv("EBB_PLANT", "FIVE", 1), 0);
		CHECK(planted(FIVE));
	}
}

TEST_MAIN
