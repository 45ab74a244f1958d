/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: names, the manifest of segments, and the samples that are in none of them, as records of
 * one journal, so that each change of them is one step.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/plant.h"
#include "os/world.h"
#include "series/inner.h"
#include "series/name.h"
#include "series/varint.h"

enum { RECORD_NAME = 1, RECORD_SAMPLES = 2, RECORD_SEGMENTS = 3 };
enum { NAME_HEAD = 16, CHANGE_HEAD = 24, FACTS_SIZE = 72 };

/* A record of samples is written when it has so many bytes; a manifest's has so many segments. */
enum { PENDING_MAX = 256 * 1024, CHANGE_MAX = 4096 };

/* ---- reading ---- */

static int nonsense(const struct journal_record *record, struct why *why)
{
	return why_set(why, -EBADMSG,
		"record %llu of the log makes no sense: restore it from a copy",
		(unsigned long long)record->sequence);
}

static int read_name(struct series *series, const struct journal_record *record, struct why *why)
{
	const uint8_t *bytes = record->bytes;
	char text[NAME_TEXT];
	struct name name;
	struct track *track;
	if (record->len <= NAME_HEAD || record->len >= NAME_HEAD + NAME_TEXT)
		return nonsense(record, why);
	size_t len = record->len - NAME_HEAD;
	uint32_t id = get_le32(bytes);
	memcpy(text, bytes + NAME_HEAD, len);
	text[len] = 0;
	if (strlen(text) != len || name_parse(text, &name, NULL) ||
		(bytes[4] != SERIES_GAUGE && bytes[4] != SERIES_COUNTER) ||
		id < series->tracks.len || id > (1u << 30) || map_get(&series->by_name, text))
		return nonsense(record, why);
	int err = track_new(series, id, bytes[4], text, &track);
	if (err)
		return why_errno(why, err, "the log's names");
	track->last_ms = (int64_t)get_le64(bytes + 8);
	return 0;
}

static int read_samples(struct series *series, const struct journal_record *record, struct why *why)
{
	const uint8_t *at = record->bytes, *end = at + record->len;
	uint64_t id = 0, ms = 0, change;
	while (at < end) {
		struct sample sample;
		at = varint_get(at, end, &change);
		id += at ? unzigzag(change) : 0;
		at = at ? varint_get(at, end, &change) : NULL;
		if (!at || end - at < 8)
			return nonsense(record, why);
		ms += unzigzag(change);
		sample.ms = (int64_t)ms;
		uint64_t bits = get_le64(at);
		memcpy(&sample.value, &bits, sizeof(bits));
		at += 8;
		struct track *track = id <= UINT32_MAX ? track_of(series, (uint32_t)id) : NULL;
		if (!track || !isfinite(sample.value))
			return nonsense(record, why);
		if (track_add(series, track, &sample))
			return why_errno(why, -ENOMEM, "the log's samples");
	}
	return 0;
}

static void facts_get(const uint8_t *at, struct segment_facts *ret)
{
	*ret = (struct segment_facts){
		.number = get_le64(at),
		.rank = get_le64(at + 8),
		.level = at[16],
		.rolled = at[17],
		.first = (int64_t)get_le64(at + 24),
		.last = (int64_t)get_le64(at + 32),
		.size = get_le64(at + 40),
		.blocks = get_le64(at + 48),
		.rows = get_le64(at + 56),
		.checksum = get_le64(at + 64),
	};
}

static void facts_put(const struct segment_facts *facts, uint8_t *at)
{
	memset(at, 0, FACTS_SIZE);
	put_le64(at, facts->number);
	put_le64(at + 8, facts->rank);
	at[16] = (uint8_t)facts->level;
	at[17] = facts->rolled;
	put_le64(at + 24, (uint64_t)facts->first);
	put_le64(at + 32, (uint64_t)facts->last);
	put_le64(at + 40, facts->size);
	put_le64(at + 48, facts->blocks);
	put_le64(at + 56, facts->rows);
	put_le64(at + 64, facts->checksum);
}

static struct held *find(const struct series *series, uint64_t number)
{
	vec_each (held, &series->segments)
		if ((*held)->segment.facts.number == number)
			return *held;
	return NULL;
}

static bool facts_ok(const struct series *series, const struct segment_facts *facts)
{
	return facts->level < LEVELS && facts->first <= facts->last && facts->blocks &&
		facts->size <= 2 * SEGMENT_MAX && facts->number < series->next_segment &&
		!find(series, facts->number);
}

static int read_change(struct series *series, const struct journal_record *record, struct why *why)
{
	const uint8_t *bytes = record->bytes, *at = bytes + CHANGE_HEAD;
	if (record->len < CHANGE_HEAD)
		return nonsense(record, why);
	uint64_t next = get_le64(bytes);
	size_t added = get_le32(bytes + 12), removed = get_le32(bytes + 16);
	if (added > CHANGE_MAX || removed > CHANGE_MAX || next < series->next_segment ||
		record->len != CHANGE_HEAD + added * FACTS_SIZE + removed * 8)
		return nonsense(record, why);
	series->next_segment = next;
	for (uint32_t id = get_le32(bytes + 8); series->tracks.len < id && id <= 1u << 30;)
		if (vec_push(&series->tracks, NULL))
			return why_errno(why, -ENOMEM, "the log's names");
	for (size_t i = 0; i < added; i++, at += FACTS_SIZE) {
		struct segment_facts facts;
		facts_get(at, &facts);
		if (!facts_ok(series, &facts))
			return nonsense(record, why);
		if (held_add(series, &facts))
			return why_errno(why, -ENOMEM, "the log's segments");
	}
	for (size_t i = 0; i < removed; i++, at += 8) {
		struct held *held = find(series, get_le64(at));
		if (!held)
			return nonsense(record, why);
		held_drop(series, held);
	}
	return 0;
}

