/* SPDX-License-Identifier: Apache-2.0 */
/* A job at night is sustained, short peaks are bursts, and quiet hours are calm. */
#include "foresee/soon.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"
#include "calendar/calendar.h"
#include "num/array.h"

enum { N = 14 * NEAR_DAY };

static const int64_t midnight = 20000 * NEAR_DAY;

static double noise(struct rng *rng)
{
	return (double)rng_below(rng, 1000) / 1000;
}

static void plant(float *y, uint64_t seed)
{
	struct rng rng;
	rng_seed(&rng, seed);
	for (size_t i = 0; i < N; i++) {
		size_t step = i % NEAR_DAY;
		bool job = step >= 24 && step < 48;                      /* 02:00 .. 04:00 */
		bool peak = step >= 120 && step % 12 == 5 && step < 156; /* a step in 10 .. 13 h */
		y[i] = (float)(10 + noise(&rng) + (job ? 90 : 0) + (peak ? 60 : 0));
	}
}

static void sane(const struct soon *soon)
{
	for (size_t h = 0; h < NEAR_HOUR; h++)
		for (size_t q = 0; q < AHEAD_QUANTILES; q++) {
			CHECK(isfinite(soon->quantile[h][q]) && soon->quantile[h][q] >= 0);
			CHECK(!q || soon->quantile[h][q] >= soon->quantile[h][q - 1]);
		}
	for (size_t h = 0; h < SOON_WINDOWS; h++) {
		const struct soon_window *window = &soon->windows[h];
		CHECK(window->probability >= 0 && window->probability <= 1);
		CHECK(window->sustained >= 0 && window->sustained <= 1 + 1e-9);
		CHECK(isfinite(window->length_s) && isfinite(window->height));
	}
}

TEST(windows_of_the_next_day_are_told_apart)
{
	float *y = malloc(N * sizeof(*y));
	struct soon soon;
	CHECK(y);
	plant(y, test_seed());
	CHECK_EQ(soon_from(y, N, midnight, NULL, &soon), 0);
	sane(&soon);
	for (size_t h = 0; h < SOON_WINDOWS; h++) {
		const char *want = h == 2 || h == 3 ? "sustained"
			: h >= 10 && h < 13         ? "burst"
						    : "calm";
		CHECK_STR(soon_class(&soon.windows[h]), want);
	}
	CHECK(fabs(soon.windows[2].length_s - 7200) < 900);
	CHECK(soon.windows[11].length_s < 2000);
	CHECK(soon.windows[2].height > 95 && soon.windows[11].height < 95);
	CHECK(soon.now.probability < 0.2);
	CHECK(soon.hours > 100);
	for (size_t h = 0; h < NEAR_HOUR; h++)
		CHECK(soon.value[h] > 9 && soon.value[h] < 12);
	free(y);
}

/* In the middle of the job it goes on; at its end it does not. */
TEST(the_half_hour_ahead_knows_the_job)
{
	float *y = malloc(N * sizeof(*y));
	struct soon soon;
	CHECK(y);
	plant(y, test_seed());
	size_t n = 13 * NEAR_DAY + 30;
	CHECK_EQ(soon_from(y, n, midnight + 30, NULL, &soon), 0);
	CHECK(soon.now.probability > 0.8);
	n = 13 * NEAR_DAY + 45;
	CHECK_EQ(soon_from(y, n, midnight + 45, NULL, &soon), 0);
	CHECK(soon.now.probability < 0.4);
	free(y);
}

TEST(nothing_breaks_it)
{
	static const float levels[] = {0, 5, 1e18F};
	float *y = malloc(N * sizeof(*y));
	struct soon soon;
	CHECK(y);
	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; k < N; k++)
			y[k] = levels[i];
		CHECK_EQ(soon_from(y, N, midnight, NULL, &soon), 0);
		sane(&soon);
		CHECK_EQ(soon_from(y, 1, midnight, NULL, &soon), 0);
		sane(&soon);
	}
	for (size_t k = 0; k < N; k++)
		y[k] = k % 10 ? (float)NUM_GAP : (float)(k % 100);
	y[N - 1] = 3;
	CHECK_EQ(soon_from(y, N, midnight + 7, NULL, &soon), 0);
	sane(&soon);
	CHECK_EQ(soon_from(y, 0, midnight, NULL, &soon), -ENODATA);
	free(y);
}

/* A job of six times the load was yesterday and last week, and is not today; then it is.
 */
TEST(the_calendar_is_minded)
{
	float *y = malloc(N * sizeof(*y));
	struct soon soon;
	struct calendar calendar;
	struct rng rng;
	size_t at, n = 13 * NEAR_DAY + 18 * NEAR_HOUR;
	char text[160];
	struct why why = {""};
	CHECK(y);
	rng_seed(&rng, test_seed());
	for (int today = 0; today < 2; today++) {
		/* Day 20000 is 2024-10-04; the steps begin two weeks before. */
		snprintf(text, sizeof(text),
			"2024-09-26 18:00-20:00 x6; 2024-10-02 18:00-20:00 x6%s",
			today ? "; 2024-10-03 18:00-20:00 x6" : "");
		CHECK_EQ(calendar_parse(text, &calendar, &at, &why), 0);
		for (size_t i = 0; i < N; i++) {
			size_t day = i / NEAR_DAY, hour = i % NEAR_DAY / NEAR_HOUR;
			bool busy = (day == 6 || day == 12) && hour >= 18 && hour < 20;
			y[i] = (float)((busy ? 6 : 1) * (10 + noise(&rng)));
		}
		CHECK_EQ(soon_from(y, n, midnight - 6 * NEAR_HOUR, &calendar, &soon), 0);
		sane(&soon);
		for (size_t h = 0; h < NEAR_HOUR; h++)
			CHECK(fabs(soon.value[h] - (today ? 63 : 10.5)) < 5);
		CHECK_STR(soon_class(&soon.windows[0]), today ? "sustained" : "calm");
		CHECK_STR(soon_class(&soon.windows[4]), "calm");
	}
	free(y);
}

TEST_MAIN
