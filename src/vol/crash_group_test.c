/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crash exploration of cuts of several volumes, by themselves and in engines. Each write stamps its
 * block with a number that all volumes share; a snapshot of the group holds all writes up to one
 * number, in all volumes, or is in none of them. In engines each write begins when the one before
 * was answered, and a cut comes while they go on.
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
#include "vol/engine_inner.h"
#include "vol/pump_test.h"
#include "vol/volume_group.h"

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
	uint8_t written; /* the last number that was begun */
	struct {
		enum { NOT_THERE, MAY_BE, IS_THERE } is;
		uint8_t from, upto; /* it holds all numbers up to one of these */
	} cuts[CUTS];
};

/* Where a number is written; and what is there when all up to `last` were. */
static size_t volume_of(uint8_t number)
{
	return number % VOLUMES;
}

static size_t block_of(uint8_t number)
{
	return number / VOLUMES % BLOCKS;
}

static uint8_t content_at(uint8_t last, size_t volume, size_t block)
{
	while (last && (volume_of(last) != volume || block_of(last) != block))
		last--;
	return last;
}

static const char *name_of(size_t cut)
{
	static const char *const names[CUTS] = {"first", "second"};
	return names[cut];
}

static int write_one(struct state *state, struct volume **volumes, struct why *why)
{
	uint8_t bytes[VOL_BLOCK], number = ++state->written;
	memset(bytes, number, sizeof(bytes));
	return volume_write(volumes[volume_of(number)], block_of(number) * VOL_BLOCK, bytes,
		sizeof(bytes), why);
}

static int cut_all(struct state *state, struct volume **volumes, size_t n, struct why *why)
{
	const struct group_cut cut = {.name = name_of(n), .group = n + 1};
	state->cuts[n].from = state->cuts[n].upto = state->written;
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
			err = write_one(state, volumes, why);
		if (!err)
			err = cut_all(state, volumes, n, why);
		for (size_t i = 0; !err && i < VOLUMES; i++)
			err = write_one(state, volumes, why);
	}
	return err;
}

/* ---- comparing ---- */

static int read_content(
	struct volume *volume, size_t n, uint8_t ret_content[BLOCKS], struct why *why)
{
	uint32_t era = map_snapshot(volume_map(volume), name_of(n))->era;
	uint8_t bytes[VOL_BLOCK];
	for (size_t block = 0; block < BLOCKS; block++) {
		int err = volume_read(volume, era, block * VOL_BLOCK, bytes, sizeof(bytes), why);
		if (err)
			return err;
		if (bytes[VOL_BLOCK - 1] != bytes[0])
			return why_set(
				why, -EBADMSG, "block %zu in \"%s\" is torn", block, name_of(n));
		ret_content[block] = bytes[0];
	}
	return 0;
}

static bool is_content_at(uint8_t last, uint8_t content[VOLUMES][BLOCKS])
{
	for (size_t i = 0; i < VOLUMES; i++)
		for (size_t block = 0; block < BLOCKS; block++)
			if (content[i][block] != content_at(last, i, block))
				return false;
	return true;
}

