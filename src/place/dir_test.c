/* SPDX-License-Identifier: Apache-2.0 */
/* A folder as a place: whole objects or none, after any crash and any failing operation. */
#include "place/dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

static bool is_content(void *arg, const char *name, uint8_t *bytes, size_t len)
{
	uint8_t want[2000];
	(void)arg;
	for (size_t i = 0; i < OBJECTS; i++)
		if (strcmp(name, names[i]) == 0)
			return len == content(i, want) && memcmp(bytes, want, len) == 0;
	return false;
}

static const struct place_whole whole = {.is_whole = is_content, .limit = 4096};

/* All that a writer which is killed in the middle has done by then: nothing of it is durable. */
static int leave(struct disk *disk, const char *name, size_t i, size_t cut)
{
	OWN(file_close_own) struct file *file = NULL;
	uint8_t bytes[2000];
	size_t len = content(i, bytes);
	char fresh[64];
	snprintf(fresh, sizeof(fresh), "%s.%zu-0.new", name, len);
	int err = disk_open(disk, fresh, FILE_WRITE | FILE_CREATE, &file);
	return err ? err : file_write_full(file, bytes, len - cut, 0);
}

/* What a dead writer left is taken up by a run that goes on from there. */
static int run_taking_up(void *state, struct world *world, struct why *why)
{
	struct put_state *s = state;
	struct place *place;
	uint64_t size;
	int err = disk_mkdir(world->disk, "data");
	if (!err)
		err = disk_mkdir(world->disk, "data/3f");
	if (!err)
		err = leave(world->disk, names[1], 1, 0);
	if (!err)
		err = leave(world->disk, names[2], 2, 1);
	if (!err)
		err = place_dir_open(world->disk, &place);
	if (err)
		return err;
	err = place_take_up(place, "data", &whole);
	bool there = place_size(place, names[1], &size) == 0;
	/* A place that failed to make a name durable would put nothing. */
	if (!err)
		err = put_one(s, place, 3, why);
	if (!err && there)
		s->promised[1] = true;
	place_close(place);
	return err;
}

/* The next run after the crash does the same. */
static int check_taking_up(void *state, struct world *world, bool faulty, struct why *why)
{
	struct place *place;
	int err = place_dir_open(world->disk, &place);
	if (!err) {
		err = place_take_up(place, "data", &whole);
		place_close(place);
	}
	if (err && !faulty)
		return why_errno(why, err, "taking up");
	return check(state, world, faulty, why);
}

typedef int run_fn(void *state, struct world *world, struct why *why);
typedef int check_fn(void *state, struct world *world, bool faulty, struct why *why);

static void explore_places(run_fn *work, check_fn *look)
{
	struct scenario scenario = {"place/dir", sizeof(struct put_state), work, look, NULL};
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
	explore_places(run, check);
}

TEST(what_was_promised_after_an_ignored_error_stays)
{
	explore_places(run_carelessly, check);
}

