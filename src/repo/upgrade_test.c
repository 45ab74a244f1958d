/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository without lengths of packs is brought to one with them: by itself, beside a collection
 * that takes the new indexes for orphans, and under the crash explorer. Wherever it is cut off no
 * point is lost, no length is told of a pack that does not tell it itself, earlier readers are
 * warned first, and another run goes on.
 */
#include <errno.h>
#include <string.h>

#include "repo/rig_test.h"
#include "repo/structure.h"
#include "repo/upgrade.h"

enum { OLD = 2, SLOW = OLD, POINTS, CHUNKS = 1, CHUNK_LONG = 400, MARKS = 128 };

struct state {
	struct rig_state rig;
	bool upgraded, is_hurt, sure[POINTS];
	struct object_id hurt; /* a pack whose end is damaged: it does not tell its length */
};

static int forget_capabilities(void *arg, struct head *head, struct why *why)
{
	(void)arg;
	(void)why;
	head->capabilities = 0;
	return 0;
}

static int put(struct repo *repo, int number, struct point *ret_point, struct why *why)
{
	unsigned from = (unsigned)number * CHUNKS;
	*ret_point = (struct point){.source = POINT_DIR, .kind = POINT_FULL};
	rig_name_point(ret_point, number);
	return rig_put_list(repo, (struct rig_chunks){from, from + CHUNKS, CHUNK_LONG, CHUNK_LONG},
		&ret_point->root, why);
}

static int commit(
	struct state *s, struct repo *repo, int number, struct point *point, struct why *why)
{
	int err = repo_commit(repo, point, why);
	s->sure[number] = !err;
	return err;
}

static int save(struct state *s, struct repo *repo, int number, struct why *why)
{
	struct point point;
	int err = put(repo, number, &point, why);
	return err ? err : commit(s, repo, number, &point, why);
}

/* As an ebb before lengths would leave it. */
static int make_old(struct state *s, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	int err = repo_init(&s->rig.world, &rig_options, s->rig.secret, why);
	if (!err)
		err = repo_open(&s->rig.world, s->rig.secret, 0, &repo, why);
	if (!err)
		err = repo_edit_head(repo, forget_capabilities, NULL, why);
	s->rig.made = !err;
	for (int i = 0; !err && i < OLD; i++)
		err = save(s, repo, i, why);
	if (!err)
		s->hurt = repo->index.packs.at[0].id;
	return err;
}

/* The chunks stay readable: only what stands at the end of the pack is gone. */
static int hurt_end(struct state *s, struct why *why)
{
	OWN(file_close_own) struct file *file = NULL;
	uint8_t zeros[MARKS] = {0};
	char name[OBJECT_NAME];
	uint64_t size;
	object_name(OBJECT_DATA, &s->hurt, name);
	int err = place_size(s->rig.world.place, name, &size);
	if (!err)
		err = disk_open(s->rig.disk, name, FILE_READ | FILE_WRITE, &file);
	if (!err)
		err = file_write_full(file, zeros, sizeof(zeros), size - sizeof(zeros));
	if (!err)
		err = file_sync(file);
	s->is_hurt = !err;
	return err ? why_errno(why, err, "hurting a pack") : 0;
}

/* ---- a collection between the new indexes and the head that names them ---- */

static int collect(struct state *s, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	struct gc_result result;
	int err = repo_open(&s->rig.world, s->rig.secret, 0, &repo, why);
	for (int i = 0; !err && i < 2; i++)
		err = repo_gc(repo, &(struct gc_options){.walk = rig_walk}, &result, why);
	return err;
}

struct race {
	struct state *state;
	int err;
	struct why *why;
};

static void on_step(void *arg, uint64_t renewed, uint64_t of)
{
	struct race *race = arg;
	(void)renewed;
	(void)of;
	race->err = collect(race->state, race->why);
}

