/* SPDX-License-Identifier: Apache-2.0 */
/* Any facts lead to a plan; equal facts to an equal one; and what is hard is kept. */
#include "plan/decide.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/must.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "plan/days.h"
#include "plan/outlook.h"
#include "plan/random_facts_test.h"

TEST(any_facts_lead_to_one_plan)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 100; i++) {
		OWN(arena_done) struct arena arena = {0};
		OWN(str_done) struct str a = {0}, b = {0};
		struct facts facts;
		struct plan plan, again;
		random_facts(&rng, &arena, &facts);
		CHECK_EQ(plan_decide(&facts, &arena, &plan), 0);
		CHECK_EQ(plan_decide(&facts, &arena, &again), 0);
		plan_show(&facts, &plan, &a);
		plan_show(&facts, &again, &b);
		CHECK_EQ(str_error(&a), 0);
		CHECK_STR(str_text(&a), str_text(&b));
		for (size_t k = 0; k < plan.count; k++) {
			const struct decision *says = &plan.decisions[k];
			CHECK(says->price >= 0 && says->share >= 0 && says->share <= 1);
			CHECK(says->score >= 0 && says->score <= 100 && isfinite(says->harm));
			CHECK(says->because_count > 0);
			CHECK(says->wanted != WANTED_BLOCKED || says->remedy);
			CHECK(says->wanted != WANTED_RUN || says->tier >= 0);
		}
	}
}

/* Loads that are no numbers, at random among those that are. */
TEST(loads_that_are_no_numbers_count_as_gaps)
{
	static const float odd[] = {NAN, INFINITY, -INFINITY, -5, 1e30f, 7};
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 50; i++) {
		OWN(arena_done) struct arena arena = {0};
		struct facts facts;
		struct plan plan;
		random_facts(&rng, &arena, &facts);
		for (size_t d = 0; d < facts.device_count; d++)
			for (size_t s = 0; s < (facts.devices[d].days + 1u) * DAYS_DAY; s++)
				if (rng_chance(&rng, 200000))
					facts.devices[d].busy[s] = odd[rng_below(&rng, 6)];
		CHECK_EQ(plan_decide(&facts, &arena, &plan), 0);
		for (size_t k = 0; k < plan.count; k++) {
			CHECK(!isnan(plan.decisions[k].price) && isfinite(plan.decisions[k].harm));
			CHECK(plan.decisions[k].share >= 0 && plan.decisions[k].share <= 1);
		}
	}
}

/* The price of one job alone is the one that the outlook gives, which the simulator asks. */
TEST(one_job_is_priced_as_the_outlook_says)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	static struct price_shares shares;
	static struct outlook outlook;
	static float busy[25 * DAYS_DAY], size[25 * DAYS_DAY];
	for (int i = 0; i < 20; i++) {
		OWN(arena_done) struct arena arena = {0};
		struct facts facts;
		struct plan plan;
		random_one(&rng, &arena, &facts);
		const struct facts_device *device = facts.devices;
		CHECK_EQ(plan_decide(&facts, &arena, &plan), 0);
		int64_t now = facts_slot(&facts, device);
		for (int64_t slot = 0; slot < 25 * DAYS_DAY; slot++) {
			busy[slot] = slot < now ? device->busy[slot] : NAN;
			size[slot] = days_size(busy[slot]);
		}
		price_shares_make(&shares, &device->harm, device->most);
		struct outlook_view view = {.shares = &shares, .past = {busy, size}};
		int64_t slots = (plan.decisions[0].due_ns - facts.now_ns) / (300 * NS_PER_SEC);
		outlook_begin(&outlook, &view, now, now + slots);
		double work = (double)plan.decisions[0].bytes / device->speed / 300;
		struct price price = outlook_price(&outlook, work, facts.policies[0].sure);
		CHECK(isinf(price.price)
				? isinf(plan.decisions[0].price)
				: fabs(price.price - plan.decisions[0].price) < 1e-9 * price.price);
	}
}

TEST(ten_thousand_due_in_the_same_minute_are_all_answered)
{
	OWN(arena_done) struct arena arena = {0};
	struct facts facts;
	struct plan plan;
	struct rng rng;
	rng_seed(&rng, 1);
	many_facts(&rng, &arena, &facts, 10000, 50);
	CHECK_EQ(plan_decide(&facts, &arena, &plan), 0);
	size_t runs = 0, waits = 0;
	double share[50] = {0};
	for (size_t i = 0; i < plan.count; i++) {
		runs += plan.decisions[i].wanted == WANTED_RUN;
		waits += plan.decisions[i].wanted == WANTED_WAIT;
		share[i % 50] += plan.decisions[i].share;
	}
	CHECK_EQ(runs + waits, 10000);
	CHECK(runs >= 50);
	for (int i = 0; i < 50; i++)
		CHECK(share[i] <= 0.8 + 1e-9);
}

TEST_MAIN
