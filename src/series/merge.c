/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging segments, rolling whole days up, dropping what is too old; in slices, one series at a
 * time.
 *
 * A partition is a stretch of time of one level. Of raw samples it is a day: when it is complete
 * its segments become one, and its roll-ups come to be. Of roll-ups it is longer the coarser they
 * are, so that the number of files stays small. Many segments of a partition are merged before.
 *
 * Order of effects: new segments in place and durable; the log says, in one record, what came and
 * what went, and is synced; the old files are removed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/plant.h"
#include "series/inner.h"

/* So many segments of a partition are merged at any time, and no more than INPUTS at once. */
enum { MANY = 8, INPUTS = 64 };

/* So long after a flush a complete day is left alone: more of it may be on its way. */
#define SETTLE_MS (INT64_C(600) * 1000)

#define RETRY_MS (INT64_C(3600) * 1000)

struct merge {
	enum series_level level;
	int64_t from, to;
	bool roll;                 /* makes the roll-ups of a raw day */
	bool keep;                 /* what is merged itself goes on being kept */
	bool full;                 /* it is all that ever was of that time */
	VEC(struct held *) inputs; /* by rank */
	struct segment_cursor *cursors;
	struct segment_writer *writers[LEVELS];
	struct samples samples;
	struct buckets buckets;
};

static int64_t partition_ms(enum series_level level)
{
	static const int64_t days[LEVELS] = {1, 1, 16, 256};
	return days[level] * DAY_MS;
}

/* ---- what is due ---- */

struct partition {
	enum series_level level;
	int64_t from, to;
	size_t count, unrolled;
	bool waits;        /* part of it could not be read, and is not to be tried again yet */
	int64_t failed_ms; /* since when; 0: all is well */
};

static void survey(const struct series *series, const struct held *one, struct partition *ret)
{
	enum series_level level = one->segment.facts.level;
	*ret = (struct partition){
		.level = level, .from = floor_to(one->segment.facts.first, partition_ms(level))};
	ret->to = ret->from + partition_ms(level);
	vec_each (held, &series->segments) {
		const struct segment_facts *facts = &(*held)->segment.facts;
		if (facts->level != level || (*held)->damaged || facts->first < ret->from ||
			facts->first >= ret->to)
			continue;
		ret->count++;
		ret->waits |= (*held)->retry_ms > series->now_ms;
		if ((*held)->failed_ms)
			ret->failed_ms = (*held)->failed_ms;
		ret->unrolled += level == LEVEL_RAW && !facts->rolled;
	}
}

static bool is_expired(const struct series *series, const struct partition *partition)
{
	return partition->to + series->keep_ms[partition->level] <= series->now_ms;
}

static bool is_complete(const struct series *series, const struct partition *partition)
{
	return partition->to + GRACE_MS <= series->now_ms;
}

/* Whether its segments are to be merged. */
static bool is_due(const struct series *series, const struct partition *partition)
{
	if (partition->waits || (partition->level != LEVEL_RAW && is_expired(series, partition)))
		return false;
	if (partition->count >= MANY)
		return partition->level != LEVEL_RAW || partition->unrolled;
	if (!is_complete(series, partition) || series->now_ms - series->flushed_ms < SETTLE_MS)
		return false;
	if (partition->level != LEVEL_RAW)
		return partition->count > 1;
	return partition->unrolled &&
		(partition->unrolled == partition->count || is_expired(series, partition));
}

static bool is_within(const struct held *held, const struct partition *partition)
{
	const struct segment_facts *facts = &held->segment.facts;
	return facts->level == partition->level && facts->first >= partition->from &&
		facts->first < partition->to;
}

/* ---- dropping ---- */

/* Takes segments out of the manifest, durably, puts others in, and removes the files. */
static int exchange(struct series *series, const struct log_change *change, struct why *why)
{
	struct held *spare[LEVELS];
	struct why failure;
	if (held_reserve(series, spare, change->added_count))
		return why_errno(why, -ENOMEM, "%s", series->folder);
	if (planted(SERIES_REMOVED_BEFORE_LOG))
		for (size_t i = 0; i < change->removed_count; i++)
			held_unlink(series, change->removed[i]->segment.facts.number);
	int err = log_change(series, change, &failure);
	for (size_t i = 0; i < change->added_count; i++) {
		if (err)
			free(spare[i]);
		else
			held_put(series, spare[i], &change->added[i]);
	}
	if (err && journal_check(series->log, NULL) == 0)
		return why_set(why, err, "%s", failure.text);
	if (err)
		return series_stop(series, err, &failure, why);
	for (size_t i = 0; i < change->removed_count; i++) {
		held_unlink(series, change->removed[i]->segment.facts.number);
		held_drop(series, change->removed[i]);
	}
	return 0;
}

