/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and showing durations, sizes and moments. */
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/why.h"

struct unit {
	const char *name;
	uint64_t worth;
};

/* Largest first: showing takes the first that divides, reading wants them in this order. */
static const struct unit duration_units[] = {
	{"w", 7 * (uint64_t)NS_PER_DAY},
	{"d", (uint64_t)NS_PER_DAY},
	{"h", (uint64_t)NS_PER_HOUR},
	{"m", (uint64_t)NS_PER_MIN},
	{"s", (uint64_t)NS_PER_SEC},
	{"ms", (uint64_t)NS_PER_MS},
	{"us", (uint64_t)NS_PER_US},
	{"ns", 1},
};

static const struct unit size_units[] = {
	{"PiB", UINT64_C(1) << 50},
	{"PB", UINT64_C(1000000000000000)},
	{"TiB", UINT64_C(1) << 40},
	{"TB", UINT64_C(1000000000000)},
	{"GiB", UINT64_C(1) << 30},
	{"GB", UINT64_C(1000000000)},
	{"MiB", UINT64_C(1) << 20},
	{"MB", UINT64_C(1000000)},
	{"KiB", UINT64_C(1) << 10},
	{"kB", UINT64_C(1000)},
	{"B", 1},
};

enum {
	DURATION_UNITS = sizeof(duration_units) / sizeof(duration_units[0]),
	SIZE_UNITS = sizeof(size_units) / sizeof(size_units[0]),
};

/* Digits at *at; leaves *at behind them. */
static int take_number(const char **at, uint64_t *ret)
{
	uint64_t value = 0;
	if (!isdigit((unsigned char)**at))
		return -EINVAL;
	for (; isdigit((unsigned char)**at); (*at)++)
		if (!mul_fits(value, 10u, &value) ||
			!add_fits(value, (uint64_t)(**at - '0'), &value))
			return -ERANGE;
	*ret = value;
	return 0;
}

/* Letters at *at, looked up from `units[from]` on: the unit's number, or `count`. */
static size_t take_unit(const char **at, const struct unit *units, size_t from, size_t count)
{
	size_t len = 0;
	while (isalpha((unsigned char)(*at)[len]))
		len++;
	for (size_t i = from; i < count; i++) {
		if (strlen(units[i].name) == len && strncmp(units[i].name, *at, len) == 0) {
			*at += len;
			return i;
		}
	}
	return count;
}

int units_duration(const char *text, int64_t *ret_ns, struct why *why)
{
	const char *at = text;
	uint64_t total = 0;
	size_t next = 0;
	do {
		uint64_t number, part;
		int err = take_number(&at, &number);
		if (err == -ERANGE)
			return why_set(why, err, "duration '%.40s' is too long", text);
		if (err)
			return why_set(why, err,
				"'%.40s' is not a duration: write a number and a unit, like 15m or "
				"1h30m",
				text);
		if (*at == '.' || *at == ',')
			return why_set(why, -EINVAL,
				"duration '%.40s': write whole numbers, like 1h30m", text);
		if (!*at && next)
			return why_set(why, -EINVAL,
				"duration '%.40s' ends without a unit: write like 1h30m", text);
		if (!*at)
			return why_set(why, -EINVAL,
				"duration '%.40s' lacks a unit: write %.20ss, %.20sm or %.20sh",
				text, text, text, text);
		size_t unit = take_unit(&at, duration_units, next, DURATION_UNITS);
		if (unit == DURATION_UNITS)
			return why_set(why, -EINVAL,
				"duration '%.40s': units are w d h m s ms us ns, larger before "
				"smaller",
				text);
		if (!mul_fits(number, duration_units[unit].worth, &part) ||
			!add_fits(total, part, &total) || total > INT64_MAX)
			return why_set(why, -ERANGE, "duration '%.40s' is too long", text);
		next = unit + 1;
	} while (*at);
	*ret_ns = (int64_t)total;
	return 0;
}

int units_size(const char *text, uint64_t *ret_bytes, struct why *why)
{
	const char *at = text;
	uint64_t number;
	int err = take_number(&at, &number);
	if (err == -ERANGE)
		return why_set(why, err, "size '%.40s' is too large", text);
	if (err)
		return why_set(why, err,
			"'%.40s' is not a size: write a whole number and a unit, like 64MiB", text);
	if (*at == '.' || *at == ',')
		return why_set(why, -EINVAL,
			"size '%.40s': write a whole number, in a smaller unit", text);
	if (!*at)
		return why_set(why, -EINVAL, "size '%.40s' lacks a unit: write %.20sMiB or %.20sB",
			text, text, text);
	size_t unit = take_unit(&at, size_units, 0, SIZE_UNITS);
	if (unit == SIZE_UNITS || *at)
		return why_set(why, -EINVAL,
			"size '%.40s': units are B, kB MB GB TB PB (1000) and KiB MiB GiB TiB PiB "
			"(1024)",
			text);
	if (!mul_fits(number, size_units[unit].worth, &number))
		return why_set(why, -ERANGE, "size '%.40s' is too large", text);
	*ret_bytes = number;
	return 0;
}

