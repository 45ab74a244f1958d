/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store against a model in plain arrays: whatever is put, in whatever order, through flushes,
 * merges, restarts and days, is what is read; what makes no sense is counted.
 */
#include "series/series.h"

#include "base/rng.h"
#include "base/test.h"
#include "base/vec.h"
#include "series/rig_test.h"

static void rig_init(struct rig *rig)
{
	*rig = (struct rig){.sim = sim_disk_new()};
	CHECK(rig->sim);
	rig_world(rig, sim_disk_seam(rig->sim));
}

static void rig_open(struct rig *rig)
{
	struct why why = {""};
	int err = series_open(&rig->options, &rig->series, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "%d: %s", err, why.text);
}

static void rig_done(struct rig *rig)
{
	series_close(rig->series);
	CHECK_EQ(sim_disk_open_files(rig->sim), 0);
	sim_disk_free(rig->sim);
}

static uint32_t make(struct rig *rig, const char *text, enum series_kind kind)
{
	struct name name;
	uint32_t id;
	CHECK_EQ(rig_name(text, &name), 0);
	CHECK_EQ(series_make(rig->series, &name, kind, &id, NULL), 0);
	return id;
}

static void must_tend(struct rig *rig)
{
	struct why why = {""};
	int err = rig_tend(rig, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "%d: %s", err, why.text);
}

static void samples_done(struct samples *samples)
{
	vec_done(samples);
}

/* ---- the model ---- */

static void model_put(struct samples *model, int64_t ms, double value)
{
	CHECK_EQ(vec_reserve(model, model->len + 1), 0);
	size_t at = model->len;
	while (at > 0 && model->at[at - 1].ms > ms)
		at--;
	if (at > 0 && model->at[at - 1].ms == ms)
		return;
	memmove(model->at + at + 1, model->at + at, (model->len - at) * sizeof(*model->at));
	model->at[at] = (struct sample){ms, value};
	model->len++;
}

static bool same(double a, double b)
{
	return !(a < b) && !(a > b) && isnan(a) == isnan(b);
}

static void check_read(
	struct rig *rig, uint32_t id, const struct samples *model, int64_t from, int64_t to)
{
	OWN(samples_done) struct samples got = {0};
	struct why why = {""};
	int err = series_read(rig->series, id, from, to, &got, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "%d: %s", err, why.text);
	size_t n = 0;
	for (size_t i = 0; i < model->len; i++) {
		if (model->at[i].ms < from || model->at[i].ms >= to)
			continue;
		CHECK(n < got.len);
		CHECK_EQ(got.at[n].ms, model->at[i].ms);
		CHECK(same(got.at[n].value, model->at[i].value));
		n++;
	}
	CHECK_EQ(got.len, n);
}

/* Means, extremes and counts of the model, bucket by bucket. */
static void check_roll(struct rig *rig, uint32_t id, const struct samples *model,
	enum series_level level, enum series_kind kind)
{
	struct buckets got = {0};
	int64_t step = level_step_ms(level);
	const struct series_span span = {level, RIG_START_MS - 400 * RIG_DAY_MS, rig->now_ms + 1};
	struct why why = {""};
	int err = series_roll(rig->series, id, &span, &got, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "%d: %s", err, why.text);
	size_t n = 0;
	for (size_t i = 0; i < model->len;) {
		int64_t ms = model->at[i].ms / step * step;
		uint32_t count = 0;
		double sum = 0, low = HUGE_VAL, high = -HUGE_VAL;
		for (; i < model->len && model->at[i].ms < ms + step; i++) {
			double value = model->at[i].value;
			if (kind == SERIES_COUNTER &&
				(i == 0 || !sample_rate(&model->at[i - 1], &model->at[i], &value)))
				continue;
			count++;
			sum += value;
			low = fmin(low, value);
			high = fmax(high, value);
		}
		if (!count)
			continue;
		CHECK(n < got.rows.len);
		const struct bucket *row = &got.rows.at[n++];
		CHECK_EQ(row->ms, ms);
		CHECK_EQ(row->count, count);
		CHECK(same(row->low, low) && same(row->high, high));
		CHECK(fabs(row->mean - sum / count) <= 1e-6 * fabs(sum / count) + 1e-12);
		CHECK_EQ(row->sketch_len > 0, level >= LEVEL_5MIN);
		struct sketch sketch;
		CHECK(level < LEVEL_5MIN ||
			sketch_unpack(
				got.sketches.at + row->sketch_at, row->sketch_len, row, &sketch));
	}
	CHECK_EQ(got.rows.len, n);
	buckets_done(&got);
}

