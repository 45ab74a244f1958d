/* SPDX-License-Identifier: Apache-2.0 */
/* The next hour: better than the last value on a known process, sane on any. */
#include "model/near.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"
#include "num/wave_test.h"

static const int64_t midnight = INT64_C(20000) * 86400;

/* A job of half an hour at every full hour, and noise. */
static double job(struct rng *rng, int64_t step)
{
	double level = step % NEAR_HOUR < 6 ? 50 : 10;
	return level * exp(0.3 * wave_normal(rng));
}

TEST(a_job_every_hour_is_learnt)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	static struct near near;
	memset(&near, 0, sizeof(near));
	struct near_ahead ahead;
	double own = 0, last = 0;
	for (int64_t step = 0; step < 10 * NEAR_DAY; step++) {
		if (step % NEAR_HOUR == 0 && near_say(&near, &ahead) && step > 5 * NEAR_DAY)
			for (int64_t h = 0; h < NEAR_HOUR; h++) {
				double mean = (step + h) % NEAR_HOUR < 6 ? 50 : 10;
				own += fabs(ahead.mix[h] - mean);
				last += fabs(ahead.by[NEAR_LAST][h] - mean);
			}
		near_add(&near, midnight + step * NEAR_STEP_S, job(&rng, step));
		near_reach(&near, midnight + (step + 1) * NEAR_STEP_S);
	}
	test_note("error %.3f of the last value's", own / last);
	CHECK(own < 0.35 * last);
}

TEST(any_series_gives_finite_words)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int kind = 0; kind < 6; kind++) {
		static struct near near;
		memset(&near, 0, sizeof(near));
		struct near_ahead ahead;
		CHECK(!near_say(&near, &ahead));
		for (int64_t step = 0; step < 3 * NEAR_DAY; step++) {
			static const double bad[] = {1e300, (double)INFINITY, -1e300};
			double y = kind == 0 ? 0
				: kind == 1  ? exp(0.05 * (double)step)
				: kind == 2  ? (rng_below(&rng, 10) ? NUM_GAP : 5)
				: kind == 3  ? bad[rng_below(&rng, 3)]
				: kind == 4  ? wave_normal(&rng)
					     : (rng_below(&rng, 200) ? 0 : 1e9);
			near_add(&near, midnight + step * NEAR_STEP_S, y);
			near_add(&near, midnight - 1, 3);
			near_reach(&near, midnight + (step + 1) * NEAR_STEP_S);
			if (!near_say(&near, &ahead))
				continue;
			for (size_t h = 0; h < NEAR_HOUR; h++)
				CHECK(isfinite(ahead.mix[h]) && (kind == 4 || ahead.mix[h] >= 0));
		}
		CHECK(kind == 3 || near_say(&near, &ahead));
	}
}

TEST_MAIN