static int upgrade(struct state *s, bool beside_gc, struct upgrade_result *result, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	struct race race = {s, 0, why};
	const struct upgrade_options how = {.on_step = beside_gc ? on_step : NULL, .arg = &race};
	int err = repo_open(&s->rig.world, s->rig.secret, 0, &repo, why);
	if (!err)
		err = repo_upgrade(repo, &how, result, why);
	return err ? err : race.err;
}

/* A writer that began before ends afterwards: what it wrote tells no lengths. */
static int upgrade_beside_writer(struct state *s, struct why *why)
{
	OWN(rig_repo_own) struct repo *slow = NULL;
	struct upgrade_result result;
	struct point point;
	int err = repo_open(&s->rig.world, s->rig.secret, 0, &slow, why);
	if (!err)
		err = put(slow, SLOW, &point, why);
	if (!err)
		err = repo_close_packs(slow, why);
	if (!err)
		err = upgrade(s, false, &result, why);
	return err ? err : commit(s, slow, SLOW, &point, why);
}

static int live(void *arg, struct why *why)
{
	struct state *s = arg;
	struct upgrade_result result;
	int err = make_old(s, why);
	if (!err)
		err = hurt_end(s, why);
	if (!err)
		err = upgrade_beside_writer(s, why);
	if (!err)
		err = upgrade(s, true, &result, why);
	if (!err)
		err = upgrade(s, false, &result, why);
	s->upgraded = !err;
	return err;
}

static int run(void *arg, struct world *world, struct why *why)
{
	struct rig_state *rig = arg;
	test_world_init(&rig->dice, &rig->clock, 9);
	return rig_at(arg, world, live, why);
}

/* ---- what must be ---- */

static int check_pack(struct state *s, const struct index_pack *pack, struct why *why)
{
	char name[OBJECT_NAME];
	uint64_t size;
	int err = place_size(s->rig.world.place, object_name(pack->kind, &pack->id, name), &size);
	if (err)
		return why_errno(why, err, "%s", name);
	if (pack->length != size || (s->is_hurt && object_id_equal(&pack->id, &s->hurt)))
		return why_set(why, -EBADMSG, "%s: an index tells a length of %" PRIu64, name,
			pack->length);
	return 0;
}

/* Lengths are true, and only where readers are told that they must know of them. */
static int check_indexes(struct state *s, struct repo *repo, size_t *ret_unknown, struct why *why)
{
	int err = 0;
	*ret_unknown = 0;
	vec_each (named, &repo->head.indexes) {
		OWN(own_free) uint8_t *plain = NULL;
		OWN(index_done) struct index index = {0};
		size_t len;
		err = err ? err : repo_fetch_index(repo, named, &plain, &len, why);
		if (!err)
			err = index_get(&index, plain, len, why);
		vec_each (pack, &index.packs) {
			if (!err && pack->length && !repo_tells_lengths(repo))
				err = why_set(why, -EBADMSG, "earlier readers were not warned");
			if (!err && pack->length)
				err = check_pack(s, pack, why);
			*ret_unknown += !pack->length;
		}
	}
	return err;
}

static int note_point(struct repo *repo, const struct object_id *id, bool *there, struct why *why)
{
	struct point point;
	int err = rig_read_point(repo, id, &point, why);
	if (!err)
		there[rig_point_number(&point)] = true;
	return err;
}

static int look(struct state *s, size_t *ret_unknown, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	bool there[POINTS] = {0};
	int err = repo_open(&s->rig.world, s->rig.secret, 0, &repo, why);
	for (size_t i = 0; !err && i < repo_head(repo)->points.len; i++)
		err = note_point(repo, &repo_head(repo)->points.at[i].id, there, why);
	for (int i = 0; !err && i < POINTS; i++)
		if (s->sure[i] && !there[i])
			err = why_set(why, -EBADMSG, "point %d is lost", i);
	return err ? err : check_indexes(s, repo, ret_unknown, why);
}

