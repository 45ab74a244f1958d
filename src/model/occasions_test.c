/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Months with a peak on their last day: with the calendar it is forecast and forgotten the day
 * after, without it neither is.
 */
#include "model/occasions.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"
#include "model/model.h"
#include "num/wave_test.h"

enum { HOUR = 3600, DAY = 24 };

/* 2026-01-01, local hours since 1970. */
static const int64_t start = INT64_C(20454) * DAY;

struct life {
	struct model *model;
	struct work *work;
	struct ahead *ahead;
	struct calendar calendar;
};

static void life_done(struct life *life)
{
	model_free(life->model);
	work_free(life->work);
	free(life->ahead);
}

static void life_init(struct life *life, const char *events)
{
	size_t at;
	*life = (struct life){model_new(), work_new(), malloc(sizeof(struct ahead))};
	CHECK(life->model && life->work && life->ahead);
	CHECK_EQ(calendar_parse(events, &life->calendar, &at, NULL), 0);
	work_calendar(life->work, &life->calendar);
}

/* Days of noise around 100 with four times as much from 8 to 20 on the last day of a month. */
static double load(struct rng *rng, const struct calendar *truth, int64_t hour)
{
	double of_day = 1 + 0.5 * sin((double)(hour % DAY) / DAY * 6.2832);
	double noise = 0.9 + 0.2 * (double)rng_below(rng, 1000) / 1000;
	return 100 * of_day * noise * (calendar_at(truth, hour) >= 0 ? 4 : 1);
}

/* Lives until the hour `end`, which is a midnight, and says what comes then. */
static void live_until(struct life *life, int64_t end)
{
	struct rng rng;
	struct calendar truth;
	size_t at;
	rng_seed(&rng, test_seed());
	CHECK_EQ(calendar_parse("month-end 08:00-20:00", &truth, &at, NULL), 0);
	for (int64_t hour = start; hour < end; hour++) {
		model_add(life->model, hour * HOUR, load(&rng, &truth, hour));
		history_reach(&life->model->history, (hour + 1) * HOUR);
		if ((hour + 1) % DAY == 0)
			CHECK(model_refit(life->model, life->work, NULL, life->ahead));
	}
}

/* The mean forecast of 8 to 20 on the next day, in units of what is usual then. */
static double peak(const struct life *life)
{
	double sum = 0, usual = 0;
	for (int h = 8; h < 20; h++) {
		sum += life->ahead->mix[h];
		usual += 100 * (1 + 0.5 * sin((double)h / DAY * 6.2832));
	}
	return sum / usual;
}

/* Midnights before 2026-03-31 and 2026-04-01. */
static const int64_t eve = 20454 + 89, after = 20454 + 90;

TEST(a_month_end_is_forecast_with_the_calendar_and_not_without)
{
	OWN(life_done) struct life with, without;
	life_init(&with, "month-end 08:00-20:00");
	life_init(&without, "");
	live_until(&with, eve * DAY);
	live_until(&without, eve * DAY);
	test_note("with the calendar %.2f, without %.2f times the usual", peak(&with),
		peak(&without));
	CHECK(peak(&with) > 3.2 && peak(&with) < 4.5);
	CHECK(peak(&without) < 1.6);
	/* Only those hours: the night before is as always. */
	CHECK(with.ahead->mix[4] < 250);
	/* The bands go along. */
	CHECK(with.ahead->quantile[12][0] > 1.5 * 100 * 0.5);
	CHECK(with.ahead->quantile[12][3] > without.ahead->quantile[12][3] * 1.5);
}

TEST(the_day_after_is_a_day_like_others)
{
	OWN(life_done) struct life with;
	life_init(&with, "month-end 08:00-20:00");
	live_until(&with, after * DAY);
	test_note("the day after %.2f times the usual", peak(&with));
	CHECK(peak(&with) > 0.8 && peak(&with) < 1.2);
}

TEST(what_was_never_seen_goes_by_what_is_said)
{
	OWN(life_done) struct life said, silent;
	life_init(&said, "2026-03-21 08:00-20:00 x3");
	life_init(&silent, "2026-03-21 08:00-20:00");
	live_until(&said, (20454 + 79) * DAY);
	live_until(&silent, (20454 + 79) * DAY);
	CHECK(peak(&said) > 2.5 && peak(&said) < 3.5);
	CHECK(peak(&silent) > 0.8 && peak(&silent) < 1.3);
}

TEST(maintenance_is_a_hole_and_stays_sane)
{
	OWN(life_done) struct life life;
	life_init(&life, "daily 02:00-04:00 x0; month-end 08:00-20:00 x100");
	live_until(&life, eve * DAY);
	for (size_t h = 0; h < AHEAD_HOURS; h++) {
		CHECK(isfinite(life.ahead->mix[h]) && life.ahead->mix[h] >= 0);
		for (size_t q = 1; q < AHEAD_QUANTILES; q++)
			CHECK(life.ahead->quantile[h][q] >= life.ahead->quantile[h][q - 1]);
	}
}

TEST(odd_histories_have_no_effect_and_do_no_harm)
{
	struct occasions occasions;
	struct calendar calendar;
	size_t at;
	double gaps[200], negative[200], zeros[200];
	CHECK_EQ(calendar_parse("daily 08:00-20:00", &calendar, &at, NULL), 0);
	for (size_t i = 0; i < 200; i++) {
		gaps[i] = (double)NAN;
		negative[i] = -(double)i;
		zeros[i] = 0;
	}
	occasions_take_out(&occasions, &calendar, start, gaps, 200);
	CHECK(!(occasions_put_in(&occasions, start + 10, 5) > 5));
	occasions_take_out(&occasions, &calendar, start, negative, 200);
	CHECK(negative[10] < -9.5);
	CHECK(!(occasions_put_in(&occasions, start + 10, 5) > 5));
	occasions_take_out(&occasions, &calendar, start, zeros, 200);
	CHECK(fabs(occasions_put_in(&occasions, start + 10, 5) - 5) < 1e-9);
}

TEST_MAIN
