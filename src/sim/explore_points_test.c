/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where and what the explorer tries: scenarios that can be violated at one place or in one state
 * only.
 */
#include "sim/explore.h"

#include <errno.h>

#include "base/own.h"
#include "base/test.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/world.h"

enum { SECTOR = 512, SECTORS = 6 };

/* A durable file of old sectors that run() may overwrite with new ones. */
struct state {
	struct file *file;
	bool strict; /* no new sector may be there, or no old one */
	bool all_new;
};

static int begin(struct state *state, struct world *world)
{
	uint8_t old[SECTOR * SECTORS];
	memset(old, 'o', sizeof(old));
	int err = disk_open(world->disk, "f", FILE_READ | FILE_WRITE | FILE_CREATE, &state->file);
	if (!err)
		err = file_write_full(state->file, old, sizeof(old), 0);
	if (!err)
		err = file_sync(state->file);
	return err ? err : disk_sync_dir(world->disk, ".");
}

static int renew(const struct state *state, unsigned from, unsigned count, int letter)
{
	uint8_t bytes[SECTOR * SECTORS];
	memset(bytes, letter, sizeof(bytes));
	return file_write_full(state->file, bytes, count * SECTOR, from * SECTOR);
}

static int finish(struct state *state, int err)
{
	file_close(TAKE(state->file));
	return err;
}

/* Which sectors are new, as bits; negative: the file is not there, or not whole. */
static int new_sectors(struct world *world)
{
	OWN(file_close_own) struct file *file = NULL;
	uint8_t bytes[SECTOR * SECTORS];
	int err = disk_open(world->disk, "f", FILE_READ, &file);
	if (!err)
		err = file_read_full(file, bytes, sizeof(bytes), 0);
	if (err)
		return err;
	int bits = 0;
	for (int i = 0; i < SECTORS; i++)
		bits |= (bytes[i * SECTOR] != 'o') << i;
	return bits;
}

static int check_strict(void *arg, struct world *world, bool faulty, struct why *why)
{
	const struct state *state = arg;
	int bits = new_sectors(world);
	(void)faulty;
	if (!state->strict)
		return 0;
	if (bits != (state->all_new ? (1 << SECTORS) - 1 : 0))
		return why_set(why, -EPROTO, "sectors %x are new", (unsigned)bits);
	return 0;
}

static const struct explore_options crashes = {.seed = 1, .no_faults = true};

static struct explore_report explored(const struct scenario *scenario, uint64_t exhaustive)
{
	struct explore_options options = crashes;
	struct explore_report report;
	options.exhaustive = exhaustive;
	int err = explore(scenario, &options, &report);
	CHECK_EQ(err, report.violated ? -EBADMSG : 0);
	return report;
}

/* The promise is broken from the acknowledgement to the sync, and no operation lies between. */
static int run_acks_early(void *arg, struct world *world, struct why *why)
{
	struct state *state = arg;
	(void)why;
	int err = begin(state, world);
	if (!err)
		err = renew(state, 0, SECTORS, 'n');
	state->strict = state->all_new = true;
	if (!err)
		err = file_sync(state->file);
	return finish(state, err);
}

TEST(a_crash_just_before_a_sync_is_tried)
{
	const struct scenario scenario = {
		"acks early", sizeof(struct state), run_acks_early, check_strict, NULL};
	struct explore_report report = explored(&scenario, 0);
	CHECK(report.violated);
	CHECK(strstr(report.violation, "(sync f)"));
}

/* The promise is broken for the time of one write. */
static int run_writes_early(void *arg, struct world *world, struct why *why)
{
	struct state *state = arg;
	(void)why;
	int err = begin(state, world);
	state->strict = !err;
	if (!err)
		err = renew(state, 2, 1, 'n');
	state->strict = false;
	if (!err)
		err = file_sync(state->file);
	return finish(state, err);
}

