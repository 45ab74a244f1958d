/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of this room have in common: a repository on a simulated disk, points that are
 * lists of numbered chunks, and the crash explorer over a scenario of such points. For tests only;
 * one thread.
 */
#ifndef EBB_REPO_RIG_TEST_H
#define EBB_REPO_RIG_TEST_H

#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"
#include "chunk/test_world.h"
#include "os/world.h"
#include "place/dir.h"
#include "place/place.h"
#include "repo/gc.h"
#include "repo/inner.h"
#include "repo/keys.h"
#include "sim/disk.h"
#include "sim/explore.h"

/* ---- a repository ---- */

static const struct repo_options rig_options = {.parity_percent = 3, .pack_size = 1 << 20};

struct rig {
	struct test_dice dice;
	struct test_clock clock;
	struct sim_disk *disk;
	struct repo_world world;
	uint8_t secret[SECRET_SIZE];
	struct why why;
};

static inline void rig_begin(struct rig *rig, uint64_t seed)
{
	memset(rig, 0, sizeof(*rig));
	test_world_init(&rig->dice, &rig->clock, seed);
	rig->disk = sim_disk_new();
	CHECK(rig->disk);
	CHECK_EQ(place_dir_open(sim_disk_seam(rig->disk), &rig->world.place), 0);
	rig->world.dice = &rig->dice.dice;
	rig->world.clock = &rig->clock.clock;
	CHECK_EQ(repo_init(&rig->world, &rig_options, rig->secret, &rig->why), 0);
}

static inline void rig_end(struct rig *rig)
{
	place_close(rig->world.place);
	sim_disk_free(rig->disk);
}

static inline struct repo *rig_open(struct rig *rig, const uint8_t *secret)
{
	struct repo *repo;
	if (repo_open(&rig->world, secret, 0, &repo, &rig->why))
		test_fail(__FILE__, __LINE__, "%s", rig->why.text);
	return repo;
}

static inline void rig_repo_own(struct repo **repo)
{
	repo_close(*repo);
}

/* A key of that type, with a secret that is drawn. */
static inline int rig_add_key(struct repo *repo, enum slot_type type, struct test_dice *dice,
	uint8_t ret_secret[SECRET_SIZE], struct object_id *ret_id)
{
	struct unlock unlock = {.secret = ret_secret};
	struct key_new key = {.type = type, .label = "another", .unlock = &unlock};
	dice_fill(&dice->dice, ret_secret, SECRET_SIZE);
	return repo_key_add(repo, &key, ret_id, NULL);
}

/* ---- points that are lists of numbered chunks ---- */

enum { RIG_LONG = 64 << 10, RIG_LIST = 256 };

/* Chunks from .. to - 1; their lengths are drawn between `least` and `most`, which is below
 * RIG_LONG.
 */
struct rig_chunks {
	unsigned from, to;
	size_t least, most;
};

static inline size_t rig_content(
	const struct rig_chunks *like, unsigned number, uint8_t bytes[RIG_LONG])
{
	struct rng rng;
	rng_seed(&rng, number + 1);
	size_t len = like->least + rng_below(&rng, like->most - like->least + 1);
	rng_fill(&rng, bytes, len);
	return len;
}

/* The chunks, and the list of them. */
static inline int rig_put_list(
	struct repo *repo, struct rig_chunks chunks, struct digest *ret_root, struct why *why)
{
	OWN(own_free) uint8_t *bytes = malloc(RIG_LONG);
	struct digest list[RIG_LIST];
	unsigned count = chunks.to - chunks.from;
	CHECK(bytes && count <= RIG_LIST);
	for (unsigned i = 0; i < count; i++) {
		size_t len = rig_content(&chunks, chunks.from + i, bytes);
		int err = repo_put_chunk(repo, CHUNK_CONTENT, bytes, len, &list[i], why);
		if (err)
			return err;
	}
	return repo_put_chunk(repo, CHUNK_LIST, list, count * DIGEST_SIZE, ret_root, why);
}

static inline int rig_walk(
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
		err = err < 0 ? err : 0;
	}
	return err;
}

/* Reads all of a point that the head names. */
static inline int rig_read_point(
	struct repo *repo, const struct object_id *id, struct point *ret_point, struct why *why)
{
	OWN(own_free) uint8_t *list = NULL;
	size_t len;
	int err = repo_point(repo, id, ret_point, why);
	if (!err)
		err = repo_chunk(repo, &ret_point->root, CHUNK_LIST, &list, &len, why);
	for (size_t at = 0; !err && at < len; at += DIGEST_SIZE) {
		OWN(own_free) uint8_t *bytes = NULL;
		struct digest digest;
		size_t bytes_len;
		memcpy(digest.b, list + at, DIGEST_SIZE);
		err = repo_chunk(repo, &digest, CHUNK_CONTENT, &bytes, &bytes_len, why);
	}
	/* What a head names has to be there. */
	return err ? why_prefix(why, err == -ENOENT ? -EBADMSG : err, "a named point") : 0;
}

/* ---- under the crash explorer ---- */

/* The resource by which a scenario knows its point `number`, which is one digit. */
static inline void rig_name_point(struct point *point, int number)
{
	snprintf(point->resource, sizeof(point->resource), "p%d", number);
}

/* -1: it is none of the scenario's. */
static inline int rig_point_number(const struct point *point)
{
	return point->resource[0] == 'p' ? point->resource[1] - '0' : -1;
}

/* What scenarios of one repository begin with. */
struct rig_state {
	struct test_dice dice;
	struct test_clock clock;
	struct repo_world world;
	struct disk *disk;
	uint8_t secret[SECRET_SIZE];
	bool made; /* the repository */
};

/* Does `work` with the repository's place open on that disk; `state` begins with a rig_state. */
static inline int rig_at(void *state, struct world *world,
	int (*work)(void *state, struct why *why), struct why *why)
{
	struct rig_state *rig = state;
	struct place *place;
	int err = place_dir_open(world->disk, &place);
	if (err)
		return err;
	rig->disk = world->disk;
	rig->world = (struct repo_world){
		.place = place, .dice = &rig->dice.dice, .clock = &rig->clock.clock};
	err = work(state, why);
	place_close(place);
	return err;
}

/* Fails the test that found something, and with PLANTED the one that found nothing. */
static inline void rig_explore(const struct scenario *scenario, struct explore_options how)
{
	struct explore_report report;
	int err = explore(scenario, &how, &report);
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

/* Crashes alone, few of each: where operations that fail are tried elsewhere. */
static inline void rig_explore_crashes(const struct scenario *scenario)
{
	rig_explore(scenario,
		(struct explore_options){.seed = 1,
			.exhaustive = 2,
			.samples = 1,
			.recovery_points = 1,
			.no_faults = true});
}

#endif
