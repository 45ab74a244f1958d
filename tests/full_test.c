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
#include <sys/stat.h>
#include <unistd.h>

#include "base/container.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"
#include "chunk/test_world.h"
#include "os/files.h"
#include "os/linux/files.h"
#include "place/dir.h"
#include "place/place.h"
#include "repo/gc.h"
#include "repo/repo.h"
#include "ship/backup.h"
#include "ship/image.h"
#include "ship/need.h"
#include "ship/verify.h"
#include "sim/disk.h"

enum { FILES = 4, FILE_LEN = 5000, IMAGE_LEN = 40000, RESERVE = 64 << 10 };

struct image {
	struct file file;
	uint8_t bytes[IMAGE_LEN];
};

struct rig {
	char dir[64];
	struct rng rng;
	struct test_dice dice;
	struct test_clock clock;
	struct files files;
	struct image image;
	uint8_t secret[SECRET_SIZE];
	struct sim_disk *base, *disk; /* as it is before each try; what is tried on */
	struct place *place;
	struct repo_world at;
	struct why why;
};

typedef int save_fn(struct rig *rig, struct repo *repo);

/* ---- what is backed up ---- */

static int save_dir(struct rig *rig, struct repo *repo)
{
	struct point point;
	struct backup_options options = {
		.path = rig->dir, .resource = "dir/test", .host = "here", .writer = "test"};
	return backup_dir(repo, &rig->files, &rig->clock.clock, &options, &point, &rig->why);
}

static ssize_t image_read_at(struct file *file, void *bytes, size_t len, uint64_t at)
{
	const struct image *image = container_of(file, struct image, file);
	size_t n = at >= IMAGE_LEN ? 0 : IMAGE_LEN - at < len ? (size_t)(IMAGE_LEN - at) : len;
	memcpy(bytes, image->bytes + at, n);
	return (ssize_t)n;
}

static int save_image(struct rig *rig, struct repo *repo)
{
	static const struct file_ops ops = {.read_at = image_read_at};
	struct point point;
	struct image_result result;
	struct image_options options = {.file = &rig->image.file,
		.size = IMAGE_LEN,
		.resource = "image/test",
		.host = "here",
		.path = "/dev/test",
		.writer = "test"};
	rig->image.file.ops = &ops;
	return backup_image(repo, &rig->clock.clock, &options, &point, &result, &rig->why);
}

static void change(struct rig *rig)
{
	uint8_t bytes[FILE_LEN];
	char path[100];
	for (int i = 0; i < FILES; i++) {
		rng_fill(&rig->rng, bytes, sizeof(bytes));
		snprintf(path, sizeof(path), "%s/file%d", rig->dir, i);
		FILE *out = fopen(path, "wb");
		CHECK(out && fwrite(bytes, 1, sizeof(bytes), out) == sizeof(bytes) &&
			fclose(out) == 0);
	}
	rng_fill(&rig->rng, rig->image.bytes, IMAGE_LEN);
}

/* ---- the place ---- */

static uint64_t as_latest(void *arg, enum sim_thing thing, uint64_t options)
{
	(void)arg;
	(void)thing;
	return options - 1;
}

static void open_place(struct rig *rig)
{
	CHECK_EQ(place_dir_open(sim_disk_seam(rig->disk), &rig->place), 0);
	rig->at.place = rig->place;
}

/* The disk as it was, in the hands of a program that starts. */
static void start_again(struct rig *rig)
{
	place_close(rig->place);
	sim_disk_set_hook(rig->disk, NULL, NULL);
	CHECK_EQ(sim_disk_crash(rig->base, as_latest, NULL, rig->disk), 0);
	open_place(rig);
}

static void restart(struct rig *rig)
{
	place_close(rig->place);
	sim_disk_set_hook(rig->disk, NULL, NULL);
	open_place(rig);
}

static struct repo *must_open(struct rig *rig)
{
	struct repo *repo;
	if (repo_open(&rig->at, rig->secret, 0, &repo, &rig->why))
		test_fail(__FILE__, __LINE__, "%s", rig->why.text);
	return repo;
}

static int save(struct rig *rig, save_fn *how)
{
	struct repo *repo;
	int err = repo_open(&rig->at, rig->secret, 0, &repo, &rig->why);
	if (err)
		return err;
	err = how(rig, repo);
	repo_close(repo);
	return err;
}

static void must_collect(struct rig *rig, const char *when)
{
	struct gc_options how = {.walk = need_walk, .reserve = RESERVE};
	struct gc_result result;
	struct repo *repo = must_open(rig);
	if (repo_gc(repo, &how, &result, &rig->why))
		test_fail(__FILE__, __LINE__, "%s: %s", when, rig->why.text);
	repo_close(repo);
}

static void on_trouble(void *arg, const char *what)
{
	test_fail(__FILE__, __LINE__, "%s: %s", (const char *)arg, what);
}

