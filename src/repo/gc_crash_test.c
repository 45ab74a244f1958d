/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups, removals and collections beside each other under the crash explorer: whatever is cut off
 * or fails, every point that the newest head names is whole, no point that was acknowledged is
 * lost, and a writer in time gets its point.
 */
#include <errno.h>
#include <stdio.h>

#include "base/container.h"
#include "base/units.h"
#include "repo/refusing_test.h"
#include "repo/rig_test.h"

enum { POINTS = 8 };

struct state {
	struct test_dice dice;
	struct test_clock clock;
	struct repo_world world;
	uint8_t secret[SECRET_SIZE];
	bool made;
	bool maybe[POINTS], sure[POINTS]; /* may be there; must be there */
	bool going[POINTS], gone[POINTS]; /* may be removed; must be */
	uint64_t generation;
	struct sim_disk *cache; /* where the index lies in files; NULL: in memory */
	int race; /* a point that another writer makes while a collection marks; -1: none */
};

/* So small a table in memory that nearly all of an index lies in files. */
enum { TABLE = 2 };

static int open_seen(struct state *s, uint64_t seen, struct repo **ret_repo, struct why *why)
{
	struct repo *repo;
	int err = repo_open(&s->world, s->secret, seen, &repo, why);
	if (err)
		return err;
	if (s->world.cache) {
		repo->disk.table = TABLE;
		err = repo_read_indexes(repo, why);
	}
	if (err)
		repo_close(repo);
	else
		*ret_repo = repo;
	return err;
}

static int put_point_chunks(
	struct repo *repo, unsigned from, unsigned to, struct digest *ret_root, struct why *why)
{
	return rig_put_list(repo, (struct rig_chunks){from, to, 800, 900}, ret_root, why);
}

static int commit(
	struct state *s, struct repo *repo, int number, const struct digest *root, struct why *why)
{
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .root = *root};
	rig_name_point(&point, number);
	s->maybe[number] = true;
	int err = repo_commit(repo, &point, why);
	s->maybe[number] = err != -ESTALE;
	s->sure[number] = !err;
	if (!err)
		s->generation = repo_head(repo)->generation;
	return err;
}

static int save(struct state *s, int number, unsigned from, unsigned to, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	struct digest root;
	int err = open_seen(s, 0, &repo, why);
	if (!err)
		err = put_point_chunks(repo, from, to, &root, why);
	return err ? err : commit(s, repo, number, &root, why);
}

/* A writer that dies with its packs at the place and no head that names them. */
static int leave_orphans(struct state *s, unsigned from, unsigned to, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	struct digest root;
	int err = open_seen(s, 0, &repo, why);
	if (!err)
		err = put_point_chunks(repo, from, to, &root, why);
	return err ? err : repo_close_packs(repo, why);
}