TEST(what_is_taken_up_stays_whole)
{
	explore_places(run_taking_up, check_taking_up);
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

static bool note_fresh(void *arg, const char *name, bool is_dir)
{
	(void)is_dir;
	*(unsigned *)arg += strstr(name, ".new") != NULL;
	return true;
}

static unsigned fresh_files(struct disk *disk, const char *folder)
{
	unsigned count = 0;
	int err = disk_list(disk, folder, note_fresh, &count);
	CHECK(!err || err == -ENOENT);
	return count;
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
	CHECK_EQ(place_sweep(s->place), 0);
	CHECK_EQ(place_take_up(s->place, "data", &whole), 0);
	s->within = false;
	return 0;
}

/* What is spent must not be looked at again. */
static void scribble(void *arg, size_t upto)
{
	memset(arg, 0xee, upto);
}

/* Between any two steps of a put a sweep may come, or a run that looks for what is left. */
TEST(a_sweep_takes_nothing_from_a_put)
{
	for (int op = SIM_CREATE; op < SIM_OPS; op++) {
		for (int done = 0; done < 2; done++) {
			struct sim_disk *sim = sim_disk_new();
			struct disk *disk = sim_disk_seam(sim);
			struct place *place;
			uint8_t want[2000], got[2000], going[2000];
			/* Before it is locked it can be taken, but not for ever. */
			bool open = op == SIM_CREATE || op == SIM_OPEN || op == SIM_LOCK;
			struct sweeping s = {
				.at = (enum sim_op)op, .left = open ? 2 : 1000, .done = done};
			CHECK_EQ(place_dir_open(disk, &place), 0);
			CHECK_EQ(place_dir_open(disk, &s.place), 0);
			sim_disk_set_hook(sim, sweep_beside, &s);
			CHECK_EQ(place_put(place, names[1], "abc", 3, NULL), 0);
			memcpy(going, want, content(1, want));
			struct spending object = {going, content(1, want), scribble, going};
			CHECK_EQ(place_put_spending(place, names[1], &object, NULL), 0);
			CHECK_EQ(place_get(place, names[1], 0, got, 2000), content(1, want));
			CHECK(memcmp(want, got, content(1, want)) == 0);
			CHECK_EQ(fresh_files(disk, "data/3f"), 0);
			place_close(place);
			place_close(s.place);
			sim_disk_free(sim);
		}
	}
}

TEST(a_sweep_removes_what_killed_writers_left)
{
	static const char *const left[] = {
		"repo.5-0.new", "head/1.7-12.new", "data/3f/3f00.300-0.new", "data/3f/3f00.new"};
	struct sim_disk *sim = sim_disk_new();
	struct disk *disk = sim_disk_seam(sim);
	struct place *place;
	struct file *file;
	CHECK_EQ(place_dir_open(disk, &place), 0);
	CHECK_EQ(place_put(place, "data/3f/3f01", "abc", 3, NULL), 0);
	CHECK_EQ(place_put(place, "head/2", "abc", 3, NULL), 0);
	for (size_t i = 0; i < 4; i++) {
		CHECK_EQ(disk_open(disk, left[i], FILE_WRITE | FILE_CREATE, &file), 0);
		CHECK_EQ(file_write_full(file, "abcde", i, 0), 0);
		file_close(file);
	}
	CHECK_EQ(disk_open(disk, "data/3f/live.new", FILE_WRITE | FILE_CREATE, &file), 0);
	CHECK_EQ(file_lock(file), 0);
	CHECK_EQ(place_sweep(place), 0);
	for (size_t i = 1; i < 4; i++)
		CHECK(!is_there(disk, left[i]));
	/* Its writer may be about to lock it. */
	CHECK(is_there(disk, left[0]));
	CHECK_EQ(place_sweep(place), 0);
	CHECK(!is_there(disk, left[0]));
	CHECK(is_there(disk, "data/3f/live.new"));
	CHECK(is_there(disk, "data/3f/3f01"));
	CHECK(is_there(disk, "head/2"));
	file_close(file);
	place_close(place);
	sim_disk_free(sim);
}

/* ---- two writers of one name ---- */

struct rivals {
	struct place *place; /* of the second */
	unsigned nth, seen;  /* the operation of the first before which the second puts */
	bool within, both;
};

static size_t rival_content(bool second, uint8_t bytes[2000])
{
	size_t len = content(1, bytes);
	for (size_t i = 0; second && i < len; i++)
		bytes[i] ^= 0x5a;
	return len;
}

/* Whole, and one of the two. */
static void look_at_rivals(struct place *place, bool absent)
{
	uint8_t want[2000], got[2000];
	ssize_t len = place_get(place, "data/3f/a", 0, got, sizeof(got));
	if (absent && len == -ENOENT)
		return;
	CHECK_EQ(len, rival_content(false, want));
	if (got[0] != want[0])
		rival_content(true, want);
	CHECK(memcmp(want, got, (size_t)len) == 0);
}

static int put_beside(void *arg, enum sim_op op, const char *name, bool done)
{
	struct rivals *r = arg;
	uint8_t bytes[2000];
	(void)op;
	(void)name;
	if (r->within || done)
		return 0;
	r->within = true;
	if (++r->seen == r->nth) {
		size_t len = rival_content(true, bytes);
		CHECK_EQ(place_put(r->place, "data/3f/a", bytes, len, NULL), 0);
		r->both = true;
	}
	look_at_rivals(r->place, !r->both);
	r->within = false;
	return 0;
}

/* At no moment does the name hold anything but all that one of them put. */
static bool put_both(unsigned nth)
{
	struct sim_disk *sim = sim_disk_new();
	struct disk *disk = sim_disk_seam(sim);
	struct rivals r = {.nth = nth};
	struct place *place;
	uint8_t bytes[2000];
	CHECK_EQ(place_dir_open(disk, &place), 0);
	CHECK_EQ(place_dir_open(disk, &r.place), 0);
	sim_disk_set_hook(sim, put_beside, &r);
	CHECK_EQ(place_put(place, "data/3f/a", bytes, rival_content(false, bytes), NULL), 0);
	sim_disk_set_hook(sim, NULL, NULL);
	look_at_rivals(place, false);
	CHECK_EQ(fresh_files(disk, "data/3f"), 0);
	place_close(place);
	place_close(r.place);
	sim_disk_free(sim);
	return r.both;
}

TEST(two_writers_of_one_name_leave_each_other_alone)
{
	unsigned nth = 1;
	while (put_both(nth))
		nth++;
	CHECK(nth > 8);
}

/* ---- killed at any operation ---- */

struct death {
	unsigned nth, seen;
};

static int die(void *arg, enum sim_op op, const char *name, bool done)
{
	struct death *death = arg;
	(void)op;
	(void)name;
	return !done && ++death->seen >= death->nth ? -EIO : 0;
}

static bool kill_put(unsigned nth, unsigned *taken)
{
	struct sim_disk *sim = sim_disk_new();
	struct death death = {.nth = nth};
	struct place *place;
	uint8_t bytes[2000];
	CHECK_EQ(place_dir_open(sim_disk_seam(sim), &place), 0);
	sim_disk_set_hook(sim, die, &death);
	bool done = !place_put(place, names[1], bytes, content(1, bytes), NULL);
	sim_disk_set_hook(sim, NULL, NULL);
	place_close(place);
	CHECK_EQ(place_dir_open(sim_disk_seam(sim), &place), 0);
	unsigned left = fresh_files(sim_disk_seam(sim), "data/3f");
	CHECK_EQ(place_take_up(place, "data", &whole), 0);
	*taken += left && !fresh_files(sim_disk_seam(sim), "data/3f");
	ssize_t len = place_get(place, names[1], 0, bytes, sizeof(bytes));
	CHECK(len == -ENOENT || is_content(NULL, names[1], bytes, (size_t)len));
	place_close(place);
	sim_disk_free(sim);
	return !done;
}

/* It has all bytes before its sync and before its name: both times it is taken up. */
TEST(what_a_killed_writer_brought_whole_is_taken_up)
{
	unsigned nth = 1, taken = 0;
	while (kill_put(nth, &taken))
		nth++;
	CHECK(nth > 5);
	CHECK_EQ(taken, 2);
}

TEST(what_is_not_whole_or_not_left_is_not_taken_up)
{
	static const char *const names_not[] = {"data/3f/a.300.new", "data/3f/a.0300-0.new",
		"data/3f/a.801-0.new", "data/3f/a.5000-0.new", "data/3f/a.new",
		"data/3f/c.800-0.new"};
	struct sim_disk *sim = sim_disk_new();
	struct disk *disk = sim_disk_seam(sim);
	struct place *place;
	struct file *file;
	uint8_t bytes[5000] = {0};
	uint64_t size;
	CHECK_EQ(place_dir_open(disk, &place), 0);
	CHECK_EQ(place_put(place, "data/3f/own", "abc", 3, NULL), 0);
	content(1, bytes);
	for (size_t i = 0; i < 6; i++) {
		CHECK_EQ(disk_open(disk, names_not[i], FILE_WRITE | FILE_CREATE, &file), 0);
		CHECK_EQ(file_write_full(file, bytes, i == 3 ? 5000 : 800, 0), 0);
		file_close(file);
	}
	CHECK_EQ(leave(disk, names[2], 2, 0), 0);
	CHECK_EQ(disk_open(disk, "data/3f/b.1300-0.new", FILE_WRITE, &file), 0);
	CHECK_EQ(file_lock(file), 0);
	CHECK_EQ(place_take_up(place, "data", &whole), 0);
	CHECK_EQ(place_take_up(place, "meta", &whole), 0);
	CHECK_EQ(fresh_files(disk, "data/3f"), 7);
	CHECK_EQ(place_size(place, names[1], &size), -ENOENT);
	CHECK_EQ(place_size(place, names[2], &size), -ENOENT);
	file_close(file);
	CHECK_EQ(place_take_up(place, "data", &whole), 0);
	CHECK_EQ(place_size(place, names[2], &size), 0);
	CHECK_EQ(fresh_files(disk, "data/3f"), 6);
	place_close(place);
	sim_disk_free(sim);
}

TEST_MAIN
