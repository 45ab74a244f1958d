/* SPDX-License-Identifier: Apache-2.0 */
/* No plan of ours breaks a rule, and each way to break one is found. */
#include "plan/check.h"

#include <errno.h>

#include "base/arena.h"
#include "base/own.h"
#include "base/test.h"
#include "plan/decide.h"
#include "plan/facts.h"
#include "plan/random_facts_test.h"

TEST(plans_keep_the_hard_rules)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 300; i++) {
		OWN(arena_done) struct arena arena = {0};
		OWN(str_done) struct str text = {0};
		struct facts facts;
		struct plan plan;
		struct check check;
		random_facts(&rng, &arena, &facts);
		CHECK_EQ(plan_decide(&facts, &arena, &plan), 0);
		int err = plan_check(&facts, &plan, &arena, &check);
		if (err) {
			facts_show(&facts, &text);
			plan_show(&facts, &plan, &text);
			test_note("%s", str_text(&text));
		}
		CHECK_STR(check.first.text, "");
		CHECK_EQ(err, 0);
	}
}

static void make(struct arena *arena, struct facts *facts, struct plan *plan)
{
	struct str text = {0};
	str_add(&text,
		"ebb facts 1\nnow 2026-11-21T12:00:00Z\n"
		"device d\n  past 21 50*288\n  today 50*144\n"
		"tier hot\n  class 0\n  room 20GB\ntier far\n  class 1\n  room 9TB\n"
		"policy p\n  data gold\n  rpo 24h\n  forbid 11:00-13:00\n"
		"resource a\n  device d\n  size 50GB\n  dirty 9GB\n  links 1\n"
		"  verified 2026-11-20T12:06:00Z\n"
		"resource b\n  device d\n  data gold\n  size 50GB\n  dirty 9GB\n  links 1\n"
		"  verified 2026-11-20T23:00:00Z\n"
		"resource c\n  device d\n  size 50GB\n"
		"job a\n  tier hot\n  started 2026-11-21T11:00:00Z\n  done 10%\n");
	read_random(arena, &text, facts);
	CHECK_EQ(plan_decide(facts, arena, plan), 0);
}

#define FINDS(change, rule, words) \
	do { \
		OWN(arena_done) struct arena arena = {0}; \
		struct facts facts; \
		struct plan plan; \
		struct check check; \
		make(&arena, &facts, &plan); \
		CHECK_EQ(plan_check(&facts, &plan, &arena, &check), 0); \
		struct decision *says = plan.decisions; \
		(void)says; \
		change; \
		CHECK_EQ(plan_check(&facts, &plan, &arena, &check), -EPERM); \
		CHECK_EQ(check.broken[rule], 1); \
		CHECK_STR(check.first.text, words); \
	} while (0)

TEST(each_broken_rule_is_named)
{
	FINDS(says[0].wanted = WANTED_PAUSE; says[0].share = 0, CHECK_RPO,
		"a waits, and from the next slot on cannot be in time any more");
	FINDS(says[0].wanted = WANTED_HOLD, CHECK_RPO, "a is held, and nobody holds it");
	FINDS(says[0].share = 0, CHECK_RPO, "a is to run with nothing of its device");
	FINDS(says[2].wanted = WANTED_BLOCKED; says[2].tier = -1;
		says[2].share = 0, CHECK_RPO, "c is blocked, and a tier could take it");
	FINDS(says[2].kind = KIND_INCREMENTAL, CHECK_RETENTION,
		"c: not a full one, and there is nothing to add to");
	FINDS(says[2].tier = 0, CHECK_ROOM, "c goes to hot, which has no room for it");
	FINDS(says[2].bytes = 1, CHECK_ROOM, "c: fewer bytes are counted than there are");
	FINDS(says[2].tier = 2, CHECK_ROOM, "c goes to a tier that is none");
	FINDS(facts.tiers[1].gone = true, CHECK_ROOM, "c goes to far, which cannot be reached");
	FINDS(says[0].tier = 1, CHECK_WRITER,
		"a is written to hot, and a second job is wanted on far");
	FINDS(says[1].resource = 0, CHECK_WRITER, "b has no decision of its own");
	FINDS(plan.count = 2, CHECK_WRITER, "2 decisions for 3 resources");
	FINDS(says[1].wanted = WANTED_RUN; says[1].share = 0.001, CHECK_HOURS,
		"b works in an hour in which it may not, or not so fast");
	FINDS(says[0].share = 0.81, CHECK_HOURS, "a: jobs take more of d than they may");
}

TEST_MAIN
