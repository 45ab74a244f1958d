/* SPDX-License-Identifier: Apache-2.0 */
/* The price is the cheapest way; the passing of time loses nothing; bad days are kept in mind. */
#include "plan/price.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/wave_test.h"
#include "plan/outlook.h"
#include "plan/pacer.h"

static const struct harm_device disk = {.size = 4, .threshold = 0.1, .floor = 2};
static const struct harm_device patient = {.size = 4, .threshold = 1e6}; /* whatever it costs */
static struct price_shares shares;

enum { SLOTS = 40 };

static double harm_of(const double *busy, const double *share)
{
	double sum = 0;
	for (int i = 0; i < SLOTS; i++)
		sum += harm_rate(&disk, busy[i], share[i]);
	return sum;
}

/* Moves a little of the work between two random slots: never cheaper by more than a price step. */
TEST(no_other_way_to_do_the_work_is_cheaper)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	price_shares_make(&shares, &patient, 1);
	for (int round = 0; round < 50; round++) {
		double busy[SLOTS], share[SLOTS], work = 0;
		struct price_day day = {.weight = 1};
		for (int i = 0; i < SLOTS; i++) {
			busy[i] = 0.02 + 0.9 * wave_uniform(&rng);
			price_day_add(&day, price_shares_row(&shares, busy[i]), 1);
		}
		struct price price = price_find(&day, 1, 4, 0.9);
		CHECK(!price.infeasible);
		for (int i = 0; i < SLOTS; i++)
			work += share[i] = harm_share_at(&disk, busy[i], price.price);
		CHECK(work >= 4);
		double cost = harm_of(busy, share);
		for (int i = 0; i < 200; i++) {
			size_t from = rng_below(&rng, SLOTS), to = rng_below(&rng, SLOTS);
			double part = fmin(share[from], (1 - busy[to] - share[to]) / 2) *
				wave_uniform(&rng);
			if (from == to || part <= 0)
				continue;
			share[from] -= part;
			share[to] += part;
			CHECK(harm_of(busy, share) >= cost * (1 - 1e-9));
			share[from] += part;
			share[to] -= part;
		}
	}
}

TEST(the_price_covers_the_share_of_days_that_it_names)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 200; round++) {
		struct price_day days[20] = {0};
		double total = 0, covered = 0, work = 100 * wave_uniform(&rng);
		for (int i = 0; i < 20; i++) {
			total += days[i].weight = 0.1 + wave_uniform(&rng);
			double grows = wave_uniform(&rng);
			for (size_t step = 0; step < PRICE_STEPS; step++)
				days[i].work[step] = grows * (double)step;
		}
		struct price price = price_find(days, 20, work, 0.9);
		for (int i = 0; i < 20; i++)
			for (size_t step = 0; step < PRICE_STEPS; step++)
				if (fabs(price_of_step(step) - price.price) < 1e-9 * price.price)
					covered += days[i].work[step] >= work ? days[i].weight : 0;
		CHECK(price.infeasible || covered >= 0.9 * total * (1 - 1e-9));
		CHECK(price.infeasible || fabs(price.in_time - covered / total) < 1e-9);
	}
}

enum { PAST = 40 * DAYS_DAY };

static void make_past(float *busy, struct rng *rng)
{
	for (int i = 0; i < PAST; i++) {
		double day = 0.3 + 0.25 * sin(2 * M_PI * i / DAYS_DAY);
		busy[i] = (float)fmin(0.98, day * exp(0.5 * (wave_uniform(rng) - 0.5)));
		if (!rng_below(rng, 500))
			busy[i] = (float)NAN;
	}
}

static struct days_past past_of(const float *busy)
{
	static float size[PAST];
	for (int i = 0; i < PAST; i++)
		size[i] = days_size(busy[i]);
	return (struct days_past){.busy = busy, .size = size};
}

TEST(an_outlook_that_went_on_equals_one_made_anew)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	static float busy[PAST];
	make_past(busy, &rng);
	price_shares_make(&shares, &disk, 1);
	int64_t start = 25 * DAYS_DAY + (int64_t)rng_below(&rng, DAYS_DAY);
	static struct outlook went, anew;
	outlook_begin(
		&went, &(struct outlook_view){&shares, past_of(busy), NULL}, start, start + 250);
	for (int i = 0; i < 200; i++)
		outlook_step(&went);
	outlook_begin(&anew, &(struct outlook_view){&shares, past_of(busy), NULL}, start + 200,
		start + 250);
	CHECK_EQ(went.count, anew.count);
	for (double work = 0.5; work < 60; work *= 1.3) {
		struct price a = outlook_price(&went, work, 0.9);
		struct price b = outlook_price(&anew, work, 0.9);
		CHECK(a.infeasible == b.infeasible && a.binding == b.binding);
		CHECK(a.infeasible || fabs(a.price - b.price) < 1e-9 * a.price);
	}
}