static double some_value(struct rng *rng, enum series_kind kind, double last)
{
	if (kind == SERIES_COUNTER)
		return rng_chance(rng, 5000) ? 0 : last + (double)rng_below(rng, 100000);
	if (rng_chance(rng, 300000))
		return last;
	return (double)rng_below(rng, 2000000) / 100 - 10000;
}

enum { SERIES = 3, ROUNDS = 700 };

/* One stretch of samples with gaps, late ones, and ones that were there before. */
static void put_round(
	struct rig *rig, struct rng *rng, uint32_t id, enum series_kind kind, struct samples *model)
{
	double last = model->len ? model->at[model->len - 1].value : 1000;
	for (unsigned i = 0; i < 24; i++) {
		int64_t ms = rig->now_ms - 240000 + i * 10000 + (int64_t)rng_below(rng, 3);
		bool late = rng_chance(rng, 20000);
		if (rng_chance(rng, 50000))
			continue;
		if (late)
			ms -= (int64_t)rng_below(rng, 20 * 3600 * 1000);
		last = some_value(rng, kind, last);
		enum series_put answer = series_put(rig->series, id, ms, last);
		if (answer > SERIES_LATE)
			CHECK(answer == SERIES_DENSE || answer == SERIES_DUPLICATE);
		else
			model_put(model, ms, last);
	}
}

TEST(what_is_put_is_what_is_read)
{
	static const enum series_kind kinds[SERIES] = {SERIES_GAUGE, SERIES_COUNTER, SERIES_GAUGE};
	struct rig rig;
	struct rng rng;
	struct samples model[SERIES] = {{0}};
	uint32_t ids[SERIES];
	rng_seed(&rng, test_seed());
	rig_init(&rig);
	rig.options.memory_max = 40000;
	rig_open(&rig);
	ids[0] = make(&rig, "a", kinds[0]);
	ids[1] = make(&rig, "b{x=\"1\"}", kinds[1]);
	ids[2] = make(&rig, "b{x=\"2\"}", kinds[2]);
	for (unsigned round = 0; round < ROUNDS; round++) {
		rig.now_ms += rng_chance(&rng, 20000) ? 7200000 : 240000;
		CHECK_EQ(series_sync(rig.series, NULL), 0);
		for (size_t i = 0; i < SERIES; i++)
			put_round(&rig, &rng, ids[i], kinds[i], &model[i]);
		CHECK_EQ(series_sync(rig.series, NULL), 0);
		must_tend(&rig);
		if (rng_chance(&rng, 20000)) {
			series_close(rig.series);
			rig_open(&rig);
		}
		if (rng_chance(&rng, 20000)) {
			int64_t from = rig.now_ms - (int64_t)rng_below(&rng, 2 * 86400000);
			check_read(&rig, ids[round % SERIES], &model[round % SERIES], from,
				from + (int64_t)rng_below(&rng, 86400000));
		}
	}
	struct series_facts facts = series_facts(rig.series);
	test_note("%llu flushes, %llu merges since the last start, %llu late",
		(unsigned long long)facts.flushes, (unsigned long long)facts.merges,
		(unsigned long long)facts.put[SERIES_LATE]);
	for (size_t i = 0; i < SERIES; i++) {
		check_read(&rig, ids[i], &model[i], rig.now_ms - 2 * RIG_DAY_MS, INT64_MAX);
		samples_done(&model[i]);
	}
	rig_done(&rig);
}

/* Roll-ups are the same before a day is complete, after it was merged, and when raw ones are gone.
 */
