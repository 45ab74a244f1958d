/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole models on whole series: what is known is learnt, bands cover what they say, and no input,
 * however bad, makes a forecast that is unordered, infinite or below zero.
 */
#include "model/model.h"

#include <math.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "num/array.h"
#include "num/wave_test.h"

enum { HOUR = 3600, DAY = 24 };
static const int64_t midnight = INT64_C(20000) * DAY * HOUR;

struct bench {
	struct model *model;
	struct work *work;
	struct ahead *ahead;
};

static void bench_done(struct bench *bench)
{
	model_free(bench->model);
	work_free(bench->work);
	free(bench->ahead);
}

static struct bench bench_new(void)
{
	return (struct bench){model_new(), work_new(), malloc(sizeof(struct ahead))};
}

static void check_sane(const struct ahead *ahead, bool sign)
{
	for (size_t h = 0; h < AHEAD_HOURS; h++) {
		CHECK(isfinite(ahead->mix[h]) && (sign || ahead->mix[h] >= 0));
		for (size_t q = 0; q < AHEAD_QUANTILES; q++) {
			double v = ahead->quantile[h][q];
			CHECK(isfinite(v) && (sign || v >= 0));
			CHECK(q == 0 || v >= ahead->quantile[h][q - 1]);
		}
	}
}

typedef double shape_fn(struct rng *rng, size_t hour);

/* Adds hours from .. to - 1, refits at each midnight and checks what is said. */
static void live(struct bench *bench, shape_fn *shape, struct rng *rng, size_t from, size_t to)
{
	for (size_t h = from; h < to; h++) {
		if (h % DAY == 0 && model_refit(bench->model, bench->work, NULL, bench->ahead))
			check_sane(bench->ahead, bench->model->history.negative);
		model_add(bench->model, midnight + (int64_t)h * HOUR, shape(rng, h));
		history_reach(&bench->model->history, midnight + (int64_t)(h + 1) * HOUR);
	}
}

static double wave(struct rng *rng, size_t hour)
{
	return wave_at(rng, hour, 4);
}

TEST(wave_is_learnt_and_bands_cover_what_they_say)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	OWN(bench_done) struct bench bench = bench_new();
	CHECK(bench.model && bench.work && bench.ahead);
	double error = 0, naive = 0, inside = 0, hours = 0;
	for (size_t day = 0; day < 60; day++) {
		live(&bench, wave, &rng, day * DAY, (day + 1) * DAY);
		if (day < 35)
			continue;
		for (size_t h = 0; h < DAY; h++) {
			double y = history_at(
				&bench.model->history, bench.ahead->start + (int64_t)h);
			error += fabs(y - bench.ahead->mix[h]);
			naive += fabs(y - bench.ahead->said.by[EXPERT_DAY][h]);
			inside += y >= bench.ahead->quantile[h][1] &&
				y <= bench.ahead->quantile[h][5];
			hours += 1;
		}
	}
	test_note("error %.2f of the day before's, 10..90 %% covers %.3f", error / naive,
		inside / hours);
	CHECK(error < 0.8 * naive);
	CHECK(inside > 0.72 * hours && inside < 0.9 * hours);
}

static double constant(struct rng *rng, size_t hour)
{
	(void)rng;
	(void)hour;
	return 42;
}

static double zero(struct rng *rng, size_t hour)
{
	(void)rng;
	(void)hour;
	return 0;
}

static double step(struct rng *rng, size_t hour)
{
	(void)rng;
	return hour < 400 ? 10 : 500;
}

static double mostly_missing(struct rng *rng, size_t hour)
{
	return rng_below(rng, 10) ? NUM_GAP : wave(rng, hour);
}

static double exploding(struct rng *rng, size_t hour)
{
	(void)rng;
	return exp(0.04 * (double)hour);
}

static double drifting(struct rng *rng, size_t hour)
{
	return wave(rng, hour) + 0.5 * (double)hour;
}

static double signed_wave(struct rng *rng, size_t hour)
{
	return wave(rng, hour) - 100;
}

static double poisoned(struct rng *rng, size_t hour)
{
	static const double bad[] = {1e300, -1e300, (double)INFINITY, (double)NAN};
	return rng_below(rng, 3) ? wave(rng, hour) : bad[rng_below(rng, 4)];
}

static double rare_spikes(struct rng *rng, size_t hour)
{
	(void)hour;
	return rng_below(rng, 100) ? 0 : 1e6 * wave_uniform(rng);
}

static double dies_and_returns(struct rng *rng, size_t hour)
{
	return hour > 300 && hour < 700 ? NUM_GAP : wave(rng, hour);
}

static double tiny(struct rng *rng, size_t hour)
{
	return 1e-15 * wave(rng, hour);
}

TEST(bad_series_make_no_bad_forecasts)
{
	static shape_fn *const shapes[] = {constant, zero, step, mostly_missing, exploding,
		drifting, signed_wave, poisoned, rare_spikes, dies_and_returns, tiny};
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		OWN(bench_done) struct bench bench = bench_new();
		CHECK(bench.model && bench.work && bench.ahead);
		live(&bench, shapes[i], &rng, 0, 45 * DAY);
		CHECK(model_ahead(bench.model, bench.work, NULL, bench.ahead));
		check_sane(bench.ahead, bench.model->history.negative);
	}
}

TEST(constant_is_forecast_as_itself)
{
	OWN(bench_done) struct bench bench = bench_new();
	struct rng rng;
	rng_seed(&rng, 1);
	live(&bench, constant, &rng, 0, 20 * DAY);
	CHECK(model_ahead(bench.model, bench.work, NULL, bench.ahead));
	for (size_t h = 0; h < AHEAD_HOURS; h++)
		CHECK(fabs(bench.ahead->mix[h] - 42) < 0.5);
}

TEST(nothing_known_is_said_so)
{
	OWN(bench_done) struct bench bench = bench_new();
	CHECK(!model_ahead(bench.model, bench.work, NULL, bench.ahead));
	CHECK(!model_refit(bench.model, bench.work, NULL, bench.ahead));
	history_reach(&bench.model->history, midnight);
	CHECK(!model_ahead(bench.model, bench.work, NULL, bench.ahead));
	model_add(bench.model, midnight, NUM_GAP);
	CHECK(!model_ahead(bench.model, bench.work, NULL, bench.ahead));
	model_add(bench.model, midnight, 3);
	history_reach(&bench.model->history, midnight + HOUR);
	CHECK(model_ahead(bench.model, bench.work, NULL, bench.ahead));
	check_sane(bench.ahead, false);
	CHECK_EQ(bench.ahead->mix[0], 3);
}

/* After a step the median of a week is wrong for days; the mix must not be. */
TEST(step_is_followed_within_two_days)
{
	OWN(bench_done) struct bench bench = bench_new();
	struct rng rng;
	rng_seed(&rng, 1);
	live(&bench, step, &rng, 0, 400 + 3 * DAY);
	CHECK(model_ahead(bench.model, bench.work, NULL, bench.ahead));
	CHECK(fabs(bench.ahead->mix[5] - 500) < 50);
}

TEST_MAIN
