/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated disk against a second writing of its rules: for random short histories, done to
 * both, both must leave exactly the same set of images.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/must.h"
#include "base/rng.h"
#include "base/test.h"
#include "sim/disk.h"
#include "sim/disk_ref_test.h"
#include "sim/explore_choose.h"

/* ---- The same, of the simulated disk, seen through its seam. ---- */

struct walk {
	struct disk *disk;
	bool stretch; /* make every file longer: what comes behind its end must be zeros */
	char path[64];
	uint64_t hash, sum;
};

static uint64_t file_content(struct disk *disk, const char *path, bool stretch)
{
	uint8_t bytes[MOST + 1];
	struct file *file;
	must(disk_open(disk, path, FILE_READ | FILE_WRITE, &file) == 0);
	ssize_t n = file_read_at(file, bytes, sizeof(bytes), 0);
	must(n >= 0 && n <= MOST);
	uint64_t content = ref_content(bytes, (uint64_t)n);
	if (stretch && n < MOST) {
		must(file_truncate(file, MOST) == 0);
		must(file_read_full(file, bytes, MOST, 0) == 0);
		for (ssize_t i = n; i < MOST; i++)
			must(bytes[i] == 0);
	}
	file_close(file);
	return content;
}

static bool walk_entry(void *arg, const char *name, bool is_dir)
{
	struct walk *walk = arg;
	struct walk below = {
		.disk = walk->disk, .stretch = walk->stretch, .hash = ref_path(walk->hash, name)};
	snprintf(below.path, sizeof(below.path), "%s%s%s", walk->path, walk->path[0] ? "/" : "",
		name);
	uint64_t content = 0;
	if (is_dir) {
		must(disk_list(walk->disk, below.path, walk_entry, &below) == 0);
	} else {
		content = file_content(walk->disk, below.path, walk->stretch);
	}
	walk->sum += ref_entry(below.hash, is_dir, content) + below.sum;
	return true;
}

static uint64_t seen_image(struct sim_disk *sim, bool stretch)
{
	struct walk walk = {.disk = sim_disk_seam(sim), .stretch = stretch};
	must(disk_list(walk.disk, ".", walk_entry, &walk) == 0);
	return walk.sum;
}

/* Also that the disk's own number for an image tells it from the others. */
static uint64_t sim_images(struct sim_disk *sim, struct sim_disk *to, struct set *images)
{
	struct choices choices = {0};
	struct set numbers = {0}, pairs = {0};
	uint64_t leaves = 0;
	choices_start(&choices, true, 0, 0);
	while (choices_next(&choices)) {
		must(sim_disk_crash(sim, choices_answer, &choices, to) == 0);
		uint64_t seen = seen_image(to, true);
		set_add(images, seen);
		set_add(&numbers, sim_disk_image(to));
		set_add(&pairs, hash_fold(sim_disk_image(to), seen));
		leaves++;
	}
	choices_done(&choices);
	set_sort(images);
	set_sort(&numbers);
	set_sort(&pairs);
	bool told_apart = numbers.at.len == pairs.at.len;
	vec_done(&numbers.at);
	vec_done(&pairs.at);
	CHECK(told_apart);
	return leaves;
}

/* ---- Random histories, done to both. ---- */

struct both {
	struct ref ref;
	struct sim_disk *sim;
	struct rng rng;
	int fail; /* answer of the hook */
	struct file *held[HELD];
	int held_object[HELD];
};

static int answer(void *arg, enum sim_op op, const char *name, bool done)
{
	const struct both *both = arg;
	(void)op, (void)name, (void)done;
	return both->fail;
}

struct spot {
	char path[16];
	int dir, name, object;
};

static struct spot spot_below(const struct both *both, const struct spot *dir, int name)
{
	ref_tree at;
	struct spot spot = {.dir = dir->object, .name = name};
	ref_tree_now(&both->ref, at);
	spot.object = at[spot.dir][name];
	snprintf(spot.path, sizeof(spot.path), "%.10s%s%s", dir->path, dir->path[0] ? "/" : "",
		ref_names[name]);
	return spot;
}

/* A random path of one, two or three components whose folder is there. */
static struct spot random_spot(struct both *both)
{
	struct spot spot = {.object = 0};
	do {
		spot = spot_below(both, &spot, (int)rng_below(&both->rng, NAMES));
	} while (strlen(spot.path) < 5 && spot.object != NOTHING && both->ref.is_dir[spot.object] &&
		rng_below(&both->rng, 3));
	return spot;
}

