/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts drawn at random, for tests. They are composed as text, so that what is drawn is what may be
 * read.
 */
#ifndef EBB_PLAN_RANDOM_FACTS_TEST_H
#define EBB_PLAN_RANDOM_FACTS_TEST_H

#include <stdio.h>

#include "base/arena.h"
#include "base/must.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/why.h"
#include "plan/facts.h"

static inline void read_random(struct arena *arena, struct str *text, struct facts *ret)
{
	struct why why = {""};
	must(!str_error(text));
	if (facts_read(arena, "random", text->at, text->len, ret, &why))
		fprintf(stderr, "%s\n%s\n", why.text, text->at);
	must(!why.text[0]);
	str_done(text);
}

static inline void random_device(struct rng *rng, struct str *text, uint64_t number)
{
	str_addf(text, "device d%d\n  speed %dMB\n", (int)number, 50 + (int)rng_below(rng, 500));
	for (uint64_t day = rng_below(rng, 22); day; day--) {
		int a = (int)rng_below(rng, 900), b = (int)rng_below(rng, 900);
		int from = 1 + (int)rng_below(rng, 200), len = 1 + (int)rng_below(rng, 80);
		if (rng_chance(rng, 100000))
			str_add(text, "  past 1 -*288\n");
		else
			str_addf(text, "  past 1 %d*%d %d*%d %d*%d\n", a, from, b, len, a,
				288 - from - len);
	}
	if (rng_chance(rng, 800000))
		str_addf(text, "  today %d*144\n", (int)rng_below(rng, 1000));
}

static inline void random_tier(struct rng *rng, struct str *text, uint64_t number, uint64_t devices)
{
	str_addf(text,
		"tier t%d\n  class %d\n  room %dGB\n  money 0.0%d\n  writes %dMB\n  reads %dMB\n",
		(int)number, (int)rng_below(rng, 4), 1 << rng_below(rng, 13),
		1 + (int)rng_below(rng, 99), 20 + (int)rng_below(rng, 800),
		20 + (int)rng_below(rng, 800));
	if (rng_chance(rng, 300000))
		str_add(text, "  chained\n");
	if (rng_chance(rng, 100000))
		str_add(text, "  gone\n");
	if (rng_chance(rng, 300000))
		str_addf(text, "  disk d%d\n", (int)rng_below(rng, devices));
}

static inline void random_policy(struct rng *rng, struct str *text, uint64_t number)
{
	str_addf(text, "policy p%d\n  data c%d\n  rpo %dh\n  keep %dd\n", (int)number, (int)number,
		1 + (int)rng_below(rng, 72), 1 + (int)rng_below(rng, 400));
	if (rng_chance(rng, 500000))
		str_addf(text, "  rto %dm\n", 5 + (int)rng_below(rng, 600));
	if (rng_chance(rng, 500000))
		str_addf(text, "  forbid %02d:00-%02d:30\n", (int)rng_below(rng, 24),
			(int)rng_below(rng, 24));
	if (rng_chance(rng, 300000))
		str_addf(text, "  limit weekdays %02d:00-%02d:30 %dMB\n", (int)rng_below(rng, 24),
			(int)rng_below(rng, 24), 1 + (int)rng_below(rng, 100));
	if (rng_chance(rng, 500000))
		str_addf(text, "  put %d when score > %d\n  put %d\n", (int)rng_below(rng, 4),
			(int)rng_below(rng, 100), (int)rng_below(rng, 4));
}

static inline void random_resource(
	struct rng *rng, struct str *text, uint64_t number, uint64_t devices)
{
	uint64_t size = 1 + rng_below(rng, 2000);
	str_addf(text, "resource r%d\n  device d%d\n  data c%d\n  size %dGB\n  dirty %dGB\n",
		(int)number, (int)rng_below(rng, devices), (int)rng_below(rng, 4), (int)size,
		(int)rng_below(rng, size));
	if (rng_chance(rng, 50000))
		str_add(text, "  hold work\n");
	if (rng_chance(rng, 100000))
		str_add(text, "  driver reactive\n");
	if (rng_chance(rng, 100000))
		return;
	str_addf(text, "  verified 2026-11-%02dT%02d:00:00Z\n  links %d\n  chain %dGB\n",
		18 + (int)rng_below(rng, 4), (int)rng_below(rng, 24), 1 + (int)rng_below(rng, 40),
		(int)(size + rng_below(rng, size)));
	if (rng_chance(rng, 300000))
		str_addf(
			text, "  base-until 2026-12-%02dT00:00:00Z\n", 1 + (int)rng_below(rng, 31));
}

/* At noon, so that today has 144 slots. */
static inline void random_facts(struct rng *rng, struct arena *arena, struct facts *ret)
{
	struct str text = {0};
	uint64_t devices = 1 + rng_below(rng, 4), tiers = rng_below(rng, FACTS_TIERS + 1);
	uint64_t resources = rng_below(rng, 12);
	str_add(&text, "ebb facts 1\nnow 2026-11-21T12:00:00Z\n");
	for (uint64_t i = 0; i < devices; i++)
		random_device(rng, &text, i);
	for (uint64_t i = 0; i < tiers; i++)
		random_tier(rng, &text, i, devices);
	for (uint64_t i = 0; i < 3; i++)
		random_policy(rng, &text, i);
	for (uint64_t i = 0; i < resources; i++)
		random_resource(rng, &text, i, devices);
	for (uint64_t i = 0; tiers && i < resources; i++)
		if (rng_chance(rng, 200000))
			str_addf(&text,
				"job r%d\n  tier t%d\n  started 2026-11-21T11:00:00Z\n  done "
				"%d%%\n",
				(int)i, (int)rng_below(rng, tiers), (int)rng_below(rng, 101));
	read_random(arena, &text, ret);
}

/* One resource on one device with a fast tier, not late and within its margin. */
static inline void random_one(struct rng *rng, struct arena *arena, struct facts *ret)
{
	struct str text = {0};
	str_add(&text, "ebb facts 1\nnow 2026-11-21T12:00:00Z\n");
	random_device(rng, &text, 0);
	str_addf(&text,
		"tier t\n  class 0\n  room 1PB\n  writes 10GB\n  reads 10GB\npolicy p\n  rpo 24h\n"
		"resource r\n  device d0\n  size 2TB\n  dirty %dGB\n  links 1\n"
		"  verified 2026-11-20T%02d:00:00Z\n",
		1 + (int)rng_below(rng, 200), 15 + (int)rng_below(rng, 9));
	read_random(arena, &text, ret);
}

static inline void many_facts(
	struct rng *rng, struct arena *arena, struct facts *ret, int resources, int devices)
{
	struct str text = {0};
	str_add(&text, "ebb facts 1\nnow 2026-11-21T12:00:00Z\n");
	for (int i = 0; i < devices; i++)
		str_addf(&text, "device d%d\n  past 21 %d*100 %d*188\n  today 100*144\n", i,
			(int)rng_below(rng, 500), (int)rng_below(rng, 500));
	for (int i = 0; i < 4; i++)
		str_addf(&text,
			"tier t%d\n  class %d\n  room 1PB\n  writes 10GB\n  reads 1GB\n  money "
			"0.0%d\n",
			i, i, 9 - i);
	for (int i = 0; i < resources; i++)
		str_addf(&text,
			"resource r%d\n  device d%d\n  size 500GB\n  dirty %dMB\n  links 3\n"
			"  chain 505GB\n  verified 2026-11-20T22:00:00Z\n",
			i, i % devices, 100 + (int)rng_below(rng, 20000));
	read_random(arena, &text, ret);
}

#endif
