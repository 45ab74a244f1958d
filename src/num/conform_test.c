/* SPDX-License-Identifier: Apache-2.0 */
/* Coverage in the long run; p-values that are uniform on noise and small on the unheard-of. */
#include "num/conform.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"
#include "num/wave_test.h"

/* The noise doubles half way: the tracked width must still miss a tenth, before and after. */
TEST(track_keeps_its_share_through_a_change)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	struct track track = {0};
	struct track_opts opts = {
		.wanted = 0.1, .gain = 0.1, .integral = 0.1, .low = 0, .high = 100};
	double missed[2] = {0};
	for (size_t i = 0; i < 20000; i++) {
		double x = wave_normal(&rng) * (i < 10000 ? 1 : 2);
		bool miss = x > (double)track.offset;
		missed[i >= 10000] += miss;
		track_move(&track, &opts, miss);
	}
	test_note("missed %.3f and %.3f", missed[0] / 10000, missed[1] / 10000);
	CHECK(fabs(missed[0] / 10000 - 0.1) < 0.01 && fabs(missed[1] / 10000 - 0.1) < 0.01);
	float kept = track.offset;
	track_move(&track, &opts, NUM_GAP);
	CHECK(!(track.offset > kept || track.offset < kept));
}

TEST(track_stays_within_its_bounds)
{
	struct track track = {0};
	struct track_opts opts = {.wanted = 0.1, .gain = 1, .integral = 1, .low = -1, .high = 2};
	for (int i = 0; i < 1000; i++)
		track_move(&track, &opts, 1);
	CHECK_EQ(track.offset, 2);
	for (int i = 0; i < 10000; i++)
		track_move(&track, &opts, 0);
	CHECK_EQ(track.offset, -1);
}

TEST(p_values_of_noise_are_uniform)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	struct surprise surprise = {0};
	double below[3] = {0};
	for (int i = 0; i < 500; i++)
		surprise_add(&surprise, fabs(wave_normal(&rng)), 1);
	for (int i = 0; i < 20000; i++) {
		double p = surprise_add(&surprise, fabs(wave_normal(&rng)), 0.9999);
		CHECK(p > 0 && p <= 1);
		below[0] += p < 0.5;
		below[1] += p < 0.1;
		below[2] += p < 0.01;
	}
	test_note("below .5 %.3f, .1 %.3f, .01 %.4f", below[0] / 20000, below[1] / 20000,
		below[2] / 20000);
	CHECK(fabs(below[0] / 20000 - 0.5) < 0.05 && fabs(below[1] / 20000 - 0.1) < 0.03);
	CHECK(below[2] / 20000 < 0.02);
	CHECK(surprise_add(&surprise, 50, 1) < 0.001);
	CHECK_EQ(surprise_add(&surprise, NUM_GAP, 1), 1);
	CHECK(surprise_add(&surprise, (double)INFINITY, 1) < 0.001);
}

TEST_MAIN
