/* SPDX-License-Identifier: Apache-2.0 */
/* A folder as a place: whole objects or none, after any crash and any failing operation. */
#include "place/dir.h"

#include <errno.h>

#include "base/own.h"
#include "base/test.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/world.h"
#include "place/place.h"
#include "sim/disk.h"
#include "sim/explore.h"

enum { OBJECTS = 4 };

/* Contents differ in length and bytes, so that a torn or swapped one shows. */
static const char *const names[OBJECTS] = {"repo", "data/3f/a", "data/3f/b", "head/1"};

static size_t content(size_t i, uint8_t bytes[2000])
{
	size_t len = 300 + 500 * i;
	for (size_t b = 0; b < len; b++)
		bytes[b] = (uint8_t)(b * 7 + i * 31 + 1);
	return len;
}

struct put_state {
	bool promised[OBJECTS];
	bool removed_maybe[OBJECTS];
	bool removed[OBJECTS];
};

static int put_one(struct put_state *s, struct place *place, size_t i, struct why *why)
{
	uint8_t bytes[2000];
	size_t len = content(i, bytes);
	int err = place_put(place, names[i], bytes, len, why);
	if (!err)
		s->promised[i] = true;
	return err;
}

/* Puts two, goes on in a new process (without a crash), puts the rest, removes one. */
static int run(void *state, struct world *world, struct why *why)
{
	struct put_state *s = state;
	struct place *place;
	int err = place_dir_open(world->disk, &place);
	if (err)
		return err;
	err = put_one(s, place, 0, why);
	if (!err)
		err = put_one(s, place, 1, why);
	place_close(place);
	if (!err)
		err = place_dir_open(world->disk, &place);
	if (err)
		return err;
	for (size_t i = 2; !err && i < OBJECTS; i++)
		err = put_one(s, place, i, why);
	if (!err) {
		s->removed_maybe[1] = true;
		err = place_remove(place, names[1]);
		s->removed[1] = !err;
	}
	place_close(place);
	return err;
}

static int check_one(const struct put_state *s, struct place *place, size_t i, struct why *why)
{
	uint8_t want[2000];
	size_t len = content(i, want), got;
	OWN(own_free) uint8_t *bytes = NULL;
	int err = place_get_whole(place, names[i], 1 << 20, &bytes, &got);
	if (err == -ENOENT) {
		if (s->promised[i] && !s->removed_maybe[i])
			return why_set(why, -EBADMSG, "%s is gone", names[i]);
		return 0;
	}
	if (err)
		return err;
	if (s->removed[i])
		return why_set(why, -EBADMSG, "%s is back", names[i]);
	if (got != len || memcmp(bytes, want, len) != 0)
		return why_set(why, -EBADMSG, "%s is not what was put", names[i]);
	return 0;
}

static int check(void *state, struct world *world, bool faulty, struct why *why)
{
	struct place *place;
	(void)faulty;
	int err = place_dir_open(world->disk, &place);
	for (size_t i = 0; !err && i < OBJECTS; i++)
		err = check_one(state, place, i, why);
	if (place)
		place_close(place);
	return err;
}

/* A caller that minds no error of remove() and put(), and believes only what was promised. */
static int run_carelessly(void *state, struct world *world, struct why *why)
{
	struct put_state *s = state;
	struct place *place;
	int err = place_dir_open(world->disk, &place);
	if (err)
		return err;
	for (size_t i = 0; i < OBJECTS; i++)
		(void)put_one(s, place, i, why);
	s->removed_maybe[1] = true;
	s->removed[1] = place_remove(place, names[1]) == 0;
	for (size_t i = 0; i < OBJECTS; i++) {
		s->removed[i] = false;
		if (!put_one(s, place, i, why))
			s->removed_maybe[i] = false;
	}
	place_close(place);
	return 0;
}

static void explore_places(int (*work)(void *, struct world *, struct why *))
{
	struct scenario scenario = {"place/dir", sizeof(struct put_state), work, check, NULL};
	struct explore_report report;
	int err = explore(&scenario, &(struct explore_options){.seed = 1}, &report);
	test_note("%" PRIu64 " crash points, %" PRIu64 " states, %" PRIu64 " faults",
		report.crash_points, report.states, report.faults);
	if (report.violated)
		test_note("%s", report.violation);
#ifdef PLANTED
	CHECK_EQ(err, -EBADMSG);
#else
	CHECK_EQ(err, 0);
#endif
}

TEST(objects_are_whole_or_absent_after_any_crash)
{
	explore_places(run);
}

TEST(what_was_promised_after_an_ignored_error_stays)
{
	explore_places(run_carelessly);
}

#ifndef PLANTED
static int fail_folder_sync(void *arg, enum sim_op op, const char *name, bool done)
{
	bool *armed = arg;
	(void)name;
	if (op != SIM_SYNC_DIR || done || !*armed)
		return 0;
	*armed = false;
	return -ENOSPC;
}

