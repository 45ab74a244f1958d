/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fresh samples into segments, one for each day, and the log without them.
 *
 * Order of effects: segments in place and durable, then the log anew that names them and holds no
 * samples. A crash before leaves files that nobody names.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/plant.h"
#include "os/clock.h"
#include "os/world.h"
#include "series/inner.h"

struct flush {
	struct series *series;
	size_t *done; /* of each track's fresh samples */
	VEC(struct segment_facts) made;
};

static size_t day_end(const struct samples *fresh, size_t from, int64_t end)
{
	while (from < fresh->len && fresh->at[from].ms < end)
		from++;
	return from;
}

/* The day of the oldest sample that is not written yet. False: all are. */
static bool next_day(const struct flush *flush, int64_t *ret_day)
{
	bool any = false;
	vec_each (track, &flush->series->tracks) {
		size_t done = flush->done[track - flush->series->tracks.at];
		if (!*track || done == (*track)->fresh.len)
			continue;
		int64_t day = floor_to((*track)->fresh.at[done].ms, DAY_MS);
		if (!any || day < *ret_day)
			*ret_day = day;
		any = true;
	}
	return any;
}

static int write_day(
	struct flush *flush, int64_t day, struct segment_writer *writer, struct why *why)
{
	struct series *series = flush->series;
	for (size_t i = 0; i < series->tracks.len; i++) {
		const struct track *track = series->tracks.at[i];
		if (!track)
			continue;
		size_t from = flush->done[i], to = day_end(&track->fresh, from, day + DAY_MS);
		int err = put_samples(
			series, writer, track->id, track->fresh.at + from, to - from, why);
		if (err)
			return err;
		flush->done[i] = to;
	}
	return 0;
}

static int flush_day(struct flush *flush, int64_t day, struct why *why)
{
	struct series *series = flush->series;
	struct segment_writer *writer;
	struct segment_facts facts = {.number = series->next_segment, .level = LEVEL_RAW};
	facts.rank = facts.number;
	if (vec_reserve(&flush->made, flush->made.len + 1))
		return why_errno(why, -ENOMEM, "%s", series->folder);
	int err = segment_begin(&series->home, &facts, &writer, why);
	if (err)
		return err;
	series->next_segment++;
	err = write_day(flush, day, writer, why);
	if (err) {
		segment_abandon(writer);
		return err;
	}
	err = segment_commit(writer, &facts, why);
	if (!err)
		flush->made.at[flush->made.len++] = facts;
	return err;
}

/* They are in segments now, which the log names. */
static void forget_fresh(struct series *series)
{
	vec_each (track, &series->tracks)
		if (*track)
			vec_done(&(*track)->fresh);
	series->facts.memory = 0;
	series->pending.len = 0;
	series->pending_id = 0;
	series->pending_ms = 0;
}

static int write_all(struct flush *flush, struct why *why)
{
	int64_t day = 0;
	int err = 0;
	while (!err && next_day(flush, &day))
		err = flush_day(flush, day, why);
	return err;
}

static void forget_silent(struct series *series)
{
	vec_each (track, &series->tracks)
		if (*track && track_silent(series, *track))
			track_forget(series, *track);
}

static int take_over(struct flush *flush, struct why *why)
{
	struct series *series = flush->series;
	size_t count = flush->made.len;
	OWN(own_free) struct held **spare = calloc(count + 1, sizeof(struct held *));
	if (!spare || held_reserve(series, spare, count))
		return why_errno(why, -ENOMEM, "%s", series->folder);
	int err = log_rewrite(series, flush->made.at, count, why);
	for (size_t i = 0; i < count; i++) {
		if (err)
			free(spare[i]);
		else
			held_put(series, spare[i], &flush->made.at[i]);
	}
	if (err)
		return err;
	forget_silent(series);
	forget_fresh(series);
	series->flushed_ms = series->now_ms;
	series->facts.flushes++;
	return 0;
}

/* Segments, then the log. -ENOSPC and -ENOMEM may leave all as it was, but for files of nobody's.
 */
static int flush_into(struct flush *flush, struct why *why)
{
	struct series *series = flush->series;
	int err = planted(SERIES_LOG_BEFORE_SEGMENTS) ? log_rewrite(series, NULL, 0, why) : 0;
	if (!err)
		err = write_all(flush, why);
	if (err)
		return err == -ENOSPC || err == -ENOMEM ? err : series_stop(series, err, why, why);
	err = take_over(flush, why);
	if (err && journal_check(series->log, NULL))
		return series_stop(series, err, why, why);
	return err;
}

int flush_all(struct series *series, struct why *why)
{
	struct flush flush = {.series = series};
	struct why failure;
	flush.done = calloc(series->tracks.len + 1, sizeof(*flush.done));
	if (!flush.done)
		return why_errno(why, -ENOMEM, "%s", series->folder);
	int err = flush_into(&flush, &failure);
	if (err && !series->error)
		vec_each (facts, &flush.made)
			held_unlink(series, facts->number);
	free(flush.done);
	vec_done(&flush.made);
	return err ? why_set(why, err, "%s", failure.text) : 0;
}
