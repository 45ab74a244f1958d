/* SPDX-License-Identifier: Apache-2.0 */
/* Hours, gaps, clock changes, poison. */
#include "model/history.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"

enum { HOUR = 3600 };
static const int64_t midnight = INT64_C(20000) * 24 * HOUR;

TEST(hours_are_means_and_gaps_stay_gaps)
{
	struct history history = {0};
	history_add(&history, midnight, 1);
	history_add(&history, midnight + 1800, 3);
	history_add(&history, midnight + 3 * HOUR, 10);
	history_reach(&history, midnight + 4 * HOUR);
	CHECK_EQ(history_len(&history), 4);
	double y[4];
	CHECK_EQ(history_copy(&history, 4, y), 2);
	CHECK_EQ(y[0], 2);
	CHECK(isnan(y[1]) && isnan(y[2]));
	CHECK_EQ(y[3], 10);
	CHECK(isnan(history_at(&history, midnight / HOUR - 1)));
	CHECK(isnan(history_at(&history, midnight / HOUR + 4)));
}

/* Samples every five minutes of UTC over both clock changes of central Europe: every local day
 * still has 24 slots, the skipped hour is a gap, the repeated one a mean of twice as many samples.
 */
TEST(clock_changes_are_a_gap_and_a_longer_hour)
{
	struct history spring = {0}, autumn = {0};
	for (int64_t s = 0; s < 24 * HOUR; s += 300)
		history_add(&spring, midnight + s + (s >= 2 * HOUR ? HOUR : 0), 5);
	history_reach(&spring, midnight + 24 * HOUR);
	CHECK(isnan(history_at(&spring, midnight / HOUR + 2)));
	CHECK_EQ(history_at(&spring, midnight / HOUR + 3), 5);
	for (int64_t s = 0; s < 25 * HOUR; s += 300) {
		int64_t local = s >= 3 * HOUR ? s - HOUR : s;
		history_add(&autumn, midnight + local, s >= 3 * HOUR && s < 4 * HOUR ? 20 : 10);
	}
	history_reach(&autumn, midnight + 24 * HOUR);
	CHECK_EQ(history_len(&autumn), 24);
	CHECK_EQ(history_at(&autumn, midnight / HOUR + 2), 15);
	/* The repeated hour begins after its first pass ended: nothing of it came late. */
	CHECK_EQ(autumn.late, 0);
}

TEST(poison_is_counted_and_kept_out)
{
	struct history history = {0};
	history_add(&history, midnight, 7);
	history_add(&history, midnight, NUM_GAP);
	history_add(&history, midnight, (double)INFINITY);
	history_add(&history, midnight, -1e300);
	history_add(&history, INT64_MAX, 1);
	CHECK_EQ(history.poisoned, 4);
	history_reach(&history, midnight + HOUR);
	history_add(&history, midnight + 30, 9);
	history_add(&history, -5, 9);
	history_reach(&history, 0);
	history_reach(&history, INT64_MAX);
	CHECK_EQ(history.late, 2);
	CHECK_EQ(history_len(&history), 1);
	CHECK_EQ(history_at(&history, midnight / HOUR), 7);
	CHECK(!history.negative);
}

TEST(six_weeks_are_kept_and_a_dead_series_starts_anew)
{
	struct history history = {0};
	for (int64_t h = 0; h < 2000; h++)
		history_add(&history, midnight + h * HOUR, (double)h);
	CHECK_EQ(history_len(&history), HISTORY_HOURS);
	CHECK_EQ(history_at(&history, midnight / HOUR + 1998), 1998);
	CHECK_EQ(
		history_at(&history, midnight / HOUR + 1999 - HISTORY_HOURS), 1999 - HISTORY_HOURS);
	CHECK(isnan(history_at(&history, midnight / HOUR + 1998 - HISTORY_HOURS)));
	history_add(&history, midnight + INT64_C(9000) * HOUR, 1);
	CHECK_EQ(history_len(&history), 0);
	history_reach(&history, midnight + INT64_C(9001) * HOUR);
	CHECK_EQ(history_at(&history, midnight / HOUR + 9000), 1);
}

TEST(filling_prefers_the_day_then_the_week_then_the_last)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	double y[400], full[400];
	bool filled[400];
	for (size_t i = 0; i < 400; i++)
		y[i] = (double)i;
	y[300] = y[0] = y[5] = NUM_GAP;
	for (size_t i = 200; i < 200 + 30; i++)
		y[i] = NUM_GAP;
	CHECK(history_fill(y, 400, full, filled));
	CHECK_EQ(full[0], 1);
	CHECK_EQ(full[5], 4);
	CHECK_EQ(full[300], 300 - 24);
	CHECK_EQ(full[200], 200 - 24);
	/* The day before is filled itself, the week before is real. */
	CHECK_EQ(full[228], 228 - 168);
	for (size_t i = 0; i < 400; i++)
		CHECK(filled[i] == (bool)isnan(y[i]) && !isnan(full[i]));
	for (size_t i = 0; i < 400; i++)
		y[i] = NUM_GAP;
	CHECK(!history_fill(y, 400, full, filled));
}

TEST_MAIN
