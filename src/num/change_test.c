/* SPDX-License-Identifier: Apache-2.0 */
/* Planted changes are found, noise has none, and PELT is as good as trying everything. */
#include "num/change.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"
#include "num/wave_test.h"

enum { N = 300 };

static const double penalty = 25;

static bool near(size_t found, size_t planted)
{
	return found + 3 >= planted && found <= planted + 3;
}

TEST(planted_changes_are_found)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	double y[N], scratch[5 * (N + 1)];
	struct change_opts opts = {.shortest = 3, .penalty = penalty, .scratch = scratch};
	CHECK(change_scratch(N) <= 5 * (N + 1));
	for (size_t i = 0; i < N; i++)
		y[i] = (i < 100 ? 0 : i < 220 ? 6 : 1) + wave_normal(&rng);
	size_t split[10], best[10];
	CHECK(change_split(y, N, &opts, split, 10) >= 2);
	CHECK_EQ(change_best(y, N, &opts, best, 10), 2);
	CHECK(near(best[0], 100) && near(best[1], 220));
	CHECK_EQ(change_best(y, N, &opts, best, 1), 1);
}

TEST(noise_and_constants_have_none)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	double y[N], scratch[5 * (N + 1)];
	struct change_opts opts = {.shortest = 3, .penalty = 40, .scratch = scratch};
	size_t ret[10], found = 0;
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < N; i++)
			y[i] = wave_normal(&rng);
		found += change_best(y, N, &opts, ret, 10);
		found += change_split(y, N, &opts, ret, 10);
	}
	CHECK_EQ(found, 0);
	for (size_t i = 0; i < N; i++)
		y[i] = 5;
	CHECK_EQ(change_best(y, N, &opts, ret, 10), 0);
	CHECK_EQ(change_best(y, 1, &opts, ret, 10), 0);
}

static double total_cost(const double *y, size_t n, const size_t *at, size_t count, double price)
{
	double sum = price * (double)count;
	for (size_t s = 0; s <= count; s++) {
		size_t from = s ? at[s - 1] : 0, to = s < count ? at[s] : n;
		double mean = num_mean(y + from, to - from);
		for (size_t i = from; i < to; i++)
			sum += (y[i] - mean) * (y[i] - mean);
	}
	return sum;
}

/* Every pair of changes of a short series, by brute force. */
TEST(pelt_is_optimal)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	enum { SHORT = 24 };
	for (int round = 0; round < 30; round++) {
		double y[SHORT], scratch[5 * (SHORT + 1)], noise[SHORT];
		for (size_t i = 0; i < SHORT; i++)
			y[i] = 3 * (double)(i / 8) + wave_normal(&rng);
		for (size_t i = 1; i < SHORT; i++)
			noise[i - 1] = fabs(y[i] - y[i - 1]);
		double deviation = num_median(noise, SHORT - 1) / 0.954;
		struct change_opts opts = {.shortest = 1, .penalty = 6, .scratch = scratch};
		size_t ret[SHORT], pair[2];
		size_t count = change_best(y, SHORT, &opts, ret, SHORT);
		double price = 6 * deviation * deviation;
		double own = total_cost(y, SHORT, ret, count, price);
		CHECK(own <= total_cost(y, SHORT, pair, 0, price) + 1e-6);
		for (pair[0] = 1; pair[0] < SHORT; pair[0]++) {
			CHECK(own <= total_cost(y, SHORT, pair, 1, price) + 1e-6);
			for (pair[1] = pair[0] + 1; pair[1] < SHORT; pair[1]++)
				CHECK(own <= total_cost(y, SHORT, pair, 2, price) + 1e-6);
		}
	}
}

TEST(page_rings_on_a_shift_and_rarely_before)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	struct page page = {0};
	int false_alarms = 0, delay = 0;
	for (int i = 0; i < 2000; i++)
		false_alarms += page_add(&page, wave_normal(&rng), 0.5, 10);
	CHECK(false_alarms <= 2);
	CHECK(!page_add(&page, NUM_GAP, 0.5, 10));
	while (!page_add(&page, wave_normal(&rng) - 2, 0.5, 10))
		delay++;
	CHECK(delay < 25);
}

TEST_MAIN
