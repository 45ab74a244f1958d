/* SPDX-License-Identifier: Apache-2.0 */
/* postgres.json, timeline histories, and the row of segments. */
#include "source/pg_facts.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "os/disk.h"
#include "repo/repo.h"
#include "source/stream.h"
#include "source/wal_inner.h"

/* ---- postgres.json ---- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static int take_spaces(const json_t *list, struct pg_facts *facts)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		struct pg_space space;
		snprintf(space.oid, sizeof(space.oid), "%s", text_of(item, "oid"));
		snprintf(space.path, sizeof(space.path), "%s", text_of(item, "path"));
		if (!space.oid[0] || strspn(space.oid, "0123456789") != strlen(space.oid))
			return -EBADMSG;
		if (vec_push(&facts->spaces, space))
			return -ENOMEM;
	}
	return 0;
}

static int take_facts(const json_t *object, struct pg_facts *facts)
{
	json_int_t size = json_integer_value(json_object_get(object, "wal_segment_size"));
	json_int_t timeline = json_integer_value(json_object_get(object, "timeline"));
	snprintf(facts->system_identifier, sizeof(facts->system_identifier), "%s",
		text_of(object, "system_identifier"));
	snprintf(facts->version, sizeof(facts->version), "%s", text_of(object, "version"));
	if (size < 1 << 20 || size > 1 << 30 || (size & (size - 1)) || timeline < 1 ||
		timeline > UINT32_MAX || !facts->system_identifier[0] ||
		!wal_lsn_read(text_of(object, "start_lsn"), &facts->start_lsn) ||
		!wal_lsn_read(text_of(object, "stop_lsn"), &facts->stop_lsn) ||
		facts->stop_lsn < facts->start_lsn)
		return -EBADMSG;
	facts->segment_size = (uint32_t)size;
	facts->timeline = (uint32_t)timeline;
	return take_spaces(json_object_get(object, "tablespaces"), facts);
}

int pg_facts_read(
	struct repo *repo, const struct point *point, struct pg_facts *ret_facts, struct why *why)
{
	OWN(own_free) char *text = NULL;
	struct pg_facts facts = {0};
	int err = wal_read_text(repo, point, "postgres.json", &text, why);
	if (err)
		return err;
	json_t *object = json_loads(text, 0, NULL);
	err = take_facts(object, &facts);
	json_decref(object);
	if (err) {
		pg_facts_done(&facts);
		return why_set(why, err, "postgres.json is damaged");
	}
	*ret_facts = facts;
	return 0;
}

void pg_facts_done(struct pg_facts *facts)
{
	vec_done(&facts->spaces);
}

/* ---- the archive's files ---- */

struct held {
	char name[WAL_NAME];
	struct wal_name parts;
	int64_t mtime_ns;
};

struct listing {
	VEC(struct held) list;
	bool failed;
};

static bool note_file(void *arg, const struct tree_entry *entry)
{
	struct listing *listing = arg;
	struct held held = {.mtime_ns = entry->meta.mtime_ns};
	if (entry->name_len >= WAL_NAME)
		return true;
	memcpy(held.name, entry->name, entry->name_len);
	if (!wal_name_read(held.name, &held.parts))
		return true;
	listing->failed = listing->failed || vec_push(&listing->list, held);
	return !listing->failed;
}

static int by_held(const void *a, const void *b)
{
	return strcmp(((const struct held *)a)->name, ((const struct held *)b)->name);
}

static const struct held *find_held(const struct listing *listing, const char *name)
{
	struct held key;
	snprintf(key.name, sizeof(key.name), "%s", name);
	return listing->list.len
		? bsearch(&key, listing->list.at, listing->list.len, sizeof(key), by_held)
		: NULL;
}

/* ---- timelines ---- */

/* Ancestors of a timeline, oldest first, each with the segment from which on the next one counts.
 */
struct step {
	uint32_t timeline;
	uint64_t until;
};

typedef VEC(struct step) steps_t;