static int remove_number(struct state *s, int number, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	struct point named;
	rig_name_point(&named, number);
	int err = open_seen(s, 0, &repo, why);
	if (err)
		return err;
	const struct head *head = repo_head(repo);
	struct point_change change = {.what = POINT_REMOVE};
	bool found = false;
	for (size_t i = 0; i < head->points.len; i++)
		if (head->points.at[i].resource == repo_resource(repo, named.resource)) {
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
	int err = rig_walk(repo, point, fn, arg, why);
	if (!err && racing && racing->race >= 0) {
		int number = racing->race;
		racing->race = -1;
		err = save(racing, number, 0, 4, why);
	}
	return err;
}

static int collect_how(struct state *s, int64_t soak_ns, unsigned rewrite_below, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	struct gc_result result;
	const struct gc_options how = {
		.walk = walk, .soak_ns = soak_ns, .rewrite_below = rewrite_below, .small_packs = 2};
	int err = open_seen(s, 0, &repo, why);
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
	OWN(rig_repo_own) struct repo *slow = NULL;
	struct digest root;
	int err = save(s, 0, 0, 4, why);
	if (!err)
		err = open_seen(s, 0, &slow, why);
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
	OWN(rig_repo_own) struct repo *late = NULL;
	struct digest root;
	int err = open_seen(s, 0, &late, why);
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

/* A writer and two collections whose indexes lie in files; crashes are tried from the first on. */
static int with_cache(struct state *s, struct why *why)
{
	OWN(rig_repo_own) struct repo *late = NULL;
	struct digest root;
	int err = save(s, 0, 0, 4, why);
	if (!err)
		err = save(s, 1, 3, 6, why);
	if (!err)
		err = open_seen(s, 0, &late, why);
	if (!err)
		err = put_point_chunks(late, 1, 5, &root, why);
	if (!err)
		err = remove_number(s, 0, why);
	s->made = !err;
	for (int i = 0; !err && i < 2; i++)
		err = collect(s, 0, why);
	if (!err)
		err = commit(s, late, 3, &root, why);
	if (err == -ESTALE)
		err = 0;
	return err ? err : save(s, 4, 0, 6, why);
}

static int run_on(struct state *s, struct place *place, struct disk *cache, struct why *why)
{
	test_world_init(&s->dice, &s->clock, 9);
	s->race = -1;
	racing = NULL;
	s->world = (struct repo_world){
		.place = place, .dice = &s->dice.dice, .clock = &s->clock.clock, .cache = cache};
	int err = repo_init(&s->world, &rig_options, s->secret, why);
	if (!err && cache)
		return with_cache(s, why);
	s->made = !err;
	if (!err)
		err = in_time(s, why);
	if (!err)
		err = in_a_race(s, why);
	return err ? err : too_late(s, why);
}

static int run(void *arg, struct world *world, struct why *why)
{
	struct state *s = arg;
	struct place *place;
	int err = place_dir_open(world->disk, &place);
	if (err)
		return err;
	err = run_on(s, place, s->cache ? sim_disk_seam(s->cache) : NULL, why);
	place_close(place);
	return err;
}

static int run_cached(void *arg, struct world *world, struct why *why)
{
	struct state *s = arg;
	s->cache = sim_disk_new();
	return s->cache ? run(s, world, why) : -ENOMEM;
}

static void cache_done(void *arg)
{
	struct state *s = arg;
	sim_disk_free(s->cache);
}

/* ---- what must be ---- */

static int check_points(const struct state *s, struct repo *repo, struct why *why)
{
	const struct head *head = repo_head(repo);
	bool there[POINTS] = {0};
	for (size_t i = 0; i < head->points.len; i++) {
		struct point point;
		int err = rig_read_point(repo, &head->points.at[i].id, &point, why);
		if (err)
			return err;
		int number = rig_point_number(&point);
		if (number >= 0)
			there[number] = true;
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
	OWN(rig_repo_own) struct repo *repo = NULL;
	int err = open_seen(s, s->generation, &repo, why);
	return err ? err : check_points(s, repo, why);
}

/* The repository goes on: a new point finds whatever chunks there are, and a collection runs. */
static int go_on(struct state *s, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .resource = "new"};
	int err = open_seen(s, 0, &repo, why);
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

static uint64_t choose_any(void *arg, enum sim_thing thing, uint64_t options)
{
	(void)thing;
	return rng_below(arg, options);
}

static uint64_t choose_latest(void *arg, enum sim_thing thing, uint64_t options)
{
	(void)arg, (void)thing;
	return options - 1;
}

/* A crash may leave all of the cache while the place lost something, or any part of it. */
static int crash_cache(const struct state *s, struct sim_disk **ret_cache)
{
	struct rng rng;
	struct sim_disk *cache = sim_disk_new();
	rng_seed(&rng, (uint64_t)s->clock.now);
	if (!cache)
		return -ENOMEM;
	*ret_cache = cache;
	return sim_disk_crash(s->cache, s->clock.now % 2 ? choose_latest : choose_any, &rng, cache);
}

static int check_on(struct state *s, struct place *place, struct why *why)
{
	struct sim_disk *cache = NULL;
	s->world.place = place;
	s->world.dice = &s->dice.dice;
	s->world.clock = &s->clock.clock;
	int err = s->cache ? crash_cache(s, &cache) : 0;
	s->world.cache = cache ? sim_disk_seam(cache) : NULL;
	if (!err)
		err = look(s, why);
	if (!err)
		err = go_on(s, why);
	sim_disk_free(cache);
	return err;
}

static int check(void *arg, struct world *world, bool faulty, struct why *why)
{
	struct state s = *(const struct state *)arg;
	struct place *place;
	(void)faulty;
	/* With a cache some moments will do: what the place loses is tried without one. */
	if (!s.made || (s.cache && s.clock.now % 3))
		return 0;
	racing = NULL;
	int err = place_dir_open(world->disk, &place);
	if (err)
		return err;
	err = check_on(&s, place, why);
	place_close(place);
	return err;
}

/* ---- a place that is cut off, or fails once ---- */

struct cut_place {
	struct refusing refusing;
	unsigned changes, at; /* so far; the one that fails, 0: none */
	bool for_ever;
	int err;
};

static int cut(struct refusing *refusing, struct why *why)
{
	struct cut_place *c = container_of(refusing, struct cut_place, refusing);
	unsigned change = ++c->changes;
	if (!c->at || (change != c->at && !(c->for_ever && change > c->at)))
		return 0;
	return why ? why_errno(why, c->err, "change %u", change) : c->err;
}

/* One life with that fault, and what is left of it. Tells how many changes it made. */
static unsigned live(struct cut_place fault, struct why *ret_why, int *ret_err)
{
	struct state s = {0};
	struct sim_disk *disk = sim_disk_new();
	struct world world = {.disk = sim_disk_seam(disk)};
	struct why why = {""};
	CHECK_EQ(place_dir_open(world.disk, &fault.refusing.inner), 0);
	fault.refusing.place.ops = &refusing_ops;
	fault.refusing.refuse = cut;
	int err = run_on(&s, &fault.refusing.place, NULL, &why);
	place_close(fault.refusing.inner);
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
	/* Failing operations are tried at the place, above: here there are too many. */
	rig_explore(&scenario,
		(struct explore_options){.seed = 1,
			.exhaustive = 4,
			.samples = 2,
			.recovery_points = 1,
			.no_faults = true});
}

/* One life with the index in files: what is remembered of dead packs must not lead anybody there.
 */
TEST(a_cache_folder_leads_nobody_astray)
{
	struct scenario scenario = {
		"gc cached", sizeof(struct state), run_cached, check, cache_done};
	rig_explore(&scenario,
		(struct explore_options){.seed = 1,
			.exhaustive = 1,
			.samples = 1,
			.recovery_points = 1,
			.no_faults = true});
}

TEST_MAIN
