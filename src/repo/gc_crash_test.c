/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups, removals and collections beside each other under the crash explorer: whatever is cut off
 * or fails, every point that the newest head names is whole, no point that was acknowledged is
 * lost, and a writer in time gets its point.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/own.h"
#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "chunk/test_world.h"
#include "os/world.h"
#include "place/dir.h"
#include "place/place.h"
#include "repo/gc.h"
#include "repo/inner.h"
#include "sim/disk.h"
#include "sim/explore.h"

enum { POINTS = 8, CHUNK_LONG = 900, LIST_MAX = 32 };

static const struct repo_options options = {.parity_percent = 1, .pack_size = 1 << 20};

struct state {
	struct test_dice dice;
	struct test_clock clock;
	struct repo_world world;
	uint8_t secret[SECRET_SIZE];
	bool made;
	bool maybe[POINTS], sure[POINTS]; /* may be there; must be there */
	bool going[POINTS], gone[POINTS]; /* may be removed; must be */
	uint64_t generation;
	int race; /* a point that another writer makes while a collection marks; -1: none */
};

static size_t content(unsigned number, uint8_t bytes[CHUNK_LONG])
{
	struct rng rng;
	rng_seed(&rng, number + 1);
	rng_fill(&rng, bytes, CHUNK_LONG);
	return CHUNK_LONG - number;
}

static int put_point_chunks(
	struct repo *repo, unsigned from, unsigned to, struct digest *ret_root, struct why *why)
{
	uint8_t bytes[CHUNK_LONG];
	struct digest list[LIST_MAX];
	int err = 0;
	for (unsigned i = from; !err && i < to; i++) {
		size_t len = content(i, bytes);
		err = repo_put_chunk(repo, CHUNK_CONTENT, bytes, len, &list[i - from], why);
	}
	return err
		? err
		: repo_put_chunk(repo, CHUNK_LIST, list, (to - from) * DIGEST_SIZE, ret_root, why);
}

static void name_point(int number, char name[8])
{
	snprintf(name, 8, "p%d", number);
}

static int commit(
	struct state *s, struct repo *repo, int number, const struct digest *root, struct why *why)
{
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .root = *root};
	char name[8];
	name_point(number, name);
	snprintf(point.resource, sizeof(point.resource), "%s", name);
	s->maybe[number] = true;
	int err = repo_commit(repo, &point, why);
	s->maybe[number] = err != -ESTALE;
	s->sure[number] = !err;
	if (!err)
		s->generation = repo_head(repo)->generation;
	return err;
}

static void repo_own(struct repo **repo)
{
	repo_close(*repo);
}

static int save(struct state *s, int number, unsigned from, unsigned to, struct why *why)
{
	OWN(repo_own) struct repo *repo = NULL;
	struct digest root;
	int err = repo_open(&s->world, s->secret, 0, &repo, why);
	if (!err)
		err = put_point_chunks(repo, from, to, &root, why);
	return err ? err : commit(s, repo, number, &root, why);
}

/* A writer that dies with its packs at the place and no head that names them. */
static int leave_orphans(struct state *s, unsigned from, unsigned to, struct why *why)
{
	OWN(repo_own) struct repo *repo = NULL;
	struct digest root;
	int err = repo_open(&s->world, s->secret, 0, &repo, why);
	if (!err)
		err = put_point_chunks(repo, from, to, &root, why);
	return err ? err : repo_close_packs(repo, why);
}

static int remove_number(struct state *s, int number, struct why *why)
{
	OWN(repo_own) struct repo *repo = NULL;
	char name[8];
	name_point(number, name);
	int err = repo_open(&s->world, s->secret, 0, &repo, why);
	if (err)
		return err;
	const struct head *head = repo_head(repo);
	struct point_change change = {.what = POINT_REMOVE};
	bool found = false;
	for (size_t i = 0; i < head->points.len; i++)
		if (head->points.at[i].resource == repo_resource(repo, name)) {
			change.id = head->points.at[i].id;
			found = true;
		}
	if (!found)
		return s->sure[number] ? why_set(why, -EBADMSG, "point %d is lost", number) : 0;
	s->going[number] = true;
	err = repo_change_points(repo, &change, 1, why);
	s->gone[number] = !err;
	return err;
}