/* Damaged ones go too when their time is over. */
static int drop(struct series *series, const struct partition *partition, struct why *why)
{
	VEC(struct held *) gone = {0};
	int err = 0;
	vec_each (held, &series->segments)
		if (is_within(*held, partition) && !err)
			err = vec_push(&gone, *held);
	if (err) {
		why_errno(why, err, "%s", series->folder);
	} else {
		const struct log_change change = {NULL, 0, gone.at, gone.len};
		err = exchange(series, &change, why);
	}
	vec_done(&gone);
	return err;
}

/* ---- a merge ---- */

void merge_drop(struct series *series)
{
	struct merge *merge = series->merge;
	if (!merge)
		return;
	vec_each (held, &merge->inputs)
		(*held)->busy = false;
	for (enum series_level level = 0; level < LEVELS; level++)
		segment_abandon(merge->writers[level]);
	vec_done(&merge->inputs);
	vec_done(&merge->samples);
	buckets_done(&merge->buckets);
	free(merge->cursors);
	free(merge);
	series->merge = NULL;
}

/*
 * A segment that is damaged is left alone from now on, one that cannot be read just now for a
 * while: everything else goes on.
 */
static int leave_alone(struct series *series, struct held *held, int err)
{
	if (err == -ENOMEM)
		return err;
	if (err == -EBADMSG) {
		series->facts.damaged += !held->damaged;
		held->damaged = true;
	} else {
		held->retry_ms = series->now_ms + RETRY_MS;
		held->failed_ms = held->failed_ms ? held->failed_ms : series->now_ms;
	}
	merge_drop(series);
	return 0;
}

static int take_inputs(struct series *series, const struct partition *partition)
{
	struct merge *merge = series->merge;
	for (size_t i = 0; i < series->segments.len; i++) {
		struct held *held = series->segments.at[i];
		if (!is_within(held, partition) || held->damaged)
			continue;
		if (merge->inputs.len == INPUTS) {
			/* It is not the whole day: that is rolled up when the rest has joined. */
			merge->roll = false;
			merge->keep = true;
			break;
		}
		if (vec_push(&merge->inputs, held))
			return -ENOMEM;
		held->busy = true;
		merge->full |= held->segment.facts.rolled;
	}
	merge->cursors = calloc(merge->inputs.len, sizeof(*merge->cursors));
	return merge->cursors ? 0 : -ENOMEM;
}

static int open_inputs(struct series *series, struct why *why)
{
	struct merge *merge = series->merge;
	for (size_t i = 0; i < merge->inputs.len; i++) {
		struct held *held = merge->inputs.at[i];
		int err = held_use(series, held, why);
		if (err)
			return leave_alone(series, held, err);
		segment_walk(&held->segment, &merge->cursors[i]);
	}
	return 0;
}

static int begin(struct series *series, const struct partition *partition, struct why *why)
{
	struct merge *merge = calloc(1, sizeof(*merge));
	if (!merge)
		return why_errno(why, -ENOMEM, "%s: merging", series->folder);
	bool expired = is_expired(series, partition);
	series->merge = merge;
	merge->level = partition->level;
	merge->from = partition->from;
	merge->to = partition->to;
	merge->roll = merge->level == LEVEL_RAW && is_complete(series, partition);
	merge->keep = !expired;
	merge->full = !expired;
	int err = take_inputs(series, partition);
	if (err)
		why_errno(why, err, "%s: merging", series->folder);
	else
		err = open_inputs(series, why);
	if (err)
		merge_drop(series);
	return err;
}

