/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs that are on their way to the place at once, on real threads: that they are, that what they
 * hold comes back, and that after one that fails nothing counts, whichever of them it is.
 */
#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"
#include "chunk/test_world.h"
#include "os/linux/crew.h"
#include "os/linux/disk.h"
#include "place/dir.h"
#include "place/place.h"
#include "repo/repo.h"

enum { PACK = 1 << 20, CHUNK = 50000, CHUNKS = 170, NEVER = 1000 };

/* A folder whose puts of packs can be held back together, and of which one can fail. */
struct gate {
	struct place place;
	struct place *inner;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	unsigned begun, inside, wait_for, fails; /* the put of that number */
};

struct fixture {
	char dir[64];
	struct test_dice dice;
	struct test_clock clock;
	struct linux_disk disk;
	struct linux_crew *crew, *carriers;
	struct gate gate;
	struct repo_world world;
	uint8_t secret[SECRET_SIZE];
	struct digest digests[CHUNKS];
	struct why why;
};

/* The lock is held. As many as are wanted have to meet here: else this waits for ever. */
static void meet(struct gate *gate)
{
	gate->inside++;
	pthread_cond_broadcast(&gate->moved);
	while (gate->wait_for && gate->inside < gate->wait_for)
		pthread_cond_wait(&gate->moved, &gate->lock);
	gate->wait_for = 0;
	pthread_cond_broadcast(&gate->moved);
	gate->inside--;
}

static int gate_put(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	struct gate *gate = container_of(place, struct gate, place);
	if (strncmp(name, "data/", 5) == 0) {
		pthread_mutex_lock(&gate->lock);
		bool fails = gate->begun++ == gate->fails;
		meet(gate);
		pthread_mutex_unlock(&gate->lock);
		if (fails)
			return why_set(why, -EIO, "the disk is broken");
	}
	return place_put(gate->inner, name, bytes, len, why);
}

static struct place *inner_of(struct place *place)
{
	return container_of(place, struct gate, place)->inner;
}

static int gate_put_new(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	return place_put_new(inner_of(place), name, bytes, len, why);
}

static ssize_t gate_get(struct place *place, const char *name, uint64_t at, void *bytes, size_t len)
{
	return place_get(inner_of(place), name, at, bytes, len);
}

static int gate_size(struct place *place, const char *name, uint64_t *ret_size)
{
	return place_size(inner_of(place), name, ret_size);
}

static int gate_list(struct place *place, const char *folder, place_list_fn *fn, void *arg)
{
	return place_list(inner_of(place), folder, fn, arg);
}

static int gate_remove(struct place *place, const char *name)
{
	return place_remove(inner_of(place), name);
}

