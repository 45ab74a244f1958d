/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crash exploration of the store of series. Each hour one sample is put into each of two series,
 * and now and then all is synced and tended, so that flushes, merges, roll-ups and drops happen.
 * What was promised must be there: as a sample, or, when its day is gone, as the bucket of its
 * hour, which holds nothing else. And nothing may be there that was not put.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "series/rig_test.h"
#include "sim/alloc_fault.h"
#include "store/crash_test.h"

enum { HOURS = 112, SERIES = 2, LIVES = 2, STRIDE = 8 };

struct hour {
	bool maybe[LIVES]; /* may be there, as that life put it */
	int must;          /* it must be there as that life put it: its number; 0: it need not */
};

struct state {
	struct hour hours[SERIES][HOURS];
	bool made[SERIES];
	unsigned next; /* hour */
};

static const char *const names[SERIES] = {"a", "b"};

/* Values of several bytes, so that some are torn; each life has its own. */
static double value_of(unsigned hour, unsigned life)
{
	return (double)(hour * 7919 % 1000) + hour / 128.0 + (life == 2 ? 5000 : 0);
}

static int64_t time_of(unsigned hour)
{
	return RIG_START_MS + (int64_t)hour * 3600000;
}

static void rig_begin(struct rig *rig, const struct state *state, const struct world *world)
{
	memset(rig, 0, sizeof(*rig));
	rig_world(rig, world->disk);
	rig->now_ms = time_of(state->next);
	rig->options.memory_max = 1200;
	rig->options.keep_ms[LEVEL_RAW] = RIG_DAY_MS;
	rig->options.keep_ms[LEVEL_10S] = RIG_DAY_MS;
}

static void rig_end(struct rig *rig)
{
	series_close(rig->series);
}

static int find(struct rig *rig, unsigned number, bool make, uint32_t *ret_id, struct why *why)
{
	struct name name;
	must(rig_name(names[number], &name) == 0);
	if (make)
		return series_make(rig->series, &name, SERIES_GAUGE, ret_id, why);
	return series_find(rig->series, &name, ret_id);
}

/* ---- comparing ---- */

static int check_hour(const struct hour *hour, unsigned number, const struct bucket *row,
	int *ret_life, struct why *why)
{
	*ret_life = 0;
	for (int life = 1; life <= LIVES; life++) {
		double want = value_of(number, (unsigned)life);
		if (row && row->count == 1 && hour->maybe[life - 1] && !(row->low < want) &&
			!(row->high > want))
			*ret_life = life;
	}
	if (row && !*ret_life)
		return why_set(why, -EBADMSG, "hour %u holds what was never put", number);
	if (hour->must && hour->must != *ret_life)
		return why_set(why, -EBADMSG, "hour %u was promised and is not there", number);
	return 0;
}

/* The hour's number of a bucket or sample; -1: there was none. */
static int hour_of(int64_t ms)
{
	int64_t hour = (ms - RIG_START_MS) / 3600000;
	return hour >= 0 && hour < HOURS && time_of((unsigned)hour) == ms ? (int)hour : -1;
}

static int compare_rows(const struct state *state, unsigned number, const struct buckets *rows,
	int *lives, struct why *why)
{
	size_t at = 0;
	for (unsigned hour = 0; hour < HOURS; hour++) {
		const struct bucket *row = NULL;
		if (at < rows->rows.len && rows->rows.at[at].ms == time_of(hour))
			row = &rows->rows.at[at++];
		int err = check_hour(&state->hours[number][hour], hour, row, &lives[hour], why);
		if (err)
			return err;
	}
	if (at < rows->rows.len)
		return why_set(why, -EBADMSG, "a bucket of no hour");
	return 0;
}

/* What is left of the samples says the same as the buckets. */
static int compare_samples(struct rig *rig, uint32_t id, const int *lives, struct why *why)
{
	struct samples samples = {0};
	int err = series_read(rig->series, id, INT64_MIN, INT64_MAX, &samples, why);
	for (size_t i = 0; !err && i < samples.len; i++) {
		int hour = hour_of(samples.at[i].ms);
		double want = hour < 0 ? 0 : value_of((unsigned)hour, (unsigned)lives[hour]);
		if (hour < 0 || !lives[hour] || samples.at[i].value < want ||
			samples.at[i].value > want)
			err = why_set(why, -EBADMSG, "a sample that no bucket knows");
	}
	vec_done(&samples);
	return err;
}

