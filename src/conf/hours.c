/* SPDX-License-Identifier: Apache-2.0 */
/* Windows to minutes of a week, and what is barred back to as few windows as it takes. */
#include "conf/hours.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "base/why.h"

enum { DAYS = 7, DAY_MIN = 24 * 60, WORD = 32, EVERY_DAY = 0x7f, WEEKDAYS = 0x1f, WEEKENDS = 0x60 };

struct reading {
	const char *text, *at;
	struct why *why;
	size_t *ret_at;
};

static int wrong(const struct reading *reading, const char *at, const char *what)
{
	*reading->ret_at = (size_t)(at - reading->text);
	return why_set(reading->why, -EINVAL, "%s", what);
}

/* The next word, "" at a comma or at the end. */
static void next_word(struct reading *reading, char word[WORD])
{
	size_t len = 0;
	while (*reading->at == ' ')
		reading->at++;
	while (*reading->at && *reading->at != ' ' && *reading->at != ',' && len < WORD - 1)
		word[len++] = *reading->at++;
	word[len] = '\0';
}

static int day_of(const char *text, size_t len)
{
	static const char names[DAYS][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	for (int day = 0; day < DAYS; day++)
		if (len == 3 && memcmp(names[day], text, len) == 0)
			return day;
	return -1;
}

/* 0: these are no days. */
static uint32_t read_days(const char *word)
{
	if (strcmp(word, "weekdays") == 0)
		return WEEKDAYS;
	if (strcmp(word, "weekends") == 0)
		return WEEKENDS;
	size_t len = strcspn(word, "-");
	int first = day_of(word, len);
	int last = word[len] ? day_of(word + len + 1, strlen(word + len + 1)) : first;
	uint32_t days = 0;
	if (first < 0 || last < 0)
		return 0;
	for (int day = first;; day = (day + 1) % DAYS) {
		days |= 1U << day;
		if (day == last)
			return days;
	}
}

static bool read_clock(const char *text, uint32_t *ret_min)
{
	for (int i = 0; i < 5; i++)
		if (i == 2 ? text[i] != ':' : !isdigit((unsigned char)text[i]))
			return false;
	uint32_t hour = (uint32_t)(text[0] - '0') * 10 + (uint32_t)(text[1] - '0');
	uint32_t min = (uint32_t)(text[3] - '0') * 10 + (uint32_t)(text[4] - '0');
	*ret_min = hour * 60 + min;
	return min < 60 && *ret_min <= DAY_MIN;
}

static bool read_span(const char *word, struct conf_hours *hours)
{
	return strlen(word) == 11 && word[5] == '-' && read_clock(word, &hours->from_min) &&
		read_clock(word + 6, &hours->until_min) && hours->from_min < DAY_MIN &&
		hours->from_min != hours->until_min;
}

static int read_window(struct reading *reading, bool limited, struct conf_hours *ret)
{
	char word[WORD];
	next_word(reading, word);
	const char *began = reading->at - strlen(word);
	*ret = (struct conf_hours){.days = read_days(word)};
	if (ret->days) {
		next_word(reading, word);
		began = reading->at - strlen(word);
	} else {
		ret->days = EVERY_DAY;
	}
	if (!read_span(word, ret))
		return wrong(reading, began,
			limited ? "write hours like this: weekdays 08:00-18:00 20MB"
				: "write hours like this: weekdays 20:00-06:00");
	if (!limited)
		return 0;
	next_word(reading, word);
	began = reading->at - strlen(word);
	if (units_size(word, &ret->bytes_per_s, reading->why))
		return wrong(
			reading, began, "after the hours stands how many bytes a second: 20MB");
	return ret->bytes_per_s ? 0 : wrong(reading, began, "none at all is what `forbid` is for");
}

typedef int window_fn(void *arg, const struct conf_hours *hours);

static int each(
	const char *text, bool limited, size_t *ret_at, struct why *why, window_fn *fn, void *arg)
{
	struct reading reading = {text, text, why, ret_at};
	while (*reading.at) {
		struct conf_hours hours;
		char rest[WORD];
		int err = read_window(&reading, limited, &hours);
		if (!err)
			err = fn(arg, &hours);
		if (err)
			return err;
		next_word(&reading, rest);
		if (*rest)
			return wrong(&reading, reading.at - strlen(rest),
				"between two of these stands a comma");
		reading.at += *reading.at == ',';
	}
	return 0;
}

static int ignore(void *arg, const struct conf_hours *hours)
{
	(void)arg, (void)hours;
	return 0;
}

static int check_hours(const char *text, size_t *ret_at, struct why *why)
{
	return each(text, false, ret_at, why, ignore, NULL);
}

static int check_limits(const char *text, size_t *ret_at, struct why *why)
{
	return each(text, true, ret_at, why, ignore, NULL);
}

const struct conf_form conf_hours_form = {
	"hours, as weekdays 20:00-06:00, sat 08:00-18:00", check_hours};
const struct conf_form conf_limits_form = {
	"hours and bytes a second, as weekdays 08:00-18:00 20MB", check_limits};

/* ---- a week ---- */

struct week {
	bool minute[DAYS][DAY_MIN];
};

static int mark(void *arg, const struct conf_hours *hours)
{
	struct week *week = arg;
	uint32_t end = hours->until_min > hours->from_min ? hours->until_min
							  : hours->until_min + DAY_MIN;
	for (int day = 0; day < DAYS; day++)
		for (uint32_t min = hours->from_min; hours->days >> day & 1 && min < end; min++)
			week->minute[(day + (min >= DAY_MIN)) % DAYS][min % DAY_MIN] = true;
	return 0;
}

struct made {
	struct conf_hours *hours;
	uint32_t count;
};

static int add(void *arg, const struct conf_hours *hours)
{
	struct made *made = arg;
	for (uint32_t i = 0; i < made->count; i++) {
		struct conf_hours *one = &made->hours[i];
		if (one->from_min == hours->from_min && one->until_min == hours->until_min &&
			one->bytes_per_s == hours->bytes_per_s) {
			one->days |= hours->days;
			return 0;
		}
	}
	if (made->count == CONF_HOURS_MAX)
		return -E2BIG;
	made->hours[made->count++] = *hours;
	return 0;
}

/* What is barred of a day, as windows of it. */
static int bar(const struct week *barred, int day, struct made *made)
{
	for (uint32_t min = 0; min < DAY_MIN; min++) {
		struct conf_hours hours = {.days = 1U << day, .from_min = min};
		while (min < DAY_MIN && barred->minute[day][min])
			min++;
		hours.until_min = min;
		if (hours.until_min > hours.from_min && add(made, &hours))
			return -E2BIG;
	}
	return 0;
}

int conf_hours_make(const char *allow, const char *forbid, const char *limit,
	struct conf_hours ret[CONF_HOURS_MAX], uint32_t *ret_count, struct why *why)
{
	struct week allowed = {0}, barred = {0};
	struct made made = {ret, 0};
	size_t at, left = 0;
	int err = each(allow, false, &at, why, mark, &allowed);
	if (!err)
		err = each(forbid, false, &at, why, mark, &barred);
	for (int day = 0; !err && day < DAYS; day++) {
		for (int min = 0; min < DAY_MIN; min++) {
			bool *is = &barred.minute[day][min];
			*is |= *allow && !allowed.minute[day][min];
			left += !*is;
		}
		err = bar(&barred, day, &made);
	}
	if (!err)
		err = each(limit, true, &at, why, add, &made);
	if (err == -E2BIG)
		return why_set(why, -EINVAL,
			"allow, forbid and limit make more than %d different hours of a day: say "
			"less",
			CONF_HOURS_MAX);
	if (!err && !left)
		return why_set(why, -EINVAL, "allow and forbid leave no hour of any day");
	if (!err)
		*ret_count = made.count;
	return err;
}
