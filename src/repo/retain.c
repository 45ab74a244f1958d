/* SPDX-License-Identifier: Apache-2.0 */
/* Periods are numbers: a point is the first of its period when the number differs from the last. */
#include "repo/retain.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/units.h"
#include "repo/head.h"

const char *retain_reason_name(enum retain_reason reason)
{
	static const char *const names[RETAIN_REASONS] = {"last", "hourly", "daily", "weekly",
		"monthly", "yearly", "within", "held", "suspicious", "newest"};
	return names[__builtin_ctz((unsigned)reason)];
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

struct civil {
	int64_t year, month; /* months are counted through all years */
};

/* From days since 1970; Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2014. */
static struct civil civil_of(int64_t day)
{
	int64_t z = day + 719468, era = floor_div(z, 146097);
	int64_t in_era = z - era * 146097;
	int64_t year_of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t day_of_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153; /* months since March */
	int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
	int64_t year = year_of_era + era * 400 + (month <= 2);
	return (struct civil){year, year * 12 + month - 1};
}

static int64_t period_of(const struct retain_rules *rules, enum retain_reason rule, int64_t wall_ns)
{
	int64_t utc = floor_div(wall_ns, NS_PER_SEC);
	int64_t day = floor_div(
		utc + (rules->zone ? rules->zone(rules->zone_arg, wall_ns) : 0), 86400);
	if (rule == RETAIN_HOURLY)
		return floor_div(utc, 3600);
	if (rule == RETAIN_DAILY)
		return day;
	if (rule == RETAIN_WEEKLY)
		return floor_div(day + 3, 7); /* 1970 began on a Thursday */
	struct civil civil = civil_of(day);
	return rule == RETAIN_MONTHLY ? civil.month : civil.year;
}

/* A point in its row: resources apart, each from the newest to the oldest. */
struct row {
	const struct head_point *point;
	size_t number;
};

static int by_resource_and_age(const void *a, const void *b)
{
	const struct row *one = a, *other = b;
	if (one->point->resource != other->point->resource)
		return one->point->resource < other->point->resource ? -1 : 1;
	if (one->point->end_ns != other->point->end_ns)
		return one->point->end_ns > other->point->end_ns ? -1 : 1;
	return one->number > other->number ? -1 : 1;
}

static void keep_periods(const struct row *rows, size_t count, const struct retain_rules *rules,
	enum retain_reason rule, uint32_t most, unsigned *reasons)
{
	int64_t last = 0;
	uint32_t kept = 0;
	for (size_t i = 0; i < count && kept < most; i++) {
		int64_t period = period_of(rules, rule, rows[i].point->end_ns);
		if (kept && period == last)
			continue;
		reasons[rows[i].number] |= rule;
		last = period;
		kept++;
	}
}

/* Whether `end` lies less than `within` before `newest`, whatever the numbers. */
static bool is_within(int64_t end, int64_t newest, int64_t within)
{
	int64_t edge;
	if (within <= 0)
		return false;
	return __builtin_sub_overflow(newest, within, &edge) || end > edge;
}

/* All points of one resource, the newest first, that the rules of numbers and periods count. */
static void count_rules(
	const struct row *rows, size_t count, const struct retain_rules *rules, unsigned *reasons)
{
	for (size_t i = 0; i < count; i++) {
		if (i < rules->last)
			reasons[rows[i].number] |= RETAIN_LAST;
		if (is_within(rows[i].point->end_ns, rows[0].point->end_ns, rules->within_ns))
			reasons[rows[i].number] |= RETAIN_WITHIN;
	}
	keep_periods(rows, count, rules, RETAIN_HOURLY, rules->hourly, reasons);
	keep_periods(rows, count, rules, RETAIN_DAILY, rules->daily, reasons);
	keep_periods(rows, count, rules, RETAIN_WEEKLY, rules->weekly, reasons);
	keep_periods(rows, count, rules, RETAIN_MONTHLY, rules->monthly, reasons);
	keep_periods(rows, count, rules, RETAIN_YEARLY, rules->yearly, reasons);
	reasons[rows[0].number] |= RETAIN_NEWEST;
}

/*
 * All points of one resource, the newest first. Broken ones stand in nobody's way: the rules count
 * the others, unless there are none. Reorders the rows.
 */
static void choose_resource(
	struct row *rows, size_t count, const struct retain_rules *rules, unsigned *reasons)
{
	size_t whole = 0;
	bool suspicious = false;
	for (size_t i = 0; i < count; i++)
		suspicious |= (rows[i].point->flags & HEAD_POINT_SUSPICIOUS) != 0;
	reasons[rows[0].number] |= RETAIN_NEWEST;
	for (size_t i = 0; i < count; i++) {
		if (rows[i].point->flags & HEAD_POINT_HELD)
			reasons[rows[i].number] |= RETAIN_HELD;
		if (suspicious)
			reasons[rows[i].number] |= RETAIN_SUSPICIOUS;
		if (!(rows[i].point->flags & HEAD_POINT_BROKEN))
			rows[whole++] = rows[i];
	}
	count_rules(rows, whole ? whole : count, rules, reasons);
}

int retain_choose(const struct head_point *points, size_t count, const struct retain_rules *rules,
	unsigned *ret_reasons)
{
	OWN(own_free) struct row *rows = calloc(count + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		rows[i] = (struct row){&points[i], i};
		ret_reasons[i] = 0;
	}
	qsort(rows, count, sizeof(*rows), by_resource_and_age);
	for (size_t i = 0, next; i < count; i = next) {
		next = i + 1;
		while (next < count && rows[next].point->resource == rows[i].point->resource)
			next++;
		choose_resource(&rows[i], next - i, rules, ret_reasons);
	}
	return 0;
}