TEST(roll_ups_say_what_the_samples_said)
{
	struct rig rig;
	struct rng rng;
	struct samples model[2] = {{0}};
	uint32_t ids[2];
	rng_seed(&rng, test_seed());
	rig_init(&rig);
	rig_open(&rig);
	ids[0] = make(&rig, "a", SERIES_GAUGE);
	ids[1] = make(&rig, "b", SERIES_COUNTER);
	double last[2] = {0, 0};
	for (unsigned i = 0; i < 3 * 8640; i++) {
		rig.now_ms += 10000;
		for (size_t s = 0; s < 2; s++) {
			if (rng_chance(&rng, 20000))
				continue;
			last[s] = some_value(&rng, s ? SERIES_COUNTER : SERIES_GAUGE, last[s]);
			CHECK_EQ(series_put(rig.series, ids[s], rig.now_ms, last[s]), SERIES_KEPT);
			model_put(&model[s], rig.now_ms, last[s]);
		}
		if (i % 8640 == 5000 || i % 360 == 0) {
			CHECK_EQ(series_sync(rig.series, NULL), 0);
			must_tend(&rig);
		}
		if (i % 8640 == 5000)
			for (enum series_level level = LEVEL_10S; level < LEVELS; level++) {
				check_roll(&rig, ids[0], &model[0], level, SERIES_GAUGE);
				check_roll(&rig, ids[1], &model[1], level, SERIES_COUNTER);
			}
	}
	CHECK_EQ(series_sync(rig.series, NULL), 0);
	for (int days = 0; days < 6; days++) {
		rig.now_ms += RIG_DAY_MS;
		must_tend(&rig);
		for (enum series_level level = LEVEL_10S; level < LEVELS; level++) {
			check_roll(&rig, ids[0], &model[0], level, SERIES_GAUGE);
			check_roll(&rig, ids[1], &model[1], level, SERIES_COUNTER);
		}
	}
	struct series_facts facts = series_facts(rig.series);
	CHECK_EQ(facts.segments[LEVEL_RAW], 0);
	CHECK(facts.segments[LEVEL_10S] == 4 && facts.rows[LEVEL_HOUR] > 2 * 71);
	rig.now_ms += 15 * RIG_DAY_MS;
	must_tend(&rig);
	CHECK_EQ(series_facts(rig.series).segments[LEVEL_10S], 0);
	check_roll(&rig, ids[1], &model[1], LEVEL_5MIN, SERIES_COUNTER);
	samples_done(&model[0]);
	samples_done(&model[1]);
	rig_done(&rig);
}

/* A host that slept puts before it syncs again. */
TEST(a_sleep_of_hours_costs_no_sample)
{
	struct rig rig;
	rig_init(&rig);
	rig_open(&rig);
	uint32_t id = make(&rig, "g", SERIES_GAUGE);
	CHECK_EQ(series_put(rig.series, id, rig.now_ms, 1), SERIES_KEPT);
	rig.now_ms += 5 * 3600000;
	CHECK_EQ(series_put(rig.series, id, rig.now_ms, 2), SERIES_KEPT);
	CHECK_EQ(series_put(rig.series, id, rig.now_ms + 3700 * 1000, 3), SERIES_FUTURE);
	rig_done(&rig);
}

TEST(what_makes_no_sense_is_counted_and_kept_out)
{
	struct rig rig;
	rig_init(&rig);
	rig_open(&rig);
	uint32_t gauge = make(&rig, "g", SERIES_GAUGE), counter = make(&rig, "c", SERIES_COUNTER);
	int64_t ms = rig.now_ms;
	struct series *series = rig.series;
	CHECK_EQ(series_put(series, gauge, ms, nan("")), SERIES_POISON);
	CHECK_EQ(series_put(series, gauge, ms, HUGE_VAL), SERIES_POISON);
	CHECK_EQ(series_put(series, gauge, ms, -1e301), SERIES_POISON);
	CHECK_EQ(series_put(series, counter, ms, -1), SERIES_POISON);
	CHECK_EQ(series_put(series, gauge, ms, -1), SERIES_KEPT);
	CHECK_EQ(series_put(series, gauge, ms, 2), SERIES_DUPLICATE);
	CHECK_EQ(series_put(series, gauge, ms + 50, 2), SERIES_DENSE);
	CHECK_EQ(series_put(series, gauge, ms - 1000, 2), SERIES_LATE);
	CHECK_EQ(series_put(series, gauge, ms - 1000, 3), SERIES_DUPLICATE);
	CHECK_EQ(series_put(series, gauge, ms - 950, 3), SERIES_DENSE);
	CHECK_EQ(series_put(series, gauge, ms + 3700 * 1000, 2), SERIES_FUTURE);
	CHECK_EQ(series_put(series, gauge, INT64_MAX, 2), SERIES_FUTURE);
	CHECK_EQ(series_put(series, gauge, INT64_MIN, 2), SERIES_OLD);
	CHECK_EQ(series_put(series, gauge, 0, 2), SERIES_OLD);
	CHECK_EQ(series_put(series, counter, ms, 5), SERIES_KEPT);
	CHECK_EQ(series_put(series, counter, ms + 1000, 3), SERIES_KEPT);
	struct series_facts facts = series_facts(series);
	CHECK_EQ(facts.put[SERIES_POISON], 4);
	CHECK_EQ(facts.put[SERIES_KEPT], 3);
	CHECK_EQ(facts.put[SERIES_OLD], 2);
	CHECK_EQ(facts.resets, 1);
	rig_done(&rig);
}

