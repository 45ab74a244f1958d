/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: what segments have, in the order in which they are believed, and what is fresh. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "series/inner.h"

static bool overlaps(const struct segment_facts *facts, const struct wanted *wanted)
{
	return facts->last >= wanted->from && facts->first < wanted->to;
}

/* Opens the segment and puts the cursor to the series. */
static int seek(struct series *series, struct held *held, uint32_t id,
	struct segment_cursor *cursor, struct why *why)
{
	int err = held_use(series, held, why);
	if (err)
		return err;
	segment_walk(&held->segment, cursor);
	return segment_seek(cursor, id, why);
}

static int add_fresh(struct series *series, const struct wanted *wanted, struct samples *ret)
{
	const struct track *track = track_of(series, wanted->id);
	size_t from = ret->len;
	if (!track)
		return 0;
	const struct samples *fresh = &track->fresh;
	size_t first = 0, last = fresh->len;
	while (first < last && fresh->at[first].ms < wanted->from)
		first++;
	while (last > first && fresh->at[last - 1].ms >= wanted->to)
		last--;
	if (first == last)
		return 0;
	if (vec_reserve(ret, from + last - first))
		return -ENOMEM;
	memcpy(ret->at + from, fresh->at + first, (last - first) * sizeof(*ret->at));
	ret->len += last - first;
	return join_samples(series, ret, from);
}

int series_read(struct series *series, uint32_t id, int64_t from, int64_t to, struct samples *ret,
	struct why *why)
{
	const struct wanted wanted = {id, from, to};
	struct samples all = {0};
	struct segment_cursor cursor;
	int err = series_check(series, why);
	/* Empty at first: what the caller has already is not joined with. */
	for (size_t i = 0; !err && i < series->segments.len; i++) {
		struct held *held = series->segments.at[i];
		if (held->segment.facts.level != LEVEL_RAW ||
			!overlaps(&held->segment.facts, &wanted))
			continue;
		err = seek(series, held, id, &cursor, why);
		if (!err)
			err = get_samples(series, &cursor, &wanted, &all, why);
	}
	if (!err && add_fresh(series, &wanted, &all))
		err = why_errno(why, -ENOMEM, "%s", series->folder);
	if (!err && !ret->len) {
		vec_done(ret);
		*ret = all;
		return 0;
	}
	if (!err && all.len && vec_reserve(ret, ret->len + all.len))
		err = why_errno(why, -ENOMEM, "%s", series->folder);
	if (!err && all.len) {
		memcpy(ret->at + ret->len, all.at, all.len * sizeof(*all.at));
		ret->len += all.len;
	}
	vec_done(&all);
	return err;
}

/* ---- roll-ups ---- */

static int add_kept(struct series *series, enum series_level level, const struct wanted *wanted,
	struct buckets *ret, struct why *why)
{
	struct segment_cursor cursor;
	for (size_t i = 0; i < series->segments.len; i++) {
		struct held *held = series->segments.at[i];
		if (held->segment.facts.level != level || !overlaps(&held->segment.facts, wanted))
			continue;
		int err = seek(series, held, wanted->id, &cursor, why);
		if (!err)
			err = get_buckets(series, &cursor, wanted, ret, why);
		if (err)
			return err;
	}
	return 0;
}

/* From where on there are samples that no roll-up has seen. */
static int64_t unrolled_from(const struct series *series, const struct wanted *wanted)
{
	const struct track *track = track_of(series, wanted->id);
	int64_t from = INT64_MAX;
	vec_each (held, &series->segments) {
		const struct segment_facts *facts = &(*held)->segment.facts;
		if (facts->level == LEVEL_RAW && !facts->rolled && facts->first < from)
			from = facts->first;
	}
	if (track && track->fresh.len && track->fresh.at[0].ms < from)
		from = track->fresh.at[0].ms;
	return from;
}

int roll_samples(const struct samples *samples, struct roller *roller)
{
	int err = 0;
	for (size_t i = 0; i < samples->len && !err; i++)
		err = roller_add(roller, &samples->at[i]);
	return err ? err : roller_end(roller);
}

/* Rolls up what is in no roll-up; where there is one already, that stays. */
static int add_rolled(struct series *series, enum series_level level, const struct wanted *wanted,
	struct buckets *ret, struct why *why)
{
	const struct track *track = track_of(series, wanted->id);
	int64_t step = level_step_ms(level), from = unrolled_from(series, wanted);
	if (!track || from >= wanted->to)
		return 0;
	from = floor_to(from, step);
	from = from > wanted->from ? from : wanted->from;
	struct samples samples = {0};
	struct roller roller = {.level = level, .kind = track->kind, .from = from, .buckets = ret};
	size_t had = ret->rows.len;
	int err = series_read(series, wanted->id, from - RATE_GAP_MS, wanted->to, &samples, why);
	if (!err && (roll_samples(&samples, &roller) || join_buckets(ret, had, false)))
		err = why_errno(why, -ENOMEM, "%s", series->folder);
	vec_done(&samples);
	return err;
}

int series_roll(struct series *series, uint32_t id, const struct series_span *span,
	struct buckets *ret, struct why *why)
{
	must(span->level > LEVEL_RAW && span->level < LEVELS && ret->rows.len == 0);
	int64_t step = level_step_ms(span->level);
	/* Buckets that begin before `to` may reach behind it. */
	struct wanted wanted = {
		id, floor_to(span->from + step - 1, step), floor_to(span->to + step - 1, step)};
	int err = add_kept(series, span->level, &wanted, ret, why);
	return err ? err : add_rolled(series, span->level, &wanted, ret, why);
}
