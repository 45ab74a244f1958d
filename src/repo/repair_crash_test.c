/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repair and the inbox under the crash explorer: a pack that parity mends, one that it does not,
 * and a point that a writer brought, taken in. Wherever that is cut off or fails, every point that
 * was reported done is whole, and so is one of which the writer was told that it is written.
 */
#include <errno.h>

#include "repo/check.h"
#include "repo/inbox.h"
#include "repo/renew.h"
#include "repo/rig_test.h"

enum { HURT, MENDABLE, BROUGHT, POINTS, CHUNKS = 3, CHUNK_LONG = 500, JUNK_LONG = 4000 };

struct state {
	struct rig_state rig;
	uint8_t writer[SECRET_SIZE];
	bool sure[POINTS]; /* BROUGHT: written by one who may only write */
};

static void fill(unsigned number, uint8_t *bytes, size_t len)
{
	struct rng rng;
	rng_seed(&rng, number + 1);
	rng_fill(&rng, bytes, len);
}

static int save(struct state *s, struct repo *repo, int number, struct why *why)
{
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL};
	unsigned from = (unsigned)number * CHUNKS;
	rig_name_point(&point, number);
	int err = rig_put_list(repo,
		(struct rig_chunks){from, from + CHUNKS, CHUNK_LONG, CHUNK_LONG}, &point.root, why);
	if (!err)
		err = repo_commit(repo, &point, why);
	s->sure[number] = !err;
	return err;
}

/*
 * Bytes of a chunk that no point needs are overwritten where they lie in its pack: `len` of them.
 * So a repair alone replaces objects.
 */
static int hurt(struct state *s, struct repo *repo, const struct digest *digest, size_t len,
	struct object_id *ret_pack)
{
	OWN(file_close_own) struct file *file = NULL;
	uint8_t bytes[JUNK_LONG];
	struct index_entry entry;
	char name[OBJECT_NAME];
	if (index_find(&repo->index, digest, &entry) != 1)
		return -EBADMSG;
	*ret_pack = repo->index.packs.at[entry.pack].id;
	object_name(OBJECT_DATA, ret_pack, name);
	uint64_t at = entry.at.offset + entry.at.length / 2;
	int err = disk_open(s->rig.disk, name, FILE_READ | FILE_WRITE, &file);
	if (!err)
		err = file_read_full(file, bytes, len, at);
	for (size_t i = 0; i < len; i++)
		bytes[i] ^= 0x55;
	if (!err)
		err = file_write_full(file, bytes, len, at);
	return err ? err : file_sync(file);
}

/* Two points, each with bytes in its pack that nobody needs, and a key that may only write. */
static int prepare(struct state *s, struct digest junk[2], struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	uint8_t bytes[JUNK_LONG];
	struct object_id id;
	int err = repo_open(&s->rig.world, s->rig.secret, 0, &repo, why);
	if (!err)
		err = rig_add_key(repo, SLOT_WRITER, &s->rig.dice, s->writer, &id);
	for (int i = 0; !err && i < 2; i++) {
		fill(1000 + (unsigned)i, bytes, sizeof(bytes));
		err = repo_put_chunk(repo, CHUNK_CONTENT, bytes, sizeof(bytes), &junk[i], why);
		if (!err)
			err = save(s, repo, HURT + i, why);
	}
	return err;
}

static int mend(struct repo *repo, const struct object_id *pack, struct why *why)
{
	struct check_object object = {OBJECT_DATA, *pack, 0};
	struct check_result result = {0};
	int err = repo_check_some(
		repo, &object, 1, &(struct check_options){.repair = true}, &result);
	if (!err && result.mended != 1)
		err = why_set(why, -EIO, "the place did not take the mended pack");
	return err;
}

