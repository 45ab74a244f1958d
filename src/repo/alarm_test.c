/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as they come, and jumps out of them. */
#include "repo/alarm.h"

#include "base/rng.h"
#include "base/test.h"
#include "repo/head.h"

TEST(jumps_by_table)
{
	static const struct {
		const char *name;
		uint8_t row[8];
		size_t count;
		uint8_t now;
		bool want;
	} cases[] = {
		{"a quiet row and everything changes", {2, 3, 2, 4, 3}, 5, 230, true},
		{"a quiet row and a busy day", {2, 3, 2, 4, 3}, 5, 50, false},
		{"too short a row", {2, 3, 2, 4}, 4, 250, false},
		{"a row that is always full", {250, 250, 250, 250, 250}, 5, 250, false},
		{"a restless row", {10, 200, 30, 150, 90, 20}, 6, 240, false},
		{"one large value in the row hides nothing", {2, 250, 2, 3, 3, 2}, 6, 200, true},
		{"downwards is none", {200, 210, 205, 200, 199}, 5, 0, false},
		{"unknown", {2, 3, 2, 4, 3}, 5, SHARE_UNKNOWN, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (alarm_jump(cases[i].row, cases[i].count, cases[i].now) != cases[i].want)
			test_fail(__FILE__, __LINE__, "%s", cases[i].name);
}

TEST(shares_are_rounded_down_and_never_over)
{
	CHECK_EQ(share_of(0, 0), SHARE_UNKNOWN);
	CHECK_EQ(share_of(0, 10), 0);
	CHECK_EQ(share_of(5, 10), 125);
	CHECK_EQ(share_of(10, 10), SHARE_ALL);
	CHECK_EQ(share_of(UINT64_MAX, 1), SHARE_ALL);
	CHECK_EQ(share_of(UINT64_MAX - 1, UINT64_MAX), SHARE_ALL);
}

/* An ordinary row, however it is drawn, raises no alarm; a ransom at its end always does. */
TEST(ordinary_rows_are_quiet)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 2000; round++) {
		uint8_t row[ALARM_ROW_MAX];
		size_t count = ALARM_ROW_MIN + rng_below(&rng, ALARM_ROW_MAX - ALARM_ROW_MIN + 1);
		uint64_t level = rng_below(&rng, 60), spread = 1 + rng_below(&rng, 30);
		for (size_t i = 0; i < count; i++)
			row[i] = (uint8_t)(level + rng_below(&rng, spread));
		CHECK(!alarm_jump(row, count, (uint8_t)(level + spread)));
		CHECK(alarm_jump(row, count, 245));
	}
}

static struct head_point one(uint8_t number, uint64_t resource, uint8_t changed, uint8_t dense)
{
	return (struct head_point){
		.id = {{number}}, .resource = resource, .changed = changed, .dense = dense};
}

TEST(a_point_is_held_against_its_own_resource)
{
	struct head head = {0};
	for (uint8_t i = 1; i <= 6; i++) {
		CHECK_EQ(vec_push(&head.points, one(i, 7, 20, 60)), 0);
		CHECK_EQ(vec_push(&head.points, one((uint8_t)(i + 50), 8, 240, 200)), 0);
	}
	struct head_point calm = one(100, 7, 30, 70), changed = one(100, 7, 240, 60),
			  dense = one(100, 7, 30, 250), little = one(100, 7, 5, 250),
			  other = one(100, 8, 240, 200), fresh = one(100, 9, 250, 250);
	CHECK(!alarm_point(&head, &calm));
	CHECK(alarm_point(&head, &changed));
	CHECK(alarm_point(&head, &dense));
	CHECK(!alarm_point(&head, &little));
	CHECK(!alarm_point(&head, &other));
	CHECK(!alarm_point(&head, &fresh));
	for (size_t i = 0; i < head.points.len; i += 2)
		head.points.at[i].flags = HEAD_POINT_SUSPICIOUS;
	CHECK(!alarm_point(&head, &changed));
	head_done(&head);
}

TEST_MAIN
