/* SPDX-License-Identifier: Apache-2.0 */
/* Scores of windows that are known to happen, never, and as often as a coin says. */
#include "plan/score.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "num/wave_test.h"

static const struct harm_device disk = {.size = 4, .threshold = 0.1, .floor = 3};

enum { PAST = 60 * DAYS_DAY };

struct life {
	float busy[PAST], size[PAST];
};

static struct days_past past_of(struct life *life)
{
	for (int i = 0; i < PAST; i++)
		life->size[i] = days_size(life->busy[i]);
	return (struct days_past){.busy = life->busy, .size = life->size};
}

TEST(a_device_that_is_full_every_night_scores_high_at_night)
{
	static struct life life;
	for (int i = 0; i < PAST; i++)
		life.busy[i] = i % DAYS_DAY < 60 ? 0.8f : 0.05f;
	struct days_past past = past_of(&life);
	struct score_window night = {.from = 30 * DAYS_DAY + 12, .slots = 12, .share = 0.2};
	struct score_window noon = {.from = 30 * DAYS_DAY + 144, .slots = 12, .share = 0.2};
	int64_t now = 29 * DAYS_DAY + 200; /* the evening before */
	CHECK(score_raw(&disk, past, now, &night) > 0.9);
	CHECK(score_raw(&disk, past, now, &noon) < 0.1);
	noon.share = 0.9; /* so hard that it hurts at any time */
	CHECK(score_raw(&disk, past, now, &noon) > 0.9);
}

/* Half of the nights are busy, nobody knows which: what is said comes true, after the map. */
TEST(what_is_said_comes_true)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	static struct life life;
	struct score_record record = {0};
	double said = 0, happened = 0, count = 0;
	for (int day = 0; day < PAST / DAYS_DAY; day++) {
		bool full = rng_below(&rng, 2);
		for (int slot = 0; slot < DAYS_DAY; slot++)
			life.busy[day * DAYS_DAY + slot] = full && slot < 60 ? 0.8f : 0.05f;
	}
	struct days_past past = past_of(&life);
	for (int day = 22; day < PAST / DAYS_DAY; day++) {
		struct score_window night = {
			.from = (int64_t)day * DAYS_DAY + 12, .slots = 12, .share = 0.2};
		double raw = score_raw(&disk, past, night.from - 100, &night);
		int did = score_happens(&disk, life.busy, &night);
		CHECK(raw >= 0 && raw <= 1 && did >= 0);
		score_learn(&record, raw, did, 1);
		score_fit(&record);
		said += score_true(&record, raw);
		happened += did;
		count += 1;
	}
	test_note("said %.2f, happened %.2f of %.0f nights", said / count, happened / count, count);
	CHECK(fabs(said - happened) / count < 0.2);
}

TEST(the_map_never_falls_and_stays_a_probability)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	struct score_record record = {0};
	CHECK(fabs(score_true(&record, 0.3) - 0.3) < 1e-12);
	score_learn(&record, (double)NAN, true, 1);
	score_learn(&record, 1.5, true, 1);
	for (int i = 0; i < 5000; i++) {
		double raw = wave_uniform(&rng);
		score_learn(&record, raw, wave_uniform(&rng) < raw * raw, 0.9999);
	}
	score_fit(&record);
	double before = 0;
	for (double raw = 0; raw <= 1; raw += 0.01) {
		double is = score_true(&record, raw);
		CHECK(is >= before && is <= 1);
		CHECK(fabs(is - raw * raw) < 0.2);
		before = is;
	}
}

TEST(a_past_that_is_empty_or_all_gaps_says_that_nothing_is_known)
{
	static struct life life;
	for (int i = 0; i < PAST; i++)
		life.busy[i] = (float)NAN;
	struct score_window window = {.from = 30 * DAYS_DAY, .slots = 12, .share = 0.2};
	CHECK(fabs(score_raw(&disk, past_of(&life), 0, &window) - 0.5) < 1e-9);
	CHECK(fabs(score_raw(&disk, past_of(&life), window.from, &window) - 0.5) < 1e-9);
	CHECK_EQ(score_happens(&disk, life.busy, &window), -1);
}

TEST_MAIN