static struct ref_change *new_change(struct both *both, const struct spot *spot, int object)
{
	must(both->ref.change_count < CHANGES);
	struct ref_change *change = &both->ref.changes[both->ref.change_count++];
	*change = (struct ref_change){.count = 1,
		.dir = {spot->dir},
		.name = {spot->name},
		.object = {object},
		.makes = NOTHING,
		.empties = NOTHING};
	return change;
}

static int new_object(struct both *both, bool is_dir)
{
	int object = both->ref.object_count++;
	must(object < OBJECTS);
	both->ref.is_dir[object] = is_dir;
	both->ref.files[object].size_count = 1;
	for (int s = 0; s < SECTORS; s++)
		both->ref.files[object].sectors[s] = 1;
	return object;
}

static void change_bytes(struct both *both, struct file *file, int object)
{
	struct ref_file *ref = &both->ref.files[object];
	uint64_t at = rng_below(&both->rng, MOST), len = rng_below(&both->rng, MOST - at) + 1;
	uint8_t bytes[MOST];
	memset(bytes, (int)rng_below(&both->rng, 3), sizeof(bytes));
	switch (rng_below(&both->rng, 6)) {
	case 0:
		must(file_truncate(file, at) == 0);
		ref_truncate(ref, at);
		break;
	case 1:
		must(file_sync(file) == 0);
		ref_sync(ref);
		break;
	case 2:
		both->fail = -EIO;
		must(file_sync(file) == -EIO);
		both->fail = 0;
		ref_lose(ref);
		break;
	default:
		must(file_write_full(file, bytes, len, at) == 0);
		ref_write(ref, at, len, bytes);
	}
}

static void open_and_change(struct both *both)
{
	struct spot spot = random_spot(both);
	struct file *file;
	unsigned flags = FILE_READ | FILE_WRITE | FILE_CREATE;
	int err = disk_open(sim_disk_seam(both->sim), spot.path, flags, &file);
	if (spot.object != NOTHING && both->ref.is_dir[spot.object]) {
		must(err == -EISDIR);
		return;
	}
	must(err == 0);
	if (spot.object == NOTHING) {
		spot.object = new_object(both, false);
		new_change(both, &spot, spot.object);
	}
	change_bytes(both, file, spot.object);
	size_t hold = (size_t)rng_below(&both->rng, HELD * 2);
	if (hold < HELD) {
		file_close(both->held[hold]);
		both->held[hold] = file;
		both->held_object[hold] = spot.object;
	} else {
		file_close(file);
	}
}

static void change_held(struct both *both)
{
	size_t hold = (size_t)rng_below(&both->rng, HELD);
	if (both->held[hold])
		change_bytes(both, both->held[hold], both->held_object[hold]);
}

static void make_dir(struct both *both)
{
	struct spot spot = random_spot(both);
	if (disk_mkdir(sim_disk_seam(both->sim), spot.path))
		return;
	must(spot.object == NOTHING);
	int object = new_object(both, true);
	new_change(both, &spot, object)->makes = object;
}

static void remove_spot(struct both *both, const struct spot *spot)
{
	if (spot->object == NOTHING)
		return;
	bool is_dir = both->ref.is_dir[spot->object];
	struct disk *disk = sim_disk_seam(both->sim);
	if (is_dir ? disk_rmdir(disk, spot->path) : disk_unlink(disk, spot->path))
		return;
	struct ref_change *change = new_change(both, spot, NOTHING);
	change->empties = is_dir ? spot->object : NOTHING;
}

static void remove_name(struct both *both)
{
	struct spot spot = random_spot(both);
	remove_spot(both, &spot);
}

static void rename_spot(struct both *both, const struct spot *from, const struct spot *to)
{
	int err = disk_rename(sim_disk_seam(both->sim), from->path, to->path);
	if (err || (from->dir == to->dir && from->name == to->name))
		return;
	bool is_dir = both->ref.is_dir[from->object];
	struct ref_change *change = new_change(both, from, NOTHING);
	change->count = 2;
	change->dir[1] = to->dir;
	change->name[1] = to->name;
	change->object[1] = from->object;
	change->moves_dir = is_dir;
	change->empties = is_dir ? to->object : NOTHING;
}

static void rename_name(struct both *both)
{
	struct spot from = random_spot(both), to = random_spot(both);
	rename_spot(both, &from, &to);
}