/* Tells the chunks of a point; once, another writer makes its point meanwhile. */
static struct state *racing;

static int walk(
	struct repo *repo, const struct point *point, gc_chunk_fn *fn, void *arg, struct why *why)
{
	OWN(own_free) uint8_t *list = NULL;
	size_t len;
	int go_on = fn(arg, &point->root, CHUNK_LIST, true);
	if (go_on <= 0)
		return go_on;
	int err = repo_chunk(repo, &point->root, CHUNK_LIST, &list, &len, why);
	for (size_t at = 0; !err && at < len; at += DIGEST_SIZE) {
		struct digest digest;
		memcpy(digest.b, list + at, DIGEST_SIZE);
		err = fn(arg, &digest, CHUNK_CONTENT, false);
	}
	if (!err && racing && racing->race >= 0) {
		int number = racing->race;
		racing->race = -1;
		err = save(racing, number, 0, 4, why);
	}
	return err;
}

static int collect_how(struct state *s, int64_t soak_ns, unsigned rewrite_below, struct why *why)
{
	OWN(repo_own) struct repo *repo = NULL;
	struct gc_result result;
	const struct gc_options how = {
		.walk = walk, .soak_ns = soak_ns, .rewrite_below = rewrite_below, .small_packs = 2};
	int err = repo_open(&s->world, s->secret, 0, &repo, why);
	return err ? err : repo_gc(repo, &how, &result, why);
}

static int collect(struct state *s, int64_t soak_ns, struct why *why)
{
	return collect_how(s, soak_ns, GC_REWRITE_BELOW, why);
}

/* ---- what happens ---- */

/* A slow writer relies on chunks whose last point goes meanwhile, and is in time. */
static int in_time(struct state *s, struct why *why)
{
	OWN(repo_own) struct repo *slow = NULL;
	struct digest root;
	int err = save(s, 0, 0, 4, why);
	if (!err)
		err = repo_open(&s->world, s->secret, 0, &slow, why);
	if (!err)
		err = put_point_chunks(slow, 1, 6, &root, why);
	if (!err)
		err = leave_orphans(s, 20, 22, why);
	if (!err)
		err = remove_number(s, 0, why);
	if (!err)
		err = collect(s, NS_PER_DAY, why);
	if (!err)
		err = commit(s, slow, 1, &root, why);
	return err;
}

/* While packs are copied, and while some are tombstoned, another writer finds chunks in them. */
static int in_a_race(struct state *s, struct why *why)
{
	s->race = 2;
	racing = s;
	int err = collect(s, 0, why);
	if (!err)
		err = leave_orphans(s, 23, 25, why);
	s->race = 5;
	if (!err)
		err = collect_how(s, NS_PER_DAY, 0, why);
	racing = NULL;
	if (!err)
		err = remove_number(s, 1, why);
	if (!err)
		err = collect(s, 0, why);
	return err;
}

/* Too late: what the writer relied on is dead. It may say so, or have a whole point. */
static int too_late(struct state *s, struct why *why)
{
	OWN(repo_own) struct repo *late = NULL;
	struct digest root;
	int err = repo_open(&s->world, s->secret, 0, &late, why);
	if (!err)
		err = put_point_chunks(late, 0, 4, &root, why);
	if (!err)
		err = remove_number(s, 2, why);
	if (!err)
		err = remove_number(s, 5, why);
	if (!err)
		err = collect(s, 0, why);
	if (!err)
		err = commit(s, late, 3, &root, why);
	if (err == -ESTALE)
		err = 0;
	return err ? err : save(s, 4, 0, 6, why);
}

