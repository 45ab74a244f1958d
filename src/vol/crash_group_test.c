/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crash exploration of cuts of several volumes. Each write stamps its block with a number that all
 * volumes share; a snapshot of the group holds all writes up to one number, in all volumes, or is
 * in none of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "sim/alloc_fault.h"
#include "store/crash_test.h"
#include "vol/volume.h"
#include "vol/volume_group.h"
#include "vol/volume_inner.h"

enum { VOLUMES = 2, BLOCKS = 3, CUTS = 2 };

/* ---- a disk whose names begin with those of a volume ---- */

struct subdisk {
	struct disk disk;
	struct disk *whole;
	char prefix[4];
};

static const char *on_whole(const struct subdisk *sub, const char *name, char to[64])
{
	if (strcmp(name, ".") == 0)
		snprintf(to, 64, ".");
	else
		snprintf(to, 64, "%s-%s", sub->prefix, name);
	return to;
}

static struct subdisk *sub_of(struct disk *disk)
{
	return container_of(disk, struct subdisk, disk);
}

static int on_open(struct disk *disk, const char *name, unsigned flags, struct file **ret_file)
{
	char path[64];
	return disk_open(sub_of(disk)->whole, on_whole(sub_of(disk), name, path), flags, ret_file);
}

static int on_rename(struct disk *disk, const char *from, const char *to)
{
	char a[64], b[64];
	return disk_rename(sub_of(disk)->whole, on_whole(sub_of(disk), from, a),
		on_whole(sub_of(disk), to, b));
}

static int on_unlink(struct disk *disk, const char *name)
{
	char path[64];
	return disk_unlink(sub_of(disk)->whole, on_whole(sub_of(disk), name, path));
}

static int on_sync_dir(struct disk *disk, const char *dir)
{
	char path[64];
	return disk_sync_dir(sub_of(disk)->whole, on_whole(sub_of(disk), dir, path));
}

static int open_all(struct disk *disk, struct subdisk *subs, struct volume **volumes, bool make,
	struct why *why)
{
	static const struct disk_ops ops = {
		.open = on_open, .rename = on_rename, .unlink = on_unlink, .sync_dir = on_sync_dir};
	int err = 0;
	for (size_t i = 0; !err && i < VOLUMES; i++) {
		subs[i] = (struct subdisk){.disk = {&ops}, .whole = disk};
		snprintf(subs[i].prefix, sizeof(subs[i].prefix), "v%zu", i);
		struct volume_options options = {.disk = &subs[i].disk,
			.identity = "one of a group",
			.make_size = make ? VOL_EXTENT : 0,
			.no_sums = true};
		err = volume_open(&options, &volumes[i], why);
	}
	return err;
}

static void close_all(struct volume **volumes)
{
	for (size_t i = 0; i < VOLUMES; i++)
		volume_close(volumes[i]);
}

/* ---- the scenario ---- */

struct state {
	bool made;
	uint8_t written; /* the last number */
	uint8_t now[VOLUMES][BLOCKS];
	struct {
		enum { NOT_THERE, MAY_BE, IS_THERE } is;
		uint8_t holds[VOLUMES][BLOCKS];
	} cuts[CUTS];
};

static const char *name_of(size_t cut)
{
	static const char *const names[CUTS] = {"first", "second"};
	return names[cut];
}

static int write_one(struct state *state, struct volume **volumes, size_t i, struct why *why)
{
	uint8_t bytes[VOL_BLOCK];
	size_t block = ++state->written % BLOCKS;
	memset(bytes, state->written, sizeof(bytes));
	int err = volume_write(volumes[i], block * VOL_BLOCK, bytes, sizeof(bytes), why);
	if (!err)
		state->now[i][block] = state->written;
	return err;
}

static int cut_all(struct state *state, struct volume **volumes, size_t n, struct why *why)
{
	const struct group_cut cut = {.name = name_of(n), .group = n + 1};
	memcpy(state->cuts[n].holds, state->now, sizeof(state->now));
	state->cuts[n].is = MAY_BE;
	int err = volume_group_cut(volumes, VOLUMES, &cut, why);
	if (!err)
		state->cuts[n].is = IS_THERE;
	return err;
}