/* The writer of a level, which is begun with its first row. */
static int writer_of(struct series *series, enum series_level level,
	struct segment_writer **ret_writer, struct why *why)
{
	struct merge *merge = series->merge;
	struct segment_facts facts = {.number = series->next_segment, .level = level};
	if (!merge->writers[level]) {
		facts.rank = merge->full ? facts.number : 0;
		if (level == merge->level) {
			/* As who is believed most: of samples the first, of buckets the last. */
			size_t most = level == LEVEL_RAW ? 0 : merge->inputs.len - 1;
			facts.rank = merge->inputs.at[most]->segment.facts.rank;
			facts.rolled = merge->roll;
		}
		int err = segment_begin(&series->home, &facts, &merge->writers[level], why);
		if (err)
			return err;
		series->next_segment++;
	}
	*ret_writer = merge->writers[level];
	return 0;
}

static int write_buckets(
	struct series *series, uint32_t id, enum series_level level, struct why *why)
{
	struct merge *merge = series->merge;
	struct segment_writer *writer;
	if (!merge->buckets.rows.len)
		return 0;
	int err = writer_of(series, level, &writer, why);
	return err ? err : put_buckets(series, writer, id, level, &merge->buckets, why);
}

static void clear_buckets(struct buckets *buckets)
{
	buckets->rows.len = 0;
	buckets->sketches.len = 0;
}

/* The last sample before the day, from which a counter's first rate is known. */
static int seed_rate(struct series *series, struct roller *roller, uint32_t id, struct why *why)
{
	struct samples before = {0};
	if (roller->kind != SERIES_COUNTER)
		return 0;
	int64_t from = series->merge->from;
	int err = series_read(series, id, from - RATE_GAP_MS, from, &before, why);
	if (!err && before.len) {
		roller->before = true;
		roller->last = before.at[before.len - 1];
	}
	vec_done(&before);
	return err == -ENOMEM ? err : 0;
}

static int roll_up(struct series *series, const struct track *track, struct why *why)
{
	struct merge *merge = series->merge;
	for (enum series_level level = LEVEL_10S; level < LEVELS; level++) {
		struct roller roller = {.level = level,
			.kind = track->kind,
			.from = merge->from,
			.buckets = &merge->buckets};
		clear_buckets(&merge->buckets);
		int err = seed_rate(series, &roller, track->id, why);
		if (!err && roll_samples(&merge->samples, &roller))
			err = why_errno(why, -ENOMEM, "%s: rolling up", series->folder);
		if (!err)
			err = write_buckets(series, track->id, level, why);
		if (err)
			return err;
	}
	return 0;
}

static int write_raw(struct series *series, const struct track *track, struct why *why)
{
	struct merge *merge = series->merge;
	struct segment_writer *writer;
	int err = 0;
	if (!merge->samples.len)
		return 0;
	if (merge->keep)
		err = writer_of(series, LEVEL_RAW, &writer, why);
	if (!err && merge->keep)
		err = put_samples(
			series, writer, track->id, merge->samples.at, merge->samples.len, why);
	if (!err && merge->roll)
		err = roll_up(series, track, why);
	return err;
}

/* Reads all that the inputs have of one series. */
static int gather(struct series *series, uint32_t id, struct held **ret_bad, struct why *why)
{
	struct merge *merge = series->merge;
	const struct wanted all = {id, INT64_MIN, INT64_MAX};
	merge->samples.len = 0;
	clear_buckets(&merge->buckets);
	for (size_t i = 0; i < merge->inputs.len; i++) {
		*ret_bad = merge->inputs.at[i];
		int err = merge->level == LEVEL_RAW
			? get_samples(series, &merge->cursors[i], &all, &merge->samples, why)
			: get_buckets(series, &merge->cursors[i], &all, &merge->buckets, why);
		if (err)
			return err;
	}
	return 0;
}

/* The next series of all inputs: 1; 0: there is none. */
static int next_series(
	struct series *series, uint32_t *ret_id, struct held **ret_bad, struct why *why)
{
	struct merge *merge = series->merge;
	struct segment_entry entry;
	int any = 0;
	for (size_t i = 0; i < merge->inputs.len; i++) {
		*ret_bad = merge->inputs.at[i];
		int some = segment_peek(&merge->cursors[i], &entry, why);
		if (some < 0)
			return some;
		if (some && (!any || entry.series < *ret_id))
			*ret_id = entry.series;
		any |= some;
	}
	return any;
}

