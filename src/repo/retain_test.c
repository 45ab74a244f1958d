/* SPDX-License-Identifier: Apache-2.0 */
/* Rules against rows of points: by table, and what holds for any row and any rules. */
#include "repo/retain.h"

#include "base/rng.h"
#include "base/test.h"
#include "base/units.h"
#include "repo/head.h"

/* Nanoseconds of a civil time in UTC, 1970 or later. */
static int64_t at(int year, int month, int day, int hour, int minute)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int64_t days = (year - 1970) * INT64_C(365) + before[month - 1] + day - 1;
	for (int y = 1970; y < year + (month > 2); y++)
		days += (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	return days * NS_PER_DAY + hour * NS_PER_HOUR + minute * NS_PER_MIN;
}

static struct head_point point_at(int64_t end, uint64_t resource)
{
	return (struct head_point){.end_ns = end, .resource = resource};
}

/* East of Greenwich by an hour, and by two from April to September. */
static int32_t summer_zone(void *arg, int64_t wall_ns)
{
	(void)arg;
	int64_t day = wall_ns / NS_PER_DAY % 365;
	return day >= 90 && day < 273 ? 7200 : 3600;
}

enum { ROW = 8 };

struct table_case {
	const char *name;
	struct retain_rules rules;
	int64_t ends[ROW];
	uint8_t flags[ROW];
	unsigned want[ROW];
};

#define NEWEST RETAIN_NEWEST

TEST(rules_by_table)
{
	const struct table_case cases[] = {
		{"no rule keeps the newest alone", {0},
			{at(2026, 1, 1, 0, 0), at(2026, 1, 2, 0, 0)}, {0}, {0, NEWEST}},
		{"last", {.last = 2},
			{at(2026, 1, 1, 0, 0), at(2026, 1, 3, 0, 0), at(2026, 1, 2, 0, 0)}, {0},
			{0, NEWEST | RETAIN_LAST, RETAIN_LAST}},
		{"the newest of each hour", {.hourly = 2},
			{at(2026, 1, 1, 5, 59), at(2026, 1, 1, 6, 0), at(2026, 1, 1, 6, 59),
				at(2026, 1, 1, 9, 0)},
			{0}, {0, 0, RETAIN_HOURLY, NEWEST | RETAIN_HOURLY}},
		{"days without a point do not count", {.daily = 2},
			{at(2026, 1, 1, 1, 0), at(2026, 1, 1, 23, 0), at(2026, 3, 9, 0, 0)}, {0},
			{0, RETAIN_DAILY, NEWEST | RETAIN_DAILY}},
		{"weeks begin on Monday", {.weekly = 2},
			/* Sunday, Monday, Sunday */
			{at(2026, 11, 15, 23, 59), at(2026, 11, 16, 0, 0), at(2026, 11, 22, 1, 0)},
			{0}, {RETAIN_WEEKLY, 0, NEWEST | RETAIN_WEEKLY}},
		{"months and years over a leap day", {.monthly = 2, .yearly = 2},
			{at(2023, 12, 31, 23, 59), at(2024, 2, 29, 0, 0), at(2024, 2, 29, 23, 59),
				at(2024, 3, 1, 0, 0)},
			{0},
			{RETAIN_YEARLY, 0, RETAIN_MONTHLY,
				NEWEST | RETAIN_MONTHLY | RETAIN_YEARLY}},
		{"within, counted from the newest point", {.within_ns = 7 * NS_PER_DAY},
			{at(2026, 1, 1, 0, 0), at(2026, 1, 1, 0, 1), at(2026, 1, 8, 0, 0)}, {0},
			{0, RETAIN_WITHIN, NEWEST | RETAIN_WITHIN}},
		{"held", {.last = 1}, {at(2026, 1, 1, 0, 0), at(2026, 1, 2, 0, 0)},
			{HEAD_POINT_HELD}, {RETAIN_HELD, NEWEST | RETAIN_LAST}},
		{"one suspicious point keeps them all", {.last = 1},
			{at(2026, 1, 1, 0, 0), at(2026, 1, 2, 0, 0), at(2026, 1, 3, 0, 0)},
			{0, HEAD_POINT_SUSPICIOUS},
			{RETAIN_SUSPICIOUS, RETAIN_SUSPICIOUS,
				NEWEST | RETAIN_LAST | RETAIN_SUSPICIOUS}},
		{"days of another zone", {.daily = 2, .zone = summer_zone},
			/* 1 July, 23:30 and, in that zone, 2 July, 00:30 */
			{at(2026, 7, 1, 21, 30), at(2026, 7, 1, 22, 30), at(2026, 7, 2, 10, 0)},
			{0}, {RETAIN_DAILY, 0, NEWEST | RETAIN_DAILY}},
		{"a broken point is no point to the rules", {.last = 1},
			{at(2026, 1, 1, 0, 0), at(2026, 1, 2, 0, 0), at(2026, 1, 3, 0, 0),
				at(2026, 1, 4, 0, 0)},
			{0, 0, HEAD_POINT_BROKEN, HEAD_POINT_BROKEN},
			{0, NEWEST | RETAIN_LAST, 0, NEWEST}},
		{"two points of one moment", {.last = 1},
			{at(2026, 1, 1, 0, 0), at(2026, 1, 1, 0, 0)}, {0},
			{0, NEWEST | RETAIN_LAST}},
		{"before 1970", {.daily = 2}, {-1, -NS_PER_DAY - 1, -NS_PER_DAY}, {0},
			{NEWEST | RETAIN_DAILY, RETAIN_DAILY, 0}},
	};
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct head_point points[ROW];
		unsigned got[ROW];
		size_t count = 0;
		while (count < ROW && cases[c].ends[count]) {
			points[count] = point_at(cases[c].ends[count], 1);
			points[count].flags = cases[c].flags[count];
			count++;
		}
		CHECK_EQ(retain_choose(points, count, &cases[c].rules, got), 0);
		for (size_t i = 0; i < count; i++)
			if (got[i] != cases[c].want[i])
				test_fail(__FILE__, __LINE__, "%s: point %zu: %x, not %x",
					cases[c].name, i, got[i], cases[c].want[i]);
	}
	CHECK_STR(retain_reason_name(RETAIN_LAST), "last");
	CHECK_STR(retain_reason_name(RETAIN_NEWEST), "newest");
}

