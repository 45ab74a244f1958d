/* SPDX-License-Identifier: Apache-2.0 */
/* Belief follows the record. */
#include "model/mix.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"
#include "num/wave_test.h"

static struct said said_all(double value)
{
	struct said said = {.hours = 100};
	for (size_t e = 0; e < EXPERTS; e++)
		for (size_t h = 0; h < AHEAD_HOURS; h++)
			said.by[e][h] = e == EXPERT_GUEST ? NUM_GAP : value;
	return said;
}

TEST(one_who_is_right_drives_and_the_absent_do_not)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	struct mix mix = {0};
	static struct said said;
	said = said_all(50);
	for (size_t h = 0; h < AHEAD_HOURS; h++)
		said.by[EXPERT_THETA][h] = 10;
	for (int day = 0; day < 10; day++) {
		float words[EXPERTS][HISTORY_DAY];
		double truth[HISTORY_DAY];
		for (size_t h = 0; h < HISTORY_DAY; h++) {
			truth[h] = h == 3 ? NUM_GAP : 10 + wave_normal(&rng);
			for (size_t e = 0; e < EXPERTS; e++)
				words[e][h] = (float)said.by[e][h];
		}
		mix_learn(&mix, 0, (const float(*)[HISTORY_DAY])words, truth);
	}
	double weights[EXPERTS], ret[AHEAD_HOURS], sum = 0;
	mix_weights(&mix, 0, &said, weights);
	for (size_t e = 0; e < EXPERTS; e++)
		sum += weights[e];
	CHECK(fabs(sum - 1) < 1e-9);
	CHECK(weights[EXPERT_THETA] > 0.95);
	CHECK(!(weights[EXPERT_GUEST] > 0));
	mix_forecast(&mix, &said, ret);
	CHECK_EQ(ret[0], 10);
	/* Leads without a record of their own still go by what is typical. */
	CHECK_EQ(ret[AHEAD_HOURS - 1], 50);
}

TEST(few_hours_prove_nothing)
{
	struct mix mix = {0};
	float words[EXPERTS][HISTORY_DAY] = {{0}};
	double truth[HISTORY_DAY];
	for (size_t h = 0; h < HISTORY_DAY; h++)
		truth[h] = h < 5 ? 1 : NUM_GAP;
	mix_learn(&mix, 0, (const float(*)[HISTORY_DAY])words, truth);
	CHECK(!(mix.error[0][0].days > 0));
}

TEST(restart_lets_the_last_days_decide)
{
	struct mix mix = {0};
	mix.error[0][0] = (struct tally){8, 4};
	mix_restart(&mix);
	CHECK(fabs((double)mix.error[0][0].loss - 3.2) < 1e-6);
	CHECK(fabs((double)mix.error[0][0].days - 1.6) < 1e-6);
}

TEST(windows_go_where_the_day_is_low)
{
	struct mix mix = {0};
	static struct said said;
	said = said_all(10);
	for (size_t e = 0; e < EXPERTS; e++)
		for (size_t h = 7; h < 9; h++)
			said.by[e][h] = e == EXPERT_GUEST ? NUM_GAP : 1;
	double score[HISTORY_DAY];
	mix_windows(&mix, &said, 0, score);
	for (size_t s = 0; s + 2 <= HISTORY_DAY; s++)
		CHECK(s == 7 || score[s] > score[7]);
	said = said_all(0);
	mix_windows(&mix, &said, 1, score);
	for (size_t s = 0; s + 4 <= HISTORY_DAY; s++)
		CHECK(isfinite(score[s]));
}

TEST_MAIN