static int run_on(struct state *s, struct place *place, struct why *why)
{
	test_world_init(&s->dice, &s->clock, 9);
	s->race = -1;
	racing = NULL;
	s->world = (struct repo_world){
		.place = place, .dice = &s->dice.dice, .clock = &s->clock.clock};
	int err = repo_init(&s->world, &options, s->secret, why);
	s->made = !err;
	if (!err)
		err = in_time(s, why);
	if (!err)
		err = in_a_race(s, why);
	if (!err)
		err = too_late(s, why);
	return err;
}

static int run(void *arg, struct world *world, struct why *why)
{
	struct place *place;
	int err = place_dir_open(world->disk, &place);
	if (err)
		return err;
	err = run_on(arg, place, why);
	place_close(place);
	return err;
}

/* ---- what must be ---- */

static int check_chunks(struct repo *repo, const struct point *point, struct why *why)
{
	OWN(own_free) uint8_t *list = NULL;
	size_t len;
	int err = repo_chunk(repo, &point->root, CHUNK_LIST, &list, &len, why);
	for (size_t at = 0; !err && at < len; at += DIGEST_SIZE) {
		OWN(own_free) uint8_t *bytes = NULL;
		struct digest digest;
		size_t bytes_len;
		memcpy(digest.b, list + at, DIGEST_SIZE);
		err = repo_chunk(repo, &digest, CHUNK_CONTENT, &bytes, &bytes_len, why);
	}
	return err;
}

static int check_points(const struct state *s, struct repo *repo, struct why *why)
{
	const struct head *head = repo_head(repo);
	bool there[POINTS] = {0};
	for (size_t i = 0; i < head->points.len; i++) {
		struct point point;
		int err = repo_point(repo, &head->points.at[i].id, &point, why);
		if (!err)
			err = check_chunks(repo, &point, why);
		if (err)
			return why_prefix(why, err == -ENOENT ? -EBADMSG : err, "a named point");
		if (point.resource[0] == 'p')
			there[point.resource[1] - '0'] = true;
	}
	for (int i = 0; i < POINTS; i++) {
		if (there[i] && (!s->maybe[i] || s->gone[i]))
			return why_set(why, -EBADMSG, "point %d must not be there", i);
		if (!there[i] && s->sure[i] && !s->going[i])
			return why_set(why, -EBADMSG, "point %d is lost", i);
	}
	return 0;
}

/* Opened by somebody who comes now. */
static int look(struct state *s, struct why *why)
{
	OWN(repo_own) struct repo *repo = NULL;
	int err = repo_open(&s->world, s->secret, s->generation, &repo, why);
	return err ? err : check_points(s, repo, why);
}

/* The repository goes on: a new point finds whatever chunks there are, and a collection runs. */
static int go_on(struct state *s, struct why *why)
{
	OWN(repo_own) struct repo *repo = NULL;
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .resource = "new"};
	int err = repo_open(&s->world, s->secret, 0, &repo, why);
	if (!err)
		err = put_point_chunks(repo, 0, 7, &point.root, why);
	if (!err)
		err = repo_commit(repo, &point, why);
	if (!err)
		err = look(s, why);
	if (!err)
		err = collect(s, 0, why);
	return err ? err : look(s, why);
}

static int check(void *arg, struct world *world, bool faulty, struct why *why)
{
	struct state s = *(const struct state *)arg;
	struct place *place;
	(void)faulty;
	if (!s.made)
		return 0;
	racing = NULL;
	int err = place_dir_open(world->disk, &place);
	if (err)
		return err;
	s.world.place = place;
	s.world.dice = &s.dice.dice;
	s.world.clock = &s.clock.clock;
	err = look(&s, why);
	if (!err)
		err = go_on(&s, why);
	place_close(place);
	return err;
}

/* ---- a place that is cut off, or fails once ---- */

struct cut_place {
	struct place place;
	struct place *inner;
	unsigned changes, at; /* so far; the one that fails, 0: none */
	bool for_ever;
	int err;
};

static struct cut_place *cut_of(struct place *place)
{
	return container_of(place, struct cut_place, place);
}

static int cut(struct place *place)
{
	struct cut_place *c = cut_of(place);
	unsigned change = ++c->changes;
	return c->at && (change == c->at || (c->for_ever && change > c->at)) ? c->err : 0;
}