static int work(struct state *state, struct volume **volumes, struct why *why)
{
	int err = 0;
	for (size_t n = 0; !err && n < CUTS; n++) {
		for (size_t i = 0; !err && i < 5; i++)
			err = write_one(state, volumes, i % VOLUMES, why);
		if (!err)
			err = cut_all(state, volumes, n, why);
		for (size_t i = 0; !err && i < VOLUMES; i++)
			err = write_one(state, volumes, i, why);
	}
	return err;
}

static int check_content(
	const struct state *state, struct volume *volume, size_t i, size_t n, struct why *why)
{
	uint32_t era = map_snapshot(volume_map(volume), name_of(n))->era;
	uint8_t bytes[VOL_BLOCK];
	for (size_t block = 0; block < BLOCKS; block++) {
		int err = volume_read(volume, era, block * VOL_BLOCK, bytes, sizeof(bytes), why);
		if (err)
			return err;
		if (bytes[0] != state->cuts[n].holds[i][block] || bytes[VOL_BLOCK - 1] != bytes[0])
			return why_set(why, -EBADMSG, "block %zu of volume %zu in \"%s\" is %u",
				block, i, name_of(n), bytes[0]);
	}
	return 0;
}

static int check_cuts(const struct state *state, struct volume **volumes, struct why *why)
{
	int err = 0;
	for (size_t n = 0; !err && n < CUTS; n++) {
		size_t found = 0;
		for (size_t i = 0; i < VOLUMES; i++)
			found += map_snapshot(volume_map(volumes[i]), name_of(n)) != NULL;
		if (found % VOLUMES || (found && state->cuts[n].is == NOT_THERE) ||
			(!found && state->cuts[n].is == IS_THERE))
			return why_set(why, -EBADMSG, "\"%s\" is in %zu of %d volumes", name_of(n),
				found, VOLUMES);
		for (size_t i = 0; !err && found && i < VOLUMES; i++)
			err = check_content(state, volumes[i], i, n, why);
	}
	return err;
}

static int one_life(struct state *state, struct world *world, unsigned number, struct why *why)
{
	struct subdisk subs[VOLUMES];
	struct volume *volumes[VOLUMES] = {0};
	struct life life;
	life_begin(&life, world, number);
	int err = open_all(life.world.disk, subs, volumes, !state->made, why);
	state->made |= !err;
	if (!err && number == 1)
		err = work(state, volumes, why);
	else if (!err)
		err = volume_group_settle(volumes, VOLUMES, why);
	if (!err && number == 2)
		err = check_cuts(state, volumes, why);
	close_all(volumes);
	return err;
}

/* In its second life it settles what the first one left. */
static int run(void *arg, struct world *world, struct why *why)
{
	int err = one_life(arg, world, 1, why);
	return err ? one_life(arg, world, 2, why) : 0;
}

static int check(void *arg, struct world *world, bool faulty, struct why *why)
{
	struct state *state = arg;
	struct subdisk subs[VOLUMES];
	struct volume *volumes[VOLUMES] = {0};
	(void)faulty;
	int err = open_all(world->disk, subs, volumes, !state->made, why);
	/* What is not settled yet is not lost when a journal is written anew. */
	if (!err)
		err = volume_tidy_now(volumes[0], why);
	if (!err)
		err = volume_group_settle(volumes, VOLUMES, why);
	if (!err)
		err = check_cuts(state, volumes, why);
	close_all(volumes);
	return err;
}

static const struct scenario group = {
	.name = "group", .state_size = sizeof(struct state), .run = run, .check = check};

int main(int argc, char **argv)
{
	const struct crash_case cases[] = {
		{.scenario = &group,
			.options = {.allocations = &alloc_faults,
				.exhaustive = 64,
				.samples = 32,
				.recovery_points = 16},
			.killed = {.exhaustive = 64, .samples = 16, .no_faults = true},
			.kills = 13},
	};
	return crash_main(argc, argv, cases, sizeof(cases) / sizeof(*cases));
}
