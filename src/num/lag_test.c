/* SPDX-License-Identifier: Apache-2.0 */
/* The recurrence and the one solve, against ridge regression done the long way. */
#include "num/lag.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"
#include "num/wave_test.h"

enum { LAGS = 12, BASE = 4, N = 90, ROOM = 4000 };

/* Ridge with every window written out; rows whose targets touch a gap are left out. */
static void long_way(const struct lag_ridge *lag, const double *y, const bool *filled, double *ret)
{
	double g[LAGS * LAGS] = {0}, right[BASE][LAGS] = {{0}}, row[LAGS], trace = 0;
	for (size_t t = 0; t + LAGS + BASE <= N; t++) {
		bool gap = false;
		for (size_t h = 0; h < BASE; h++)
			gap = gap || filled[t + LAGS + h];
		if (gap)
			continue;
		double level = num_mean(y + t + LAGS - BASE, BASE);
		for (size_t i = 0; i < LAGS; i++)
			row[i] = y[t + i] - level;
		for (size_t i = 0; i < LAGS; i++)
			num_axpy(g + i * LAGS, row[i], row, LAGS);
		for (size_t h = 0; h < BASE; h++) {
			size_t at = t + LAGS + h;
			num_axpy(right[h], y[at] - y[at - BASE], row, LAGS);
		}
	}
	for (size_t i = 0; i < LAGS; i++)
		trace += g[i * LAGS + i];
	for (size_t i = 0; i < LAGS; i++)
		g[i * LAGS + i] += lag->lambda * trace / LAGS;
	if (!num_cholesky(g, LAGS))
		return;
	double level = num_mean(y + N - BASE, BASE);
	for (size_t i = 0; i < LAGS; i++)
		row[i] = y[N - LAGS + i] - level;
	for (size_t h = 0; h < BASE; h++) {
		num_cholesky_solve(g, LAGS, right[h]);
		ret[h] = y[N - BASE + h] + num_dot(right[h], row, LAGS);
	}
}

TEST(agrees_with_the_long_way)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	struct lag_ridge lag = {.lags = LAGS, .base = BASE, .lambda = 0.05};
	static double scratch[ROOM];
	CHECK(lag_scratch(&lag, N, BASE) <= ROOM);
	for (int round = 0; round < 20; round++) {
		double y[N], slow[BASE] = {0}, fast[BASE];
		bool filled[N];
		for (size_t i = 0; i < N; i++) {
			filled[i] = rng_below(&rng, 30) == 0;
			y[i] = 1000 + 5 * sin((double)i) + wave_normal(&rng);
		}
		struct lag_out out = {.scratch = scratch, .ahead = fast, .horizon = BASE};
		CHECK(lag_forecast(&lag, y, filled, N, &out));
		long_way(&lag, y, filled, slow);
		for (size_t h = 0; h < BASE; h++)
			CHECK(fabs(slow[h] - fast[h]) < 1e-6);
	}
}

TEST(a_wave_goes_on_for_many_periods)
{
	struct lag_ridge lag = {.lags = LAGS, .base = BASE, .lambda = 1e-6};
	static double scratch[ROOM];
	double y[N], ahead[30];
	for (size_t i = 0; i < N; i++)
		y[i] = sin(0.7 * (double)i);
	struct lag_out out = {.scratch = scratch, .ahead = ahead, .horizon = 30};
	CHECK(lag_forecast(&lag, y, NULL, N, &out));
	for (size_t h = 0; h < 30; h++)
		CHECK(fabs(ahead[h] - sin(0.7 * (double)(N + h))) < 0.01);
}

TEST(what_cannot_be_learnt_is_refused)
{
	struct lag_ridge lag = {.lags = LAGS, .base = BASE, .lambda = 0.1};
	static double scratch[ROOM];
	double y[N] = {0}, ahead[1] = {7};
	bool filled[N];
	struct lag_out out = {.scratch = scratch, .ahead = ahead, .horizon = 1};
	CHECK(!lag_forecast(&lag, y, NULL, N, &out));
	CHECK(!lag_forecast(&lag, y, NULL, LAGS + 3 * BASE, &out));
	for (size_t i = 0; i < N; i++) {
		y[i] = (double)(i % 5);
		filled[i] = i % 2;
	}
	CHECK(!lag_forecast(&lag, y, filled, N, &out));
	CHECK_EQ(ahead[0], 7);
}

TEST_MAIN
