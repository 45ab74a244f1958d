/* SPDX-License-Identifier: Apache-2.0 */
/* Never falls, keeps the mean, and nothing that never falls is nearer. */
#include "num/isotonic.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"
#include "num/wave_test.h"

static double squared(const double *a, const double *b, const double *weight, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += weight[i] * (a[i] - b[i]) * (a[i] - b[i]);
	return sum;
}

TEST(fit_is_the_nearest_that_never_falls)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 200; round++) {
		double y[30], fit[30], weight[30], rival[30], before = 0, after = 0;
		size_t n = 1 + rng_below(&rng, 30);
		for (size_t i = 0; i < n; i++) {
			fit[i] = y[i] = (double)rng_below(&rng, 10) + 0.2 * (double)i;
			weight[i] = 0.1 + wave_uniform(&rng);
			before += weight[i] * y[i];
		}
		isotonic_fit(fit, weight, n);
		for (size_t i = 0; i < n; i++) {
			CHECK(i == 0 || fit[i] >= fit[i - 1]);
			after += weight[i] * fit[i];
		}
		CHECK(fabs(before - after) < 1e-9 * (1 + fabs(before)));
		for (int other = 0; other < 20; other++) {
			for (size_t i = 0; i < n; i++)
				rival[i] = fit[i] + 0.1 * wave_normal(&rng);
			num_sort(rival, n);
			CHECK(squared(fit, y, weight, n) <= squared(rival, y, weight, n) + 1e-9);
		}
	}
}

TEST(between_points_it_is_a_line)
{
	double x[] = {0, 1, 3}, fitted[] = {0.1, 0.5, 0.9};
	CHECK(fabs(isotonic_at(x, fitted, 3, 2) - 0.7) < 1e-12);
	CHECK(fabs(isotonic_at(x, fitted, 3, -5) - 0.1) < 1e-12);
	CHECK(fabs(isotonic_at(x, fitted, 3, 50) - 0.9) < 1e-12);
	CHECK(isnan(isotonic_at(x, fitted, 0, 1)));
}

TEST_MAIN
