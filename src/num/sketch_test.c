/* SPDX-License-Identifier: Apache-2.0 */
/* Error bound, merging, order, extremes. */
#include "num/sketch.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"
#include "num/wave_test.h"

enum { N = 5000 };

static bool within(const struct sketch *sketch, const double *sorted, size_t n)
{
	for (double p = 0; p <= 1; p += 0.01) {
		double got = sketch_quantile(sketch, p);
		double low = sorted[(size_t)floor(p * (double)(n - 1))];
		double high = sorted[(size_t)ceil(p * (double)(n - 1))];
		double room = sketch_error(sketch) * fmax(fabs(low), fabs(high)) * 1.0001 + 1e-90;
		if (got < low - room || got > high + room)
			return false;
	}
	return true;
}

TEST(quantiles_stay_within_the_error)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int kind = 0; kind < 4; kind++) {
		static double x[N];
		struct sketch whole = {0}, half[2] = {{0}, {0}}, backwards = {0};
		for (size_t i = 0; i < N; i++) {
			double z = wave_normal(&rng);
			x[i] = kind == 0    ? 100 + z
				: kind == 1 ? exp(6 * z)
				: kind == 2 ? 50 * z * z * z
					    : (double)rng_below(&rng, 3);
			sketch_add(&whole, x[i]);
			sketch_add(&half[i % 2], x[i]);
		}
		for (size_t i = N; i-- > 0;)
			sketch_add(&backwards, x[i]);
		sketch_merge(&half[0], &half[1]);
		num_sort(x, N);
		CHECK_EQ(sketch_count(&half[0]), N);
		CHECK(within(&whole, x, N) && within(&half[0], x, N));
		for (double p = 0; p <= 1; p += 0.05)
			CHECK(!(fabs(sketch_quantile(&whole, p) - sketch_quantile(&backwards, p)) >
				0));
		test_note("kind %d: error %.3f", kind, sketch_error(&whole));
	}
}

TEST(nothing_and_nonsense)
{
	struct sketch sketch = {0}, other = {0};
	CHECK(isnan(sketch_quantile(&sketch, 0.5)));
	sketch_add(&sketch, NUM_GAP);
	sketch_add(&sketch, (double)INFINITY);
	CHECK_EQ(sketch.refused, 2);
	CHECK_EQ(sketch_count(&sketch), 0);
	sketch_merge(&other, &sketch);
	CHECK_EQ(other.refused, 2);
	sketch_add(&sketch, 7);
	CHECK_EQ(sketch_quantile(&sketch, 0), 7);
	CHECK_EQ(sketch_quantile(&sketch, 1), 7);
	sketch_add(&sketch, 1e300);
	sketch_add(&sketch, 1e-90);
	sketch_add(&sketch, -1e300);
	CHECK_EQ(sketch_count(&sketch), 4);
	CHECK(sketch_quantile(&sketch, 1) >= 1e299);
}

TEST_MAIN