/* After a failure to write: the disk may only be full. */
static int give_up(struct series *series, int err, struct why *why)
{
	if (err == -ENOSPC || err == -ENOMEM) {
		merge_drop(series);
		return err;
	}
	struct why failure = *why;
	return series_stop(series, err, &failure, why);
}

/* One series. 1; 0: all are done. The merge may be gone after it. */
static int step_series(struct series *series, int64_t *budget, struct why *why)
{
	struct merge *merge = series->merge;
	struct held *bad;
	uint32_t id = 0;
	int some = next_series(series, &id, &bad, why);
	int err = some > 0 ? gather(series, id, &bad, why) : some;
	if (err < 0) {
		err = leave_alone(series, bad, err);
		return err ? give_up(series, err, why) : 1;
	}
	if (!some)
		return 0;
	const struct track *track = track_of(series, id);
	if (track)
		err = merge->level == LEVEL_RAW ? write_raw(series, track, why)
						: write_buckets(series, id, merge->level, why);
	if (err)
		return give_up(series, err, why);
	*budget -= 50 + (int64_t)merge->samples.len + (int64_t)merge->buckets.rows.len;
	return 1;
}

static int commit_writers(
	struct series *series, struct segment_facts *made, size_t *ret_count, struct why *why)
{
	struct merge *merge = series->merge;
	for (enum series_level level = 0; level < LEVELS; level++) {
		struct segment_writer *writer = merge->writers[level];
		if (!writer)
			continue;
		merge->writers[level] = NULL;
		int err = segment_commit(writer, &made[*ret_count], why);
		if (err)
			return err;
		(*ret_count)++;
	}
	return 0;
}

static int finish(struct series *series, struct why *why)
{
	struct merge *merge = series->merge;
	struct segment_facts made[LEVELS];
	size_t count = 0;
	int err = commit_writers(series, made, &count, why);
	if (err) {
		err = give_up(series, err, why);
	} else {
		const struct log_change change = {made, count, merge->inputs.at, merge->inputs.len};
		err = exchange(series, &change, why);
		series->facts.merges += !err;
	}
	if (err && !series->error)
		for (size_t i = 0; i < count; i++)
			held_unlink(series, made[i].number);
	if (!err && series->merge)
		merge->inputs.len = 0;
	merge_drop(series);
	return err;
}

/* What cannot be read, and so not be rolled up, is tried for as long again as it was kept. */
static bool is_droppable(const struct series *series, const struct partition *partition)
{
	if (!is_expired(series, partition))
		return false;
	if (partition->failed_ms)
		return partition->failed_ms + series->keep_ms[partition->level] <= series->now_ms;
	return !partition->unrolled;
}

/* Drops a partition whose time is over and that is in all roll-ups: 1; 0: there is none. */
static int next_drop(struct series *series, struct why *why)
{
	for (size_t i = 0; i < series->segments.len; i++) {
		struct partition partition;
		survey(series, series->segments.at[i], &partition);
		if (!is_droppable(series, &partition))
			continue;
		int err = drop(series, &partition, why);
		return err ? err : 1;
	}
	return 0;
}

/*
 * Begins what is due: 1; 0: nothing is. Days are rolled up before older ones are dropped, whose
 * last samples tell the first rates of the next.
 */
static int next_task(struct series *series, struct why *why)
{
	for (size_t i = 0; i < series->segments.len; i++) {
		struct partition partition;
		survey(series, series->segments.at[i], &partition);
		if (!is_due(series, &partition))
			continue;
		int err = begin(series, &partition, why);
		return err ? err : 1;
	}
	return next_drop(series, why);
}

int merge_step(struct series *series, int64_t *budget, bool *ret_more, struct why *why)
{
	struct why failure = {""};
	while (*budget > 0) {
		int some = series->merge ? step_series(series, budget, &failure)
					 : next_task(series, &failure);
		if (!some && series->merge) {
			int err = finish(series, &failure);
			some = err ? err : 1;
		}
		if (some < 0 && series->error)
			return series_check(series, why);
		if (some < 0)
			return why_set(why, some, "%s", failure.text);
		if (!some) {
			*ret_more = false;
			return 0;
		}
		*budget -= 50;
	}
	*ret_more = true;
	return 0;
}
