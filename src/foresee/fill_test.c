/* SPDX-License-Identifier: Apache-2.0 */
/* How fast places fill. */
#include "foresee/fill.h"

#include "base/rng.h"
#include "base/test.h"

TEST(a_place_that_fills_evenly)
{
	struct fill_moment moments[48];
	for (int i = 0; i < 48; i++)
		moments[i] = (struct fill_moment){i * 3600.0, 1e12 - i * 1e9};
	CHECK(fill_per_day(moments, 48) > 23.9e9 && fill_per_day(moments, 48) < 24.1e9);
	CHECK(!(fill_per_day(moments, 6) > 0));
	CHECK(fill_per_day(moments, 7) > 0);
	CHECK(!(fill_per_day(moments, 0) > 0));
}

TEST(one_that_is_tidied_up_and_wavers)
{
	struct fill_moment moments[400];
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 400; i++)
		moments[i] = (struct fill_moment){i * 3600.0,
			1e12 - i * 1e9 + (i >= 200 ? 20e9 : 0) + (double)rng_below(&rng, 1000000)};
	double rate = fill_per_day(moments, 400);
	CHECK(rate > 18e9 && rate < 26e9);
}

TEST(one_that_does_not_fill)
{
	struct fill_moment moments[48];
	for (int i = 0; i < 48; i++)
		moments[i] = (struct fill_moment){i * 3600.0, 1e12 + i};
	CHECK(!(fill_per_day(moments, 48) > 0));
	for (int i = 0; i < 48; i++)
		moments[i].at_s = 0;
	CHECK(!(fill_per_day(moments, 48) > 0));
}

TEST_MAIN
