/* SPDX-License-Identifier: Apache-2.0 */
/* Each finding by its words, and none where there is nothing to find. */
#include "plan/lint.h"

#include "base/arena.h"
#include "base/own.h"
#include "base/test.h"
#include "plan/facts.h"
#include "plan/random_facts_test.h"

#define TIERS \
	"ebb facts 1\nnow 2026-11-21T12:00:00Z\ndevice d\n" \
	"tier hot\n  class 0\n  room 1TB\n  money 0.08\n  reads 100MB\n" \
	"tier cold\n  class 2\n  room 1TB\n  money 0.004\n  least 90d\n  reads 50MB\n  wait 4h\n"

static void finds(const char *policies, const char *words)
{
	OWN(arena_done) struct arena arena = {0};
	OWN(str_done) struct str found = {0};
	struct facts facts;
	struct str text = {0};
	size_t lines = 0;
	str_addf(&text, "%s%s", TIERS, policies);
	read_random(&arena, &text, &facts);
	size_t count = plan_lint(&facts, &found);
	CHECK_STR(str_text(&found), words);
	for (const char *at = words; *at; at++)
		lines += *at == '\n';
	CHECK_EQ(count, lines);
}

TEST(a_sound_policy_has_no_findings)
{
	finds("policy p\n  rpo 24h\n", "");
	finds("policy p\n  rpo 24h\n  rto 4h\n  keep 100d\n  forbid 08:00-18:00\n"
	      "  put 2 when score > 80\n  put 0 when size < 1GB\n  put 0\n"
	      "policy q\n  rpo 24h\n  data x\n",
		"policy q: never holds: whatever it matches, policy p matches first\n");
	finds("policy q\n  rpo 24h\n  data x\npolicy p\n  rpo 24h\n", "");
}

TEST(what_is_never_reached_is_found)
{
	finds("policy p\n  rpo 24h\n  put 0 when score < 50\n  put 0 when score < 20\n  put 0\n",
		"policy p: rule 2 is never reached: rule 1 holds before it\n");
	finds("policy p\n  rpo 24h\n  put 0\n  put 0 when kind >= full\n",
		"policy p: rule 2 is never reached: rule 1 holds before it\n");
	finds("policy p\n  rpo 24h\n  put 0 when score > 50 and score < 40\n  put 0\n",
		"policy p: rule 1 never holds: its conditions exclude each other, or what is kept "
		"so long\n");
	finds("policy p\n  rpo 24h\n  keep 10d\n  put 0 when keep > 30d\n  put 0\n",
		"policy p: rule 1 never holds: its conditions exclude each other, or what is kept "
		"so long\n");
}

TEST(what_no_tier_can_do_is_found)
{
	finds("policy p\n  rpo 24h\n  put 1\n",
		"policy p: rule 1 names classes of which there is no tier\n");
	finds("policy p\n  rpo 24h\n  rto 10m\nresource r\n  device d\n  size 90GB\n",
		"policy p: no tier restores r within 10m: hot needs 15m\n");
	finds("policy p\n  rpo 24h\n  rto 20m\nresource r\n  device d\n  size 90GB\n", "");
}

TEST(what_is_paid_for_nothing_is_found)
{
	finds("policy p\n  rpo 24h\n  keep 9d\n  put 2\n",
		"policy p: points are kept for 1w2d, and cold is paid for 12w6d: 90 % of it for "
		"nothing\n");
	finds("policy p\n  rpo 24h\n  forbid 06:00-18:00\n  forbid 18:00-06:00\n",
		"policy p: its forbidden hours leave no hour of any day\n");
}

TEST_MAIN
