/* SPDX-License-Identifier: Apache-2.0 */
/* The closed forms against each other and against what they stand for. */
#include "plan/harm.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/wave_test.h"

static struct harm_device any_device(struct rng *rng)
{
	return (struct harm_device){.size = 1 + 7 * wave_uniform(rng),
		.threshold = wave_uniform(rng),
		.floor = 1 + 3 * wave_uniform(rng),
		.users_first = rng_below(rng, 2)};
}

TEST(marginal_harm_is_the_slope)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 1000; i++) {
		struct harm_device device = any_device(&rng);
		double busy = 0.9 * wave_uniform(&rng), own = (0.95 - busy) * wave_uniform(&rng);
		double step = 1e-6,
		       slope = (harm_rate(&device, busy, own + step) -
				       harm_rate(&device, busy, own - step)) /
			(2 * step);
		CHECK(fabs(slope - harm_marginal(&device, busy, own)) < 1e-4 * (1 + slope));
	}
}

TEST(the_share_at_a_price_costs_that_price)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 1000; i++) {
		struct harm_device device = any_device(&rng);
		double busy = 0.9 * wave_uniform(&rng), price = exp(8 * wave_uniform(&rng) - 6);
		double share = harm_share_at(&device, busy, price);
		CHECK(share >= 0 && share <= 1 - busy);
		if (share > 0)
			CHECK(harm_marginal(&device, busy, share * 0.999) <= price);
		if (share < (1 - busy) * 0.99)
			CHECK(harm_marginal(&device, busy, share + 1e-3) > price);
	}
}

TEST(the_share_allowed_keeps_the_threshold)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 1000; i++) {
		struct harm_device device = any_device(&rng);
		double busy = 0.9 * wave_uniform(&rng), share = harm_share_allowed(&device, busy);
		double most = fmax(
			device.floor, harm_waiting(&device, busy, 0) * (1 + device.threshold));
		CHECK(share >= 0 && share <= 1 - busy);
		CHECK(harm_waiting(&device, busy, share * 0.999) <= most);
		if (share < (1 - busy) * 0.99)
			CHECK(harm_waiting(&device, busy, share + 1e-3) > most);
	}
}

TEST(a_queue_that_serves_users_first_never_costs_more)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 1000; i++) {
		struct harm_device device = any_device(&rng), first = device;
		device.users_first = false;
		first.users_first = true;
		double busy = 0.9 * wave_uniform(&rng), own = (0.95 - busy) * wave_uniform(&rng);
		CHECK(harm_rate(&first, busy, own) <= harm_rate(&device, busy, own));
	}
}

TEST(a_device_that_is_full_idle_or_nonsense_answers_all_the_same)
{
	struct harm_device device = {.size = 4, .threshold = 0.1, .floor = 1.2};
	CHECK(harm_share_at(&device, 0, 1e-5) >= 1);
	CHECK(harm_share_at(&device, 0, 0) >= 1);
	CHECK(harm_share_at(&device, 0.5, 0) <= 0);
	CHECK(harm_share_at(&device, 0.5, (double)INFINITY) <= 0.5);
	CHECK(harm_share_at(&device, 0.5, (double)NAN) <= 0);
	for (double busy = 0.99; busy < 2; busy += 0.01)
		CHECK(harm_share_at(&device, busy, 1) < 0.01 && harm_rate(&device, busy, 0) <= 0);
}

TEST_MAIN
