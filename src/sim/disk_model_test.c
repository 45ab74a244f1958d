/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated disk against a second writing of its rules: short, slow, and made in another way.
 * It keeps the whole history of names from the empty disk on and replays every subset of it that
 * the rules allow, and it keeps whole arrays for bytes. For random short histories both must leave
 * exactly the same set of images.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/must.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/vec.h"
#include "sim/disk.h"
#include "sim/explore_choose.h"

enum {
	SECTORS = 3,
	MOST = SECTORS * SIM_SECTOR,
	OBJECTS = 40,
	CHANGES = 48,
	VERSIONS = 48,
	NAMES = 3,
	HELD = 2,
	NOTHING = -1,
};

static const char *const names[NAMES] = {"a", "b", "c"};

/* ---- The reference: bytes. ---- */

struct ref_file {
	uint8_t now[MOST];
	uint64_t size;
	/* what a crash may leave; [0] is durable */
	uint8_t sector[SECTORS][VERSIONS][SIM_SECTOR];
	int sectors[SECTORS];
	bool sector_lost[SECTORS];
	uint64_t sizes[VERSIONS];
	int size_count;
	bool size_lost;
};

static void ref_put(struct ref_file *file, uint64_t at, uint64_t end, const uint8_t *bytes)
{
	for (uint64_t s = at / SIM_SECTOR; s * SIM_SECTOR < end; s++) {
		uint8_t before[SIM_SECTOR], *sector = file->now + s * SIM_SECTOR;
		memcpy(before, sector, SIM_SECTOR);
		for (uint64_t i = s * SIM_SECTOR; i < (s + 1) * SIM_SECTOR; i++)
			if (i >= at && i < end)
				file->now[i] = bytes ? bytes[i - at] : 0;
		bool same = memcmp(before, sector, SIM_SECTOR) == 0;
		if (bytes || !same)
			file->sector_lost[s] = false;
		if (same)
			continue;
		must(file->sectors[s] < VERSIONS);
		memcpy(file->sector[s][file->sectors[s]++], sector, SIM_SECTOR);
	}
}

static void ref_resize(struct ref_file *file, uint64_t size)
{
	if (size == file->size)
		return;
	must(file->size_count < VERSIONS);
	file->sizes[file->size_count++] = file->size = size;
	file->size_lost = false;
}

static void ref_write(struct ref_file *file, uint64_t at, uint64_t len, const uint8_t *bytes)
{
	if (at > file->size)
		ref_put(file, file->size, at, NULL);
	ref_put(file, at, at + len, bytes);
	if (at + len > file->size)
		ref_resize(file, at + len);
}

static void ref_truncate(struct ref_file *file, uint64_t size)
{
	if (size > file->size)
		ref_put(file, file->size, size, NULL);
	ref_resize(file, size);
}

static void ref_sync(struct ref_file *file)
{
	if (!file->size_lost) {
		file->sizes[0] = file->size;
		file->size_count = 1;
	}
	for (int s = 0; s < SECTORS; s++) {
		/* A sector wholly beyond the end is zeros, and nothing of it is lost any more. */
		if (!file->size_lost && (uint64_t)s * SIM_SECTOR >= file->size)
			file->sector_lost[s] = false;
		if (file->sector_lost[s])
			continue;
		memcpy(file->sector[s][0], file->now + s * SIM_SECTOR, SIM_SECTOR);
		file->sectors[s] = 1;
	}
	for (uint64_t i = file->size; !file->size_lost && i < MOST; i++) {
		uint64_t s = i / SIM_SECTOR;
		file->now[i] = 0;
		for (int version = 0; version < file->sectors[s]; version++)
			file->sector[s][version][i % SIM_SECTOR] = 0;
	}
}

/* What is covered now never becomes durable, unless it is written anew. */
static void ref_lose(struct ref_file *file)
{
	file->size_lost = file->size_count > 1;
	for (int s = 0; s < SECTORS; s++)
		file->sector_lost[s] = file->sectors[s] > 1;
}

static uint64_t content_hash(const uint8_t *bytes, uint64_t size)
{
	return hash_fold(hash64(bytes, size, 0), size);
}

/* ---- The reference: names. ---- */

struct ref_change {
	int count; /* slots: one, for a rename two */
	int dir[2], name[2], object[2];
	int makes, empties;
	bool moves_dir, synced, lost;
};

struct ref {
	struct ref_change changes[CHANGES];
	int change_count;
	struct ref_file files[OBJECTS];
	bool is_dir[OBJECTS];
	int object_count; /* 0 is the root */
};

typedef int tree[OBJECTS][NAMES];

static void clear_tree(tree at)
{
	for (int i = 0; i < OBJECTS; i++)
		for (int j = 0; j < NAMES; j++)
			at[i][j] = NOTHING;
}

