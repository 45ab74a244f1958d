/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup on a place that is full, or fails: with room for 0, 1, 2 ... sectors more, and with each
 * operation of the disk in turn refused or cut short. Whatever happens the backup says so in words
 * or is done, everything that was there before passes a whole verify, a collection works without a
 * byte free, and with room again the next backup is done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "place/place.h"
#include "repo/gc.h"
#include "ship/need.h"
#include "tests/faults/rig.h"

enum { LEN = 30000, POINTS = 3 };

static void must_collect(struct rig *rig, const char *when)
{
	struct gc_options how = {.walk = need_walk, .reserve = RESERVE};
	struct gc_result result;
	struct repo *repo = rig_open(rig);
	if (repo_gc(repo, &how, &result, &rig->why))
		test_fail(__FILE__, __LINE__, "%s: %s", when, rig->why.text);
	repo_close(repo);
}

/* ---- room for so much ---- */

struct used {
	struct rig *rig;
	uint64_t sectors;
};

static bool add_size(void *arg, const char *name, uint64_t size)
{
	struct used *used = arg;
	(void)name;
	used->sectors += (size + SIM_SECTOR - 1) / SIM_SECTOR;
	return true;
}

static uint64_t used_bytes(struct rig *rig)
{
	static const char *const folders[] = {
		"key", "data", "meta", "index", "point", "inbox", "head"};
	static const char *const alone[] = {"repo", "reserve"};
	struct used used = {.rig = rig};
	uint64_t size;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		CHECK_EQ(place_list(rig->place, folders[i], add_size, &used), 0);
	for (size_t i = 0; i < 2; i++) {
		CHECK_EQ(place_size(rig->place, alone[i], &size), 0);
		add_size(&used, alone[i], size);
	}
	return used.sectors * SIM_SECTOR;
}

/* True: there was room enough. */
static bool try_room(struct rig *rig, save_fn *how, uint64_t room)
{
	char when[64];
	snprintf(when, sizeof(when), "room for %d bytes", (int)room);
	rig_start_again(rig);
	sim_disk_set_capacity(rig->disk, used_bytes(rig) + room);
	int err = rig_save(rig, how);
	if (err && (err != -ENOSPC || !strstr(rig->why.text, "No space left")))
		test_fail(__FILE__, __LINE__, "%s: %d %s", when, err, rig->why.text);
	rig_restart(rig);
	CHECK_EQ(rig_verify(rig, when), err ? POINTS : POINTS + 1);
	/* Not a byte more than what is there. */
	sim_disk_set_capacity(rig->disk, used_bytes(rig));
	must_collect(rig, when);
	CHECK_EQ(rig_verify(rig, when), err ? POINTS : POINTS + 1);
	sim_disk_set_capacity(rig->disk, 0);
	if (rig_save(rig, how))
		test_fail(__FILE__, __LINE__, "%s, then enough: %s", when, rig->why.text);
	CHECK_EQ(rig_verify(rig, when), err ? POINTS + 1 : POINTS + 2);
	return !err;
}

static void fill_up(save_fn *how)
{
	OWN(own_free) struct rig *rig = malloc(sizeof(*rig));
	uint64_t room = 0;
	CHECK(rig);
	rig_begin(rig, LEN, true);
	while (!try_room(rig, how, room))
		room += SIM_SECTOR;
	test_note("with room for %d bytes it was done", (int)room);
	CHECK(room > 20 * SIM_SECTOR);
	rig_end(rig);
}

TEST(a_backup_of_files_fills_the_place_anywhere)
{
	fill_up(save_dir);
}

TEST(a_backup_of_an_image_fills_the_place_anywhere)
{
	fill_up(save_image);
}

TEST(a_backup_of_a_stream_fills_the_place_anywhere)
{
	fill_up(save_stream);
}

/* ---- each operation ---- */

struct fault {
	int answer;
	bool for_ever;
	uint64_t nth, seen;
};

static bool applies(const struct fault *fault, enum sim_op op)
{
	bool transfer = op == SIM_READ || op == SIM_WRITE;
	bool grows = op == SIM_CREATE || op == SIM_WRITE || op == SIM_TRUNCATE ||
		op == SIM_RENAME || op == SIM_MKDIR;
	return fault->answer > 0 ? transfer : fault->answer == -ENOSPC ? grows : true;
}

static int on_operation(void *arg, enum sim_op op, const char *name, bool done)
{
	struct fault *fault = arg;
	(void)name;
	if (done || !applies(fault, op))
		return 0;
	fault->seen++;
	bool now = fault->seen == fault->nth || (fault->for_ever && fault->seen > fault->nth);
	return now ? fault->answer : 0;
}

/* False: the backup has fewer operations. */
static bool try_fault(struct rig *rig, save_fn *how, struct fault fault)
{
	char when[64];
	snprintf(when, sizeof(when), "answer %d at operation %d", fault.answer, (int)fault.nth);
	rig_start_again(rig);
	sim_disk_set_hook(rig->disk, on_operation, &fault);
	int err = rig_save(rig, how);
	bool hit = fault.seen >= fault.nth;
	if (err && (err != fault.answer || !rig->why.text[0]))
		test_fail(__FILE__, __LINE__, "%s: %d %s", when, err, rig->why.text);
	rig_restart(rig);
	uint64_t points = rig_verify(rig, when);
	CHECK(points == POINTS + 1 || (err && points == POINTS));
	if (rig_save(rig, how))
		test_fail(__FILE__, __LINE__, "%s, then none: %s", when, rig->why.text);
	CHECK_EQ(rig_verify(rig, when), points + 1);
	return hit;
}

static void fail_each(save_fn *how)
{
	static const struct fault faults[] = {{-EIO, false, 0, 0}, {-EIO, true, 0, 0},
		{-ENOSPC, false, 0, 0}, {-ENOSPC, true, 0, 0}, {1, false, 0, 0}, {99, true, 0, 0}};
	OWN(own_free) struct rig *rig = malloc(sizeof(*rig));
	unsigned tried = 0;
	CHECK(rig);
	rig_begin(rig, LEN, true);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct fault fault = faults[i];
		do {
			fault.nth++;
			tried++;
		} while (try_fault(rig, how, fault));
	}
	test_note("%u backups with a failing operation", tried);
	rig_end(rig);
}

TEST(each_operation_of_a_backup_of_files_fails)
{
	fail_each(save_dir);
}

TEST(each_operation_of_a_backup_of_an_image_fails)
{
	fail_each(save_image);
}

TEST(each_operation_of_a_backup_of_a_stream_fails)
{
	fail_each(save_stream);
}

TEST_MAIN