static void sync_names(struct both *both)
{
	struct spot spot = {.object = 0};
	for (int i = 0; i < 4 && spot.object == 0; i++) {
		struct spot other = random_spot(both);
		if (other.object != NOTHING && both->ref.is_dir[other.object])
			spot = other;
	}
	both->fail = rng_below(&both->rng, 4) ? 0 : -EIO;
	const char *path = spot.path[0] ? spot.path : ".";
	must(disk_sync_dir(sim_disk_seam(both->sim), path) == both->fail);
	ref_sync_dir(&both->ref, spot.object, both->fail);
	both->fail = 0;
}

/* Moves all out of a folder and removes it: by chance alone that would be rare. */
static void empty_dir(struct both *both)
{
	struct spot dir = random_spot(both);
	if (dir.object == NOTHING || !both->ref.is_dir[dir.object])
		return;
	for (int name = 0; name < NAMES; name++) {
		struct spot from = spot_below(both, &dir, name), to = random_spot(both);
		if (from.object != NOTHING)
			rename_spot(both, &from, &to);
		if (rng_below(&both->rng, 4) == 0)
			sync_names(both);
	}
	remove_spot(both, &dir);
}

typedef void operation(struct both *both);

enum kind { OF_ALL, OF_NAMES, OF_BYTES };

/* Histories of all kinds, of ref_names alone, and of one file's bytes. */
static void random_operation(struct both *both, enum kind kind)
{
	static operation *const all[] = {open_and_change, open_and_change, change_held, make_dir,
		remove_name, rename_name, rename_name, sync_names};
	static operation *const of_names[] = {open_and_change, make_dir, make_dir, rename_name,
		rename_name, empty_dir, sync_names, sync_names};
	size_t one = (size_t)rng_below(&both->rng, 8);
	if (kind == OF_BYTES && both->held[0])
		change_bytes(both, both->held[0], both->held_object[0]);
	else
		(kind == OF_NAMES ? of_names : all)[one](both);
}

static void compare(struct both *both, struct sim_disk *to, uint64_t *ret_images)
{
	uint64_t limit = 3000;
	uint64_t ways = sim_disk_crash_count(both->sim, limit, to);
	CHECK(ways > 0);
	CHECK(seen_image(both->sim, false) == ref_now(&both->ref));
	if (ways == limit)
		return;
	struct set expected = {0}, found = {0};
	ref_images(&both->ref, &expected);
	uint64_t leaves = sim_images(both->sim, to, &found);
	bool same = expected.at.len == found.at.len &&
		memcmp(expected.at.at, found.at.at, found.at.len * sizeof(uint64_t)) == 0;
	*ret_images += found.at.len;
	if (!same)
		test_note("%zu images, not %zu", found.at.len, expected.at.len);
	vec_done(&expected.at);
	vec_done(&found.at);
	CHECK(same);
	CHECK_EQ(ways, leaves);
}

static uint64_t one_history(uint64_t seed, enum kind kind, int operations, uint64_t *ret_images)
{
	struct both *both = calloc(1, sizeof(*both));
	struct sim_disk *to = sim_disk_new();
	CHECK(both && to);
	both->sim = sim_disk_new();
	CHECK(both->sim);
	both->ref.object_count = 1;
	both->ref.is_dir[0] = true;
	rng_seed(&both->rng, seed);
	sim_disk_set_hook(both->sim, answer, both);
	uint64_t compared = 0;
	while (kind == OF_BYTES && !both->held[0])
		open_and_change(both);
	for (int i = 0; i < operations; i++) {
		random_operation(both, kind);
		if (both->ref.change_count > CHANGES - 8)
			break;
		if (rng_below(&both->rng, 3) && i < operations - 1)
			continue;
		compare(both, to, ret_images);
		compared++;
	}
	for (size_t i = 0; i < HELD; i++)
		file_close(both->held[i]);
	sim_disk_free(both->sim);
	sim_disk_free(to);
	free(both);
	return compared;
}

TEST(crashes_leave_exactly_what_the_rules_allow)
{
	uint64_t seed = test_seed(), images = 0, compared = 0;
	for (uint64_t i = 0; i < 6000; i++)
		compared += one_history(
			hash_fold(seed, i), (enum kind)(i % 3), 4 + (int)(i % 16), &images);
	test_note("%" PRIu64 " disks compared, %" PRIu64 " images", compared, images);
}

TEST_MAIN