static void apply(const struct ref_change *change, tree at)
{
	for (int i = 0; i < change->count; i++)
		at[change->dir[i]][change->name[i]] = change->object[i];
}

static bool touches(const struct ref_change *change, int dir, int name)
{
	for (int i = 0; i < change->count; i++)
		if (change->dir[i] == dir && (name == NOTHING || change->name[i] == name))
			return true;
	return false;
}

/* Does change `late` build on `early` by the names themselves? */
static bool builds_on(const struct ref_change *late, const struct ref_change *early)
{
	for (int i = 0; i < late->count; i++)
		if (touches(early, late->dir[i], late->name[i]))
			return true;
	if (late->empties != NOTHING && touches(early, late->empties, NOTHING))
		return true;
	return late->moves_dir && early->moves_dir;
}

static void ref_cover(struct ref *ref, int number, bool lose)
{
	struct ref_change *change = &ref->changes[number];
	if (lose)
		change->lost |= !change->synced;
	else
		change->synced |= !change->lost;
	for (int i = 0; i < number; i++)
		if (builds_on(change, &ref->changes[i]))
			ref_cover(ref, i, lose);
}

static bool possible(const struct ref *ref, int number, const bool *in)
{
	const struct ref_change *change = &ref->changes[number];
	for (int i = 0; i < number; i++) {
		const struct ref_change *early = &ref->changes[i];
		bool needs = builds_on(change, early) ||
			(early->makes != NOTHING && touches(change, early->makes, NOTHING));
		if (needs && !in[i])
			return false;
	}
	return true;
}

/* Is a lost change set anew, name by name, by later ones among `good`? */
static bool replaced(const struct ref *ref, int number, const bool *good)
{
	const struct ref_change *change = &ref->changes[number];
	for (int i = 0; i < change->count; i++) {
		bool again = false;
		for (int j = number + 1; j < ref->change_count; j++)
			again |= good[j] && !ref->changes[j].lost &&
				touches(&ref->changes[j], change->dir[i], change->name[i]);
		if (!again)
			return false;
	}
	return true;
}

/* Does a rename take what a lost change brought? */
static bool takes_lost(const struct ref *ref, int number)
{
	const struct ref_change *change = &ref->changes[number];
	int last = number - 1;
	while (last >= 0 && !touches(&ref->changes[last], change->dir[0], change->name[0]))
		last--;
	return change->count == 2 && last >= 0 && ref->changes[last].lost;
}

/* Changes of files alone, which neither make, empty nor move a folder. */
static bool of_files(const struct ref_change *change)
{
	return change->makes == NOTHING && change->empties == NOTHING && !change->moves_dir;
}

/*
 * Lost changes that do not matter any more: with all of them taken as good, none is in the way of
 * those that set their names anew. Whoever breaks this is struck from the list until nobody does.
 */
static void ref_settle(struct ref *ref)
{
	bool sure[CHANGES], good[CHANGES];
	for (int i = 0; i < ref->change_count; i++) {
		sure[i] = ref->changes[i].synced && possible(ref, i, sure);
		good[i] = sure[i] ||
			(of_files(&ref->changes[i]) &&
				(ref->changes[i].synced || ref->changes[i].lost));
	}
	for (int i = 0; i < ref->change_count; i++) {
		bool stays = sure[i] || !good[i] ||
			(ref->changes[i].lost ? replaced(ref, i, good)
					      : possible(ref, i, good) && !takes_lost(ref, i));
		if (stays)
			continue;
		good[i] = false;
		i = -1; /* from the start */
	}
	for (int i = 0; i < ref->change_count; i++)
		if (good[i] && ref->changes[i].lost) {
			ref->changes[i].lost = false;
			ref->changes[i].synced = true;
		}
}

static void ref_sync_dir(struct ref *ref, int dir, bool lose)
{
	for (int i = 0; i < ref->change_count; i++)
		if (touches(&ref->changes[i], dir, NOTHING))
			ref_cover(ref, i, lose);
	if (!lose)
		ref_settle(ref);
}

/* ---- Sets of images. ---- */

struct set {
	VEC(uint64_t) at;
};

