/* SPDX-License-Identifier: Apache-2.0 */
/* Facts as text: read, shown, refused where they are wrong, whatever memory there is. */
#include "plan/facts.h"

#include <errno.h>
#include <math.h>

#include "base/arena.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/scarce.h"
#include "base/str.h"
#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "plan/days.h"

#define TOP "ebb facts 1\nnow 2026-11-21T01:02:03Z\n"
#define SDA "device sda\n  past 1 100*288\n"

static int read(struct arena *arena, const char *text, struct facts *ret, struct why *why)
{
	return facts_read(arena, "f", text, strlen(text), ret, why);
}

TEST(what_is_read_is_there)
{
	OWN(arena_done) struct arena arena = {0};
	struct facts facts;
	struct why why;
	CHECK_EQ(read(&arena,
			 TOP "zone -5h\n" SDA "  past 1 - 50*287\n  today 7*240\n"
			     "tier t\n class 3\n room 5GB\n gone\n"
			     "policy p\n rpo 4h\n forbid weekends 22:00-06:00\n"
			     " put 1 3 when score >= 50.5 and keep < 3d\n"
			     "resource r\n device sda\n size 1GiB\n hold x\n"
			     "job r\n tier t\n started 2026-11-21T01:00:00Z\n done 12.5%\n",
			 &facts, &why),
		0);
	CHECK_EQ(facts.zone_ns, -5 * NS_PER_HOUR);
	CHECK_EQ(facts_slot_of_day(&facts), 240);
	CHECK_EQ(facts_slot(&facts, facts.devices), 2 * DAYS_DAY + 240);
	CHECK_EQ(facts_weekday(&facts, 0), 4); /* a Friday still, so far west */
	CHECK_EQ(facts_weekday(&facts, 3), 0);
	CHECK(fabsf(facts.devices[0].busy[0] - 0.1f) < 1e-6f);
	CHECK(isnan(facts.devices[0].busy[DAYS_DAY]));
	CHECK(fabsf(facts.devices[0].busy[2 * DAYS_DAY + 239] - 0.007f) < 1e-6f);
	CHECK(isnan(facts.devices[0].busy[2 * DAYS_DAY + 240]));
	CHECK(facts.tiers[0].gone && facts.tiers[0].tier_class == 3);
	CHECK_EQ(facts.policies[0].best_ns, 2 * NS_PER_HOUR);
	CHECK_EQ(facts.policies[0].hours[0].days, 0x60);
	CHECK_EQ(facts.policies[0].rules[0].classes, 0xa);
	CHECK_EQ(facts.policies[0].rules[0].when[0].value, 50500000);
	CHECK_EQ(facts.resources[0].size, 1 << 30);
	CHECK(fabs(facts.jobs[0].done - 0.125) < 1e-12);
}

