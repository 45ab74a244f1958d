/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects as files. The order in put() is the promise: bytes, sync, name, sync of every folder
 * whose names changed, from the innermost out.
 *
 * What is being written is locked, so that a sweep tells it from what a killed writer has left. A
 * sweep may still be faster between a file's making and its lock: then its name is gone when it
 * shall be renamed, and it is written once more.
 *
 * Linux reports a failed sync once and takes what it lost for written; no later sync brings it
 * back, nor what builds on it. So the first failed sync of a folder stops the place, whether or not
 * its caller minds the error.
 */
#include "place/dir.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/disk.h"
#include "place/dir_inner.h"

/* So often in a row a put can lose to a sweep, which lists all folders in between. */
enum { SWEPT_MAX = 2 };

/* Of an object that is spent as it is written. A disk is kept busy by a few MiB. */
enum { SPENT_STEP = 4 << 20 };

/* So many writers of one name are alive, or were killed since the last sweep, at most. */
enum { NUMBERS = 10000 };

struct dir_place *dir_of(struct place *place)
{
	return container_of(place, struct dir_place, place);
}

void dir_parent(const char *name, char parent[DIR_NAME])
{
	const char *slash = strrchr(name, '/');
	if (slash)
		snprintf(parent, DIR_NAME, "%.*s", (int)(slash - name), name);
	else
		snprintf(parent, DIR_NAME, ".");
}

static int check_going(struct dir_place *dir)
{
	pthread_mutex_lock(&dir->mutex);
	bool stopped = dir->stopped && !planted(DIR_GOES_ON);
	pthread_mutex_unlock(&dir->mutex);
	return stopped ? -EIO : 0;
}

/* When another thread's sync failed, it may have lost names of ours. */
int dir_sync_names(struct dir_place *dir, const char *folder)
{
	int err = disk_sync_dir(dir->disk, folder);
	if (!err)
		return check_going(dir);
	pthread_mutex_lock(&dir->mutex);
	dir->stopped = true;
	pthread_mutex_unlock(&dir->mutex);
	return err;
}

static int say_stopped(const char *name, struct why *why)
{
	return why_set(why, -EIO,
		"%s: this place has stopped, because it failed to make names durable: look at its "
		"disk, then run it again",
		name);
}

static bool is_durable(struct dir_place *dir, const char *folder)
{
	pthread_mutex_lock(&dir->mutex);
	bool durable = map_get(&dir->durable, folder) != NULL;
	pthread_mutex_unlock(&dir->mutex);
	return durable;
}

static int note_durable(struct dir_place *dir, const char *folder)
{
	pthread_mutex_lock(&dir->mutex);
	int err = map_put(&dir->durable, folder, dir);
	pthread_mutex_unlock(&dir->mutex);
	return err;
}

/*
 * Outermost first. One that is there already may have
 * been made by a process that died before its sync: each is synced once by each of us, or twice
 * when two threads come at once.
 */
int dir_ensure_folder(struct dir_place *dir, const char *folder)
{
	char parent[DIR_NAME];
	if (strcmp(folder, ".") == 0 || is_durable(dir, folder))
		return 0;
	dir_parent(folder, parent);
	int err = dir_ensure_folder(dir, parent);
	if (!err)
		err = disk_mkdir(dir->disk, folder);
	if (err && err != -EEXIST)
		return err;
	err = planted(DIR_FOLDER_NOT_SYNCED) ? 0 : dir_sync_names(dir, parent);
	return err ? err : note_durable(dir, folder);
}

/* ---- files that are no object yet ---- */

bool dir_fresh_name(const char *name, size_t len, unsigned number, char fresh[DIR_NAME])
{
	return snprintf(fresh, DIR_NAME, "%s.%zu-%u.new", name, len, number) < DIR_NAME;
}

bool dir_is_fresh(const char *name)
{
	size_t len = strlen(name);
	return len >= 4 && strcmp(name + len - 4, ".new") == 0;
}

bool dir_read_fresh(const char *fresh, char ret_name[DIR_NAME], uint64_t *ret_len)
{
	const char *dot = strchr(fresh, '.');
	char again[DIR_NAME];
	unsigned number;
	size_t len;
	if (!dot || dot - fresh >= DIR_NAME || sscanf(dot, ".%zu-%u.new", &len, &number) != 2)
		return false;
	snprintf(ret_name, DIR_NAME, "%.*s", (int)(dot - fresh), fresh);
	*ret_len = len;
	return dir_fresh_name(ret_name, len, number, again) && strcmp(again, fresh) == 0;
}

/*
 * A file of our own, locked until it has its name. One that another has locked before us is left to
 * him; where there are no locks nobody takes it away either.
 */
