/* SPDX-License-Identifier: Apache-2.0 */
/* Bands of devices whose days are known, are not, or have gaps. */
#include "node/bands.h"

#include <math.h>

#include "base/test.h"

enum { SLOTS = 30 * DAYS_DAY, NOW = 25 * DAYS_DAY + 100 };

struct past {
	float busy[SLOTS], size[SLOTS];
};

static void set(struct past *past, int64_t slot, double busy)
{
	past->busy[slot] = (float)busy;
	past->size[slot] = days_size((float)busy);
}

static struct days_past of(const struct past *past)
{
	return (struct days_past){past->busy, past->size};
}

static void forget(struct past *past)
{
	for (int64_t slot = 0; slot < SLOTS; slot++)
		past->busy[slot] = past->size[slot] = NAN;
}

/* Busy from slot 200 to 220 of each day, else idle. */
static double daily(int64_t slot)
{
	return slot % DAYS_DAY >= 200 && slot % DAYS_DAY < 220 ? 0.8 : 0.1;
}

TEST(each_day_has_its_hours)
{
	static struct past past;
	struct bands_view view;
	double q[BANDS_QUANTILES];
	forget(&past);
	for (int64_t slot = 0; slot < NOW; slot++)
		set(&past, slot, daily(slot));
	bands_view(&view, of(&past), NOW, (double)NAN);
	CHECK_EQ(view.days, DAYS_BACK);
	for (int64_t slot = NOW; slot < NOW + 2 * DAYS_DAY; slot++) {
		CHECK(bands_of(&view, slot, q));
		CHECK(fabs(q[BANDS_MEDIAN] - daily(slot)) < 0.01);
		for (int i = 1; i < BANDS_QUANTILES; i++)
			CHECK(q[i] >= q[i - 1]);
	}
}

/* What lies ahead is there already; nobody may look. */
TEST(nothing_after_now_is_looked_at)
{
	static struct past past;
	struct bands_view view;
	double before[BANDS_QUANTILES], after[BANDS_QUANTILES];
	forget(&past);
	for (int64_t slot = 0; slot < NOW; slot++)
		set(&past, slot, daily(slot));
	bands_view(&view, of(&past), NOW, (double)NAN);
	CHECK(bands_of(&view, NOW + DAYS_DAY + 5, before));
	for (int64_t slot = NOW; slot < SLOTS; slot++)
		set(&past, slot, 1);
	bands_view(&view, of(&past), NOW, (double)NAN);
	CHECK(bands_of(&view, NOW + DAYS_DAY + 5, after));
	for (int i = 0; i < BANDS_QUANTILES; i++)
		CHECK(fabs(before[i] - after[i]) < 1e-9);
}

TEST(a_new_machine_goes_by_its_last_hour)
{
	static struct past past;
	struct bands_view view;
	double q[BANDS_QUANTILES];
	forget(&past);
	bands_view(&view, of(&past), NOW, (double)NAN);
	CHECK(!bands_of(&view, NOW, q));
	bands_view(&view, of(&past), NOW, 0.4);
	CHECK(bands_of(&view, NOW, q));
	CHECK(fabs(q[BANDS_MEDIAN] - 0.4) < 1e-9);
	for (int64_t slot = NOW - BANDS_HOUR; slot < NOW; slot++)
		set(&past, slot, slot % 2 ? 0.2 : 0.6);
	bands_view(&view, of(&past), NOW, (double)NAN);
	CHECK_EQ(view.days, 0);
	CHECK(bands_of(&view, NOW + 5, q));
	CHECK(fabs(q[0] - 0.2) < 1e-6 && fabs(q[BANDS_QUANTILES - 1] - 0.6) < 1e-6);
}

TEST(a_day_with_too_many_gaps_is_not_remembered)
{
	static struct past past;
	struct bands_view view;
	forget(&past);
	for (int64_t slot = 0; slot < NOW; slot++)
		if (slot / 100 % 2)
			set(&past, slot, 0.5);
	bands_view(&view, of(&past), NOW, (double)NAN);
	CHECK_EQ(view.days, 0);
	forget(&past);
	bands_view(&view, of(&past), 5, (double)NAN);
	CHECK_EQ(view.days, 0);
}

TEST_MAIN
