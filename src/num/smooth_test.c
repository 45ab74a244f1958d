/* SPDX-License-Identifier: Apache-2.0 */
/* Smoothing of known waves. */
#include "num/smooth.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"
#include "num/wave_test.h"

enum { WEEKS = 6, N = 168 * WEEKS, AHEAD = 168 };

static double mean_error(const double *ahead, struct rng *rng)
{
	double sum = 0;
	for (size_t h = 0; h < AHEAD; h++)
		sum += fabs(ahead[h] - wave_at(rng, N + h, 0));
	return sum / AHEAD;
}

TEST(two_seasons_are_learnt)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	double y[N], season[24 + 168], ahead[AHEAD];
	for (size_t i = 0; i < N; i++)
		y[i] = wave_at(&rng, i, 2);
	struct smooth both = {{24, 168}, 0.1, {0.1, 0.1}, 0.3};
	smooth_fit(&both, y, N, 100, season);
	struct smooth_state state = {.season = season};
	double fitted = smooth_run(&both, y, N, &state);
	smooth_ahead(&both, &state, ahead, AHEAD);
	double with_week = mean_error(ahead, &rng);
	struct smooth day = {{24, 0}, 0.1, {0.1, 0}, 0.3};
	double day_fitted = smooth_fit(&day, y, N, 100, season);
	smooth_run(&day, y, N, &state);
	smooth_ahead(&day, &state, ahead, AHEAD);
	test_note("errors a week ahead: both seasons %.2f, day only %.2f", with_week,
		mean_error(ahead, &rng));
	CHECK(with_week < 4 && with_week < mean_error(ahead, &rng));
	CHECK(fitted < 4 && fitted < day_fitted * 1.1);
}

TEST(fit_never_worsens)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	double y[N], season[24];
	for (size_t i = 0; i < N; i++)
		y[i] = wave_normal(&rng);
	struct smooth smooth = {{24, 0}, 0.5, {0.5, 0}, 0.5};
	struct smooth_state state = {.season = season};
	double before = smooth_run(&smooth, y, N, &state);
	double after = smooth_fit(&smooth, y, N, 80, season);
	CHECK(after <= before * (1 + 1e-9));
	CHECK(smooth.alpha > 0 && smooth.alpha < 1 && smooth.ar >= 0 && smooth.ar < 0.98);
}

/* A gap teaches nothing: the same run with the gap's values changed ends in the same state. */
TEST(gaps_teach_nothing)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	double y[N], season[24], ahead[24];
	for (size_t i = 0; i < N; i++)
		y[i] = i % 10 && i % 100 > 30 ? wave_at(&rng, i, 0) : NUM_GAP;
	struct smooth smooth = {{24, 0}, 0.2, {0.2, 0}, 0.3};
	struct smooth_state state = {.season = season};
	CHECK(smooth_run(&smooth, y, N, &state) < 10);
	smooth_ahead(&smooth, &state, ahead, 24);
	for (size_t h = 0; h < 24; h++)
		CHECK(fabs(ahead[h] - wave_at(&rng, N + h, 0)) < 12);
	double none[30];
	for (size_t i = 0; i < 30; i++)
		none[i] = NUM_GAP;
	CHECK(isnan(smooth_run(&smooth, none, 30, &state)));
}

TEST(trend_is_followed_and_damped)
{
	double y[60], ahead[100];
	for (size_t i = 0; i < 60; i++)
		y[i] = 5 + 2 * (double)i;
	struct damped params;
	CHECK(damped_forecast(y, 60, &params, ahead, 100));
	CHECK(fabs(ahead[0] - 125) < 1);
	CHECK(ahead[99] > ahead[0] && ahead[99] - ahead[98] < 2);
	CHECK(params.phi < 1);
	CHECK(!damped_forecast(y, 2, &params, ahead, 100));
}

TEST_MAIN