TEST(less_time_and_more_work_never_make_it_cheaper)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	static float busy[PAST];
	make_past(busy, &rng);
	price_shares_make(&shares, &disk, 0.5);
	static struct outlook outlook;
	for (int64_t length = 10; length < 280; length += 30) {
		outlook_begin(&outlook, &(struct outlook_view){&shares, past_of(busy), NULL},
			30 * DAYS_DAY, 30 * DAYS_DAY + length);
		double before = 0;
		for (double work = 0.1; work < 200; work *= 1.5) {
			struct price price = outlook_price(&outlook, work, 0.9);
			CHECK(price.price >= before);
			before = price.price;
		}
		CHECK(isinf(before));
	}
}

TEST(without_any_past_only_the_last_hour_counts)
{
	static float busy[PAST];
	static struct outlook outlook;
	price_shares_make(&shares, &disk, 1);
	for (int i = 0; i < DAYS_DAY; i++)
		busy[i] = 0.1f;
	outlook_begin(&outlook, &(struct outlook_view){&shares, past_of(busy), NULL}, 100, 200);
	CHECK_EQ(outlook.count, 1);
	CHECK_EQ(outlook_age(&outlook, 0), 0);
	CHECK(!outlook_price(&outlook, 10, 0.9).infeasible);
	outlook_begin(&outlook, &(struct outlook_view){&shares, past_of(busy), NULL}, 0,
		100); /* nothing at all is known */
	CHECK(outlook_price(&outlook, 1, 0.9).infeasible);
}

TEST(the_pacer_halves_at_once_and_comes_back_slowly)
{
	struct pacer pacer = {0};
	struct pacer_order order = {.price = 10, .most = 0.4};
	struct pacer_seen seen = {.busy = 0.1, .waiting = harm_waiting(&disk, 0.1, 0)};
	for (int i = 0; i < 100; i++) {
		pacer_step(&pacer, &disk, &seen, &order);
		seen.used = pacer.share;
		seen.waiting = harm_waiting(&disk, seen.busy, seen.used);
	}
	double settled = pacer.share;
	CHECK(settled > 0.05 && settled <= harm_share_allowed(&disk, 0.1) * 1.0001);
	seen.waiting = 50; /* more than the model says: something else is wrong with the disk */
	pacer_step(&pacer, &disk, &seen, &order);
	CHECK(pacer.share <= settled / 2);
	seen.waiting = 1;
	seen.used = 0; /* what is allowed is not used: then no more of it is */
	double was = pacer.share;
	pacer_step(&pacer, &disk, &seen, &order);
	CHECK(pacer.share <= was);
	seen.used = was;
	pacer_step(&pacer, &disk, &seen, &order);
	CHECK(pacer.share > was && pacer.share < settled);
}

TEST(a_deadline_that_presses_takes_its_share_whatever_is_measured)
{
	struct pacer pacer = {0};
	struct pacer_order order = {.price = (double)INFINITY, .needed = 0.2, .most = 0.4};
	struct pacer_seen seen = {.busy = 0.99, .waiting = 1000};
	for (int i = 0; i < 20; i++) {
		pacer_step(&pacer, &disk, &seen, &order);
		seen.used = pacer.share;
	}
	CHECK(pacer.share >= 0.2);
}

TEST(hours_that_are_capped_do_less_and_a_deadline_can_move_on)
{
	struct rng rng;
	static float busy[PAST], caps[2 * DAYS_DAY];
	rng_seed(&rng, test_seed());
	make_past(busy, &rng);
	price_shares_make(&shares, &disk, 1);
	static struct outlook open, capped, grown;
	int64_t now = 30 * DAYS_DAY + 100;
	for (int i = 0; i < 2 * DAYS_DAY; i++)
		caps[i] = i < 50 ? 0 : i < 120 ? 0.05f : 1;
	struct outlook_view free = {&shares, past_of(busy), NULL},
			    bound = {&shares, past_of(busy), caps};
	outlook_begin(&open, &free, now, now + 300);
	outlook_begin(&capped, &bound, now, now + 300);
	outlook_begin(&grown, &bound, now, now + 7);
	outlook_reach(&grown, now + 150);
	outlook_reach(&grown, now + 300);
	for (double work = 0.5; work < 60; work *= 2) {
		double a = outlook_price(&open, work, 0.9).price;
		double b = outlook_price(&capped, work, 0.9).price;
		double c = outlook_price(&grown, work, 0.9).price;
		CHECK(a <= b);
		CHECK(isinf(b) ? isinf(c) : fabs(b - c) <= 1e-9 * b);
	}
	for (size_t day = 0; day < open.count; day++)
		CHECK(capped.days[day].work[PRICE_STEPS - 1] <=
			open.days[day].work[PRICE_STEPS - 1] + 1e-6);
	outlook_begin(&capped, &bound, now, now + 50);
	CHECK(outlook_price(&capped, 0.1, 0.9).infeasible);
}

TEST_MAIN
