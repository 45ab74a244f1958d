/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects, then repair, then points: what is told of points is how they are afterwards. That chunks
 * are whole is found once for each pack and not for each point.
 */
#include "ship/verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/why.h"
#include "repo/renew.h"
#include "repo/repo.h"
#include "ship/follow.h"

struct place;

struct verify {
	struct repo *repo;
	const struct verify_options *options;
	struct verify_result result;
	struct digests lost;
	VEC(struct object_id) bad; /* packs beyond parity */
	VEC(struct point_change) changes;
	bool failed; /* for want of memory */
};

static void verify_done(struct verify *v)
{
	digests_done(&v->lost);
	vec_done(&v->bad);
	vec_done(&v->changes);
}

static void tell(void *arg, const char *what)
{
	const struct verify *v = arg;
	if (v->options->on_trouble)
		v->options->on_trouble(v->options->arg, what);
}

static void note_lost(void *arg, const struct digest *digest, enum chunk_kind kind)
{
	struct verify *v = arg;
	(void)kind;
	v->failed = v->failed || digests_add(&v->lost, digest);
}

static bool note_object(void *arg, const struct check_object *object, enum check_state state)
{
	struct verify *v = arg;
	bool pack = object->kind == OBJECT_DATA || object->kind == OBJECT_META;
	if (state == CHECK_DAMAGED && pack)
		v->failed = v->failed || vec_push(&v->bad, object->id);
	if (v->options->on_object && !v->options->on_object(v->options->arg, object, state))
		return false;
	return !v->failed;
}

/* ---- objects ---- */

static void check_list_own(struct check_list *list)
{
	check_list_done(list);
}

static struct repo *twin_of(const struct verify *v)
{
	struct repo *from = v->options->from;
	return from && !object_id_equal(repo_id(from), repo_id(v->repo)) ? from : NULL;
}

/* The other repository's place, when it holds the same objects and not only the same chunks. */
static struct place *copy_of(const struct verify *v)
{
	struct repo *from = v->options->from;
	return from && object_id_equal(repo_id(from), repo_id(v->repo)) ? repo_place(from) : NULL;
}

static int check_objects(struct verify *v, struct why *why)
{
	OWN(check_list_own) struct check_list all = {0};
	const struct verify_options *options = v->options;
	const struct check_options how = {
		.repair = options->repair,
		.copy = copy_of(v),
		.twin = twin_of(v),
		.on_trouble = tell,
		.on_object = note_object,
		.on_lost = note_lost,
		.arg = v,
	};
	int err = options->objects ? 0 : repo_check_list(v->repo, &all, why);
	if (err)
		return err;
	err = repo_check_some(v->repo, options->objects ? options->objects : all.objects.at,
		options->objects ? options->object_count : all.objects.len, &how, &v->result.check);
	return v->failed ? -ENOMEM : err;
}

/* ---- repair ---- */

static int renew(struct verify *v, struct why *why)
{
	struct renew_result renewed = {0};
	char text[200];
	if (!v->options->repair || !v->bad.len)
		return 0;
	int err = repo_renew_packs(v->repo, v->bad.at, v->bad.len, v->options->from, &renewed, why);
	if (err)
		return err;
	v->result.renewed = v->bad.len;
	v->result.fetched = renewed.fetched;
	snprintf(text, sizeof(text),
		"%zu damaged pack%s replaced: of their chunks %llu were still there, %llu came "
		"from the other copy, %llu are lost",
		v->bad.len, v->bad.len == 1 ? " was" : "s were",
		(unsigned long long)renewed.rescued, (unsigned long long)renewed.fetched,
		(unsigned long long)renewed.lost);
	tell(v, text);
	/* What is lost is in no index any more, and what was saved is not lost. */
	digests_done(&v->lost);
	return 0;
}

/* ---- points ---- */

static void note_affected(
	void *arg, const struct object_id *point, const char *path, const char *what)
{
	struct verify *v = arg;
	OWN(str_done) struct str text = {0};
	char hex[33];
	object_show_id(point, hex);
	str_addf(&text, "point %.8s: %s%s%s", hex, path, *path ? ": " : "", what);
	tell(v, str_text(&text));
	if (v->options->on_affected)
		v->options->on_affected(v->options->arg, point, path);
}