static int read_record(void *arg, const struct journal_record *record, struct why *why)
{
	if (record->kind == RECORD_NAME)
		return read_name(arg, record, why);
	if (record->kind == RECORD_SAMPLES)
		return read_samples(arg, record, why);
	if (record->kind == RECORD_SEGMENTS)
		return read_change(arg, record, why);
	return nonsense(record, why);
}

int log_open(struct series *series, bool create, struct why *why)
{
	struct journal_options options = {
		.disk = series->world->disk,
		.name = series->log_name,
		.label = {.kind = "SERS", .version = 1},
		.create = create,
	};
	memcpy(options.label.identity, series->home.identity, IDENTITY_SIZE);
	if (series->look)
		return journal_look(&options, read_record, series, why);
	return journal_open(&options, read_record, series, &series->log, why);
}

/* ---- writing ---- */

int log_track(struct journal *log, const struct track *track, struct why *why)
{
	uint8_t bytes[NAME_HEAD + NAME_TEXT] = {0};
	size_t len = strlen(track->name);
	put_le32(bytes, track->id);
	bytes[4] = (uint8_t)track->kind;
	put_le64(bytes + 8, (uint64_t)track->last_ms);
	memcpy(bytes + NAME_HEAD, track->name, len);
	return journal_append(log, RECORD_NAME, bytes, NAME_HEAD + len, why);
}

int log_pending(struct series *series, struct why *why)
{
	if (!series->pending.len)
		return 0;
	int err = journal_append(
		series->log, RECORD_SAMPLES, series->pending.at, series->pending.len, why);
	if (!err)
		series->pending.len = series->pending_id = 0, series->pending_ms = 0;
	return err;
}

int log_sample(struct series *series, uint32_t id, const struct sample *sample)
{
	size_t len = series->pending.len;
	if (len >= PENDING_MAX) {
		int err = log_pending(series, NULL);
		if (err)
			return err;
		len = 0;
	}
	if (vec_reserve(&series->pending, len + 2 * VARINT_MAX + 8))
		return -ENOMEM;
	uint8_t *at = series->pending.at + len;
	uint64_t bits;
	memcpy(&bits, &sample->value, sizeof(bits));
	at = varint_put(at, zigzag((uint64_t)id - series->pending_id));
	at = varint_put(at, zigzag((uint64_t)sample->ms - (uint64_t)series->pending_ms));
	put_le64(at, bits);
	series->pending.len = (size_t)(at + 8 - series->pending.at);
	series->pending_id = id;
	series->pending_ms = sample->ms;
	return 0;
}

static int put_change(struct series *series, struct journal *log, const struct log_change *change,
	struct why *why)
{
	size_t len = CHANGE_HEAD + change->added_count * FACTS_SIZE + change->removed_count * 8;
	OWN(own_free) uint8_t *bytes = calloc(1, len);
	if (!bytes)
		return why_errno(why, -ENOMEM, "%s", series->log_name);
	uint8_t *at = bytes + CHANGE_HEAD;
	put_le64(bytes, series->next_segment);
	put_le32(bytes + 8, (uint32_t)series->tracks.len);
	put_le32(bytes + 12, (uint32_t)change->added_count);
	put_le32(bytes + 16, (uint32_t)change->removed_count);
	for (size_t i = 0; i < change->added_count; i++, at += FACTS_SIZE)
		facts_put(&change->added[i], at);
	for (size_t i = 0; i < change->removed_count; i++, at += 8)
		put_le64(at, change->removed[i]->segment.facts.number);
	return journal_append(log, RECORD_SEGMENTS, bytes, len, why);
}

int log_change(struct series *series, const struct log_change *change, struct why *why)
{
	int err = put_change(series, series->log, change, why);
	if (err || planted(SERIES_CHANGE_NOT_SYNCED))
		return err;
	return journal_sync(series->log, why);
}

struct rewrite {
	struct series *series;
	const struct segment_facts *added;
	size_t count;
};

/* The tracks' count comes with the manifest, which therefore comes last. */
static int fill(void *arg, struct journal *to, struct why *why)
{
	const struct rewrite *rewrite = arg;
	struct series *series = rewrite->series;
	vec_each (track, &series->tracks) {
		bool kept = *track && !track_silent(series, *track);
		int err = kept ? log_track(to, *track, why) : 0;
		if (err)
			return err;
	}
	vec_each (held, &series->segments) {
		const struct log_change one = {&(*held)->segment.facts, 1, NULL, 0};
		int err = put_change(series, to, &one, why);
		if (err)
			return err;
	}
	const struct log_change change = {rewrite->added, rewrite->count, NULL, 0};
	return put_change(series, to, &change, why);
}

int log_rewrite(
	struct series *series, const struct segment_facts *added, size_t count, struct why *why)
{
	struct rewrite rewrite = {series, added, count};
	return journal_rewrite(series->log, fill, &rewrite, why);
}
