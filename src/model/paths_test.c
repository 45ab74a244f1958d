/* SPDX-License-Identifier: Apache-2.0 */
/* Paths are whole days: what moves together in the past moves together in them. */
#include "model/paths.h"

#include <math.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "num/wave_test.h"

static const int64_t midnight = INT64_C(20000) * 86400;

/* Each day has a level of its own; hours of one day share it. */
TEST(hours_of_a_path_belong_together)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	struct model *model = model_new();
	struct work *work = work_new();
	OWN(own_free) struct ahead *ahead = malloc(sizeof(*ahead));
	OWN(own_free) struct path *paths = malloc(PATHS_MAX * sizeof(*paths));
	CHECK(model && work && ahead && paths);
	double level = 0;
	for (int64_t hour = 0; hour < 45 * 24; hour++) {
		if (hour % 24 == 0) {
			model_refit(model, work, NULL, ahead);
			level = 50 + 400 * wave_uniform(&rng);
		}
		model_add(model, midnight + hour * 3600, level * (1 + 0.02 * wave_normal(&rng)));
		history_reach(&model->history, midnight + hour * 3600 + 3600);
	}
	CHECK(model_refit(model, work, NULL, ahead));
	size_t count = paths_make(model, ahead, paths);
	CHECK_EQ(count, PATHS_MAX);
	double sum = 0, within = 0, between = 0;
	for (size_t i = 0; i < count; i++) {
		sum += paths[i].weight;
		within += fabs(paths[i].hours[3] - paths[i].hours[20]) / (double)count;
		between += fabs(paths[i].hours[3] - ahead->mix[3]) / (double)count;
		for (size_t h = 0; h < AHEAD_HOURS; h++)
			CHECK(isfinite(paths[i].hours[h]) && paths[i].hours[h] >= 0);
	}
	test_note("within a path %.1f, between paths %.1f", within, between);
	CHECK(fabs(sum - 1) < 1e-9);
	CHECK(within < between);
	model_free(model);
	work_free(work);
}

TEST(without_a_record_paths_are_the_band_and_its_edges)
{
	struct model *model = model_new();
	OWN(own_free) struct ahead *ahead = calloc(1, sizeof(*ahead));
	OWN(own_free) struct path *paths = malloc(PATHS_MAX * sizeof(*paths));
	CHECK(model && ahead && paths);
	ahead->quantile[7][1] = 1;
	ahead->quantile[7][3] = 3;
	ahead->quantile[7][5] = 9;
	CHECK_EQ(paths_make(model, ahead, paths), 3);
	CHECK_EQ(paths[0].hours[7], 3);
	CHECK_EQ(paths[1].hours[7], 1);
	CHECK_EQ(paths[2].hours[7], 9);
	CHECK(fabs(paths[0].weight + paths[1].weight + paths[2].weight - 1) < 1e-9);
	CHECK_EQ(paths[0].age_days, 0);
	model_free(model);
}

TEST_MAIN
