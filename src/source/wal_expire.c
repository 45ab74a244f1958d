/* SPDX-License-Identifier: Apache-2.0 */
/* Where what is needed begins, and a new state of the archive without what lies before. */
#include "source/wal_expire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "os/clock.h"
#include "repo/repo.h"
#include "source/pg_facts.h"
#include "source/wal_inner.h"

struct base {
	struct point point;
	uint64_t first; /* number of the segment in which it starts */
	uint32_t timeline;
};

struct expiry {
	struct wal_archive *archive;
	const struct wal_expire_options *options;
	VEC(struct base) bases;
	uint64_t from;
	struct wal_expired expired;
};

static void expiry_done(struct expiry *e)
{
	vec_done(&e->bases);
}

static bool is_left_out(const struct wal_expire_options *options, const struct object_id *id)
{
	for (size_t i = 0; i < options->without_count; i++)
		if (object_id_equal(&options->without[i], id))
			return true;
	return false;
}

/* One of another cluster under the same name has nothing in this archive. */
static int add_base(struct expiry *e, const struct point *point, struct why *why)
{
	struct wal_archive *archive = e->archive;
	struct pg_facts facts = {0};
	char hex[33];
	int err = pg_facts_read(archive->repo, point, &facts, why);
	if (err)
		return why_prefix(why, err == -ENOMEM ? err : -EBADMSG, "base backup %.8s",
			object_show_id(&point->id, hex));
	struct base base = {*point, facts.start_lsn / facts.segment_size, facts.timeline};
	if (strcmp(facts.system_identifier, archive->system_identifier) == 0)
		err = vec_push(&e->bases, base);
	pg_facts_done(&facts);
	return err;
}

static int find_bases(struct expiry *e, struct why *why)
{
	struct repo *repo = e->archive->repo;
	const struct head *head = repo_head(repo);
	char resource[POINT_TEXT];
	int err = 0;
	snprintf(resource, sizeof(resource), "pg/%s", e->options->wal.name);
	uint64_t wanted = repo_resource(repo, resource);
	for (size_t i = 0; !err && i < head->points.len; i++) {
		const struct head_point *at = &head->points.at[i];
		struct point point;
		if (at->source != POINT_POSTGRES || at->resource != wanted ||
			is_left_out(e->options, &at->id))
			continue;
		err = repo_point(repo, &at->id, &point, why);
		if (!err)
			err = add_base(e, &point, why);
	}
	return err;
}

/* The newest base backup that is as old as the moments that have to be reached. */
static int64_t reach_from(const struct expiry *e)
{
	const struct wal_options *wal = &e->options->wal;
	int64_t limit = clock_wall_ns(wal->clock) - e->options->reach_ns, found = INT64_MIN;
	vec_each (base, &e->bases)
		if (e->options->reach_ns && base->point.end_ns <= limit &&
			base->point.end_ns > found)
			found = base->point.end_ns;
	return found;
}

/* The least start of all that count: of two the older one may have ended later. */
static void find_oldest(struct expiry *e)
{
	int64_t since = reach_from(e);
	vec_each (base, &e->bases) {
		if (base->point.end_ns < since || (e->expired.any && base->first >= e->from))
			continue;
		e->expired.any = true;
		e->expired.oldest = base->point;
		e->from = base->first;
		wal_segment_name(
			base->timeline, base->first, e->archive->segment_size, e->expired.from);
	}
}

static bool count_file(void *arg, const struct tree_entry *entry)
{
	struct expiry *e = arg;
	if (wal_is_kept(entry, e->from, e->archive->segment_size)) {
		e->expired.staying++;
		return true;
	}
	e->expired.files++;
	e->expired.bytes += entry->meta.size;
	return true;
}

int wal_expire(struct wal_archive *archive, const struct wal_expire_options *options,
	struct wal_expired *ret_expired, struct why *why)
{
	OWN(expiry_done) struct expiry e = {.archive = archive, .options = options};
	int err = archive->segment_size ? find_bases(&e, why) : 0;
	if (err)
		return err;
	find_oldest(&e);
	err = wal_each(archive, count_file, &e, why);
	if (!err && e.expired.files && !options->dry_run)
		err = wal_drop(archive, &options->wal, e.from, why);
	if (!err)
		*ret_expired = e.expired;
	return err;
}