static int read_history(
	struct wal_archive *archive, uint32_t timeline, steps_t *steps, struct why *why)
{
	OWN(own_free) char *text = NULL;
	char name[WAL_NAME];
	int err = 0;
	snprintf(name, sizeof(name), "%08X.history", timeline);
	for (size_t i = 0; i < archive->points.len && !text; i++) {
		char path[WAL_NAME + 10];
		snprintf(path, sizeof(path), "other/%s", name);
		err = wal_read_text(archive->repo, &archive->points.at[i], path, &text, why);
		if (err && err != -ENOENT)
			return err;
	}
	if (!text)
		return why_set(why, -ENOENT, "the archive has no %s", name);
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		unsigned parent, high, low;
		if (sscanf(line, "%u %8X/%8X", &parent, &high, &low) != 3)
			continue; /* a comment or an empty line */
		struct step step = {parent, ((uint64_t)high << 32 | low) / archive->segment_size};
		if (vec_push(steps, step))
			return -ENOMEM;
	}
	return 0;
}

static bool descends(const steps_t *steps, uint32_t timeline, uint32_t from)
{
	vec_each (step, steps)
		if (step->timeline == from)
			return true;
	return timeline == from;
}

/* The newest timeline that comes from the backup's. */
static int newest_timeline(struct wal_archive *archive, const struct listing *listing,
	uint32_t from, uint32_t *ret_timeline, struct why *why)
{
	uint32_t newest = from;
	vec_each (held, &listing->list) {
		steps_t steps = {0};
		if (!strstr(held->name, ".history") || held->parts.timeline <= newest)
			continue;
		int err = read_history(archive, held->parts.timeline, &steps, why);
		if (!err && descends(&steps, held->parts.timeline, from))
			newest = held->parts.timeline;
		vec_done(&steps);
		if (err)
			return err;
	}
	*ret_timeline = newest;
	return 0;
}

static uint32_t timeline_of(const steps_t *steps, uint32_t last, uint64_t number)
{
	vec_each (step, steps)
		if (number < step->until)
			return step->timeline;
	return last;
}

/* ---- the row ---- */

/* Anything of that timeline's row behind the gap tells that something is missing within. */
static void look_beyond(const struct listing *listing, const steps_t *steps, uint64_t from,
	uint32_t segment_size, struct pg_reach *reach)
{
	vec_each (held, &listing->list) {
		uint64_t number = wal_segment_number(&held->parts, segment_size);
		if (held->parts.kind == WAL_SEGMENT && number > from &&
			held->parts.timeline == timeline_of(steps, reach->timeline, number)) {
			snprintf(reach->beyond, sizeof(reach->beyond), "%s", held->name);
			return;
		}
	}
}

static void follow(const struct listing *listing, const steps_t *steps,
	const struct pg_facts *facts, struct pg_reach *reach)
{
	uint64_t number = facts->stop_lsn / facts->segment_size;
	for (;; number++) {
		char name[WAL_NAME];
		wal_segment_name(timeline_of(steps, reach->timeline, number), number,
			facts->segment_size, name);
		const struct held *held = find_held(listing, name);
		if (!held) {
			snprintf(reach->missing, sizeof(reach->missing), "%s", name);
			break;
		}
		snprintf(reach->last, sizeof(reach->last), "%s", name);
		reach->until_ns = held->mtime_ns;
		reach->segments++;
	}
	look_beyond(listing, steps, number, facts->segment_size, reach);
}

int pg_reach(struct wal_archive *archive, const struct pg_facts *facts, const struct point *point,
	uint32_t timeline, struct pg_reach *ret_reach, struct why *why)
{
	struct pg_reach reach = {.timeline = timeline, .until_ns = point->end_ns};
	struct listing listing = {0};
	steps_t steps = {0};
	if (archive->system_identifier[0] &&
		strcmp(archive->system_identifier, facts->system_identifier) != 0)
		return why_set(why, -EBADMSG,
			"the WAL archive is that of cluster %s, the backup that of cluster %s",
			archive->system_identifier, facts->system_identifier);
	int err = wal_each(archive, note_file, &listing, why);
	if (!err && listing.failed)
		err = -ENOMEM;
	if (!err && listing.list.len)
		qsort(listing.list.at, listing.list.len, sizeof(*listing.list.at), by_held);
	if (!err && !timeline)
		err = newest_timeline(archive, &listing, facts->timeline, &reach.timeline, why);
	if (!err && reach.timeline != facts->timeline)
		err = read_history(archive, reach.timeline, &steps, why);
	if (!err && !descends(&steps, reach.timeline, facts->timeline))
		err = why_set(why, -ENOENT, "timeline %u does not come from timeline %u",
			reach.timeline, facts->timeline);
	if (!err)
		follow(&listing, &steps, facts, &reach);
	vec_done(&listing.list);
	vec_done(&steps);
	if (!err)
		*ret_reach = reach;
	return err;
}