static int compare(
	struct rig *rig, const struct state *state, unsigned number, int *lives, struct why *why)
{
	struct buckets rows = {0};
	const struct series_span span = {LEVEL_HOUR, RIG_START_MS, time_of(2 * HOURS)};
	uint32_t id;
	int err = find(rig, number, false, &id, why);
	if (err)
		return state->made[number] ? why_set(why, -EBADMSG, "a name was promised") : 0;
	err = series_roll(rig->series, id, &span, &rows, why);
	if (!err)
		err = compare_rows(state, number, &rows, lives, why);
	if (!err)
		err = compare_samples(rig, id, lives, why);
	buckets_done(&rows);
	return err;
}

/* ---- a life ---- */

/* What a life finds is promised from then on. */
static int take_over(struct rig *rig, struct state *state, struct why *why)
{
	for (unsigned number = 0; number < SERIES; number++) {
		int lives[HOURS] = {0};
		int err = compare(rig, state, number, lives, why);
		if (err)
			return err;
		for (unsigned hour = 0; hour < HOURS; hour++) {
			struct hour *at = &state->hours[number][hour];
			memset(at, 0, sizeof(*at));
			if (lives[hour]) {
				at->maybe[lives[hour] - 1] = true;
				at->must = lives[hour];
			}
		}
	}
	return 0;
}

static void promise(struct state *state, unsigned life, const bool kept[SERIES][HOURS])
{
	for (unsigned number = 0; number < SERIES; number++) {
		state->made[number] = true;
		for (unsigned hour = 0; hour < HOURS; hour++)
			if (kept[number][hour])
				state->hours[number][hour].must = (int)life;
	}
}

static void put_hour(struct rig *rig, struct state *state, const uint32_t *ids, unsigned life,
	bool kept[SERIES][HOURS])
{
	unsigned hour = state->next;
	rig->now_ms = time_of(hour);
	for (unsigned number = 0; number < SERIES; number++) {
		struct hour *at = &state->hours[number][hour];
		/* Every fifth comes late, with the next hour. */
		if (number == 1 && hour % 5 == 4)
			continue;
		at->maybe[life - 1] |= !at->must;
		kept[number][hour] = series_put(rig->series, ids[number], time_of(hour),
					     value_of(hour, life)) <= SERIES_LATE;
		if (number == 1 && hour % 5 == 0 && hour) {
			at[-1].maybe[life - 1] |= !at[-1].must;
			kept[number][hour - 1] = series_put(rig->series, ids[number],
							 time_of(hour - 1),
							 value_of(hour - 1, life)) <= SERIES_LATE;
		}
	}
	state->next++;
}

static int tend(struct rig *rig, struct why *why)
{
	bool more = true;
	int err = 0;
	for (int i = 0; more && !err; i++)
		err = series_tend(rig->series, 60, &more, why);
	return err == -ENOSPC || err == -ENOMEM ? 0 : err;
}

static int sync_and_tend(struct rig *rig, struct state *state, unsigned life,
	const bool kept[SERIES][HOURS], struct why *why)
{
	int err = series_sync(rig->series, why);
	/* A caller that does not give up must not be told that all is well. */
	if (!err || series_sync(rig->series, NULL) == 0)
		promise(state, life, kept);
	return err ? err : tend(rig, why);
}

static int live(struct state *state, const struct world *world, unsigned life, struct why *why)
{
	OWN(rig_end) struct rig rig;
	bool kept[SERIES][HOURS] = {{0}};
	uint32_t ids[SERIES];
	rig_begin(&rig, state, world);
	rig.options.create = !state->made[0];
	int err = series_open(&rig.options, &rig.series, why);
	if (!err)
		err = take_over(&rig, state, why);
	for (unsigned number = 0; number < SERIES && !err; number++)
		err = find(&rig, number, true, &ids[number], why);
	while (!err && state->next < HOURS) {
		put_hour(&rig, state, ids, life, kept);
		if (state->next % STRIDE == 0)
			err = sync_and_tend(&rig, state, life, kept, why);
	}
	return err;
}

/*
 * One life after the other, as long as one of them fails. One that failed to make the folder is
 * followed by none: the disk here never forgets a lost folder, even when it is made anew.
 */
