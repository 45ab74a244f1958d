/* SPDX-License-Identifier: Apache-2.0 */
/* Survival is learnt, habits are learnt, everything stays a probability. */
#include "model/burst.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"
#include "num/wave_test.h"

enum { DAY = 288, DAYS = 40 };

/* Every day an hour of load at noon, and spikes of one step anywhere. */
static float noon(struct rng *rng, int64_t step)
{
	bool busy = step % DAY >= 144 && step % DAY < 156;
	/* The very last step is quiet, so that what follows begins a burst. */
	bool spike = rng_below(rng, 50) == 0 && step != DAY * DAYS - 1;
	return (float)((busy || spike ? 100 : 5) * (0.9 + 0.2 * wave_uniform(rng)));
}

static struct burst lived(struct rng *rng)
{
	static float y[DAY * DAYS];
	static double scratch[DAY * 7];
	struct burst burst = {0};
	for (int64_t step = 0; step < DAY * DAYS; step++) {
		y[step] = noon(rng, step);
		if (step == 7 * DAY)
			burst_level(&burst, y, 7 * DAY, scratch);
		if (step >= 7 * DAY)
			burst_add(&burst, step, (double)y[step]);
	}
	return burst;
}

TEST(long_bursts_are_told_from_spikes)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	struct burst burst = lived(&rng);
	struct burst_view young, old, quiet, before_noon;
	struct logit none = {0};
	burst_look(&burst, &none, DAY * DAYS, &quiet);
	burst_look(&burst, &none, DAY * DAYS + 144, &before_noon);
	burst_add(&burst, DAY * DAYS, 100);
	burst_look(&burst, &none, DAY * DAYS + 1, &young);
	for (int64_t i = 1; i < 8; i++)
		burst_add(&burst, DAY * DAYS + i, 100);
	burst_look(&burst, &none, DAY * DAYS + 8, &old);
	test_note("on after one step %.2f, after eight %.2f; rest %.0f and %.0f s",
		young.probability, old.probability, young.more_s, old.more_s);
	CHECK(old.probability > young.probability + 0.1);
	CHECK(!(quiet.more_s > 0));
	CHECK(old.sustained > young.sustained);
	CHECK(before_noon.probability > quiet.probability);
	CHECK(fabs(old.height - 100) < 15);
}

TEST(anything_gives_probabilities)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int kind = 0; kind < 4; kind++) {
		struct burst burst = {0};
		float y[100];
		double scratch[100], features[BURST_FEATURES];
		for (size_t i = 0; i < 100; i++)
			y[i] = kind == 0 ? 0 : kind == 1 ? NAN : (float)wave_normal(&rng);
		burst_level(&burst, y, 100, scratch);
		for (int64_t step = 0; step < 3000; step++) {
			burst_add(&burst, step,
				kind == 3 ? exp(0.2 * (double)step) : (double)y[step % 100]);
			burst_features(&burst, step + 1, features);
			for (size_t i = 0; i < BURST_FEATURES; i++)
				CHECK(isfinite(features[i]));
		}
		struct burst_view view;
		struct logit none = {0};
		burst_look(&burst, &none, 3000, &view);
		CHECK(view.probability >= 0 && view.probability <= 1);
		CHECK(view.sustained >= 0 && view.sustained <= 1 && view.more_s >= 0);
	}
}

TEST_MAIN