/* A million new names: those there is room for are made, the others counted. */
TEST(a_flood_of_names_is_refused_by_count)
{
	struct rig rig;
	struct name name;
	struct why why;
	uint32_t id;
	rig_init(&rig);
	rig.options.series_max = 100;
	rig_open(&rig);
	for (unsigned i = 0; i < 1000000; i++) {
		char text[32];
		snprintf(text, sizeof(text), "%u", i);
		CHECK_EQ(name_start(&name, "m", 1, NULL), 0);
		CHECK_EQ(name_label(&name, "pid", text, NULL), 0);
		CHECK_EQ(series_make(rig.series, &name, SERIES_GAUGE, &id, &why),
			i < 100 ? 0 : -ENOSPC);
	}
	CHECK_STR(why.text, "series: no room for more than 100 series");
	CHECK_EQ(series_facts(rig.series).refused, 999900);
	CHECK_EQ(series_make(rig.series, &name, SERIES_GAUGE, &id, NULL), -ENOSPC);
	CHECK_EQ(rig_name("m{pid=\"7\"}", &name), 0);
	CHECK_EQ(series_make(rig.series, &name, SERIES_GAUGE, &id, NULL), 0);
	CHECK_EQ(id, 7);
	CHECK_EQ(series_make(rig.series, &name, SERIES_COUNTER, &id, &why), -EINVAL);
	CHECK_STR(why.text, "m{pid=\"7\"} is a gauge");
	rig_done(&rig);
}

/* Puts and tends for hours; returns how many samples were refused because memory was full. */
static uint64_t run_hours(struct rig *rig, uint32_t id, struct samples *model, int hours, int *ret)
{
	for (int i = 0; i < hours * 360; i++) {
		rig->now_ms += 10000;
		double value = i % 1000 + 0.25;
		if (series_put(rig->series, id, rig->now_ms, value) == SERIES_KEPT)
			model_put(model, rig->now_ms, value);
		if (i % 6)
			continue;
		CHECK_EQ(series_sync(rig->series, NULL), 0);
		int err = rig_tend(rig, NULL);
		CHECK(err == 0 || err == -ENOSPC);
		*ret = err ? err : *ret;
	}
	CHECK_EQ(series_sync(rig->series, NULL), 0);
	return series_facts(rig->series).put[SERIES_FULL];
}

static int no_room_for_segments(void *arg, enum sim_op op, const char *name, bool done)
{
	(void)arg;
	return op == SIM_WRITE && !done && strstr(name, ".seg") ? -ENOSPC : 0;
}

TEST(a_disk_without_room_for_segments_is_waited_out)
{
	struct rig rig;
	struct samples model = {0};
	int err = 0;
	rig_init(&rig);
	rig.options.memory_max = 20000;
	rig_open(&rig);
	uint32_t id = make(&rig, "a", SERIES_GAUGE);
	CHECK_EQ(run_hours(&rig, id, &model, 2, &err), 0);
	CHECK_EQ(err, 0);
	sim_disk_set_hook(rig.sim, no_room_for_segments, NULL);
	uint64_t full = run_hours(&rig, id, &model, 12, &err);
	CHECK(err == -ENOSPC && full > 100);
	CHECK(series_facts(rig.series).memory <= 3 * rig.options.memory_max);
	sim_disk_set_hook(rig.sim, NULL, NULL);
	err = 0;
	CHECK(run_hours(&rig, id, &model, 2, &err) <= full + 1);
	CHECK_EQ(err, 0);
	check_read(&rig, id, &model, INT64_MIN, INT64_MAX);
	samples_done(&model);
	rig_done(&rig);
}

TEST(a_log_that_cannot_grow_stops_the_store)
{
	struct rig rig;
	struct samples model = {0};
	struct why why = {""};
	int err = 0;
	rig_init(&rig);
	rig_open(&rig);
	uint32_t id = make(&rig, "a", SERIES_GAUGE);
	run_hours(&rig, id, &model, 1, &err);
	sim_disk_set_capacity(rig.sim, 20000);
	for (int i = 0; !err; i++) {
		rig.now_ms += 10000;
		enum series_put answer = series_put(rig.series, id, rig.now_ms, i);
		err = series_sync(rig.series, &why);
		CHECK_EQ(answer, err && answer ? SERIES_STOPPED : SERIES_KEPT);
		if (!err)
			model_put(&model, rig.now_ms, i);
	}
	CHECK_EQ(err, -ENOSPC);
	CHECK(strstr(why.text, "series/log: ") && strstr(why.text, "No space left on device"));
	CHECK_EQ(series_put(rig.series, id, rig.now_ms + 10000, 1), SERIES_STOPPED);
	CHECK_EQ(series_sync(rig.series, NULL), -ENOSPC);
	CHECK_EQ(rig_tend(&rig, NULL), -ENOSPC);
	series_close(rig.series);
	sim_disk_set_capacity(rig.sim, 0);
	rig_open(&rig);
	check_read(&rig, id, &model, INT64_MIN, rig.now_ms);
	samples_done(&model);
	rig_done(&rig);
}