TEST(the_first_failed_sync_of_a_folder_stops_the_place)
{
	static const char said[] =
		"data/b: this place has stopped, because it failed to make names durable: look at "
		"its disk, then run it again";
	struct sim_disk *disk = sim_disk_new();
	struct place *place;
	struct why why;
	uint64_t size;
	bool armed = false;
	CHECK_EQ(place_dir_open(sim_disk_seam(disk), &place), 0);
	CHECK_EQ(place_put(place, "data/a", "a", 1, &why), 0);
	CHECK_EQ(place_put(place, "data/c", "c", 1, &why), 0);
	sim_disk_set_hook(disk, fail_folder_sync, &armed);
	armed = true;
	CHECK_EQ(place_remove(place, "data/a"), -ENOSPC);
	CHECK_EQ(place_put(place, "data/b", "b", 1, &why), -EIO);
	CHECK_STR(why.text, said);
	CHECK_EQ(place_put_new(place, "data/b", "b", 1, &why), -EIO);
	CHECK_STR(why.text, said);
	CHECK_EQ(place_remove(place, "data/c"), -EIO);
	CHECK_EQ(place_settle(place, "data/c"), -EIO);
	CHECK_EQ(place_size(place, "data/c", &size), 0);
	CHECK_EQ(place_size(place, "data/b", &size), -ENOENT);
	place_close(place);
	CHECK_EQ(place_dir_open(sim_disk_seam(disk), &place), 0);
	CHECK_EQ(place_put(place, "data/b", "b", 1, &why), 0);
	place_close(place);
	sim_disk_free(disk);
}

TEST(what_is_new_is_put_once)
{
	struct sim_disk *disk = sim_disk_new();
	struct place *one, *two;
	struct file *lock;
	struct why why;
	CHECK_EQ(place_dir_open(sim_disk_seam(disk), &one), 0);
	CHECK_EQ(place_dir_open(sim_disk_seam(disk), &two), 0);
	CHECK_EQ(place_put_new(one, "head/1", "a", 1, &why), 0);
	CHECK_EQ(place_put_new(two, "head/1", "b", 1, &why), -EEXIST);
	CHECK_STR(why.text, "head/1: File exists");
	/* Another writer at work: the answer is to try again, not to go ahead. */
	CHECK_EQ(disk_open(sim_disk_seam(disk), "lock", FILE_WRITE, &lock), 0);
	CHECK_EQ(file_lock(lock), 0);
	CHECK_EQ(place_put_new(two, "head/2", "b", 1, &why), -EWOULDBLOCK);
	file_close(lock);
	CHECK_EQ(place_put_new(two, "head/2", "b", 1, &why), 0);
	place_close(one);
	place_close(two);
	sim_disk_free(disk);
}
#endif

static bool is_there(struct disk *disk, const char *name)
{
	OWN(file_close_own) struct file *file = NULL;
	return !disk_open(disk, name, FILE_READ, &file);
}

struct sweeping {
	struct place *place;
	enum sim_op at;
	int left; /* so often */
	bool done, within;
};

static int sweep_beside(void *arg, enum sim_op op, const char *name, bool done)
{
	struct sweeping *s = arg;
	if (s->within || op != s->at || done != s->done || !s->left || !strstr(name, ".new"))
		return 0;
	s->left--;
	s->within = true;
	CHECK_EQ(place_sweep(s->place), 0);
	s->within = false;
	return 0;
}

/* Between any two steps of a put a sweep may come. */
TEST(a_sweep_takes_nothing_from_a_put)
{
	for (int op = SIM_CREATE; op < SIM_OPS; op++) {
		for (int done = 0; done < 2; done++) {
			struct sim_disk *sim = sim_disk_new();
			struct disk *disk = sim_disk_seam(sim);
			struct place *place;
			/* Before it is locked it can be taken, but not for ever. */
			bool open = op == SIM_CREATE || op == SIM_OPEN || op == SIM_LOCK;
			struct sweeping s = {
				.at = (enum sim_op)op, .left = open ? 2 : 1000, .done = done};
			CHECK_EQ(place_dir_open(disk, &place), 0);
			CHECK_EQ(place_dir_open(disk, &s.place), 0);
			sim_disk_set_hook(sim, sweep_beside, &s);
			CHECK_EQ(place_put(place, "data/3f/3f00", "abc", 3, NULL), 0);
			CHECK_EQ(place_put(place, "data/3f/3f00", "abcd", 4, NULL), 0);
			uint64_t size;
			CHECK_EQ(place_size(place, "data/3f/3f00", &size), 0);
			CHECK_EQ(size, 4);
			CHECK(!is_there(disk, "data/3f/3f00.new"));
			place_close(place);
			place_close(s.place);
			sim_disk_free(sim);
		}
	}
}

TEST(a_sweep_removes_what_killed_writers_left)
{
	static const char *const left[] = {"repo.new", "head/1.new", "data/3f/3f00.new"};
	struct sim_disk *sim = sim_disk_new();
	struct disk *disk = sim_disk_seam(sim);
	struct place *place;
	struct file *file;
	CHECK_EQ(place_dir_open(disk, &place), 0);
	CHECK_EQ(place_put(place, "data/3f/3f01", "abc", 3, NULL), 0);
	CHECK_EQ(place_put(place, "head/2", "abc", 3, NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		CHECK_EQ(disk_open(disk, left[i], FILE_WRITE | FILE_CREATE, &file), 0);
		file_close(file);
	}
	CHECK_EQ(disk_open(disk, "data/3f/live.new", FILE_WRITE | FILE_CREATE, &file), 0);
	CHECK_EQ(file_lock(file), 0);
	CHECK_EQ(place_sweep(place), 0);
	for (size_t i = 0; i < 3; i++)
		CHECK(!is_there(disk, left[i]));
	CHECK(is_there(disk, "data/3f/live.new"));
	CHECK(is_there(disk, "data/3f/3f01"));
	CHECK(is_there(disk, "head/2"));
	file_close(file);
	place_close(place);
	sim_disk_free(sim);
}

TEST_MAIN