/* Remembers what the head is to say of the point, when that is something else than it says. */
static int note_point(struct verify *v, const struct head_point *named, bool whole)
{
	bool broken = named->flags & HEAD_POINT_BROKEN;
	struct point_change change = {named->id, whole ? POINT_MEND : POINT_BREAK};
	v->result.points++;
	v->result.broken += !whole;
	return broken == whole ? vec_push(&v->changes, change) : 0;
}

static int follow_points(struct verify *v)
{
	const struct head *head = repo_head(v->repo);
	struct follow follow = {
		.repo = v->repo, .lost = &v->lost, .on_affected = note_affected, .arg = v};
	const struct object_id *only = v->options->only;
	int err = 0;
	for (size_t i = 0; !err && i < head->points.len; i++) {
		bool whole = false;
		if (only && !object_id_equal(only, &head->points.at[i].id))
			continue;
		err = follow_point(&follow, &head->points.at[i].id, &whole);
		if (!err)
			err = note_point(v, &head->points.at[i], whole);
	}
	v->result.missing = follow.missing;
	v->result.affected = follow.affected;
	follow_done(&follow);
	return err;
}

/* ---- what no index knows, from the other repository ---- */

struct fetching {
	struct verify *v;
	VEC(struct digest) digests;
	VEC(enum chunk_kind) kinds;
	bool failed;
};

static void note_missing(void *arg, const struct digest *digest, enum chunk_kind kind)
{
	struct fetching *fetching = arg;
	fetching->failed = fetching->failed || vec_push(&fetching->digests, *digest) ||
		vec_push(&fetching->kinds, kind);
}

static int fetch(struct fetching *fetching, uint64_t *fetched, struct why *why)
{
	struct verify *v = fetching->v;
	int err = 0;
	for (size_t i = 0; !err && i < fetching->digests.len; i++) {
		OWN(own_free) uint8_t *bytes = NULL;
		enum chunk_kind kind = fetching->kinds.at[i];
		struct digest digest;
		size_t len;
		if (repo_has(v->repo, &fetching->digests.at[i]) ||
			repo_chunk(v->options->from, &fetching->digests.at[i], kind, &bytes, &len,
				NULL))
			continue;
		err = repo_put_chunk(v->repo, kind, bytes, len, &digest, why);
		*fetched += !err;
	}
	return err;
}

/* One look at all points for what is missing, and one head with what the other one had of it. */
static int fetch_round(struct verify *v, uint64_t *ret_fetched, struct why *why)
{
	const struct head *head = repo_head(v->repo);
	struct fetching fetching = {.v = v};
	struct follow follow = {
		.repo = v->repo, .lost = &v->lost, .on_missing = note_missing, .arg = &fetching};
	uint64_t fetched = 0;
	int err = 0;
	for (size_t i = 0; !err && i < head->points.len; i++) {
		bool whole;
		err = follow_point(&follow, &head->points.at[i].id, &whole);
	}
	follow_done(&follow);
	if (!err && fetching.failed)
		err = -ENOMEM;
	if (!err)
		err = fetch(&fetching, &fetched, why);
	vec_done(&fetching.digests);
	vec_done(&fetching.kinds);
	if (!err && fetched)
		err = repo_commit_chunks(v->repo, why);
	*ret_fetched = fetched;
	return err;
}

/* A tree that comes back may name more that is missing: until a round brings nothing. */
static int fetch_missing(struct verify *v, struct why *why)
{
	uint64_t fetched = v->options->repair && v->options->from && v->options->follow;
	int err = 0;
	while (!err && fetched) {
		err = fetch_round(v, &fetched, why);
		v->result.fetched += fetched;
	}
	return err;
}

int verify_repo(struct repo *repo, const struct verify_options *options,
	struct verify_result *ret_result, struct why *why)
{
	OWN(verify_done) struct verify v = {.repo = repo, .options = options};
	int err = check_objects(&v, why);
	if (!err)
		err = renew(&v, why);
	if (!err)
		err = fetch_missing(&v, why);
	if (!err && (options->follow || v.bad.len))
		err = follow_points(&v);
	if (err == -ENOMEM)
		why_set(why, err, "no memory");
	if (!err && options->repair && v.changes.len)
		err = repo_change_points(repo, v.changes.at, v.changes.len, why);
	if (!err)
		*ret_result = v.result;
	return err;
}

bool verify_is_whole(const struct verify_result *result)
{
	const struct check_result *check = &result->check;
	return check->damaged == result->renewed && !result->missing &&
		check->mended == check->mendable;
}
