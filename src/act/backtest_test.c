/* SPDX-License-Identifier: Apache-2.0 */
/* Days that are alike and days that are not: who is to drive is told from them. */
#include "act/backtest.h"

#include <math.h>
#include <stdlib.h>

#include "act/calibrate.h"
#include "act/device.h"
#include "base/must.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/units.h"

static const struct harm_device disk = {.size = 4, .threshold = 0.1, .floor = 3};

enum { DAYS = 20, NOON = DAYS_DAY / 2 };

/* At the end of so many days. */
static struct device *device_of(float (*busy)(struct rng *rng, int day, int slot))
{
	struct device *device = malloc(sizeof(*device));
	struct rng rng;
	must(device);
	rng_seed(&rng, test_seed());
	device_begin(device, "sda", NULL, 1000 * 86400);
	for (int day = 0; day < DAYS; day++)
		for (int slot = 0; slot < DAYS_DAY; slot++) {
			int64_t at = device->now - device->first - (DAYS - day) * DAYS_DAY + slot;
			device->busy[at] = busy(&rng, day, slot);
			device->size[at] = days_size(device->busy[at]);
		}
	return device;
}

static float jitter(struct rng *rng)
{
	return (float)rng_below(rng, 1000) / 1000;
}

/* Busy until noon, quiet after it, each day. */
static float alike(struct rng *rng, int day, int slot)
{
	(void)day;
	return (slot < NOON ? 0.45f : 0.02f) + 0.02f * jitter(rng);
}

/* The quiet half was always at the end, and comes at the begin in the days that count. */
static float turned(struct rng *rng, int day, int slot)
{
	bool quiet = day < DAYS - 7 ? slot >= NOON : slot < NOON;
	return (quiet ? 0.02f : 0.55f) + 0.02f * jitter(rng);
}

static int judge_all(struct backtest *backtest, struct device *device)
{
	const struct backtest_job job = {disk, 0.04 * 86400, NS_PER_DAY};
	int days = 0;
	while (backtest_step(backtest, device, &job))
		days++;
	return days;
}

TEST(days_that_are_alike_are_the_planners)
{
	OWN(own_free) struct device *device = device_of(alike);
	struct backtest backtest = {0};
	double planner, feedback;
	CHECK_EQ(backtest_driver(&backtest), DRIVER_PLANNER);
	CHECK_EQ(judge_all(&backtest, device), GATE_DAYS);
	backtest_costs(&backtest, &planner, &feedback);
	test_note("planner %.0f s, feedback %.0f s", planner, feedback);
	CHECK(planner < 0.8 * feedback);
	CHECK_EQ(backtest_driver(&backtest), DRIVER_PLANNER);
	/* The same day is not judged twice; the next one is when it is over. */
	CHECK_EQ(judge_all(&backtest, device), 0);
	device->now += DAYS_DAY;
	CHECK_EQ(judge_all(&backtest, device), 1);
}

TEST(a_forecast_that_does_worse_is_not_followed)
{
	OWN(own_free) struct device *device = device_of(turned);
	struct backtest backtest = {0};
	double planner, feedback;
	CHECK_EQ(judge_all(&backtest, device), GATE_DAYS);
	backtest_costs(&backtest, &planner, &feedback);
	test_note("planner %.0f s, feedback %.0f s", planner, feedback);
	CHECK(planner > feedback);
	CHECK_EQ(backtest_driver(&backtest), DRIVER_REACTIVE);
}

/* A day that is like another one is told well, and the map may go into facts. */
TEST(scores_are_held_against_what_came)
{
	OWN(own_free) struct device *device = device_of(alike);
	OWN(own_free) struct calibrate *calibrate = calloc(1, sizeof(*calibrate));
	double said[50], came[50];
	must(calibrate);
	CHECK_EQ(calibrate_map(calibrate, said, came, 50), 0);
	CHECK(!(calibrate_skill(calibrate) > 0));
	while (calibrate_step(calibrate, device, &disk))
		continue;
	uint32_t count = calibrate_map(calibrate, said, came, 50);
	test_note("%.0f hours, %u pairs, skill %.2f", calibrate->hours, count,
		calibrate_skill(calibrate));
	CHECK(calibrate->hours >= 24. * (DAYS - 3) && calibrate->hours <= 24. * DAYS);
	CHECK(calibrate_skill(calibrate) > 0.5);
	CHECK(count >= 2);
	for (uint32_t i = 1; i < count; i++)
		CHECK(said[i] > said[i - 1] && came[i] >= came[i - 1]);
	/* What was told as good as surely came, and what was told not to did not. */
	CHECK(came[0] < 0.2 && came[count - 1] > 0.8);
	CHECK(!calibrate_step(calibrate, device, &disk));
}

TEST(without_a_job_or_a_past_nothing_is_judged)
{
	OWN(own_free) struct device *device = device_of(alike);
	const struct backtest_job none = {disk, 0, NS_PER_DAY};
	struct backtest backtest = {0};
	CHECK(!backtest_step(&backtest, device, &none));
	for (int i = 0; i < DEVICE_SLOTS; i++)
		device->busy[i] = device->size[i] = NAN;
	CHECK_EQ(judge_all(&backtest, device), GATE_DAYS);
	CHECK_EQ(backtest.gate.days, 0);
	CHECK_EQ(backtest_driver(&backtest), DRIVER_PLANNER);
	/* A clock that went back. */
	device_begin(device, "sda", NULL, 500 * 86400);
	CHECK_EQ(judge_all(&backtest, device), GATE_DAYS);
}

TEST_MAIN