TEST(a_crash_just_after_a_change_is_tried)
{
	const struct scenario scenario = {
		"writes early", sizeof(struct state), run_writes_early, check_strict, NULL};
	struct explore_report report = explored(&scenario, 0);
	CHECK(report.violated);
	CHECK(strstr(report.violation, "(write f)"));
}

/* The last thing that happens is a promise. */
static int run_acks_last(void *arg, struct world *world, struct why *why)
{
	struct state *state = arg;
	(void)why;
	int err = begin(state, world);
	if (!err)
		err = renew(state, 0, SECTORS, 'n');
	state->strict = state->all_new = true;
	return finish(state, err);
}

TEST(a_crash_at_the_end_is_tried)
{
	const struct scenario scenario = {
		"acks last", sizeof(struct state), run_acks_last, check_strict, NULL};
	struct explore_report report = explored(&scenario, 0);
	CHECK(report.violated);
	CHECK(strstr(report.violation, "(the end)"));
}

static int run_renews(void *arg, struct world *world, struct why *why)
{
	struct state *state = arg;
	(void)why;
	int err = begin(state, world);
	state->strict = true;
	if (!err)
		err = renew(state, 0, SECTORS, 'n');
	return finish(state, err);
}

/* One combination of six sectors, far from the corners. */
static int check_one_of_64(void *arg, struct world *world, bool faulty, struct why *why)
{
	const struct state *state = arg;
	int bits = new_sectors(world);
	(void)faulty;
	return state->strict && bits == 0x16 ? why_set(why, -EPROTO, "met") : 0;
}

/* All but one. */
static int check_one_missing(void *arg, struct world *world, bool faulty, struct why *why)
{
	const struct state *state = arg;
	int bits = new_sectors(world);
	(void)faulty;
	return state->strict && bits == 0x37 ? why_set(why, -EPROTO, "met") : 0;
}

TEST(every_state_is_tried_where_they_are_few)
{
	const struct scenario scenario = {
		"renews", sizeof(struct state), run_renews, check_one_of_64, NULL};
	struct explore_report report = explored(&scenario, 64);
	CHECK(report.violated);
	CHECK(strstr(report.repeat, "/x"));
}

TEST(samples_are_tried_where_they_are_many)
{
	const struct scenario scenario = {
		"renews", sizeof(struct state), run_renews, check_one_of_64, NULL};
	struct explore_report report = explored(&scenario, 1);
	CHECK(report.violated);
	CHECK(strstr(report.repeat, "/s"));
}

TEST(corners_are_tried_before_samples)
{
	const struct scenario scenario = {
		"renews", sizeof(struct state), run_renews, check_one_missing, NULL};
	struct explore_report report = explored(&scenario, 1);
	CHECK(report.violated);
	CHECK(strstr(report.repeat, "/c"));
}

/* One sector: two contents in turn, so that eight versions are two images. */
static int run_repeats(void *arg, struct world *world, struct why *why)
{
	struct state *state = arg;
	(void)why;
	int err = begin(state, world);
	for (int i = 0; !err && i < 8; i++)
		err = renew(state, 0, 1, i % 2 ? 'o' : 'n');
	return finish(state, err);
}

static int check_nothing(void *arg, struct world *world, bool faulty, struct why *why)
{
	(void)arg, (void)world, (void)faulty, (void)why;
	return 0;
}

TEST(one_image_is_tried_once_at_a_point)
{
	const struct scenario scenario = {
		"repeats", sizeof(struct state), run_repeats, check_nothing, NULL};
	struct explore_options options = crashes;
	struct explore_report report;
	options.recovery_points = 1;
	CHECK_EQ(explore(&scenario, &options, &report), 0);
	/* 9 points of 2 images, and what comes before: 1 of 2 names, 2 of 66, 1 of 2. */
	uint64_t before = 2 + 2 * 66 + 2, repeats = 9 * 2;
	CHECK(report.states >= before + repeats);
	CHECK(report.states <= before + repeats + 3); /* and one recovery crashed at its end */
	CHECK_EQ(report.exhausted, report.crash_points);
}

TEST_MAIN