static int create_fresh(struct disk *disk, const char *name, size_t len, char fresh[DIR_NAME],
	struct file **ret_file)
{
	int err = -EEXIST;
	for (unsigned number = 0; err == -EEXIST && number < NUMBERS; number++) {
		OWN(file_close_own) struct file *file = NULL;
		unsigned flags = FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE;
		if (planted(DIR_SHARES_FRESH))
			flags = FILE_WRITE | FILE_CREATE;
		if (!dir_fresh_name(name, len, number, fresh))
			return -ENAMETOOLONG;
		err = disk_open(disk, fresh, flags, &file);
		if (!err && file_lock(file) == -EWOULDBLOCK && !planted(DIR_SHARES_FRESH))
			err = -EEXIST;
		if (!err)
			*ret_file = TAKE(file);
	}
	return err;
}

/* ---- what is on its way ---- */

static void begin_bytes(struct dir_place *dir, size_t len)
{
	pthread_mutex_lock(&dir->mutex);
	uint64_t ticket = dir->tickets++;
	while (dir->turn != ticket || !under_way_fits(&dir->way, len))
		pthread_cond_wait(&dir->moved, &dir->mutex);
	dir->turn++;
	under_way_begin(&dir->way, len);
	pthread_cond_broadcast(&dir->moved);
	pthread_mutex_unlock(&dir->mutex);
}

static void end_bytes(struct dir_place *dir, size_t len)
{
	pthread_mutex_lock(&dir->mutex);
	under_way_end(&dir->way, len);
	pthread_cond_broadcast(&dir->moved);
	pthread_mutex_unlock(&dir->mutex);
}

/* ---- putting ---- */

static bool is_there(struct disk *disk, const char *name)
{
	OWN(file_close_own) struct file *file = NULL;
	return !disk_open(disk, name, FILE_READ, &file);
}

static int write_bytes(struct file *file, const struct spending *object)
{
	const uint8_t *bytes = object->bytes;
	if (!object->spent)
		return file_write_full(file, bytes, object->len, 0);
	for (size_t at = 0; at < object->len;) {
		size_t n = object->len - at < SPENT_STEP ? object->len - at : SPENT_STEP;
		int err = file_write_full(file, bytes + at, n, at);
		if (err)
			return err;
		at += n;
		object->spent(object->arg, at);
	}
	return 0;
}

/*
 * Writes what nobody reads yet. From its last byte on it is taken up when we die: so the next one
 * may be written while this one is synced.
 */
static int write_durable(
	struct dir_place *dir, struct file *file, const char *name, const struct spending *object)
{
	file_once(file);
	begin_bytes(dir, object->len);
	int err = file_truncate(file, 0); /* a sweep may have marked it */
	if (!err)
		err = write_bytes(file, object);
	end_bytes(dir, object->len);
	if (!err && !planted(DIR_OBJECT_NOT_SYNCED) &&
		!(planted(DIR_REPLACED_NOT_SYNCED) && is_there(dir->disk, name)))
		err = file_sync(file);
	return err;
}

/* -ENOENT: a sweep took it, and it can be written once more. */
static int write_named(struct dir_place *dir, const char *name, const struct spending *object)
{
	OWN(file_close_own) struct file *file = NULL;
	char fresh[DIR_NAME];
	int err = create_fresh(dir->disk, name, object->len, fresh, &file);
	if (err)
		return err;
	/* What is spent is not written again. From the lock on no sweep takes it. */
	if (object->spent && !is_there(dir->disk, fresh))
		return -ENOENT;
	err = write_durable(dir, file, name, object);
	if (!err)
		err = disk_rename(dir->disk, fresh, name);
	/* Gives the room back: on a full disk nothing else may. Its own failure adds nothing. */
	if (err)
		disk_unlink(dir->disk, fresh);
	return err == -ENOENT && object->spent ? -EIO : err;
}

static int dir_put_spending(
	struct place *place, const char *name, const struct spending *object, struct why *why)
{
	struct dir_place *dir = dir_of(place);
	char folder[DIR_NAME];
	if (!disk_name_ok(name) || !dir_fresh_name(name, object->len, NUMBERS, folder))
		return why_set(why, -EINVAL, "%s: this is no name of an object", name);
	dir_parent(name, folder);
	if (check_going(dir))
		return say_stopped(name, why);
	int err = dir_ensure_folder(dir, folder);
	if (!err)
		err = write_named(dir, name, object);
	for (int swept = 0; err == -ENOENT && swept < SWEPT_MAX; swept++)
		err = write_named(dir, name, object);
	if (err)
		return why_errno(why, err, "%s: writing %zu bytes", name, object->len);
	if (!planted(DIR_NAME_NOT_SYNCED))
		err = dir_sync_names(dir, folder);
	return err ? why_errno(why, err, "%s: making its name durable", name) : 0;
}

static int dir_put(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	struct spending object = {.bytes = bytes, .len = len};
	return dir_put_spending(place, name, &object, why);
}

/*
 * Whoever puts something new holds the lock while it looks and puts. It ends with its holder. Other
 * threads of this process wait, and so do other processes.
 */