const char *units_show_duration(int64_t ns, char text[UNITS_TEXT])
{
	uint64_t left = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	int len = ns < 0 ? snprintf(text, UNITS_TEXT, "-") : 0;
	if (!left)
		snprintf(text, UNITS_TEXT, "0s");
	for (size_t i = 0; i < DURATION_UNITS && left; i++) {
		uint64_t number = left / duration_units[i].worth;
		if (!number)
			continue;
		len += snprintf(text + len, (size_t)(UNITS_TEXT - len), "%" PRIu64 "%s", number,
			duration_units[i].name);
		left %= duration_units[i].worth;
	}
	return text;
}

const char *units_show_size(uint64_t bytes, char text[UNITS_TEXT])
{
	size_t best = SIZE_UNITS - 1;
	for (size_t i = 0; i < SIZE_UNITS && bytes; i++) {
		if (bytes % size_units[i].worth == 0) {
			best = i;
			break;
		}
	}
	snprintf(text, UNITS_TEXT, "%" PRIu64 "%s", bytes / size_units[best].worth,
		size_units[best].name);
	return text;
}

const char *units_show_time(int64_t wall_ns, char text[UNITS_TEXT])
{
	int64_t sec = wall_ns / NS_PER_SEC, ms = wall_ns % NS_PER_SEC / NS_PER_MS;
	if (wall_ns % NS_PER_SEC < 0) {
		sec--;
		ms = (wall_ns % NS_PER_SEC + NS_PER_SEC) / NS_PER_MS;
	}
	struct tm tm;
	time_t t = (time_t)sec;
	char day[32] = "";
	if (gmtime_r(&t, &tm))
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, UNITS_TEXT, "%s.%03dZ", day, (int)ms);
	return text;
}

/* Exactly `digits` digits at *at, behind the separator that stands there when it has one. */
static bool take_part(const char **at, char separator, int digits, int *ret)
{
	const char *p = *at;
	int value = 0;
	if (separator && *p++ != separator)
		return false;
	for (int i = 0; i < digits; i++, p++) {
		if (!isdigit((unsigned char)*p))
			return false;
		value = value * 10 + (*p - '0');
	}
	*at = p;
	*ret = value;
	return true;
}

/* Its parts from the year down; how many there are, 0 when it is no moment. */
static int take_moment(const char *text, int part[7])
{
	static const char separators[] = {0, '-', '-', 'T', ':', ':', '.'};
	static const int digits[] = {4, 2, 2, 2, 2, 2, 3};
	static const int most[] = {9999, 12, 31, 23, 59, 59, 999};
	int count = 0;
	while (count < 7 && *text && *text != 'Z') {
		if (!take_part(&text, separators[count], digits[count], &part[count]) ||
			part[count] > most[count])
			return 0;
		count++;
	}
	text += *text == 'Z';
	return *text || count < 3 || !part[1] || !part[2] ? 0 : count;
}

int units_time(const char *text, int64_t *ret_first, int64_t *ret_last, struct why *why)
{
	static const int64_t lasts[] = {
		0, 0, 0, NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_SEC, NS_PER_MS};
	int part[7] = {0};
	int count = take_moment(text, part);
	struct tm tm = {.tm_year = part[0] - 1900,
		.tm_mon = part[1] - 1,
		.tm_mday = part[2],
		.tm_hour = part[3],
		.tm_min = part[4],
		.tm_sec = part[5]};
	time_t t = count ? timegm(&tm) : 0;
	int64_t first;
	/* timegm() makes the 1st of March of the 30th of February. */
	if (!count || tm.tm_mday != part[2] || !mul_fits((int64_t)t, NS_PER_SEC, &first) ||
		!add_fits(first, part[6] * NS_PER_MS, &first))
		return why_set(why, -EINVAL,
			"'%.40s' is not a moment: write it in UTC like 2026-11-21, "
			"2026-11-21T02:10 or 2026-11-21T02:10:05Z",
			text);
	*ret_first = first;
	*ret_last = first + lasts[count] - 1;
	return 0;
}
