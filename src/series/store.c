/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of series: opening, names, putting, syncing, tending.
 *
 * Invariants between calls, unless stopped:
 *   1. every sample that was kept is in a segment of the manifest, or in its track's `fresh`; what
 *      is fresh is in the log or in `pending`
 *   2. every segment of the manifest was durable before the log named it, and a file is removed
 *      after the log that does not name it any more was durable
 *   3. who is believed: of raw samples of one millisecond that with the lowest rank, of buckets of
 *      one time that with the highest. A flush ranks as its number, merged samples as the oldest of
 *      them, a whole day's roll-up as its number, and that of late samples whose day had been
 *      dropped as 0
 *   4. numbers of segments and of series are never given twice
 */
#include "series/series.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/world.h"
#include "series/inner.h"
#include "series/name.h"

#define ABSURD 1e300

/* The log is written anew when it has so many times the memory for samples. */
enum { LOG_TIMES = 4 };

int64_t floor_to(int64_t ms, int64_t step)
{
	return ms - ((ms % step) + step) % step;
}

int64_t series_keep_ms(enum series_level level)
{
	static const int64_t days[LEVELS] = {3, 14, 100, 5 * 365};
	return days[level] * DAY_MS;
}

static int tell_failure(const struct series *series, struct why *why)
{
	return why_set(why, series->error, "%s", series->failure.text);
}

int series_stop(struct series *series, int err, const struct why *failure, struct why *why)
{
	if (!series->error && !planted(SERIES_NOT_STOPPED)) {
		series->error = err;
		if (failure)
			series->failure = *failure;
		else
			why_errno(&series->failure, err, "%s: stopped", series->folder);
	}
	return series->error ? tell_failure(series, why) : err;
}

int series_check(const struct series *series, struct why *why)
{
	if (series->error)
		return tell_failure(series, why);
	return series->log ? journal_check(series->log, why) : 0;
}

/* ---- tracks ---- */

struct track *track_of(const struct series *series, uint32_t id)
{
	return id < series->tracks.len ? series->tracks.at[id] : NULL;
}

static void track_free(struct track *track)
{
	vec_done(&track->fresh);
	free(track->name);
	free(track);
}

int track_new(struct series *series, uint32_t id, enum series_kind kind, const char *name,
	struct track **ret_track)
{
	struct track *track = calloc(1, sizeof(*track));
	if (track)
		track->name = strdup(name);
	if (!track || !track->name || vec_reserve(&series->tracks, (size_t)id + 1) ||
		map_put(&series->by_name, name, track)) {
		if (track)
			track_free(track);
		return -ENOMEM;
	}
	while (series->tracks.len < id)
		series->tracks.at[series->tracks.len++] = NULL;
	series->tracks.at[series->tracks.len++] = track;
	track->id = id;
	track->kind = kind;
	track->last_ms = INT64_MIN;
	track->last_value = nan("");
	series->facts.series++;
	*ret_track = track;
	return 0;
}

/* Silent for so long that what is left of it is by the hour, if anything. */
bool track_silent(const struct series *series, const struct track *track)
{
	return !track->fresh.len && track->last_ms != INT64_MIN &&
		track->last_ms < series->now_ms - SILENT_MS;
}

void track_forget(struct series *series, struct track *track)
{
	map_remove(&series->by_name, track->name);
	series->tracks.at[track->id] = NULL;
	series->facts.series--;
	track_free(track);
}