static int put_new_alone(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	OWN(file_close_own) struct file *lock = NULL;
	OWN(file_close_own) struct file *there = NULL;
	struct disk *disk = dir_of(place)->disk;
	int err = disk_open(disk, "lock", FILE_WRITE | FILE_CREATE, &lock);
	if (!err)
		err = file_lock_wait(lock);
	if (err == -EWOULDBLOCK)
		return why_set(why, err, "another writer holds the place's lock: try again");
	if (err)
		return why_errno(why, err, "lock: taking the place's lock");
	err = disk_open(disk, name, FILE_READ, &there);
	if (err == -ENOENT)
		return dir_put(place, name, bytes, len, why);
	return why_errno(why, err ? err : -EEXIST, "%s", name);
}

static int dir_put_new(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	pthread_mutex_lock(&dir_of(place)->newly);
	int err = put_new_alone(place, name, bytes, len, why);
	pthread_mutex_unlock(&dir_of(place)->newly);
	return err;
}

static ssize_t dir_get(struct place *place, const char *name, uint64_t at, void *bytes, size_t len)
{
	OWN(file_close_own) struct file *file = NULL;
	char *to = bytes;
	size_t got = 0;
	if (!disk_name_ok(name))
		return -EINVAL;
	int err = disk_open(dir_of(place)->disk, name, FILE_READ, &file);
	if (err)
		return err;
	file_once(file);
	while (got < len) {
		ssize_t n = file_read_at(file, to + got, len - got, at + got);
		if (n < 0)
			return n;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static int dir_size(struct place *place, const char *name, uint64_t *ret_size)
{
	OWN(file_close_own) struct file *file = NULL;
	if (!disk_name_ok(name))
		return -EINVAL;
	int err = disk_open(dir_of(place)->disk, name, FILE_READ, &file);
	return err ? err : file_size(file, ret_size);
}

struct walk {
	struct place *place;
	const char *folder;
	place_list_fn *fn;
	void *arg;
	int err;
	bool stopped;
};

static bool on_entry(void *arg, const char *name, bool is_dir);

static int walk_folder(struct walk *walk, const char *folder)
{
	struct walk inner = *walk;
	inner.folder = folder;
	int err = disk_list(dir_of(walk->place)->disk, folder, on_entry, &inner);
	walk->stopped = inner.stopped;
	return err ? err : inner.err;
}

static bool on_entry(void *arg, const char *name, bool is_dir)
{
	struct walk *walk = arg;
	char path[DIR_NAME];
	uint64_t size;
	if (snprintf(path, sizeof(path), "%s/%s", walk->folder, name) >= DIR_NAME)
		return true; /* no object has such a name */
	if (is_dir) {
		walk->err = walk_folder(walk, path);
	} else if (!dir_is_fresh(name)) {
		walk->err = dir_size(walk->place, path, &size);
		if (walk->err == -ENOENT)
			walk->err = 0; /* removed since it was listed */
		else if (!walk->err)
			walk->stopped = !walk->fn(walk->arg, path, size);
	}
	return !walk->err && !walk->stopped;
}

static int dir_list(struct place *place, const char *folder, place_list_fn *fn, void *arg)
{
	struct walk walk = {.place = place, .fn = fn, .arg = arg};
	int err = walk_folder(&walk, folder);
	return err == -ENOENT ? 0 : err;
}

static int dir_remove(struct place *place, const char *name)
{
	char folder[DIR_NAME];
	if (!disk_name_ok(name) || strlen(name) >= DIR_NAME)
		return -EINVAL;
	dir_parent(name, folder);
	int err = check_going(dir_of(place));
	if (!err)
		err = disk_unlink(dir_of(place)->disk, name);
	return err ? err : dir_sync_names(dir_of(place), folder);
}

static int dir_settle(struct place *place, const char *name)
{
	char folder[DIR_NAME];
	if (!disk_name_ok(name) || strlen(name) >= DIR_NAME)
		return -EINVAL;
	dir_parent(name, folder);
	int err = check_going(dir_of(place));
	if (!err)
		err = dir_ensure_folder(dir_of(place), folder);
	return err ? err : dir_sync_names(dir_of(place), folder);
}

static void dir_close(struct place *place)
{
	struct dir_place *dir = dir_of(place);
	map_done(&dir->durable);
	pthread_mutex_destroy(&dir->mutex);
	pthread_mutex_destroy(&dir->newly);
	pthread_cond_destroy(&dir->moved);
	free(dir);
}

int place_dir_open(struct disk *disk, struct place **ret_place)
{
	static const struct place_ops ops = {
		.put = dir_put,
		.put_new = dir_put_new,
		.put_spending = dir_put_spending,
		.get = dir_get,
		.size = dir_size,
		.list = dir_list,
		.remove = dir_remove,
		.settle = dir_settle,
		.sweep = dir_sweep,
		.take_up = dir_take_up,
		.close = dir_close,
	};
	struct dir_place *dir = calloc(1, sizeof(*dir));
	if (!dir)
		return -ENOMEM;
	pthread_mutex_init(&dir->mutex, NULL);
	pthread_mutex_init(&dir->newly, NULL);
	pthread_cond_init(&dir->moved, NULL);
	dir->place.ops = &ops;
	dir->place.grain = DISK_BLOCK;
	dir->disk = disk;
	*ret_place = &dir->place;
	return 0;
}
