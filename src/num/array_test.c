/* SPDX-License-Identifier: Apache-2.0 */
/* Order statistics against a full sort, Cholesky against the product it came from. */
#include "num/array.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/wave_test.h"

enum { MANY = 300 };

static bool near(double a, double b, double tolerance)
{
	return fabs(a - b) <= tolerance * (1 + fabs(b));
}

TEST(selection_agrees_with_sorting)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 200; round++) {
		double x[MANY], sorted[MANY];
		size_t n = 1 + rng_below(&rng, MANY);
		/* Few different values, so that ties are common. */
		for (size_t i = 0; i < n; i++)
			sorted[i] = x[i] = (double)rng_below(&rng, 1 + n / 2);
		num_sort(sorted, n);
		for (size_t i = 1; i < n; i++)
			CHECK(sorted[i - 1] <= sorted[i]);
		size_t k = rng_below(&rng, n);
		CHECK(near(num_select(x, n, k), sorted[k], 0));
		double middle = 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
		CHECK(near(num_median(x, n), middle, 0));
		CHECK(near(num_quantile(sorted, n, 0.5), middle, 1e-12));
	}
}

TEST(nothing_has_no_median)
{
	double gaps[2] = {NUM_GAP, NUM_GAP};
	CHECK(isnan(num_median(gaps, 0)));
	CHECK(isnan(num_quantile(gaps, 0, 0.5)));
	CHECK(isnan(num_mean(gaps, 2)));
	CHECK_EQ(num_present(gaps, 2, gaps), 0);
	double weight[2] = {0, 0}, x[2] = {1, 2};
	CHECK(isnan(num_weighted_median(x, weight, 2)));
	CHECK(isnan(num_weighted_quantile(x, weight, 2, 0.5)));
}

TEST(weights_act_like_repetition)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 100; round++) {
		double x[20], weight[20], repeated[100];
		size_t n = 1 + rng_below(&rng, 20), total = 0;
		for (size_t i = 0; i < n; i++) {
			x[i] = wave_normal(&rng);
			size_t times = rng_below(&rng, 5) + (i == 0);
			weight[i] = (double)times;
			for (size_t j = 0; j < times; j++)
				repeated[total++] = x[i];
		}
		num_sort(repeated, total);
		double median = num_weighted_median(x, weight, n);
		CHECK(near(median, repeated[(total - 1) / 2], 0));
		double low = num_weighted_quantile(x, weight, n, 0.2);
		double high = num_weighted_quantile(x, weight, n, 0.8);
		CHECK(repeated[0] <= low && low <= high && high <= repeated[total - 1]);
	}
}

TEST(cholesky_solves)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	enum { N = 17 };
	double root[N][N], a[N * N], x[N], b[N];
	for (size_t i = 0; i < N; i++) {
		x[i] = wave_normal(&rng);
		for (size_t j = 0; j < N; j++)
			root[i][j] = wave_normal(&rng);
	}
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < N; j++)
			a[i * N + j] = num_dot(root[i], root[j], N) + (i == j ? 0.1 : 0);
	for (size_t i = 0; i < N; i++)
		b[i] = num_dot(a + i * N, x, N);
	CHECK(num_cholesky(a, N));
	num_cholesky_solve(a, N, b);
	for (size_t i = 0; i < N; i++)
		CHECK(near(b[i], x[i], 1e-9));
}

TEST(cholesky_refuses_what_is_singular)
{
	double a[4] = {1, 1, 1, 1}, negative[1] = {-1}, nan[1] = {NUM_GAP},
	       infinite[1] = {(double)INFINITY};
	CHECK(!num_cholesky(a, 2));
	CHECK(!num_cholesky(negative, 1));
	CHECK(!num_cholesky(nan, 1));
	CHECK(!num_cholesky(infinite, 1));
}

TEST_MAIN