static void begin(struct fixture *f)
{
	static const struct place_ops ops = {
		.put = gate_put,
		.put_new = gate_put_new,
		.get = gate_get,
		.size = gate_size,
		.list = gate_list,
		.remove = gate_remove,
	};
	static const struct repo_options options = {.parity_percent = 3, .pack_size = PACK};
	memset(f, 0, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/ebb-flights-test-XXXXXX");
	CHECK(mkdtemp(f->dir));
	test_world_init(&f->dice, &f->clock, test_seed());
	CHECK_EQ(linux_disk_init(&f->disk, f->dir, &f->why), 0);
	CHECK_EQ(linux_crew_open(2, &f->crew, &f->why), 0);
	CHECK_EQ(linux_crew_open(4, &f->carriers, &f->why), 0);
	f->gate = (struct gate){.place = {.ops = &ops, .streams = 4}, .fails = NEVER};
	CHECK_EQ(pthread_mutex_init(&f->gate.lock, NULL), 0);
	CHECK_EQ(pthread_cond_init(&f->gate.moved, NULL), 0);
	CHECK_EQ(place_dir_open(&f->disk.base, &f->gate.inner), 0);
	f->world = (struct repo_world){
		.place = &f->gate.place,
		.dice = &f->dice.dice,
		.clock = &f->clock.clock,
		.crew = linux_crew(f->crew),
		.carriers = linux_crew(f->carriers),
	};
	CHECK_EQ(repo_init(&f->world, &options, f->secret, &f->why), 0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void end(struct fixture *f)
{
	linux_crew_close(f->carriers);
	linux_crew_close(f->crew);
	place_close(f->gate.inner);
	linux_disk_done(&f->disk);
	pthread_cond_destroy(&f->gate.moved);
	pthread_mutex_destroy(&f->gate.lock);
	CHECK_EQ(nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static struct repo *must_open(struct fixture *f)
{
	struct repo *repo;
	if (repo_open(&f->world, f->secret, 0, &repo, &f->why))
		test_fail(__FILE__, __LINE__, "%s", f->why.text);
	return repo;
}

static void content(unsigned i, uint8_t bytes[CHUNK])
{
	struct rng rng;
	rng_seed(&rng, i);
	rng_fill(&rng, bytes, CHUNK);
}

static int put_all(struct fixture *f, struct repo *repo)
{
	uint8_t bytes[CHUNK];
	int err = 0;
	for (unsigned i = 0; !err && i < CHUNKS; i++) {
		content(i, bytes);
		err = repo_put_chunk(repo, CHUNK_CONTENT, bytes, CHUNK, &f->digests[i], &f->why);
	}
	return err;
}

static int commit(struct fixture *f, struct repo *repo)
{
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .resource = "home"};
	return repo_commit(repo, &point, &f->why);
}

static void check_all(struct fixture *f)
{
	uint8_t want[CHUNK];
	struct repo *repo = must_open(f);
	CHECK_EQ(repo_head(repo)->points.len, 1);
	for (unsigned i = 0; i < CHUNKS; i++) {
		OWN(own_free) uint8_t *bytes = NULL;
		size_t len;
		content(i, want);
		CHECK_EQ(repo_chunk(repo, &f->digests[i], CHUNK_CONTENT, &bytes, &len, &f->why), 0);
		CHECK_EQ(len, CHUNK);
		CHECK(memcmp(bytes, want, CHUNK) == 0);
	}
	repo_close(repo);
}

TEST(packs_go_to_the_place_together)
{
	struct fixture f;
	begin(&f);
	f.gate.wait_for = 3;
	struct repo *repo = must_open(&f);
	CHECK_EQ(put_all(&f, repo), 0);
	CHECK_EQ(commit(&f, repo), 0);
	repo_close(repo);
	CHECK(f.gate.begun > 6);
	check_all(&f);
	end(&f);
}

/* With the k-th pack failing while others are on their way. Returns how many were begun. */
static unsigned fail_one(unsigned k)
{
	struct fixture f;
	uint8_t more[CHUNK] = {1};
	struct digest digest;
	begin(&f);
	f.gate.fails = k;
	f.gate.wait_for = 3;
	struct repo *repo = must_open(&f);
	int err = put_all(&f, repo);
	if (!err)
		err = commit(&f, repo);
	CHECK_EQ(err, -EIO);
	CHECK_STR(f.why.text, "the disk is broken");
	/* Whoever goes on all the same gets nowhere: what the pack held is in no other. */
	CHECK_EQ(commit(&f, repo), -EIO);
	CHECK_EQ(repo_put_chunk(repo, CHUNK_CONTENT, more, 100, &digest, &f.why), -EIO);
	CHECK_STR(f.why.text, "an earlier pack could not be stored: Input/output error");
	repo_close(repo);
	unsigned begun = f.gate.begun;
	f.gate.fails = NEVER;
	repo = must_open(&f);
	CHECK_EQ(repo_head(repo)->points.len, 0);
	CHECK_EQ(put_all(&f, repo), 0);
	CHECK_EQ(commit(&f, repo), 0);
	repo_close(repo);
	check_all(&f);
	end(&f);
	return begun;
}

TEST(after_a_pack_that_failed_nothing_counts)
{
	for (unsigned k = 0; k < 7; k++)
		CHECK(fail_one(k) > k);
}

TEST_MAIN