static void set_add(struct set *set, uint64_t image)
{
	must(vec_push(&set->at, image) == 0);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void set_sort(struct set *set)
{
	if (!set->at.len)
		return;
	qsort(set->at.at, set->at.len, sizeof(uint64_t), by_value);
	size_t kept = 1;
	for (size_t i = 1; i < set->at.len; i++)
		if (set->at.at[i] != set->at.at[kept - 1])
			set->at.at[kept++] = set->at.at[i];
	set->at.len = kept;
}

static uint64_t path_fold(uint64_t above, const char *name)
{
	return hash64(name, strlen(name), above);
}

static uint64_t entry_image(uint64_t path, bool is_dir, uint64_t content)
{
	return hash_fold(hash_fold(path, is_dir), is_dir ? 0 : content);
}

/* All that one file may be after a crash. */
static void file_contents(
	const struct ref_file *file, int sector, uint8_t bytes[MOST], struct set *contents)
{
	if (sector == SECTORS) {
		for (int i = 0; i < file->size_count; i++)
			set_add(contents, content_hash(bytes, file->sizes[i]));
		return;
	}
	for (int i = 0; i < file->sectors[sector]; i++) {
		memcpy(bytes + sector * SIM_SECTOR, file->sector[sector][i], SIM_SECTOR);
		file_contents(file, sector + 1, bytes, contents);
	}
}

struct reached {
	int object;
	uint64_t path;
};

static int reach(
	const struct ref *ref, tree at, int dir, uint64_t path, struct reached *list, int count)
{
	for (int i = 0; i < NAMES; i++) {
		int object = at[dir][i];
		if (object == NOTHING)
			continue;
		must(count < OBJECTS);
		list[count++] = (struct reached){object, path_fold(path, names[i])};
		if (ref->is_dir[object])
			count = reach(ref, at, object, list[count - 1].path, list, count);
	}
	return count;
}

static void combine(const struct ref *ref, const struct reached *list, int count, uint64_t sum,
	const struct set *contents, struct set *images)
{
	if (count == 0) {
		set_add(images, sum);
		return;
	}
	if (ref->is_dir[list->object]) {
		uint64_t image = entry_image(list->path, true, 0);
		combine(ref, list + 1, count - 1, sum + image, contents, images);
		return;
	}
	const struct set *own = &contents[list->object];
	for (size_t i = 0; i < own->at.len; i++) {
		uint64_t image = entry_image(list->path, false, own->at.at[i]);
		combine(ref, list + 1, count - 1, sum + image, contents, images);
	}
}

static void subsets(
	const struct ref *ref, int number, bool *in, const struct set *contents, struct set *images)
{
	if (number < ref->change_count) {
		bool may = possible(ref, number, in), needs = ref->changes[number].synced;
		for (int choice = may && needs; choice <= may; choice++) {
			in[number] = choice;
			subsets(ref, number + 1, in, contents, images);
		}
		return;
	}
	tree at;
	struct reached list[OBJECTS];
	clear_tree(at);
	for (int i = 0; i < ref->change_count; i++)
		if (in[i])
			apply(&ref->changes[i], at);
	combine(ref, list, reach(ref, at, 0, 0, list, 0), 0, contents, images);
}

static void ref_images(const struct ref *ref, struct set *images)
{
	struct set contents[OBJECTS] = {0};
	bool in[CHANGES] = {false};
	uint8_t bytes[MOST] = {0};
	for (int i = 0; i < ref->object_count; i++) {
		if (!ref->is_dir[i])
			file_contents(&ref->files[i], 0, bytes, &contents[i]);
		set_sort(&contents[i]);
	}
	subsets(ref, 0, in, contents, images);
	set_sort(images);
	for (int i = 0; i < ref->object_count; i++)
		vec_done(&contents[i].at);
}

/* What a reader meets now. */
static uint64_t ref_now(const struct ref *ref)
{
	tree at;
	struct reached list[OBJECTS];
	uint64_t sum = 0;
	clear_tree(at);
	for (int i = 0; i < ref->change_count; i++)
		apply(&ref->changes[i], at);
	int count = reach(ref, at, 0, 0, list, 0);
	for (int i = 0; i < count; i++) {
		const struct ref_file *file = &ref->files[list[i].object];
		bool is_dir = ref->is_dir[list[i].object];
		uint64_t content = is_dir ? 0 : content_hash(file->now, file->size);
		sum += entry_image(list[i].path, is_dir, content);
	}
	return sum;
}

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
	uint64_t content = content_hash(bytes, (uint64_t)n);
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
		.disk = walk->disk, .stretch = walk->stretch, .hash = path_fold(walk->hash, name)};
	snprintf(below.path, sizeof(below.path), "%s%s%s", walk->path, walk->path[0] ? "/" : "",
		name);
	uint64_t content = 0;
	if (is_dir) {
		must(disk_list(walk->disk, below.path, walk_entry, &below) == 0);
	} else {
		content = file_content(walk->disk, below.path, walk->stretch);
	}
	walk->sum += entry_image(below.hash, is_dir, content) + below.sum;
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
	tree at;
	struct spot spot = {.dir = dir->object, .name = name};
	clear_tree(at);
	for (int i = 0; i < both->ref.change_count; i++)
		apply(&both->ref.changes[i], at);
	spot.object = at[spot.dir][name];
	snprintf(spot.path, sizeof(spot.path), "%.10s%s%s", dir->path, dir->path[0] ? "/" : "",
		names[name]);
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

/* Histories of all kinds, of names alone, and of one file's bytes. */
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
