/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that bend, seasons, calendar columns. */
#include "num/trend.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"
#include "num/wave_test.h"

enum { N = 24 * 35, AHEAD = 48, ROOM = 6000 };

static const struct trend plain = {
	.period = {24, 168}, .pairs = {3, 3}, .bends = 8, .ridge_bend = 1e-4, .ridge_season = 1e-6};

TEST(bend_and_season_are_found)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	static double y[N], scratch[ROOM], ret[AHEAD];
	CHECK(trend_scratch(&plain) <= ROOM);
	for (size_t i = 0; i < N; i++) {
		double line = i < N / 2 ? 0.1 * (double)i : 0.05 * N;
		y[i] = i % 11 ? line + wave_at(&rng, i, 1) : NUM_GAP;
	}
	CHECK(trend_forecast(&plain, y, N, scratch, ret, AHEAD));
	double sum = 0;
	for (size_t h = 0; h < AHEAD; h++)
		sum += fabs(ret[h] - 0.05 * N - wave_at(&rng, N + h, 0));
	test_note("mean error %.2f of a daily swing of 60", sum / AHEAD);
	CHECK(sum / AHEAD < 4);
}

/* A load that doubles on days of the user's calendar, one of which lies ahead. */
TEST(calendar_is_heeded)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	static double y[N], calendar[N + AHEAD], scratch[ROOM], ret[AHEAD];
	for (size_t i = 0; i < N + AHEAD; i++)
		calendar[i] = i / 24 % 5 == 0;
	for (size_t i = 0; i < N; i++)
		y[i] = 100 + 80 * calendar[i] + wave_normal(&rng);
	struct trend with = plain;
	with.calendar = calendar;
	with.calendar_columns = 1;
	CHECK(trend_forecast(&with, y, N, scratch, ret, AHEAD));
	for (size_t h = 0; h < AHEAD; h++)
		CHECK(fabs(ret[h] - 100 - 80 * calendar[N + h]) < 5);
}

TEST(fewer_values_than_columns_are_refused)
{
	static double y[10], scratch[ROOM];
	double ret[1] = {7};
	CHECK(!trend_forecast(&plain, y, 10, scratch, ret, 1));
	CHECK_EQ(ret[0], 7);
}

TEST_MAIN
