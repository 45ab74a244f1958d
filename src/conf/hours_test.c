/* SPDX-License-Identifier: Apache-2.0 */
/* Hours: what is barred, minute by minute, and every mistake with its place. */
#include "conf/hours.h"

#include <errno.h>
#include <string.h>

#include "base/test.h"
#include "base/why.h"

static struct conf_hours made[CONF_HOURS_MAX];
static uint32_t count;

static int make(const char *allow, const char *forbid, const char *limit)
{
	struct why why;
	return conf_hours_make(allow, forbid, limit, made, &count, &why);
}

/* Whether hours with that limit hold at a minute of a day. */
static bool holds(int day, uint32_t min, uint64_t limit)
{
	for (uint32_t i = 0; i < count; i++)
		if (made[i].days >> day & 1 && made[i].bytes_per_s == limit &&
			min >= made[i].from_min && min < made[i].until_min)
			return true;
	return false;
}

TEST(what_is_not_allowed_is_barred)
{
	CHECK_EQ(make("", "", ""), 0);
	CHECK_EQ(count, 0);
	CHECK_EQ(make("weekdays 20:00-06:00, weekends 00:00-24:00", "tue 02:00-03:00", ""), 0);
	for (int day = 0; day < 7; day++)
		for (uint32_t min = 0; min < 1440; min++) {
			bool weekend = day >= 5;
			bool night = min >= 1200 || (min < 360 && day != 0);
			bool allowed = weekend || night;
			if (day == 1 && min >= 120 && min < 180)
				allowed = false;
			if (holds(day, min, 0) == allowed)
				test_fail(__FILE__, __LINE__, "day %d minute %u", day, min);
		}
}

TEST(nights_reach_into_the_next_day)
{
	CHECK_EQ(make("", "sun 23:00-01:00, fri-sun 12:00-13:00", ""), 0);
	CHECK(holds(6, 1380, 0) && holds(6, 1439, 0) && holds(0, 0, 0) && holds(0, 59, 0));
	CHECK(!holds(0, 60, 0) && !holds(0, 1380, 0) && !holds(6, 59, 0));
	CHECK(holds(4, 720, 0) && holds(5, 779, 0) && holds(6, 720, 0) && !holds(3, 720, 0));
}

TEST(limits_stand_beside_what_is_barred)
{
	CHECK_EQ(make("", "", "weekdays 08:00-18:00 20MB,22:00-23:00 1GiB"), 0);
	CHECK_EQ(count, 2);
	CHECK_EQ(made[0].days, 0x1f);
	CHECK_EQ(made[0].bytes_per_s, 20000000);
	CHECK_EQ(made[1].days, 0x7f);
	CHECK_EQ(made[1].from_min, 22 * 60);
	CHECK_EQ(made[1].bytes_per_s, UINT64_C(1) << 30);
}

TEST(too_many_and_nothing_left_are_told)
{
	struct why why;
	CHECK_EQ(conf_hours_make("", "00:00-24:00", "", made, &count, &why), -EINVAL);
	CHECK_STR(why.text, "allow and forbid leave no hour of any day");
	CHECK_EQ(conf_hours_make("",
			 "01:00-02:00,03:00-04:00,05:00-06:00,07:00-08:00,09:00-10:00,"
			 "11:00-12:00,13:00-14:00,15:00-16:00,17:00-18:00",
			 "", made, &count, &why),
		-EINVAL);
	CHECK_STR(why.text,
		"allow, forbid and limit make more than 8 different hours of a day: say less");
}

TEST(a_mistake_is_told_with_its_place)
{
	static const struct {
		const char *text, *said;
		size_t at;
		bool limited;
	} all[] = {
		{"8-18", "write hours like this: weekdays 20:00-06:00", 0, false},
		{"mon-fri 08:00-08:00", "write hours like this: weekdays 20:00-06:00", 8, false},
		{"24:00-01:00", "write hours like this: weekdays 20:00-06:00", 0, false},
		{"00:00-24:01", "write hours like this: weekdays 20:00-06:00", 0, false},
		{"08:61-09:00", "write hours like this: weekdays 20:00-06:00", 0, false},
		{"mo 08:00-18:00", "write hours like this: weekdays 20:00-06:00", 0, false},
		{"08:00-18:00 20:00-21:00", "between two of these stands a comma", 12, false},
		{"08:00-18:00", "after the hours stands how many bytes a second: 20MB", 11, true},
		{"08:00-18:00 20", "after the hours stands how many bytes a second: 20MB", 12,
			true},
		{"08:00-18:00 0B", "none at all is what `forbid` is for", 12, true},
		{"sat 10:00-11:00 1MB, sat", "write hours like this: weekdays 08:00-18:00 20MB", 24,
			true},
		{"08:00-18:00,", "", 0, false},
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const struct conf_form *form = all[i].limited ? &conf_limits_form
							      : &conf_hours_form;
		struct why why = {""};
		size_t at = 0;
		int err = form->check(all[i].text, &at, &why);
		CHECK_EQ(err, *all[i].said ? -EINVAL : 0);
		CHECK_STR(why.text, all[i].said);
		CHECK_EQ(at, all[i].at);
	}
}

TEST_MAIN