static int check_all(void *arg, struct why *why)
{
	struct state *s = arg;
	struct upgrade_result result;
	size_t unknown;
	int err = look(s, &unknown, why);
	if (!err && s->upgraded && unknown != 1)
		err = why_set(why, -EBADMSG, "%zu lengths are not told", unknown);
	if (!err)
		err = upgrade(s, false, &result, why);
	if (!err)
		err = collect(s, why);
	if (!err)
		err = look(s, &unknown, why);
	if (!err && unknown > 1)
		err = why_set(why, -EBADMSG, "%zu lengths are not told in the end", unknown);
	return err;
}

static int check(void *arg, struct world *world, bool faulty, struct why *why)
{
	struct state s = *(const struct state *)arg;
	(void)faulty;
	return s.rig.made ? rig_at(&s, world, check_all, why) : 0;
}

static const struct scenario scenario = {"upgrade", sizeof(struct state), run, check, NULL};

TEST(no_point_is_lost_to_a_crash_of_an_upgrade)
{
	rig_explore_crashes(&scenario);
}

/* ---- by itself ---- */

static struct upgrade_result upgrade_rig(struct rig *f, bool dry_run)
{
	OWN(rig_repo_own) struct repo *repo = rig_open(f, f->secret);
	struct upgrade_result result;
	if (repo_upgrade(repo, &(struct upgrade_options){.dry_run = dry_run}, &result, &f->why))
		test_fail(__FILE__, __LINE__, "%s", f->why.text);
	return result;
}

TEST(an_upgrade_is_asked_for_and_done_once)
{
	struct rig f;
	struct state s = {0};
	rig_begin(&f, 20);
	struct repo *repo = rig_open(&f, f.secret);
	CHECK_EQ(repo_edit_head(repo, forget_capabilities, NULL, &f.why), 0);
	for (int i = 0; i < POINTS; i++)
		CHECK_EQ(save(&s, repo, i, &f.why), 0);
	repo_close(repo);
	uint64_t before = sim_disk_image(f.disk);
	struct upgrade_result result = upgrade_rig(&f, true);
	CHECK(result.raised && result.indexes == POINTS && result.old == POINTS);
	CHECK_EQ(result.renewed, 0);
	CHECK(sim_disk_image(f.disk) == before);
	result = upgrade_rig(&f, false);
	CHECK(result.raised && result.old == POINTS && result.renewed == POINTS);
	before = sim_disk_image(f.disk);
	result = upgrade_rig(&f, false);
	CHECK(!result.raised && !result.old);
	CHECK(sim_disk_image(f.disk) == before);
	rig_end(&f);
}

static void note_trouble(void *arg, const char *what)
{
	test_note("%s", what);
	CHECK(strstr(what, "bytes, and was written with"));
	++*(int *)arg;
}

/* A pack that was cut short, or grew, shows in the listing alone. */
TEST(lengths_are_held_against_the_listing)
{
	struct rig f;
	struct state s = {0};
	struct structure_result result;
	char name[OBJECT_NAME];
	uint64_t size;
	int troubles = 0;
	const struct structure_options how = {
		.by_listing = true, .on_trouble = note_trouble, .arg = &troubles};
	rig_begin(&f, 21);
	struct repo *repo = rig_open(&f, f.secret);
	CHECK_EQ(save(&s, repo, 0, &f.why), 0);
	const struct index_pack pack = repo->index.packs.at[0];
	CHECK_EQ(repo_check_structure(repo, &how, &result, &f.why), 0);
	CHECK(troubles == 0 && result.packs == 2 && result.unopened == 2);
	object_name(pack.kind, &pack.id, name);
	CHECK_EQ(place_size(f.world.place, name, &size), 0);
	for (int more = -1; more <= 1; more += 2) {
		struct file *file;
		CHECK_EQ(disk_open(sim_disk_seam(f.disk), name, FILE_READ | FILE_WRITE, &file), 0);
		CHECK_EQ(file_truncate(file, (uint64_t)((int64_t)size + more)), 0);
		file_close(file);
		troubles = 0;
		CHECK_EQ(repo_check_structure(repo, &how, &result, &f.why), 0);
		CHECK(troubles == 1 && result.unopened == 1);
	}
	repo_close(repo);
	rig_end(&f);
}

TEST_MAIN
