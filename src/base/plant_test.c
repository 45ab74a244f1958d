/* SPDX-License-Identifier: Apache-2.0 */
/* A bug is planted by its own switch set to 1, and by nothing else. */
#define PLANT_SET 1
#define PLANT_OFF 0
#include "base/plant.h"

#include "base/test.h"

_Static_assert(planted(SET) == 1, "a switch that is set plants its bug");
_Static_assert(planted(OFF) == 0, "a switch set to 0 plants nothing");
_Static_assert(planted(NEVER_HEARD_OF) == 0, "a switch that is not set plants nothing");

/* The branch of a bug that is not planted is checked by the compiler and then gone. */
TEST(planted_is_a_condition_like_any_other)
{
	int taken = 0;
	if (planted(SET))
		taken += 1;
	if (planted(OFF) || planted(NEVER_HEARD_OF))
		taken += 10;
	CHECK_EQ(taken, 1);
}

TEST_MAIN
