/* SPDX-License-Identifier: Apache-2.0 */
/* Words to events, and hours to the events that hold them. */
#include "calendar/calendar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/why.h"

static const char *const months[12] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const week[7] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

struct date {
	int year, month, day;
};

/* ---- days of the Gregorian calendar; H. Hinnant, "chrono-compatible low-level date algorithms" */

static int64_t days_of(struct date date)
{
	int64_t y = date.month <= 2 ? date.year - 1 : date.year;
	int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
	int64_t doy = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static struct date date_of(int64_t days)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	struct date date = {.day = (int)(doy - (153 * mp + 2) / 5 + 1)};
	date.month = (int)(mp < 10 ? mp + 3 : mp - 9);
	date.year = (int)(yoe + era * 400 + (date.month <= 2));
	return date;
}

static int last_of_month(int year, int month)
{
	static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return lengths[month - 1] + (month == 2 && leap);
}

/* 0 is Monday. */
static int weekday_of(int64_t days)
{
	int64_t day = (days + 3) % 7;
	return (int)(day < 0 ? day + 7 : day);
}

/* ---- reading ---- */

/* A word of an event: not longer than any that is known. */
enum { WORD = 32 };

static int number(const char *text, size_t digits)
{
	int value = 0;
	for (size_t i = 0; i < digits; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

static int index_of(const char *word, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

/* dec-24 as 1224; -1. The 29th of February is a day of each year that has one. */
static int yearly(const char *word)
{
	char name[4] = "";
	if (strlen(word) != 6 || word[3] != '-')
		return -1;
	snprintf(name, sizeof(name), "%.3s", word);
	int month = index_of(name, months, 12) + 1, day = number(word + 4, 2);
	return month > 0 && day >= 1 && day <= last_of_month(2000, month) ? month * 100 + day : -1;
}

/* 2027-03-01 as days since 1970; INT32_MIN. */
static int32_t once(const char *word)
{
	if (strlen(word) != 10 || word[4] != '-' || word[7] != '-')
		return INT32_MIN;
	struct date date = {number(word, 4), number(word + 5, 2), number(word + 8, 2)};
	if (date.year < 1970 || date.month < 1 || date.month > 12 || date.day < 1 ||
		date.day > last_of_month(date.year, date.month))
		return INT32_MIN;
	return (int32_t)days_of(date);
}

static bool range_of_days(const char *word, struct calendar_event *event)
{
	char from[WORD], to[WORD];
	const char *dots = strstr(word, "..");
	snprintf(from, sizeof(from), "%.*s", dots ? (int)(dots - word) : WORD, word);
	snprintf(to, sizeof(to), "%s", dots ? dots + 2 : word);
	event->from = yearly(from);
	event->to = yearly(to);
	event->days = CALENDAR_YEARLY;
	if (event->from > 0 && event->to > 0)
		return true;
	event->from = once(from);
	event->to = once(to);
	event->days = CALENDAR_ONCE;
	return event->from != INT32_MIN && event->to >= event->from;
}

static bool days_word(const char *word, struct calendar_event *event)
{
	static const char *const named[] = {
		"month-end", "month-start", "quarter-end", "year-end", "month-end-workday"};
	static const struct {
		const char *word;
		int32_t bits;
	} weeks[] = {{"weekdays", 0x1f}, {"weekends", 0x60}, {"daily", 0x7f}};
	int found = index_of(word, named, 5);
	if (found >= 0) {
		event->days = (enum calendar_days)found;
		return true;
	}
	event->days = CALENDAR_WEEK;
	found = index_of(word, week, 7);
	event->from = found >= 0 ? 1 << found : 0;
	for (size_t i = 0; i < sizeof(weeks) / sizeof(weeks[0]); i++)
		if (strcmp(word, weeks[i].word) == 0)
			event->from = weeks[i].bits;
	if (event->from)
		return true;
	if (strncmp(word, "day-", 4) == 0) {
		size_t len = strlen(word + 4);
		event->days = CALENDAR_DAY_OF_MONTH;
		event->from = len == 1 || len == 2 ? number(word + 4, len) : -1;
		return event->from >= 1 && event->from <= 31;
	}
	return range_of_days(word, event);
}

static int minute(const char *text)
{
	int hours = number(text, 2), minutes = text[2] == ':' ? number(text + 3, 2) : -1;
	bool fits = hours >= 0 && minutes >= 0 && minutes < 60;
	return fits && hours * 60 + minutes <= CALENDAR_DAY_MINUTES ? hours * 60 + minutes : -1;
}

static int hours_word(const char *word, struct calendar_event *event, struct why *why)
{
	bool shaped = strlen(word) == 11 && word[5] == '-';
	event->begin_min = shaped ? minute(word) : -1;
	event->end_min = shaped ? minute(word + 6) : -1;
	if (event->begin_min < 0 || event->end_min < 0)
		return why_set(why, -EINVAL, "'%s' is no span of hours: write 08:00-20:00", word);
	if (event->end_min <= event->begin_min)
		return why_set(why, -EINVAL,
			"'%s' ends before it begins: write two events, one until 24:00 and one "
			"from 00:00 of the days after",
			word);
	return 0;
}

static int times_word(const char *word, struct calendar_event *event, struct why *why)
{
	char *end;
	double times = strtod(word + 1, &end);
	bool digits = word[1] >= '0' && word[1] <= '9';
	if (!digits || *end || !(times >= 0 && times <= 100))
		return why_set(why, -EINVAL,
			"'%s' is not how many times the load is: write x0 to x100, as in x2.5",
			word);
	event->times = times;
	return 0;
}

/* The first word are the days, the others hours and times in any order. */
static int read_word(const char *word, size_t count, struct calendar_event *event, struct why *why)
{
	if (count == 0)
		return days_word(word, event) ? 0
					      : why_set(why, -EINVAL,
							"'%s' are no days: write month-end, "
							"day-15, fri, weekdays, daily, "
							"dec-24..dec-26 or 2027-03-01",
							word);
	if (word[0] == 'x')
		return times_word(word, event, why);
	return hours_word(word, event, why);
}

/* One event, up to its end; *ret_at goes along. */
static int read_event(
	const char *text, size_t end, size_t *ret_at, struct calendar_event *event, struct why *why)
{
	size_t count = 0;
	for (size_t at = *ret_at; at < end; count++) {
		char word[WORD];
		size_t len = strcspn(text + at, " \t;");
		*ret_at = at;
		if (len >= WORD || count == 3)
			return why_set(why, -EINVAL,
				count == 3 ? "'%.*s' is one word too many: days, hours and times "
					     "make an event, and ; stands between two"
					   : "'%.*s' is too long for a word",
				(int)(len < WORD ? len : WORD), text + at);
		snprintf(word, sizeof(word), "%.*s", (int)len, text + at);
		int err = read_word(word, count, event, why);
		if (err)
			return err;
		at += len;
		while (at < end && (text[at] == ' ' || text[at] == '\t'))
			at++;
	}
	return 0;
}

int calendar_parse(const char *text, struct calendar *ret, size_t *ret_at, struct why *why)
{
	struct calendar calendar = {0};
	for (size_t at = 0; text[at];) {
		at += strspn(text + at, " \t;");
		size_t end = at + strcspn(text + at, ";");
		if (at == end)
			break;
		struct calendar_event event = {.end_min = CALENDAR_DAY_MINUTES, .times = -1};
		*ret_at = at;
		int err = calendar.count == CALENDAR_EVENTS
			? why_set(why, -EINVAL, "there are more than %d events", CALENDAR_EVENTS)
			: read_event(text, end, ret_at, &event, why);
		if (err)
			return err;
		calendar.at[calendar.count++] = event;
		at = end;
	}
	*ret = calendar;
	return 0;
}

/* ---- asking ---- */

static bool is_end_workday(int64_t days, struct date date)
{
	int left = last_of_month(date.year, date.month) - date.day, day = weekday_of(days);
	/* On a Friday the weekend may be all that is left. */
	return day < 5 && (left == 0 || (day == 4 && left <= 2));
}

static bool holds_day(const struct calendar_event *event, int64_t days)
{
	struct date date = date_of(days);
	bool last = date.day == last_of_month(date.year, date.month);
	int now = date.month * 100 + date.day;
	switch (event->days) {
	case CALENDAR_MONTH_END:
		return last;
	case CALENDAR_MONTH_START:
		return date.day == 1;
	case CALENDAR_QUARTER_END:
		return last && date.month % 3 == 0;
	case CALENDAR_YEAR_END:
		return last && date.month == 12;
	case CALENDAR_MONTH_END_WORKDAY:
		return is_end_workday(days, date);
	case CALENDAR_DAY_OF_MONTH:
		return date.day == event->from;
	case CALENDAR_WEEK:
		return event->from >> weekday_of(days) & 1;
	case CALENDAR_YEARLY:
		return event->from <= event->to ? now >= event->from && now <= event->to
						: now >= event->from || now <= event->to;
	case CALENDAR_ONCE:
		return days >= event->from && days <= event->to;
	}
	return false;
}

int calendar_at(const struct calendar *calendar, int64_t hour)
{
	int64_t days = hour >= 0 ? hour / 24 : (hour - 23) / 24;
	int32_t minute = (int32_t)(hour - days * 24) * 60;
	for (size_t i = 0; i < calendar->count; i++) {
		const struct calendar_event *event = &calendar->at[i];
		int32_t from = event->begin_min > minute ? event->begin_min : minute;
		int32_t to = event->end_min < minute + 60 ? event->end_min : minute + 60;
		if (to - from >= 30 && holds_day(event, days))
			return (int)i;
	}
	return -1;
}