TEST(a_mistake_is_told_with_its_place)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "f:1:1: the first line is not 'ebb facts 1'"},
		{"ebb facts 2\n", "f:1:1: the first line is not 'ebb facts 1'"},
		{"ebb facts 1\n", "f:1:1: says no 'now'"},
		{TOP "zone 1s\n", "f:3:6: a zone is whole minutes, a day at most"},
		{TOP "now 2026-11-21\n",
			"f:3:1: this stands once, with one word, above all sections"},
		{TOP "  speed 3MB\n", "f:3:3: an indented line before any section"},
		{TOP "disk sda\n",
			"f:3:1: expected now, zone, device, tier, policy, resource or job; keys of "
			"these are indented"},
		{TOP "device s,a\n",
			"f:3:8: 's,a' is not a name: 1 to 63 letters, digits and ._-:/@"},
		{TOP SDA "  colour red\n", "f:5:3: a device has no 'colour'"},
		{TOP SDA "  speed 3MB\n  speed 3MB\n", "f:6:3: this was said already"},
		{TOP SDA "  speed 3MB fast\n", "f:5:3: this takes one word"},
		{TOP SDA "  users-first yes\n", "f:5:3: this stands alone"},
		{TOP SDA "  speed 0B\n", "f:5:9: '0B': a speed is 1B to 1PiB a second"},
		{TOP SDA "  most 101%\n", "f:5:8: '101%' is not within 1 and 100 %"},
		{TOP SDA "  most 0.5\n", "f:5:8: '0.5' is not a share: write it like 12.5%"},
		{TOP SDA "  longer inf\n",
			"f:5:10: 'inf' is not a number such as 4 or 0.25, of six decimals at most"},
		{TOP SDA "  today 5*11\n",
			"f:3:1: device sda: today has 11 slots, but until now there were 12"},
		{TOP SDA "  past 61 5*288\n",
			"f:5:8: '61': past takes a number of days, 1 to 60, and their load"},
		{TOP SDA "  learnt 500 600\n  learnt 400 700\n",
			"f:6:10: '400': what was said and what came rise from line to line"},
		{TOP "tier t\n  class 0\n", "f:3:1: tier t says no room"},
		{TOP "tier t\n  class 4\n", "f:4:9: '4' is not within 0 and 3"},
		{TOP "tier t\n  class 0\n  room 1GB\n  disk sdb\n",
			"f:3:1: tier t: there is no device sdb"},
		{TOP "policy p\n  rpo 5m\n", "f:3:1: policy p: an RPO below ten minutes"},
		{TOP "policy p\n  rpo 4h\n  best 5h\n",
			"f:3:1: policy p: best and margin lie below the RPO"},
		{TOP "policy p\n  forbid 8:00-9:00\n",
			"f:4:10: '8:00-9:00': write it like: forbid 08:00-18:00"},
		{TOP "policy p\n  limit mondays 08:00-09:00 3MB\n",
			"f:4:9: 'mondays': write it like: limit weekdays 08:00-18:00 20MB"},
		{TOP "policy p\n  put 7\n", "f:4:7: '7': a class of tiers is 0, 1, 2 or 3"},
		{TOP "policy p\n  put 1 when mood > 3\n",
			"f:4:14: 'mood': a condition is on score, keep, size or kind"},
		{TOP "policy p\n  put 1 when score = 3\n", "f:4:20: '=': expected <, <=, >= or >"},
		{TOP "policy p\n  put 1 when score > 101\n", "f:4:22: '101': a score is 0 to 100"},
		{TOP SDA "resource r\n  device sda\n", "f:5:1: resource r says no size"},
		{TOP "device a\tb\n", "f:3:9: a byte that is no printed ASCII"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		OWN(arena_done) struct arena arena = {0};
		struct facts facts;
		struct why why = {""};
		CHECK_EQ(read(&arena, cases[i].text, &facts, &why), -EINVAL);
		CHECK_STR(why.text, cases[i].why);
	}
}

static const char whole[] = TOP SDA "tier t\n  class 0\n  room 1GB\nresource r\n  device sda\n"
				    "  size 1GB\n";

TEST(want_of_memory_is_told)
{
	for (uint64_t nth = 1;; nth++) {
		struct arena arena = {0};
		struct facts facts;
		struct why why = {""};
		scarce_arm(nth, false);
		int err = read(&arena, whole, &facts, &why);
		bool failed = scarce_failed() > 0;
		scarce_arm(0, false);
		CHECK_EQ(err, failed ? -ENOMEM : 0);
		arena_done(&arena);
		if (!failed)
			break;
	}
}

TEST(a_text_cut_anywhere_or_with_a_byte_changed_is_refused_or_stable)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 3000; i++) {
		OWN(arena_done) struct arena arena = {0};
		OWN(str_done) struct str once = {0}, twice = {0};
		char text[sizeof(whole)];
		struct facts facts;
		struct why why = {""};
		memcpy(text, whole, sizeof(whole));
		size_t len = sizeof(whole) - 1;
		if (rng_chance(&rng, 500000))
			len = rng_below(&rng, len + 1);
		else
			text[rng_below(&rng, len)] = (char)rng_below(&rng, 256);
		if (facts_read(&arena, "f", text, len, &facts, &why)) {
			CHECK(why.text[0] == 'f' && why.text[1] == ':');
			continue;
		}
		facts_show(&facts, &once);
		CHECK_EQ(read(&arena, str_text(&once), &facts, &why), 0);
		facts_show(&facts, &twice);
		CHECK_STR(str_text(&once), str_text(&twice));
	}
}

TEST_MAIN
