/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking in what writers brought, under the crash explorer: two clients that may only write bring
 * points, one after the other and while an adoption runs, and it is cut off or fails anywhere. A
 * point of which its writer was told that it is written comes into the head, whole and once; one
 * that was taken in stays there; and a collection beside it takes nothing away.
 */
#include "repo/inbox.h"

#include <errno.h>

#include "repo/rig_test.h"

enum { OURS, FIRST_A, FIRST_B, SECOND_A, BETWEEN, POINTS, CHUNKS = 3, CHUNK_LONG = 400 };
enum { WRITER_A, WRITER_B, WRITERS };

struct state {
	struct rig_state rig;
	uint8_t writers[WRITERS][SECRET_SIZE];
	bool maybe[POINTS], written[POINTS], adopted[POINTS];
	bool busy; /* a writer brings a point while one is taken in */
};

/* Chunks of neighbours overlap, so that a point relies on what an earlier one brought. */
static int save(struct state *s, const uint8_t *secret, int number, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL};
	unsigned from = (unsigned)number * (CHUNKS - 1);
	rig_name_point(&point, number);
	int err = repo_open(&s->rig.world, secret, 0, &repo, why);
	if (!err)
		err = rig_put_list(repo,
			(struct rig_chunks){from, from + CHUNKS, CHUNK_LONG, CHUNK_LONG},
			&point.root, why);
	s->maybe[number] = true;
	if (!err)
		err = repo_commit(repo, &point, why);
	s->written[number] = !err;
	return err;
}

struct adoption {
	struct state *state;
	int err;
};

/* Between two of them, another writer comes along. */
static void on_inbox(void *arg, const char *name, const struct why *why)
{
	struct adoption *adoption = arg;
	struct why ignored;
	(void)name;
	if (why || !adoption->state->busy || adoption->err)
		return;
	adoption->state->busy = false;
	adoption->err = save(
		adoption->state, adoption->state->writers[WRITER_B], BETWEEN, &ignored);
}

static int adopt(struct state *s, uint64_t *ret_count, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	struct adoption adoption = {.state = s};
	const struct inbox_options how = {.walk = rig_walk, .on_inbox = on_inbox, .arg = &adoption};
	struct inbox_result result;
	bool before[POINTS];
	memcpy(before, s->written, sizeof(before));
	int err = repo_open(&s->rig.world, s->rig.secret, 0, &repo, why);
	if (!err)
		err = repo_inbox_adopt(repo, &how, &result, why);
	if (!err && adoption.err)
		err = why_errno(why, adoption.err, "the writer between");
	if (!err && result.refused)
		err = why_set(why, -EBADMSG, "what a writer brought is refused");
	for (int i = 0; !err && i < POINTS; i++)
		s->adopted[i] |= before[i];
	if (!err)
		*ret_count = result.adopted;
	return err;
}

static int add_writers(struct state *s, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	struct object_id id;
	int err = repo_open(&s->rig.world, s->rig.secret, 0, &repo, why);
	for (int i = 0; !err && i < WRITERS; i++)
		err = rig_add_key(repo, SLOT_WRITER, &s->rig.dice, s->writers[i], &id);
	return err;
}

static int collect(struct state *s, struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	struct gc_result result;
	int err = repo_open(&s->rig.world, s->rig.secret, 0, &repo, why);
	return err ? err : repo_gc(repo, &(struct gc_options){.walk = rig_walk}, &result, why);
}

static int live(void *arg, struct why *why)
{
	struct state *s = arg;
	uint64_t count;
	int err = repo_init(&s->rig.world, &rig_options, s->rig.secret, why);
	s->rig.made = !err;
	if (!err)
		err = add_writers(s, why);
	if (!err)
		err = save(s, s->rig.secret, OURS, why);
	s->adopted[OURS] = !err;
	if (!err)
		err = save(s, s->writers[WRITER_A], FIRST_A, why);
	if (!err)
		err = save(s, s->writers[WRITER_B], FIRST_B, why);
	if (!err)
		err = save(s, s->writers[WRITER_A], SECOND_A, why);
	s->busy = true;
	if (!err)
		err = adopt(s, &count, why);
	if (!err && count < POINTS - 2)
		err = why_set(why, -EBADMSG, "%d were taken in", (int)count);
	return err ? err : collect(s, why);
}

static int run(void *arg, struct world *world, struct why *why)
{
	struct rig_state *rig = arg;
	test_world_init(&rig->dice, &rig->clock, 9);
	return rig_at(arg, world, live, why);
}

/* ---- what must be ---- */

/* Every named point is whole, none is named twice, and those that `must` be there are. */
static int look(struct state *s, const bool must[POINTS], struct why *why)
{
	OWN(rig_repo_own) struct repo *repo = NULL;
	unsigned there[POINTS] = {0};
	int err = repo_open(&s->rig.world, s->rig.secret, 0, &repo, why);
	for (size_t i = 0; !err && i < repo_head(repo)->points.len; i++) {
		struct point point;
		err = rig_read_point(repo, &repo_head(repo)->points.at[i].id, &point, why);
		if (!err)
			there[rig_point_number(&point)]++;
	}
	for (int i = 0; !err && i < POINTS; i++) {
		if (there[i] > 1)
			err = why_set(why, -EBADMSG, "point %d was taken in twice", i);
		else if (must[i] && !there[i])
			err = why_set(why, -EBADMSG, "point %d is lost", i);
		else if (there[i] && !s->maybe[i])
			err = why_set(why, -EBADMSG, "point %d came from nowhere", i);
	}
	return err;
}

/* What is at the place is taken in, once; a collection changes nothing of that. */
static int go_on(void *arg, struct why *why)
{
	struct state *s = arg;
	uint64_t count;
	int err = look(s, s->adopted, why);
	if (!err)
		err = adopt(s, &count, why);
	if (!err)
		err = look(s, s->written, why);
	if (!err)
		err = adopt(s, &count, why);
	if (!err && count)
		err = why_set(why, -EBADMSG, "%d were taken in again", (int)count);
	if (!err)
		err = collect(s, why);
	return err ? err : look(s, s->written, why);
}

static int check(void *arg, struct world *world, bool faulty, struct why *why)
{
	struct state s = *(const struct state *)arg;
	(void)faulty;
	s.busy = false;
	return s.rig.made ? rig_at(&s, world, go_on, why) : 0;
}

static const struct scenario scenario = {"inbox", sizeof(struct state), run, check, NULL};

TEST(no_brought_point_is_lost_to_a_crash)
{
	rig_explore_crashes(&scenario);
}

TEST(no_brought_point_is_lost_to_a_disk_that_fails)
{
	rig_explore(&scenario,
		(struct explore_options){.seed = 1,
			.exhaustive = 2,
			.samples = 1,
			.recovery_points = 1,
			.no_crashes = true,
			.faults_alone = true});
}

TEST_MAIN