static int run(void *arg, struct world *world, struct why *why)
{
	int err = 0;
	for (unsigned number = 1; number <= LIVES; number++) {
		struct life life;
		struct file *log = NULL;
		life_begin(&life, world, number);
		err = live(arg, &life.world, number, why);
		if (!err || disk_open(world->disk, "series/log", FILE_READ, &log))
			break;
		file_close(log);
	}
	return err;
}

static int check(void *arg, struct world *world, bool faulty, struct why *why)
{
	struct state *state = arg;
	OWN(rig_end) struct rig rig;
	(void)faulty;
	rig_begin(&rig, state, world);
	rig.options.create = !state->made[0];
	int err = series_open(&rig.options, &rig.series, why);
	for (unsigned number = 0; number < SERIES && !err; number++) {
		int lives[HOURS] = {0};
		err = compare(&rig, state, number, lives, why);
	}
	/* It goes on: a day later all is rolled up, and says the same. */
	rig.now_ms += 2 * RIG_DAY_MS;
	if (!err)
		err = series_sync(rig.series, why);
	for (int i = 0; i < 2 && !err; i++) {
		err = tend(&rig, why);
		rig.now_ms += 3600000;
	}
	for (unsigned number = 0; number < SERIES && !err; number++) {
		int lives[HOURS] = {0};
		err = compare(&rig, state, number, lives, why);
	}
	return err;
}

/* A byte of a block is changed behind the owner's back: none of it may be believed. */
struct damage_state {
	char name[64];
	bool done;
};

static bool find_segment(void *arg, const char *name, bool is_dir)
{
	struct damage_state *state = arg;
	if (!is_dir && strstr(name, ".seg") && !strstr(name, ".new"))
		snprintf(state->name, sizeof(state->name), "series/%s", name);
	return true;
}

static int flip(struct disk *disk, const char *name)
{
	OWN(file_close_own) struct file *file = NULL;
	uint8_t byte = 0;
	/* Within the last bytes of the first block's values. */
	int err = disk_open(disk, name, FILE_READ | FILE_WRITE, &file);
	if (!err)
		err = file_read_full(file, &byte, 1, 64 + 70);
	byte ^= 8;
	if (!err)
		err = file_write_full(file, &byte, 1, 64 + 70);
	return err ? err : file_sync(file);
}

static int run_flipped(void *arg, struct world *world, struct why *why)
{
	struct damage_state *state = arg;
	struct state full = {.next = 0};
	int err = live(&full, world, 1, why);
	if (!err)
		err = disk_list(world->disk, "series", find_segment, state);
	if (!err && state->name[0])
		err = flip(world->disk, state->name);
	state->done = !err && state->name[0];
	return err;
}

static int check_flipped(void *arg, struct world *world, bool faulty, struct why *why)
{
	const struct damage_state *state = arg;
	const struct state now = {.next = HOURS};
	OWN(rig_end) struct rig rig;
	struct samples samples = {0};
	uint32_t id;
	rig_begin(&rig, &now, world);
	int err = series_open(&rig.options, &rig.series, why);
	if (err || !state->done)
		return err;
	for (unsigned number = 0; number < SERIES && !err; number++)
		if (find(&rig, number, false, &id, why) == 0)
			err = series_read(rig.series, id, INT64_MIN, INT64_MAX, &samples, why);
	vec_done(&samples);
	if (err == -EBADMSG || (faulty && err))
		return 0;
	return why_set(why, -EBADMSG, "the damage was not found");
}

static const struct scenario series = {
	.name = "series", .state_size = sizeof(struct state), .run = run, .check = check};

static const struct scenario flipped = {.name = "flipped",
	.state_size = sizeof(struct damage_state),
	.run = run_flipped,
	.check = check_flipped};

int main(int argc, char **argv)
{
	const struct explore_options some = {.exhaustive = 8, .samples = 4, .recovery_points = 3};
	struct crash_case cases[] = {
		{.scenario = &series,
			.options = some,
			.killed = {.exhaustive = 8,
				.samples = 4,
				.recovery_points = 1,
				.no_faults = true},
			.kills = 83},
		{.scenario = &flipped,
			.options = {.exhaustive = 2,
				.samples = 1,
				.recovery_points = 1,
				.no_faults = true}},
	};
	cases[0].options.allocations = &alloc_faults;
	return crash_main(argc, argv, cases, sizeof(cases) / sizeof(*cases));
}