static int check_content(
	const struct state *state, struct volume **volumes, size_t n, struct why *why)
{
	uint8_t content[VOLUMES][BLOCKS];
	for (size_t i = 0; i < VOLUMES; i++) {
		int err = read_content(volumes[i], n, content[i], why);
		if (err)
			return err;
	}
	for (unsigned last = state->cuts[n].from; last <= state->cuts[n].upto; last++)
		if (is_content_at((uint8_t)last, content))
			return 0;
	return why_set(why, -EBADMSG, "\"%s\" holds %u %u %u and %u %u %u: no moment of %u to %u",
		name_of(n), content[0][0], content[0][1], content[0][2], content[1][0],
		content[1][1], content[1][2], state->cuts[n].from, state->cuts[n].upto);
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
		err = found ? check_content(state, volumes, n, why) : 0;
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

/* ---- engines ---- */

struct living {
	struct state *state;
	struct pump pump;
	struct engine_pool *pool;
	struct engine *engines[VOLUMES];
	struct engine_request request, flush;
	struct engine_member members[VOLUMES];
	struct engine_group group;
	bool writes, cuts, flushes; /* under way */
	uint8_t until;              /* numbers go on to here */
	size_t cut;
	int err;
	uint8_t bytes[VOL_BLOCK];
};

static void write_next(struct living *living);

static void on_written(struct engine_request *request, int err)
{
	struct living *living = container_of(request, struct living, request);
	living->writes = false;
	living->err = living->err ? living->err : err;
	if (!living->err && living->state->written < living->until)
		write_next(living);
}

static void write_next(struct living *living)
{
	uint8_t number = ++living->state->written;
	memset(living->bytes, number, sizeof(living->bytes));
	if (living->cuts)
		living->state->cuts[living->cut].upto = number;
	living->writes = true;
	living->request = (struct engine_request){.kind = ENGINE_WRITE,
		.at = block_of(number) * VOL_BLOCK,
		.len = VOL_BLOCK,
		.bytes = living->bytes,
		.done = on_written};
	engine_submit(living->engines[volume_of(number)], &living->request);
}

static void on_cut(struct engine_group *group, int err, const struct why *why)
{
	struct living *living = container_of(group, struct living, group);
	(void)why;
	living->cuts = false;
	living->err = living->err ? living->err : err;
	if (!err && group->name)
		living->state->cuts[living->cut].is = IS_THERE;
}

static void on_flushed(struct engine_request *request, int err)
{
	struct living *living = container_of(request, struct living, flush);
	living->flushes = false;
	living->err = living->err ? living->err : err;
}

/* One member comes to its part of the cut later than the other. */
static void start_flush(struct living *living, struct engine *engine)
{
	living->flushes = true;
	living->flush = (struct engine_request){.kind = ENGINE_FLUSH, .done = on_flushed};
	engine_submit(engine, &living->flush);
}

static void start_cut(struct living *living, const char *name, size_t n)
{
	for (size_t i = 0; i < VOLUMES; i++)
		living->members[i] = (struct engine_member){.engine = living->engines[i]};
	living->group = (struct engine_group){.members = living->members,
		.count = VOLUMES,
		.name = name,
		.id = n + 1,
		.done = on_cut};
	living->cut = n;
	living->cuts = true;
}

static int wait_all(struct living *living)
{
	while ((living->writes || living->cuts || living->flushes) && pump_step(&living->pump))
		;
	return living->writes || living->cuts || living->flushes ? -EDEADLK : living->err;
}

static int work_in_engines(struct living *living)
{
	struct state *state = living->state;
	int err = 0;
	for (size_t n = 0; !err && n < CUTS; n++) {
		living->until = (uint8_t)(state->written + 20);
		write_next(living);
		for (unsigned i = 3 + 9 * (unsigned)n; i > 0 && !living->err; i--)
			pump_step(&living->pump);
		start_flush(living, living->engines[(n + 1) % VOLUMES]);
		start_cut(living, name_of(n), n);
		/* The last one may be answered or not. */
		state->cuts[n].from = (uint8_t)(state->written - 1);
		state->cuts[n].upto = state->written;
		state->cuts[n].is = MAY_BE;
		engine_group_cut(&living->group);
		err = wait_all(living);
	}
	return err;
}

static int settle_in_engines(struct living *living, struct volume **volumes, struct why *why)
{
	start_cut(living, NULL, 0);
	engine_group_settle(&living->group);
	int err = wait_all(living);
	return err ? err : check_cuts(living->state, volumes, why);
}

static void end_all(struct living *living)
{
	for (size_t i = 0; i < VOLUMES; i++)
		while (living->engines[i] && !engine_idle(living->engines[i]) &&
			pump_step(&living->pump))
			;
	for (size_t i = 0; i < VOLUMES; i++)
		engine_free(living->engines[i]);
	engine_pool_free(living->pool);
}

static int engine_life(struct state *state, struct world *world, unsigned number, struct why *why)
{
	struct subdisk subs[VOLUMES];
	struct volume *volumes[VOLUMES] = {0};
	struct life life;
	struct living living = {.state = state};
	life_begin(&life, world, number);
	pump_init(&living.pump, &life.world, number);
	int err = open_all(life.world.disk, subs, volumes, !state->made, why);
	state->made |= !err;
	if (!err)
		err = engine_pool_new(&living.pump.world, &living.pool);
	for (size_t i = 0; !err && i < VOLUMES; i++)
		err = engine_open(living.pool, volumes[i], &living.engines[i]);
	if (!err && number == 1)
		err = work_in_engines(&living);
	else if (!err)
		err = settle_in_engines(&living, volumes, why);
	for (size_t i = 0; i < VOLUMES; i++)
		if (!living.engines[i])
			volume_close(volumes[i]);
	end_all(&living);
	return err;
}

static int run_engines(void *arg, struct world *world, struct why *why)
{
	int err = engine_life(arg, world, 1, why);
	return err ? engine_life(arg, world, 2, why) : 0;
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

static const struct scenario engines = {.name = "group-engine",
	.state_size = sizeof(struct state),
	.run = run_engines,
	.check = check};

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
		{.scenario = &engines,
			.options = {.allocations = &alloc_faults,
				.exhaustive = 64,
				.samples = 16,
				.recovery_points = 2},
			.killed = {.exhaustive = 16, .samples = 8, .no_faults = true},
			.kills = 17},
	};
	return crash_main(argc, argv, cases, sizeof(cases) / sizeof(*cases));
}