static int cut_put(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	int err = cut(place);
	return err ? why_errno(why, err, "%s", name)
		   : place_put(cut_of(place)->inner, name, bytes, len, why);
}

static int cut_put_new(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	int err = cut(place);
	return err ? why_errno(why, err, "%s", name)
		   : place_put_new(cut_of(place)->inner, name, bytes, len, why);
}

static ssize_t cut_get(struct place *place, const char *name, uint64_t at, void *bytes, size_t len)
{
	return place_get(cut_of(place)->inner, name, at, bytes, len);
}

static int cut_size(struct place *place, const char *name, uint64_t *ret_size)
{
	return place_size(cut_of(place)->inner, name, ret_size);
}

static int cut_list(struct place *place, const char *folder, place_list_fn *fn, void *arg)
{
	return place_list(cut_of(place)->inner, folder, fn, arg);
}

static int cut_remove(struct place *place, const char *name)
{
	int err = cut(place);
	return err ? err : place_remove(cut_of(place)->inner, name);
}

static const struct place_ops cut_ops = {.put = cut_put,
	.put_new = cut_put_new,
	.get = cut_get,
	.size = cut_size,
	.list = cut_list,
	.remove = cut_remove};

/* One life with that fault, and what is left of it. Tells how many changes it made. */
static unsigned live(struct cut_place fault, struct why *ret_why, int *ret_err)
{
	struct state s = {0};
	struct sim_disk *disk = sim_disk_new();
	struct world world = {.disk = sim_disk_seam(disk)};
	struct why why = {""};
	CHECK_EQ(place_dir_open(world.disk, &fault.inner), 0);
	fault.place.ops = &cut_ops;
	int err = run_on(&s, &fault.place, &why);
	place_close(fault.inner);
	*ret_err = err && (!fault.at || err != fault.err) ? err : 0;
	*ret_why = why;
	if (!*ret_err)
		*ret_err = check(&s, &world, false, ret_why);
	sim_disk_free(disk);
	return fault.changes;
}

/* What a place promises: each change happens whole or not at all, one after the other. */
static const char *find_violation(char text[600])
{
	const struct cut_place faults[] = {
		{.err = -EIO, .for_ever = true}, {.err = -EIO}, {.err = -ENOSPC}};
	struct why why;
	int err;
	unsigned changes = live((struct cut_place){0}, &why, &err), lives = 1;
	if (err)
		return snprintf(text, 600, "without a fault: %s", why.text), text;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		for (unsigned at = 1; at <= changes; at++, lives++) {
			struct cut_place fault = faults[i];
			fault.at = at;
			live(fault, &why, &err);
			if (err)
				return snprintf(text, 600, "fault %zu at change %u: %d %s", i, at,
					       err, why.text),
				       text;
		}
	}
	test_note("%u changes, %u lives", changes, lives);
	return NULL;
}

TEST(every_change_cut_off_or_failing_leaves_a_whole_repository)
{
	char text[600];
	const char *violation = find_violation(text);
#ifdef PLANTED
	if (!violation)
		test_fail(__FILE__, __LINE__, "the planted bug was not found");
	test_note("%s", violation);
#else
	if (violation)
		test_fail(__FILE__, __LINE__, "%s", violation);
#endif
}

TEST(no_point_is_lost_to_a_collection)
{
	struct scenario scenario = {"gc", sizeof(struct state), run, check, NULL};
	struct explore_report report;
	/* Failing operations are tried at the place, above: here there are too many. */
	struct explore_options how = {
		.seed = 1, .exhaustive = 4, .samples = 2, .recovery_points = 1, .no_faults = true};
	int err = explore(&scenario, &how, &report);
	test_note("%" PRIu64 " operations, %" PRIu64 " states, %" PRIu64 " faults",
		report.operations, report.states, report.faults);
	if (report.violated)
		test_note("%s", report.violation);
#ifdef PLANTED
	CHECK_EQ(err, -EBADMSG);
#else
	CHECK_EQ(err, 0);
#endif
}

TEST_MAIN