/* Where a sample of that time belongs among the fresh ones. */
static size_t place_of(const struct samples *fresh, int64_t ms)
{
	size_t low = 0, high = fresh->len;
	if (high && fresh->at[high - 1].ms < ms)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (fresh->at[middle].ms < ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Half as much again: doubling would waste a third of the memory on average. */
static int make_room(struct series *series, struct samples *fresh)
{
	if (fresh->len < fresh->cap)
		return 0;
	size_t cap = fresh->cap < 8 ? 8 : fresh->cap + fresh->cap / 2;
	struct sample *grown = reallocarray(fresh->at, cap, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	series->facts.memory += (cap - fresh->cap) * sizeof(*grown);
	fresh->at = grown;
	fresh->cap = cap;
	return 0;
}

int track_add(struct series *series, struct track *track, const struct sample *sample)
{
	struct samples *fresh = &track->fresh;
	int err = make_room(series, fresh);
	if (err)
		return err;
	size_t at = place_of(fresh, sample->ms);
	if (at < fresh->len && fresh->at[at].ms == sample->ms)
		return 0;
	memmove(fresh->at + at + 1, fresh->at + at, (fresh->len - at) * sizeof(*fresh->at));
	fresh->at[at] = *sample;
	fresh->len++;
	if (sample->ms >= track->last_ms) {
		track->last_ms = sample->ms;
		track->last_value = sample->value;
	}
	return 0;
}

/* ---- opening ---- */

static bool has_log(const struct series *series)
{
	struct file *file = NULL;
	int err = disk_open(series->world->disk, series->log_name, FILE_READ, &file);
	file_close(file);
	return err != -ENOENT;
}

/*
 * A folder without a log may be one whose name an earlier life could not sync: it is made anew.
 * With one, its name was durable before the log was made.
 */
static int make_folder(struct series *series, struct why *why)
{
	static const char *const leftovers[] = {".lock", ".new"};
	struct disk *disk = series->world->disk;
	char path[SEGMENT_NAME + 8];
	int err = disk_mkdir(disk, series->folder);
	if (err == -EEXIST && has_log(series))
		return 0;
	if (err == -EEXIST) {
		for (size_t i = 0; i < sizeof(leftovers) / sizeof(*leftovers); i++) {
			snprintf(path, sizeof(path), "%s%s", series->log_name, leftovers[i]);
			(void)disk_unlink(disk, path);
		}
		err = disk_rmdir(disk, series->folder);
		if (!err)
			err = disk_mkdir(disk, series->folder);
	}
	if (!err)
		err = disk_sync_dir(disk, ".");
	return err ? why_errno(why, err, "%s: cannot be made", series->folder) : 0;
}

static void options_take(struct series *series, const struct series_options *options)
{
	series->world = options->world;
	series->memory_max = options->memory_max ? options->memory_max : SERIES_MEMORY;
	series->series_max = options->series_max ? options->series_max : SERIES_MAX;
	series->look = options->look;
	for (enum series_level level = 0; level < LEVELS; level++)
		series->keep_ms[level] = options->keep_ms[level] ? options->keep_ms[level]
								 : series_keep_ms(level);
	series->home.disk = options->world->disk;
	series->home.folder = series->folder;
	memcpy(series->home.identity, options->identity, IDENTITY_SIZE);
	series->now_ms = clock_wall_ns(options->world->clock) / 1000000;
	series->flushed_ms = series->now_ms;
	series->next_segment = 1;
}

static int take_names(struct series *series, const char *folder, struct why *why)
{
	int len = snprintf(series->folder, sizeof(series->folder), "%s", folder);
	if (len < 0 || len >= (int)sizeof(series->folder))
		return why_set(why, -ENAMETOOLONG, "%.40s...: the name is too long", folder);
	snprintf(series->log_name, sizeof(series->log_name), "%s/log", folder);
	return 0;
}

static void close_own(struct series **series)
{
	series_close(*series);
}

static int open_once(
	const struct series_options *options, struct series **ret_series, struct why *why)
{
	OWN(close_own) struct series *series = calloc(1, sizeof(*series));
	if (!series || !(series->block = malloc(BLOCK_MAX)))
		return why_errno(why, -ENOMEM, "%s", options->folder);
	options_take(series, options);
	int err = take_names(series, options->folder, why);
	if (!err && options->create && !options->look)
		err = make_folder(series, why);
	if (!err)
		err = log_open(series, options->create, why);
	if (!err && !series->look)
		err = held_sweep(series, why);
	if (err)
		return err;
	*ret_series = TAKE(series);
	return 0;
}

/* Beside an owner that is writing, a record may be met half written. */
enum { LOOKS = 5 };

int series_open(const struct series_options *options, struct series **ret_series, struct why *why)
{
	int err = open_once(options, ret_series, why);
	for (int i = 1; options->look && err == -EBADMSG && i < LOOKS; i++)
		err = open_once(options, ret_series, why);
	return err;
}

void series_close(struct series *series)
{
	if (!series)
		return;
	merge_drop(series);
	journal_close(series->log);
	held_done(series);
	map_done(&series->by_name);
	vec_each (track, &series->tracks)
		if (*track)
			track_free(*track);
	vec_done(&series->tracks);
	vec_done(&series->pending);
	vec_done(&series->spare);
	free(series->block);
	free(series);
}

/* ---- names ---- */

int series_find(const struct series *series, const struct name *name, uint32_t *ret_id)
{
	char text[NAME_TEXT];
	name_text(name, text);
	const struct track *track = map_get(&series->by_name, text);
	if (!track)
		return -ENOENT;
	*ret_id = track->id;
	return 0;
}

static int make_track(struct series *series, const char *text, enum series_kind kind,
	uint32_t *ret_id, struct why *why)
{
	struct track *track;
	if (series->facts.series >= series->series_max) {
		series->facts.refused++;
		return why_set(why, -ENOSPC, "%s: no room for more than %u series", series->folder,
			series->series_max);
	}
	if (series->tracks.len >= 1u << 30)
		return why_set(why, -ENOSPC, "%s: all numbers are taken", series->folder);
	int err = track_new(series, (uint32_t)series->tracks.len, kind, text, &track);
	if (err)
		return why_errno(why, err, "%s: one more series", series->folder);
	err = log_track(series->log, track, why);
	if (err) {
		map_remove(&series->by_name, track->name);
		series->tracks.len--;
		series->facts.series--;
		track_free(track);
		return err;
	}
	*ret_id = track->id;
	return 0;
}

int series_make(struct series *series, const struct name *name, enum series_kind kind,
	uint32_t *ret_id, struct why *why)
{
	char text[NAME_TEXT];
	must(!series->look && (kind == SERIES_GAUGE || kind == SERIES_COUNTER));
	int err = series_check(series, why);
	if (err)
		return err;
	name_text(name, text);
	const struct track *track = map_get(&series->by_name, text);
	if (!track)
		return make_track(series, text, kind, ret_id, why);
	if (track->kind != kind)
		return why_set(why, -EINVAL, "%.200s is a %s", text,
			track->kind == SERIES_COUNTER ? "counter" : "gauge");
	*ret_id = track->id;
	return 0;
}

static struct series_one one_of(const struct track *track)
{
	return (struct series_one){
		track->id, track->kind, track->name, track->last_ms, track->last_value};
}

void series_each(const struct series *series, series_each_fn *fn, void *arg)
{
	for (size_t i = 0; i < series->tracks.len; i++) {
		if (!series->tracks.at[i])
			continue;
		struct series_one one = one_of(series->tracks.at[i]);
		if (!fn(arg, &one))
			return;
	}
}

bool series_one(const struct series *series, uint32_t id, struct series_one *ret)
{
	const struct track *track = track_of(series, id);
	if (track)
		*ret = one_of(track);
	return track != NULL;
}

/* ---- putting ---- */

static enum series_put judge_time(
	const struct series *series, const struct track *track, int64_t ms)
{
	if (ms > series->now_ms + SERIES_AHEAD_MS)
		return SERIES_FUTURE;
	if (ms < series->now_ms - series->keep_ms[LEVEL_HOUR])
		return SERIES_OLD;
	if (track->last_ms == INT64_MIN || ms >= track->last_ms + SERIES_SPACING_MS)
		return SERIES_KEPT;
	if (ms == track->last_ms)
		return SERIES_DUPLICATE;
	if (ms > track->last_ms)
		return SERIES_DENSE;
	const struct samples *fresh = &track->fresh;
	size_t at = place_of(fresh, ms);
	if (at < fresh->len && fresh->at[at].ms == ms)
		return SERIES_DUPLICATE;
	if ((at < fresh->len && fresh->at[at].ms - ms < SERIES_SPACING_MS) ||
		(at > 0 && ms - fresh->at[at - 1].ms < SERIES_SPACING_MS))
		return SERIES_DENSE;
	return SERIES_LATE;
}

static enum series_put judge(
	const struct series *series, const struct track *track, int64_t ms, double value)
{
	if (series_check(series, NULL))
		return SERIES_STOPPED;
	if (!(fabs(value) <= ABSURD) || (track->kind == SERIES_COUNTER && value < 0))
		return SERIES_POISON;
	enum series_put answer = judge_time(series, track, ms);
	if (answer <= SERIES_LATE && series->facts.memory >= 2 * series->memory_max)
		return SERIES_FULL;
	return answer;
}

enum series_put series_put(struct series *series, uint32_t id, int64_t ms, double value)
{
	struct track *track = track_of(series, id);
	must(id < series->tracks.len && !series->look);
	/* The store looks at the clock when it is synced: since then the host may have slept. */
	if (ms > series->now_ms + SERIES_AHEAD_MS)
		series->now_ms = clock_wall_ns(series->world->clock) / 1000000;
	enum series_put answer = track ? judge(series, track, ms, value) : SERIES_GONE;
	if (answer <= SERIES_LATE) {
		/* A negative zero has other bits and says the same. */
		const struct sample sample = {ms, value + 0.0};
		bool reset = track->kind == SERIES_COUNTER && answer == SERIES_KEPT &&
			value < track->last_value;
		if (make_room(series, &track->fresh) || log_sample(series, id, &sample))
			answer = SERIES_FULL;
		else
			(void)track_add(series, track, &sample);
		series->facts.resets += reset && answer == SERIES_KEPT;
	}
	series->facts.put[answer]++;
	return answer;
}

int series_sync(struct series *series, struct why *why)
{
	struct why failure;
	int err = series_check(series, why);
	if (err)
		return err;
	series->now_ms = clock_wall_ns(series->world->clock) / 1000000;
	err = log_pending(series, &failure);
	if (err == -ENOMEM)
		return why_set(why, err, "%s", failure.text);
	if (!err && !planted(SERIES_SYNC_LEFT_OUT))
		err = journal_sync(series->log, &failure);
	return err ? series_stop(series, err, &failure, why) : 0;
}

/* ---- tending ---- */

/* Whether fresh samples of a day that is complete wait to be rolled up. */
static bool day_waits(const struct series *series)
{
	if (series->now_ms - series->flushed_ms < GRACE_MS)
		return false;
	int64_t end = floor_to(series->now_ms - GRACE_MS, DAY_MS);
	vec_each (track, &series->tracks)
		if (*track && (*track)->fresh.len && (*track)->fresh.at[0].ms < end)
			return true;
	return false;
}

static bool flush_due(const struct series *series)
{
	return series->facts.memory >= series->memory_max ||
		journal_facts(series->log).size >= LOG_TIMES * series->memory_max + (8 << 20) ||
		day_waits(series);
}

int series_tend(struct series *series, uint64_t budget, bool *ret_more, struct why *why)
{
	int64_t left = budget < INT64_MAX ? (int64_t)budget : INT64_MAX;
	must(!series->look);
	int err = series_check(series, why);
	if (err)
		return err;
	series->now_ms = clock_wall_ns(series->world->clock) / 1000000;
	if (flush_due(series)) {
		err = flush_all(series, why);
		if (err)
			return err;
		*ret_more = true;
		return 0;
	}
	return merge_step(series, &left, ret_more, why);
}

struct series_facts series_facts(const struct series *series)
{
	struct series_facts facts = series->facts;
	if (series->log)
		facts.log_bytes = journal_facts(series->log).size;
	return facts;
}
