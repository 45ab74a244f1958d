/* SPDX-License-Identifier: Apache-2.0 */
/* Half the drift, all of the season. */
#include "num/theta.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"
#include "num/wave_test.h"

TEST(line_goes_on_at_half_its_slope)
{
	double y[100], season[1], ret[10];
	for (size_t i = 0; i < 100; i++)
		y[i] = 10 + 4 * (double)i;
	CHECK(theta_forecast(y, 100, 1, season, ret, 10));
	CHECK(fabs(ret[9] - ret[0] - 18) < 1e-6);
	CHECK(fabs(ret[0] - 410) < 4);
}

TEST(season_is_found_in_noise_and_gaps)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	double y[24 * 14], season[24], ret[48];
	for (size_t i = 0; i < 24 * 14; i++)
		y[i] = i % 9 ? 100 + 20 * sin((double)i * M_PI / 12) + wave_normal(&rng) : NUM_GAP;
	CHECK(theta_forecast(y, 24 * 14, 24, season, ret, 48));
	for (size_t h = 0; h < 48; h++)
		CHECK(fabs(ret[h] - 100 - 20 * sin((double)h * M_PI / 12)) < 5);
}

TEST(too_little_is_refused)
{
	double y[30] = {1}, season[24], ret[1] = {7};
	for (size_t i = 1; i < 30; i++)
		y[i] = NUM_GAP;
	CHECK(!theta_forecast(y, 30, 24, season, ret, 1));
	CHECK(!theta_forecast(y, 0, 24, season, ret, 1));
	CHECK_EQ(ret[0], 7);
}

TEST_MAIN
