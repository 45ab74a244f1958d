/* SPDX-License-Identifier: Apache-2.0 */
/* What remembers must remember the right day. */
#include "num/season.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"
#include "num/wave_test.h"

enum { DAY = 24, DAYS = 28, N = DAY * DAYS, AHEAD = 50 };

TEST(naive_repeats_the_last_period)
{
	double y[N], ret[AHEAD];
	for (size_t i = 0; i < N; i++)
		y[i] = (double)i;
	season_naive(y, N, DAY, ret, AHEAD);
	for (size_t h = 0; h < AHEAD; h++)
		CHECK_EQ(ret[h], N - DAY + h % DAY);
	y[N - DAY] = NUM_GAP;
	season_naive(y, N, DAY, ret, 1);
	CHECK_EQ(ret[0], N - 2 * DAY);
	season_naive(y, 3, DAY, ret, 1);
	CHECK(isnan(ret[0]));
	season_naive(y, 0, 1, ret, 1);
	CHECK(isnan(ret[0]));
}

TEST(median_shrugs_off_one_bad_day)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	double y[N], ret[AHEAD];
	for (size_t i = 0; i < N; i++)
		y[i] = (double)(i % DAY);
	for (size_t i = N - 3 * DAY; i < N - 2 * DAY; i++)
		y[i] = 1e9;
	y[N - DAY + 5] = NUM_GAP;
	season_median(y, N, DAY, 7, ret, AHEAD);
	for (size_t h = 0; h < AHEAD; h++)
		CHECK_EQ(ret[h], h % DAY);
}

TEST(level_is_the_median_of_what_is_there)
{
	double y[] = {9, 9, 9, 1, NUM_GAP, 3, 2}, scratch[4];
	CHECK_EQ(season_level(y, 7, 4, scratch), 2);
	CHECK(isnan(season_level(y, 0, 4, scratch)));
}

/* Two kinds of days take turns in random order; today's first hours tell which kind it is. */
TEST(analogues_find_the_days_alike)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	double y[N], ret[12];
	for (size_t day = 0; day < DAYS; day++) {
		bool busy = day == DAYS - 1 || (day % 2 && rng_below(&rng, 4));
		for (size_t h = 0; h < DAY; h++)
			y[day * DAY + h] = (busy ? 50 : 10) + (double)h + 0.1 * wave_normal(&rng);
	}
	struct season_analogue how = {
		.period = DAY, .look = 6, .periods = 21, .half_life = 14, .width = 2};
	season_analogues(y, N - 12, &how, ret, 12);
	for (size_t h = 0; h < 12; h++)
		CHECK(fabs(ret[h] - (62 + (double)h)) < 2);
	double weights[21], sum = 0;
	season_likeness(y, N - 12, &how, weights);
	for (size_t i = 0; i < 21; i++)
		sum += weights[i];
	CHECK(fabs(sum - 1) < 1e-9);
}

TEST(without_days_there_is_no_analogue)
{
	double y[10] = {0}, ret[3];
	struct season_analogue how = {
		.period = DAY, .look = 6, .periods = 21, .half_life = 14, .width = 2};
	season_analogues(y, 10, &how, ret, 3);
	CHECK(isnan(ret[0]) && isnan(ret[2]));
}

TEST_MAIN
