/* SPDX-License-Identifier: Apache-2.0 */
/* One run into several repositories: the same in each, whichever of them fails and when. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/container.h"
#include "repo/refusing_test.h"
#include "repo/rig_test.h"

enum { PLACES = 3, CHUNKS = 40 };

/* A place that takes so many objects and then no more. */
struct tired {
	struct refusing refusing;
	int left; /* -1: it is never tired */
	bool gave_up;
};

static int give_up(struct refusing *refusing, struct why *why)
{
	struct tired *tired = container_of(refusing, struct tired, refusing);
	if (!why)
		return 0; /* a removal tires nobody */
	if (tired->left > 0)
		tired->left--;
	else if (!tired->left) {
		tired->gave_up = true;
		return why_set(why, -EIO, "this place is tired");
	}
	return 0;
}

struct fixture {
	struct test_dice dice;
	struct test_clock clock;
	struct sim_disk *disks[PLACES];
	struct tired places[PLACES];
	uint8_t secret[SECRET_SIZE];
	struct repo *repos[PLACES];
	struct why why;
};

static struct repo_world world_of(struct fixture *f, size_t which)
{
	return (struct repo_world){.place = &f->places[which].refusing.place,
		.dice = &f->dice.dice,
		.clock = &f->clock.clock};
}

static void open_one(struct fixture *f, size_t which)
{
	struct repo_world world = world_of(f, which);
	if (repo_open(&world, f->secret, 0, &f->repos[which], &f->why))
		test_fail(__FILE__, __LINE__, "%s", f->why.text);
}

static void close_all(struct fixture *f)
{
	for (size_t i = 0; i < PLACES; i++) {
		repo_close(f->repos[i]);
		f->repos[i] = NULL;
		f->places[i].left = -1;
	}
}

/* The first makes keys, the others take them over. */
static void begin(struct fixture *f, uint64_t seed)
{
	struct repo_options options = {.parity_percent = 3, .pack_size = 1 << 20};
	memset(f, 0, sizeof(*f));
	test_world_init(&f->dice, &f->clock, seed);
	struct unlock unlock = {.secret = f->secret};
	for (size_t i = 0; i < PLACES; i++) {
		f->disks[i] = sim_disk_new();
		CHECK(f->disks[i]);
		f->places[i].refusing.place.ops = &refusing_ops;
		f->places[i].refusing.refuse = give_up;
		f->places[i].left = -1;
		CHECK_EQ(place_dir_open(sim_disk_seam(f->disks[i]), &f->places[i].refusing.inner),
			0);
		struct repo_world world = world_of(f, i);
		options.ring = i ? repo_ring(f->repos[0]) : NULL;
		int err = i ? repo_init_with(&world, &options, &unlock, &f->why)
			    : repo_init(&world, &options, f->secret, &f->why);
		if (err)
			test_fail(__FILE__, __LINE__, "%s", f->why.text);
		open_one(f, i);
	}
}

static void end(struct fixture *f)
{
	close_all(f);
	for (size_t i = 0; i < PLACES; i++) {
		place_close(f->places[i].refusing.inner);
		sim_disk_free(f->disks[i]);
	}
}

/* ---- points that are lists of numbered chunks ---- */

static int save(struct fixture *f, unsigned from, unsigned to, struct point *ret_point)
{
	struct repo *repo = f->repos[0];
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .resource = "x"};
	int err = rig_put_list(
		repo, (struct rig_chunks){from, to, 20000, 60000}, &point.root, &f->why);
	if (!err)
		err = repo_commit(repo, &point, &f->why);
	*ret_point = point;
	return err;
}

static int read_chunk(void *arg, const struct digest *digest, enum chunk_kind kind, bool leads_on)
{
	OWN(own_free) uint8_t *bytes = NULL;
	struct fixture *f = arg;
	size_t len;
	if (leads_on)
		return 1;
	return repo_chunk(f->repos[PLACES - 1], digest, kind, &bytes, &len, &f->why);
}

/* All of the points that stand at a place, by somebody who opens it alone. */
static size_t whole_points(struct fixture *f, size_t which)
{
	struct repo *other = f->repos[PLACES - 1];
	struct repo *before = f->repos[which];
	f->places[which].left = -1;
	open_one(f, which);
	struct repo *repo = f->repos[which];
	f->repos[PLACES - 1] = repo; /* where read_chunk() reads */
	size_t count = repo_head(repo)->points.len;
	for (size_t i = 0; i < count; i++) {
		struct point point;
		CHECK_EQ(repo_point(repo, &repo_head(repo)->points.at[i].id, &point, &f->why), 0);
		if (rig_walk(repo, &point, read_chunk, f, &f->why))
			test_fail(__FILE__, __LINE__, "place %zu: %s", which, f->why.text);
	}
	repo_close(repo);
	f->repos[PLACES - 1] = other;
	f->repos[which] = before;
	return count;
}

