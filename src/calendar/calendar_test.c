/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of day, every mistake, and days that real calendars know. */
#include "calendar/calendar.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/test.h"
#include "base/why.h"

static struct calendar calendar;
static struct why why;
static size_t at;

static int64_t hour_of(const char *text)
{
	struct tm tm = {0};
	CHECK(sscanf(text, "%d-%d-%d %d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour) == 4);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return timegm(&tm) / 3600;
}

static void holds(const char *events, const char *moment, int want)
{
	CHECK_EQ(calendar_parse(events, &calendar, &at, &why), 0);
	int have = calendar_at(&calendar, hour_of(moment));
	if (have != want)
		test_fail(__FILE__, __LINE__, "%s at %s: %d, not %d", events, moment, have, want);
}

TEST(days_are_those_of_the_calendar)
{
	holds("month-end", "2028-02-29 00", 0);
	holds("month-end", "2028-02-28 12", -1);
	holds("month-end", "2100-02-28 12", 0);
	holds("month-start", "2026-11-01 05", 0);
	holds("quarter-end", "2026-10-31 05", -1);
	holds("quarter-end", "2026-09-30 05", 0);
	holds("year-end", "2026-12-31 23", 0);
	holds("month-end-workday", "2026-10-30 10", 0); /* a Friday; the 31st is a Saturday */
	holds("month-end-workday", "2026-10-31 10", -1);
	holds("month-end-workday", "2026-11-30 10", 0); /* a Monday */
	holds("month-end-workday", "2026-11-27 10", -1);
	holds("month-end-workday", "2027-02-26 10", 0); /* a Friday; the 28th is a Sunday */
	holds("day-15", "2026-11-15 10", 0);
	holds("day-5", "2026-11-15 10", -1);
	holds("sat", "2026-11-21 10", 0);
	holds("weekdays", "2026-11-21 10", -1);
	holds("weekends", "2026-11-21 10", 0);
	holds("daily", "1970-01-01 00", 0);
	holds("dec-24..jan-02", "2027-01-01 10", 0);
	holds("dec-24..jan-02", "2027-01-03 10", -1);
	holds("dec-24..dec-26", "2026-12-25 10", 0);
	holds("2026-03-01..2026-03-05", "2026-03-05 23", 0);
	holds("2026-03-01..2026-03-05", "2027-03-05 23", -1);
}

TEST(hours_belong_to_the_first_event_that_holds_half_of_them)
{
	holds("month-end 08:00-20:00", "2026-11-30 08", 0);
	holds("month-end 08:00-20:00", "2026-11-30 20", -1);
	holds("daily 07:30-08:10; daily 00:00-24:00 x2", "2026-11-30 07", 0);
	holds("daily 07:31-08:10; daily 00:00-24:00 x2", "2026-11-30 07", 1);
	holds("daily 07:30-08:10; daily 00:00-24:00 x2", "2026-11-30 08", 1);
	CHECK(calendar.at[1].times > 1.9 && calendar.at[0].times < 0);
	holds(" ; fri x0.5 22:00-24:00 ;; ", "2026-11-27 23", 0);
	CHECK_EQ(calendar.count, 1);
	holds("", "2026-11-27 23", -1);
}

static void refused(const char *text, size_t where, const char *said)
{
	CHECK_EQ(calendar_parse(text, &calendar, &at, &why), -EINVAL);
	CHECK_STR(why.text, said);
	CHECK_EQ(at, where);
}

TEST(what_is_wrong_is_told_with_what_to_write)
{
	refused("month-end; moon", 11,
		"'moon' are no days: write month-end, day-15, fri, weekdays, daily, "
		"dec-24..dec-26 or 2027-03-01");
	refused("feb-30", 0,
		"'feb-30' are no days: write month-end, day-15, fri, weekdays, daily, "
		"dec-24..dec-26 or 2027-03-01");
	refused("2027-02-29", 0,
		"'2027-02-29' are no days: write month-end, day-15, fri, weekdays, daily, "
		"dec-24..dec-26 or 2027-03-01");
	refused("fri 8-20", 4, "'8-20' is no span of hours: write 08:00-20:00");
	refused("fri 22:00-04:00", 4,
		"'22:00-04:00' ends before it begins: write two events, one until 24:00 and one "
		"from 00:00 of the days after");
	refused("fri xx", 4,
		"'xx' is not how many times the load is: write x0 to x100, as in x2.5");
	refused("fri x1e9", 4,
		"'x1e9' is not how many times the load is: write x0 to x100, as in x2.5");
	refused("fri 08:00-20:00 x2 peak", 19,
		"'peak' is one word too many: days, hours and times make an event, and ; stands "
		"between two");
	refused("a-word-that-is-as-long-as-no-word-of-a-calendar", 0,
		"'a-word-that-is-as-long-as-no-wor' is too long for a word");
}

/* Each day of two centuries, against the C library. */
TEST(every_day_is_the_one_that_it_is)
{
	CHECK_EQ(calendar_parse("month-end; wed", &calendar, &at, &why), 0);
	for (int64_t day = -20000; day < 60000; day++) {
		time_t now = day * 86400, tomorrow = now + 86400;
		struct tm a, b;
		gmtime_r(&now, &a);
		gmtime_r(&tomorrow, &b);
		int want = b.tm_mday == 1 ? 0 : a.tm_wday == 3 ? 1 : -1;
		CHECK_EQ(calendar_at(&calendar, day * 24 + 12), want);
	}
}

TEST_MAIN