TEST(another_looks_while_the_owner_writes)
{
	struct rig rig;
	struct samples model = {0};
	struct series *owner;
	int err = 0;
	rig_init(&rig);
	rig.options.memory_max = 20000;
	rig_open(&rig);
	uint32_t id = make(&rig, "a", SERIES_GAUGE);
	run_hours(&rig, id, &model, 9, &err);
	CHECK_EQ(series_open(&rig.options, &owner, NULL), -EWOULDBLOCK);
	owner = rig.series;
	rig.options.look = true;
	rig_open(&rig);
	check_read(&rig, id, &model, INT64_MIN, INT64_MAX);
	series_close(rig.series);
	rig.series = owner;
	rig.options.look = false;
	run_hours(&rig, id, &model, 1, &err);
	check_read(&rig, id, &model, INT64_MIN, INT64_MAX);
	samples_done(&model);
	rig_done(&rig);
}

static bool find_segment(void *arg, const char *name, bool is_dir)
{
	char *found = arg;
	if (!is_dir && strstr(name, ".seg") && !found[0])
		snprintf(found, 64, "series/%s", name);
	return true;
}

TEST(a_damaged_segment_is_told_and_left_alone)
{
	struct rig rig;
	struct samples model = {0}, got = {0};
	struct why why;
	int err = 0;
	char name[64] = "";
	rig_init(&rig);
	rig.options.memory_max = 20000;
	rig_open(&rig);
	uint32_t id = make(&rig, "a", SERIES_GAUGE);
	run_hours(&rig, id, &model, 6, &err);
	CHECK_EQ(disk_list(rig.world.disk, "series", find_segment, name), 0);
	CHECK(name[0]);
	CHECK_EQ(sim_disk_flip(rig.sim, name, 64 + 50, 4), 0);
	CHECK_EQ(series_read(rig.series, id, INT64_MIN, INT64_MAX, &got, &why), -EBADMSG);
	char want[128];
	snprintf(want, sizeof(want),
		"segment %s: damaged: a block at offset 64: restore it from a copy", name + 7);
	CHECK_STR(why.text, want);
	/* What is elsewhere is read as before, and days go on being merged. */
	run_hours(&rig, id, &model, 40, &err);
	CHECK_EQ(err, 0);
	check_read(&rig, id, &model, rig.now_ms - 20 * 3600 * 1000, INT64_MAX);
	CHECK_EQ(series_facts(rig.series).damaged, 1);
	samples_done(&model);
	samples_done(&got);
	rig_done(&rig);
}

TEST(silent_series_are_forgotten)
{
	struct rig rig;
	struct name name;
	uint32_t again;
	rig_init(&rig);
	rig_open(&rig);
	uint32_t id = make(&rig, "a", SERIES_GAUGE), other = make(&rig, "b", SERIES_GAUGE);
	CHECK_EQ(series_put(rig.series, id, rig.now_ms, 1), SERIES_KEPT);
	for (int day = 0; day < 103; day++) {
		rig.now_ms += RIG_DAY_MS;
		CHECK_EQ(series_sync(rig.series, NULL), 0);
		CHECK_EQ(series_put(rig.series, other, rig.now_ms, day), SERIES_KEPT);
		must_tend(&rig);
	}
	CHECK_EQ(series_put(rig.series, id, rig.now_ms, 1), SERIES_GONE);
	CHECK_EQ(rig_name("a", &name), 0);
	CHECK_EQ(series_find(rig.series, &name, &again), -ENOENT);
	again = make(&rig, "a", SERIES_GAUGE);
	CHECK(again != id && series_facts(rig.series).series == 2);
	CHECK_EQ(series_sync(rig.series, NULL), 0);
	series_close(rig.series);
	rig_open(&rig);
	CHECK_EQ(series_find(rig.series, &name, &id), 0);
	CHECK_EQ(id, again);
	rig_done(&rig);
}

TEST_MAIN