static void join(struct fixture *f)
{
	for (size_t i = 1; i < PLACES; i++)
		CHECK_EQ(repo_add_twin(f->repos[0], f->repos[i], rig_walk, &f->why), 0);
}

TEST(each_place_gets_all_of_it)
{
	struct fixture f;
	struct point first, second;
	begin(&f, 1);
	join(&f);
	CHECK_EQ(save(&f, 0, CHUNKS, &first), 0);
	CHECK_EQ(save(&f, 20, CHUNKS + 10, &second), 0);
	for (size_t i = 0; i < PLACES; i++) {
		CHECK_EQ(repo_outcome(f.repos[0], i)->err, 0);
		CHECK(head_find_point(repo_head(f.repos[i]), &first.id));
		CHECK_EQ(repo_head(f.repos[i])->generation, 3);
		CHECK_EQ(whole_points(&f, i), 2);
	}
	/* Each tells how far the others had come: the first one, which commits first, a run ago. */
	CHECK_EQ(repo_witness(f.repos[1], f.repos[0]), 3);
	CHECK_EQ(repo_witness(f.repos[2], f.repos[0]), 3);
	CHECK_EQ(repo_witness(f.repos[0], f.repos[1]), 2);
	end(&f);
}

TEST(a_twin_that_missed_runs_catches_up)
{
	struct fixture f;
	struct point first, second;
	begin(&f, 2);
	CHECK_EQ(save(&f, 0, CHUNKS, &first), 0);
	join(&f);
	CHECK_EQ(save(&f, 10, CHUNKS + 10, &second), 0);
	CHECK_EQ(whole_points(&f, 0), 2);
	CHECK_EQ(whole_points(&f, 1), 1);
	CHECK_EQ(repo_copy_point(f.repos[0], f.repos[1], &first.id, rig_walk, &f.why), 0);
	/* Once more changes nothing. */
	CHECK_EQ(repo_copy_point(f.repos[0], f.repos[1], &first.id, rig_walk, &f.why), 0);
	CHECK_EQ(whole_points(&f, 1), 2);
	end(&f);
}

/* The place gives up after `left` more objects. How many places have the second point? */
static void give_up_at(size_t which, int left, bool *ret_over)
{
	struct fixture f;
	struct point first, second;
	begin(&f, 3);
	join(&f);
	CHECK_EQ(save(&f, 0, CHUNKS, &first), 0);
	f.places[which].left = left;
	CHECK_EQ(save(&f, 20, 2 * CHUNKS, &second), 0);
	*ret_over = !f.places[which].gave_up;
	for (size_t i = 0; i < PLACES; i++) {
		bool failed = repo_outcome(f.repos[0], i)->err != 0;
		CHECK_EQ(failed, i == which && !*ret_over);
		CHECK_EQ(whole_points(&f, i), failed ? 1 : 2);
	}
	end(&f);
}

TEST(a_place_that_fails_at_any_moment_stops_no_other)
{
	for (size_t which = 0; which < PLACES; which++) {
		bool over = false;
		int left = 0;
		for (; !over; left++) {
			give_up_at(which, left, &over);
			CHECK(left < 100);
		}
		test_note("place %zu: %d moments", which, left);
	}
}

TEST(when_all_fail_the_run_has_failed)
{
	struct fixture f;
	struct point point;
	begin(&f, 4);
	join(&f);
	for (size_t i = 0; i < PLACES; i++)
		f.places[i].left = 0;
	CHECK_EQ(save(&f, 0, CHUNKS, &point), -EIO);
	CHECK_STR(f.why.text, "this place is tired");
	end(&f);
}

TEST(only_repositories_with_the_same_keys_are_twins)
{
	struct fixture f, other;
	begin(&f, 5);
	begin(&other, 6);
	CHECK_EQ(repo_add_twin(f.repos[0], other.repos[0], rig_walk, &f.why), -EINVAL);
	CHECK_STR(f.why.text, "it has other keys: a twin is made by `ebb repo init --like`");
	CHECK_EQ(repo_add_twin(f.repos[0], f.repos[0], rig_walk, &f.why), -EINVAL);
	CHECK_STR(f.why.text, "it is the same repository once more");
	end(&f);
	end(&other);
}

TEST_MAIN
