/* SPDX-License-Identifier: Apache-2.0 */
/* The shared network learns a habit that medians cannot know, and repeats itself bit by bit. */
#include "model/network.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/wave_test.h"

static const int64_t midnight = INT64_C(20000) * 86400;

/* After a busy day comes a quiet one and the other way round, at scales that differ by series. */
static void live_days(struct network *network, uint64_t series, size_t days, struct history *ret)
{
	struct rng rng;
	rng_seed(&rng, series);
	double scale = exp(3 * wave_normal(&rng));
	size_t odd = rng_below(&rng, 2);
	memset(ret, 0, sizeof(*ret));
	for (size_t hour = 0; hour < days * 24; hour++) {
		if (hour % 24 == 0 && network)
			network_learn(network, ret);
		double level = (hour / 24 + odd) % 2 ? 3 : 1;
		int64_t at = midnight + (int64_t)hour * 3600;
		history_add(ret, at, scale * level * exp(0.1 * wave_normal(&rng)));
		history_reach(ret, at + 3600);
	}
}

static struct network *trained(uint64_t seed)
{
	static struct history history;
	struct network *network = network_new(seed);
	for (uint64_t series = 0; network && series < 60; series++)
		live_days(network, seed + series, 30, &history);
	return network;
}

TEST(habit_of_many_series_is_learnt)
{
	uint64_t seed = test_seed() >> 8;
	struct network *network = trained(seed);
	CHECK(network);
	static struct history history;
	double ahead[AHEAD_HOURS], error = 0, naive = 0;
	for (uint64_t series = 500; series < 520; series++) {
		live_days(NULL, seed + series, 31, &history);
		CHECK(network_say(network, &history, ahead));
		double before = history_at(&history, history.next - 2);
		double truth = history_at(&history, history.next - 26);
		error += fabs(log(ahead[12] / truth));
		naive += fabs(log(before / truth));
	}
	test_note("error %.2f of the day before's", error / naive);
	CHECK(error < 0.5 * naive);
	network_free(network);
}

TEST(same_days_same_network)
{
	struct network *one = trained(7), *two = trained(7);
	static struct history history;
	double first[AHEAD_HOURS], second[AHEAD_HOURS];
	live_days(NULL, 99, 20, &history);
	CHECK(one && two && network_say(one, &history, first) &&
		network_say(two, &history, second));
	CHECK_EQ(memcmp(first, second, sizeof(first)), 0);
	network_free(one);
	network_free(two);
}

TEST(what_is_kept_says_the_same)
{
	struct network *one = trained(7), *two = network_new(8);
	static struct history history;
	static double numbers[NETWORK_NUMBERS];
	double first[AHEAD_HOURS], second[AHEAD_HOURS];
	live_days(NULL, 99, 20, &history);
	CHECK(one && two);
	network_save(one, numbers);
	CHECK(network_load(two, numbers));
	CHECK(network_say(one, &history, first) && network_say(two, &history, second));
	CHECK_EQ(memcmp(first, second, sizeof(first)), 0);
	numbers[5] = (double)NAN;
	CHECK(!network_load(two, numbers));
	network_free(one);
	network_free(two);
}

TEST(too_little_is_said_so)
{
	struct network *network = network_new(1);
	static struct history history;
	double ahead[AHEAD_HOURS];
	CHECK(network);
	live_days(network, 1, 9, &history);
	CHECK(!network_say(network, &history, ahead));
	network_free(network);
}

TEST_MAIN
