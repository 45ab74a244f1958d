/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What killed writers left in a folder: objects that only lack their name get it, the rest is
 * removed. Whether its writer lives is known by its lock.
 *
 * An empty file may be that of a writer who has not locked it yet. It gets a mark and is removed by
 * a later sweep: else the name could go to another writer's file, and he would rename that.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "os/disk.h"
#include "place/dir_inner.h"

/* Every file beneath a folder that is no object yet; what it returns is ignored. */
struct leftovers {
	struct dir_place *dir;
	const char *folder; /* "": the root */
	void (*fn)(struct leftovers *left, const char *path);
	const struct place_whole *whole;
};

static bool on_entry(void *arg, const char *name, bool is_dir)
{
	struct leftovers *left = arg;
	char path[DIR_NAME];
	const char *slash = *left->folder ? "/" : "";
	if (snprintf(path, sizeof(path), "%s%s%s", left->folder, slash, name) >= DIR_NAME)
		return true;
	if (is_dir) {
		struct leftovers inner = *left;
		inner.folder = path;
		(void)disk_list(left->dir->disk, path, on_entry, &inner);
	} else if (dir_is_fresh(name)) {
		left->fn(left, path);
	}
	return true;
}

/* ---- removing ---- */

static void remove_dead(struct leftovers *left, const char *path)
{
	OWN(file_close_own) struct file *file = NULL;
	uint64_t size;
	if (disk_open(left->dir->disk, path, FILE_WRITE, &file))
		return;
	if ((file_lock(file) && !planted(DIR_SWEEPS_LIVE)) || file_size(file, &size))
		return;
	if (size || planted(DIR_SWEEPS_LIVE))
		(void)disk_unlink(left->dir->disk, path);
	else
		(void)file_write_full(file, "\n", 1, 0);
}

int dir_sweep(struct place *place)
{
	struct leftovers left = {.dir = dir_of(place), .folder = "", .fn = remove_dead};
	return disk_list(left.dir->disk, ".", on_entry, &left);
}

/* ---- taking up ---- */

/* After a crash of the machine a file may have its length and not its bytes. */
static int look_whole(struct file *file, const char *name, size_t len,
	const struct place_whole *whole, bool *ret_whole)
{
	OWN(own_free)
	uint8_t *bytes = aligned_alloc(DISK_BLOCK, len / DISK_BLOCK * DISK_BLOCK + DISK_BLOCK);
	if (!bytes)
		return -ENOMEM;
	file_once(file);
	int err = file_read_full(file, bytes, len, 0);
	*ret_whole = !err &&
		(planted(DIR_TAKES_UP_UNREAD) || whole->is_whole(whole->arg, name, bytes, len));
	return err;
}

/* The order is that of dir_put(): bytes, sync, name, sync of the folders. */
static int give_name(struct dir_place *dir, struct file *file, const char *path, const char *name)
{
	char folder[DIR_NAME];
	dir_parent(name, folder);
	int err = planted(DIR_TAKES_UP_UNSYNCED) ? 0 : file_sync(file);
	if (!err)
		err = dir_ensure_folder(dir, folder);
	if (!err)
		err = disk_rename(dir->disk, path, name);
	if (!err && !planted(DIR_TAKES_UP_UNNAMED))
		err = dir_sync_names(dir, folder);
	return err;
}

static void take_up(struct leftovers *left, const char *path)
{
	OWN(file_close_own) struct file *file = NULL;
	char name[DIR_NAME];
	uint64_t len, size;
	bool whole = false;
	if (!dir_read_fresh(path, name, &len) || len > left->whole->limit || !len)
		return;
	if (disk_open(left->dir->disk, path, FILE_READ | FILE_WRITE, &file) ||
		(file_lock(file) && !planted(DIR_TAKES_UP_LIVE)) || file_size(file, &size) ||
		size != len || look_whole(file, name, len, left->whole, &whole) || !whole)
		return;
	(void)give_name(left->dir, file, path, name);
}

int dir_take_up(struct place *place, const char *folder, const struct place_whole *whole)
{
	struct leftovers left = {
		.dir = dir_of(place), .folder = folder, .fn = take_up, .whole = whole};
	int err = disk_list(left.dir->disk, folder, on_entry, &left);
	return err == -ENOENT ? 0 : err;
}