TEST(resources_do_not_count_for_each_other)
{
	const struct head_point points[] = {
		point_at(1, 7), point_at(2, 8), point_at(3, 7), point_at(4, 9), point_at(5, 7)};
	unsigned got[5];
	CHECK_EQ(retain_choose(points, 5, &(struct retain_rules){.last = 2}, got), 0);
	CHECK(!got[0] && got[1] && got[2] && got[3] && got[4]);
}

enum { MANY = 200 };

static void random_points(struct rng *rng, struct head_point *points, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		points[i] = point_at(
			(int64_t)rng_below(rng, 3000) * NS_PER_HOUR, rng_below(rng, 3));
		points[i].flags = (uint8_t)(rng_chance(rng, 20000) ? HEAD_POINT_HELD : 0);
	}
}

static struct retain_rules random_rules(struct rng *rng)
{
	return (struct retain_rules){
		.last = (uint32_t)rng_below(rng, 4),
		.hourly = (uint32_t)rng_below(rng, 10),
		.daily = (uint32_t)rng_below(rng, 10),
		.weekly = (uint32_t)rng_below(rng, 5),
		.monthly = (uint32_t)rng_below(rng, 4),
		.yearly = (uint32_t)rng_below(rng, 2),
		.within_ns = (int64_t)rng_below(rng, 20) * NS_PER_DAY,
	};
}

static bool is_newest(const struct head_point *points, size_t count, size_t i)
{
	for (size_t j = 0; j < count; j++)
		if (points[j].resource == points[i].resource &&
			(points[j].end_ns > points[i].end_ns ||
				(points[j].end_ns == points[i].end_ns && j > i)))
			return false;
	return true;
}

/* What is kept is enough for the rules: asked again of those alone, all of them stay. */
TEST(what_stays_stays)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 300; round++) {
		struct head_point points[MANY], kept[MANY];
		unsigned got[MANY], again[MANY], wider[MANY];
		size_t count = 1 + rng_below(&rng, MANY), kept_count = 0;
		random_points(&rng, points, count);
		struct retain_rules rules = random_rules(&rng), more = rules;
		CHECK_EQ(retain_choose(points, count, &rules, got), 0);
		for (size_t i = 0; i < count; i++) {
			CHECK(!is_newest(points, count, i) || got[i] & RETAIN_NEWEST);
			CHECK(!(points[i].flags & HEAD_POINT_HELD) || got[i]);
			if (got[i])
				kept[kept_count++] = points[i];
		}
		CHECK_EQ(retain_choose(kept, kept_count, &rules, again), 0);
		for (size_t i = 0; i < kept_count; i++)
			CHECK(again[i]);
		more.last++;
		more.daily++;
		more.within_ns += NS_PER_DAY;
		CHECK_EQ(retain_choose(points, count, &more, wider), 0);
		for (size_t i = 0; i < count; i++)
			CHECK(!got[i] || wider[i]);
	}
}

TEST_MAIN
