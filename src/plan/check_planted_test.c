/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A planner with one bug planted in it makes plans that the checker refuses, under the rule that
 * the bug breaks: EBB_PLANT names the bug, the argument the rule.
 */
#include <errno.h>

#include "base/arena.h"
#include "base/own.h"
#include "base/test.h"
#include "plan/check.h"
#include "plan/decide.h"
#include "plan/facts.h"
#include "plan/random_facts_test.h"

/* What each of the bugs needs to show itself. */
static const char temptation[] =
	"ebb facts 1\nnow 2026-11-21T12:00:00Z\n"
	"device d\n  past 21 50*288\n  today 50*144\n"
	"tier hot\n  class 0\n  room 20GB\ntier full\n  class 1\n  room 1GB\n"
	"tier away\n  class 2\n  room 9TB\n  gone\n"
	"tier tape\n  class 3\n  room 9TB\n  chained\n"
	"policy p\n  data gold\n  rpo 24h\n  forbid 11:00-13:00\n"
	"policy q\n  data full\n  rpo 24h\n  put 1\n"
	"policy r\n  data away\n  rpo 24h\n  put 2\n"
	"policy s\n  data tape\n  rpo 24h\n  put 3\n"
	"resource a\n  device d\n  size 50GB\n  dirty 9GB\n  links 1\n  verified "
	"2026-11-20T12:06:00Z\n"
	"device d2\n  past 21 50*288\n  today 50*144\n"
	"resource b\n  device d2\n  data gold\n  size 50GB\n  dirty 9GB\n  links 1\n"
	"  verified 2026-11-20T23:00:00Z\n"
	"resource c\n  device d\n  data full\n  size 50GB\n  dirty 1GB\n  links 1\n"
	"  verified 2026-11-20T23:00:00Z\n"
	"resource c2\n  device d\n  data full\n  size 50GB\n  dirty 1GB\n  links 1\n"
	"  verified 2026-11-20T23:00:00Z\n"
	"resource e\n  device d\n  data away\n  size 50GB\n  dirty 1GB\n  links 1\n"
	"  verified 2026-11-20T23:00:00Z\n"
	"resource f\n  device d\n  data tape\n  size 50GB\n  dirty 1GB\n  links 3\n  chain 53GB\n"
	"  verified 2026-11-20T23:00:00Z\n  base-until 2026-11-25T00:00:00Z\n  restores 0\n"
	"resource g\n  device d\n  size 50GB\n  dirty 1GB\n  links 1\n  verified "
	"2026-11-20T23:00:00Z\n"
	"job g\n  tier tape\n  started 2026-11-21T11:00:00Z\n  done 10%\n";

static void check_that(enum check_rule rule)
{
	OWN(arena_done) struct arena arena = {0};
	struct facts facts;
	struct plan plan;
	struct check check;
	struct str text = {0};
	str_add(&text, temptation);
	read_random(&arena, &text, &facts);
	CHECK_EQ(plan_decide(&facts, &arena, &plan), 0);
	int err = plan_check(&facts, &plan, &arena, &check);
	if (!err || !check.broken[rule]) {
		OWN(str_done) struct str shown = {0};
		plan_show(&facts, &plan, &shown);
		test_note("%s", str_text(&shown));
	}
	CHECK_EQ(err, -EPERM);
	CHECK(check.broken[rule] > 0);
	test_note("%s", check.first.text);
}

TEST(rpo)
{
	check_that(CHECK_RPO);
}

TEST(retention)
{
	check_that(CHECK_RETENTION);
}

TEST(room)
{
	check_that(CHECK_ROOM);
}

TEST(writer)
{
	check_that(CHECK_WRITER);
}

TEST(hours)
{
	check_that(CHECK_HOURS);
}

TEST_MAIN