static int repair(struct state *s, const struct digest junk[2], struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	struct object_id packs[2];
	struct renew_result result = {0};
	int err = repo_open(&s->rig.world, s->rig.secret, 0, &repo, why);
	if (!err)
		err = hurt(s, repo, &junk[HURT], 1000, &packs[HURT]);
	if (!err)
		err = hurt(s, repo, &junk[MENDABLE], 1, &packs[MENDABLE]);
	if (!err)
		err = mend(repo, &packs[MENDABLE], why);
	if (!err)
		err = repo_renew_packs(repo, packs, 1, NULL, &result, why);
	if (!err && (result.rescued != CHUNKS || result.lost != 1))
		err = why_set(why, -EBADMSG, "%d chunks rescued", (int)result.rescued);
	return err;
}

static int adopt(struct state *s, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	struct inbox_result result;
	int err = repo_open(&s->rig.world, s->rig.secret, 0, &repo, why);
	if (!err)
		err = repo_inbox_adopt(
			repo, &(struct inbox_options){.walk = rig_walk}, &result, why);
	if (!err && result.refused)
		err = why_set(why, -EBADMSG, "what a writer brought is refused");
	return err;
}

static int bring(struct state *s, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	int err = repo_open(&s->rig.world, s->writer, 0, &repo, why);
	return err ? err : save(s, repo, BROUGHT, why);
}

static int live(void *arg, struct why *why)
{
	struct state *s = arg;
	struct digest junk[2];
	int err = repo_init(&s->rig.world, &rig_options, s->rig.secret, why);
	s->rig.made = !err;
	if (!err)
		err = prepare(s, junk, why);
	if (!err)
		err = repair(s, junk, why);
	if (!err)
		err = bring(s, why);
	return err ? err : adopt(s, why);
}

static int run(void *arg, struct world *world, struct why *why)
{
	struct rig_state *rig = arg;
	test_world_init(&rig->dice, &rig->clock, 9);
	return rig_at(arg, world, live, why);
}

/* ---- what must be ---- */

static int note_point(struct repo *repo, const struct object_id *id, bool *there, struct why *why)
{
	struct point point;
	int err = rig_read_point(repo, id, &point, why);
	if (!err)
		there[rig_point_number(&point)] = true;
	return err;
}

static int look(struct state *s, bool adopted, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	bool there[POINTS] = {0};
	int err = repo_open(&s->rig.world, s->rig.secret, 0, &repo, why);
	for (size_t i = 0; !err && i < repo_head(repo)->points.len; i++)
		err = note_point(repo, &repo_head(repo)->points.at[i].id, there, why);
	for (int i = 0; !err && i < (adopted ? POINTS : BROUGHT); i++)
		if (s->sure[i] && !there[i])
			err = why_set(why, -EBADMSG, "point %d is lost", i);
	return err;
}

static int collect(struct state *s, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	struct gc_result result;
	int err = repo_open(&s->rig.world, s->rig.secret, 0, &repo, why);
	return err ? err : repo_gc(repo, &(struct gc_options){.walk = rig_walk}, &result, why);
}

static int go_on(void *arg, struct why *why)
{
	struct state *s = arg;
	int err = look(s, false, why);
	if (!err)
		err = adopt(s, why);
	if (!err)
		err = look(s, true, why);
	if (!err)
		err = collect(s, why);
	return err ? err : look(s, true, why);
}

static int check(void *arg, struct world *world, bool faulty, struct why *why)
{
	struct state s = *(const struct state *)arg;
	(void)faulty;
	return s.rig.made ? rig_at(&s, world, go_on, why) : 0;
}

static const struct scenario scenario = {"repair", sizeof(struct state), run, check, NULL};

TEST(no_point_is_lost_to_a_crash_of_repair_or_inbox)
{
	rig_explore_crashes(&scenario);
}

TEST(no_point_is_lost_to_a_disk_that_fails_a_repair)
{
	rig_explore(&scenario,
		(struct explore_options){.seed = 1,
			.exhaustive = 2,
			.samples = 1,
			.recovery_points = 1,
			.no_crashes = true,
			.one_fault_in = 3,
			.which = test_seed()});
}

TEST_MAIN