/* All of it, and how many points there are. */
static uint64_t verify(struct rig *rig, char *when)
{
	struct verify_options how = {.follow = true, .on_trouble = on_trouble, .arg = when};
	struct verify_result result;
	struct repo *repo = must_open(rig);
	if (verify_repo(repo, &how, &result, &rig->why))
		test_fail(__FILE__, __LINE__, "%s: %s", when, rig->why.text);
	CHECK(verify_is_whole(&result) && !result.broken && !result.check.idle);
	repo_close(repo);
	return result.points;
}

static void begin(struct rig *rig)
{
	static const struct repo_options options = {
		.parity_percent = 3, .pack_size = 1 << 20, .reserve = RESERVE};
	struct stat st;
	memset(rig, 0, sizeof(*rig));
	rng_seed(&rig->rng, test_seed());
	test_world_init(&rig->dice, &rig->clock, rng_u64(&rig->rng));
	snprintf(rig->dir, sizeof(rig->dir), "/tmp/ebb-full-XXXXXX");
	CHECK(mkdtemp(rig->dir) && stat(rig->dir, &st) == 0);
	rig->clock.now = (st.st_ctim.tv_sec + 1000) * INT64_C(1000000000);
	rig->files = linux_files();
	rig->at = (struct repo_world){.dice = &rig->dice.dice, .clock = &rig->clock.clock};
	rig->base = sim_disk_new();
	rig->disk = sim_disk_new();
	CHECK(rig->base && rig->disk);
	open_place(rig);
	CHECK_EQ(repo_init(&rig->at, &options, rig->secret, &rig->why), 0);
	change(rig);
	CHECK_EQ(save(rig, save_dir), 0);
	CHECK_EQ(save(rig, save_image), 0);
	CHECK_EQ(sim_disk_crash(rig->disk, as_latest, NULL, rig->base), 0);
	change(rig);
}

static void end(struct rig *rig)
{
	char path[100];
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/file%d", rig->dir, i);
		CHECK_EQ(unlink(path), 0);
	}
	CHECK_EQ(rmdir(rig->dir), 0);
	place_close(rig->place);
	sim_disk_free(rig->disk);
	sim_disk_free(rig->base);
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
	start_again(rig);
	sim_disk_set_capacity(rig->disk, used_bytes(rig) + room);
	int err = save(rig, how);
	if (err && (err != -ENOSPC || !strstr(rig->why.text, "No space left")))
		test_fail(__FILE__, __LINE__, "%s: %d %s", when, err, rig->why.text);
	restart(rig);
	CHECK_EQ(verify(rig, when), err ? 2 : 3);
	/* Not a byte more than what is there. */
	sim_disk_set_capacity(rig->disk, used_bytes(rig));
	must_collect(rig, when);
	CHECK_EQ(verify(rig, when), err ? 2 : 3);
	sim_disk_set_capacity(rig->disk, 0);
	if (save(rig, how))
		test_fail(__FILE__, __LINE__, "%s, then enough: %s", when, rig->why.text);
	CHECK_EQ(verify(rig, when), err ? 3 : 4);
	return !err;
}

static void fill_up(save_fn *how)
{
	OWN(own_free) struct rig *rig = malloc(sizeof(*rig));
	uint64_t room = 0;
	CHECK(rig);
	begin(rig);
	while (!try_room(rig, how, room))
		room += SIM_SECTOR;
	test_note("with room for %d bytes it was done", (int)room);
	CHECK(room > 20 * SIM_SECTOR);
	end(rig);
}

TEST(a_backup_of_files_fills_the_place_anywhere)
{
	fill_up(save_dir);
}

TEST(a_backup_of_an_image_fills_the_place_anywhere)
{
	fill_up(save_image);
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
	start_again(rig);
	sim_disk_set_hook(rig->disk, on_operation, &fault);
	int err = save(rig, how);
	bool hit = fault.seen >= fault.nth;
	if (err && (err != fault.answer || !rig->why.text[0]))
		test_fail(__FILE__, __LINE__, "%s: %d %s", when, err, rig->why.text);
	restart(rig);
	uint64_t points = verify(rig, when);
	CHECK(points == 3 || (err && points == 2));
	if (save(rig, how))
		test_fail(__FILE__, __LINE__, "%s, then none: %s", when, rig->why.text);
	CHECK_EQ(verify(rig, when), points + 1);
	return hit;
}

static void fail_each(save_fn *how)
{
	static const struct fault faults[] = {{-EIO, false, 0, 0}, {-EIO, true, 0, 0},
		{-ENOSPC, false, 0, 0}, {-ENOSPC, true, 0, 0}, {1, false, 0, 0}, {99, true, 0, 0}};
	OWN(own_free) struct rig *rig = malloc(sizeof(*rig));
	unsigned tried = 0;
	CHECK(rig);
	begin(rig);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct fault fault = faults[i];
		do {
			fault.nth++;
			tried++;
		} while (try_fault(rig, how, fault));
	}
	test_note("%u backups with a failing operation", tried);
	end(rig);
}

TEST(each_operation_of_a_backup_of_files_fails)
{
	fail_each(save_dir);
}

TEST(each_operation_of_a_backup_of_an_image_fails)
{
	fail_each(save_image);
}

TEST_MAIN
