/* SPDX-License-Identifier: Apache-2.0 */
/* Histories of names and bytes, and every image that the rules allow a crash to leave of them. */
#include "sim/disk_ref_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/must.h"

const char *const ref_names[NAMES] = {"a", "b", "c"};

/* ---- The reference: bytes. ---- */

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

void ref_write(struct ref_file *file, uint64_t at, uint64_t len, const uint8_t *bytes)
{
	if (at > file->size)
		ref_put(file, file->size, at, NULL);
	ref_put(file, at, at + len, bytes);
	if (at + len > file->size)
		ref_resize(file, at + len);
}

void ref_truncate(struct ref_file *file, uint64_t size)
{
	if (size > file->size)
		ref_put(file, file->size, size, NULL);
	ref_resize(file, size);
}

void ref_sync(struct ref_file *file)
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
void ref_lose(struct ref_file *file)
{
	file->size_lost = file->size_count > 1;
	for (int s = 0; s < SECTORS; s++)
		file->sector_lost[s] = file->sectors[s] > 1;
}

uint64_t ref_content(const uint8_t *bytes, uint64_t size)
{
	return hash_fold(hash64(bytes, size, 0), size);
}

/* ---- The reference: ref_names. ---- */

static void clear_tree(ref_tree at)
{
	for (int i = 0; i < OBJECTS; i++)
		for (int j = 0; j < NAMES; j++)
			at[i][j] = NOTHING;
}

static void apply(const struct ref_change *change, ref_tree at)
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

/* Does change `late` build on `early` by the ref_names themselves? */
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
 * those that set their ref_names anew. Whoever breaks this is struck from the list until nobody
 * does.
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

void ref_sync_dir(struct ref *ref, int dir, bool lose)
{
	for (int i = 0; i < ref->change_count; i++)
		if (touches(&ref->changes[i], dir, NOTHING))
			ref_cover(ref, i, lose);
	if (!lose)
		ref_settle(ref);
}

/* ---- Sets of images. ---- */

void set_add(struct set *set, uint64_t image)
{
	must(vec_push(&set->at, image) == 0);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

void set_sort(struct set *set)
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

uint64_t ref_path(uint64_t above, const char *name)
{
	return hash64(name, strlen(name), above);
}

uint64_t ref_entry(uint64_t path, bool is_dir, uint64_t content)
{
	return hash_fold(hash_fold(path, is_dir), is_dir ? 0 : content);
}

/* All that one file may be after a crash. */
static void file_contents(
	const struct ref_file *file, int sector, uint8_t bytes[MOST], struct set *contents)
{
	if (sector == SECTORS) {
		for (int i = 0; i < file->size_count; i++)
			set_add(contents, ref_content(bytes, file->sizes[i]));
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
	const struct ref *ref, ref_tree at, int dir, uint64_t path, struct reached *list, int count)
{
	for (int i = 0; i < NAMES; i++) {
		int object = at[dir][i];
		if (object == NOTHING)
			continue;
		must(count < OBJECTS);
		list[count++] = (struct reached){object, ref_path(path, ref_names[i])};
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
		uint64_t image = ref_entry(list->path, true, 0);
		combine(ref, list + 1, count - 1, sum + image, contents, images);
		return;
	}
	const struct set *own = &contents[list->object];
	for (size_t i = 0; i < own->at.len; i++) {
		uint64_t image = ref_entry(list->path, false, own->at.at[i]);
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
	ref_tree at;
	struct reached list[OBJECTS];
	clear_tree(at);
	for (int i = 0; i < ref->change_count; i++)
		if (in[i])
			apply(&ref->changes[i], at);
	combine(ref, list, reach(ref, at, 0, 0, list, 0), 0, contents, images);
}

void ref_images(const struct ref *ref, struct set *images)
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

void ref_tree_now(const struct ref *ref, ref_tree at)
{
	clear_tree(at);
	for (int i = 0; i < ref->change_count; i++)
		apply(&ref->changes[i], at);
}

uint64_t ref_now(const struct ref *ref)
{
	ref_tree at;
	struct reached list[OBJECTS];
	uint64_t sum = 0;
	ref_tree_now(ref, at);
	int count = reach(ref, at, 0, 0, list, 0);
	for (int i = 0; i < count; i++) {
		const struct ref_file *file = &ref->files[list[i].object];
		bool is_dir = ref->is_dir[list[i].object];
		uint64_t content = is_dir ? 0 : ref_content(file->now, file->size);
		sum += ref_entry(list[i].path, is_dir, content);
	}
	return sum;
}
