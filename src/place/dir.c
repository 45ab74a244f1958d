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
#include "base/map.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/disk.h"
#include "place/place.h"

/* So often in a row a put can lose to a sweep, which lists all folders in between. */
enum { SWEPT_MAX = 2 };

enum { NAME = 128 };

struct dir_place {
	struct place place;
	struct disk *disk;
	pthread_mutex_t mutex; /* of the maps and of `stopped` */
	struct map durable;    /* folders whose names this process has synced */
	struct map busy;       /* names that a thread is putting */
	pthread_cond_t freed;  /* one of them was put */
	pthread_mutex_t newly; /* held while something new is put */
	bool stopped;          /* a folder's sync has failed */
};

static struct dir_place *dir_of(struct place *place)
{
	return container_of(place, struct dir_place, place);
}

/* The folder that holds `name`: "data/3f" of "data/3f/3f..", "." of "repo". */
static void parent_of(const char *name, char parent[NAME])
{
	const char *slash = strrchr(name, '/');
	if (slash)
		snprintf(parent, NAME, "%.*s", (int)(slash - name), name);
	else
		snprintf(parent, NAME, ".");
}

static int check_going(struct dir_place *dir)
{
	pthread_mutex_lock(&dir->mutex);
	bool stopped = dir->stopped && !planted(DIR_GOES_ON);
	pthread_mutex_unlock(&dir->mutex);
	return stopped ? -EIO : 0;
}

/* Also fails when another thread's sync did meanwhile: it may have lost names of ours. */
static int sync_names(struct dir_place *dir, const char *folder)
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
 * Makes the folder and those above it durable, outermost first. One that is there already may have
 * been made by a process that died before its sync: each is synced once by each of us, or twice
 * when two threads come at once.
 */
static int ensure_folder(struct dir_place *dir, const char *folder)
{
	char parent[NAME];
	if (strcmp(folder, ".") == 0 || is_durable(dir, folder))
		return 0;
	parent_of(folder, parent);
	int err = ensure_folder(dir, parent);
	if (!err)
		err = disk_mkdir(dir->disk, folder);
	if (err && err != -EEXIST)
		return err;
	err = planted(DIR_FOLDER_NOT_SYNCED) ? 0 : sync_names(dir, parent);
	return err ? err : note_durable(dir, folder);
}

/* Whether the object is there that `fresh` is to replace. For a planted bug alone. */
static bool is_there(struct disk *disk, const char *fresh)
{
	OWN(file_close_own) struct file *file = NULL;
	char name[NAME];
	snprintf(name, sizeof(name), "%.*s", (int)(strlen(fresh) - strlen(".new")), fresh);
	return !disk_open(disk, name, FILE_READ, &file);
}

/* Writes and syncs `name`, which nobody reads yet. */
static int write_durable(
	struct disk *disk, const char *name, const void *bytes, size_t len, struct file *file)
{
	/* Where there are no locks a sweep removes nothing either. */
	(void)file_lock(file);
	file_once(file);
	int err = file_truncate(file, 0); /* what a crash may have left */
	if (!err)
		err = file_write_full(file, bytes, len, 0);
	if (!err && !planted(DIR_OBJECT_NOT_SYNCED) &&
		!(planted(DIR_REPLACED_NOT_SYNCED) && is_there(disk, name)))
		err = file_sync(file);
	return err;
}

/* Locked until it has its name. */
static int write_named(struct disk *disk, const char *name, const void *bytes, size_t len)
{
	OWN(file_close_own) struct file *file = NULL;
	char fresh[NAME];
	snprintf(fresh, sizeof(fresh), "%s.new", name);
	int err = disk_open(disk, fresh, FILE_WRITE | FILE_CREATE, &file);
	if (!err)
		err = write_durable(disk, fresh, bytes, len, file);
	if (!err)
		err = disk_rename(disk, fresh, name);
	/* Gives the room back: on a full disk nothing else may. Its own failure adds nothing. */
	if (err)
		disk_unlink(disk, fresh);
	return err;
}

/* Of two threads that put the same name the second waits: they would write the same file beside. */
static int begin_name(struct dir_place *dir, const char *name)
{
	pthread_mutex_lock(&dir->mutex);
	while (map_get(&dir->busy, name))
		pthread_cond_wait(&dir->freed, &dir->mutex);
	int err = map_put(&dir->busy, name, dir);
	pthread_mutex_unlock(&dir->mutex);
	return err;
}

static void end_name(struct dir_place *dir, const char *name)
{
	pthread_mutex_lock(&dir->mutex);
	map_remove(&dir->busy, name);
	pthread_cond_broadcast(&dir->freed);
	pthread_mutex_unlock(&dir->mutex);
}

static int put_alone(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	struct disk *disk = dir_of(place)->disk;
	char folder[NAME];
	parent_of(name, folder);
	if (check_going(dir_of(place)))
		return say_stopped(name, why);
	int err = ensure_folder(dir_of(place), folder);
	if (!err)
		err = write_named(disk, name, bytes, len);
	for (int swept = 0; err == -ENOENT && swept < SWEPT_MAX; swept++)
		err = write_named(disk, name, bytes, len);
	if (err)
		return why_errno(why, err, "%s: writing %zu bytes", name, len);
	if (!planted(DIR_NAME_NOT_SYNCED))
		err = sync_names(dir_of(place), folder);
	return err ? why_errno(why, err, "%s: making its name durable", name) : 0;
}

static int dir_put(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	if (!disk_name_ok(name) || strlen(name) + sizeof(".new") > NAME)
		return why_set(why, -EINVAL, "%s: this is no name of an object", name);
	int err = begin_name(dir_of(place), name);
	if (err)
		return err;
	err = put_alone(place, name, bytes, len, why);
	end_name(dir_of(place), name);
	return err;
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
	char path[NAME];
	size_t len = strlen(name);
	uint64_t size;
	if (snprintf(path, sizeof(path), "%s/%s", walk->folder, name) >= NAME)
		return true; /* no object has such a name */
	if (is_dir) {
		walk->err = walk_folder(walk, path);
	} else if (len < 4 || strcmp(name + len - 4, ".new") != 0) {
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

struct sweep {
	struct disk *disk;
	const char *folder; /* "": the root */
};

static bool sweep_entry(void *arg, const char *name, bool is_dir)
{
	const struct sweep *sweep = arg;
	char path[NAME];
	struct file *file;
	size_t len = strlen(name);
	bool root = !*sweep->folder;
	if (snprintf(path, sizeof(path), "%s%s%s", sweep->folder, root ? "" : "/", name) >= NAME)
		return true;
	if (is_dir) {
		struct sweep inner = {sweep->disk, path};
		(void)disk_list(sweep->disk, path, sweep_entry, &inner);
		return true;
	}
	if (len < 4 || strcmp(name + len - 4, ".new") != 0 ||
		disk_open(sweep->disk, path, FILE_WRITE, &file))
		return true;
	if (planted(DIR_SWEEPS_LIVE) || !file_lock(file))
		(void)disk_unlink(sweep->disk, path);
	file_close(file);
	return true;
}

static int dir_sweep(struct place *place)
{
	struct sweep sweep = {dir_of(place)->disk, ""};
	return disk_list(sweep.disk, ".", sweep_entry, &sweep);
}

static int dir_remove(struct place *place, const char *name)
{
	char folder[NAME];
	if (!disk_name_ok(name) || strlen(name) >= NAME)
		return -EINVAL;
	parent_of(name, folder);
	int err = check_going(dir_of(place));
	if (!err)
		err = disk_unlink(dir_of(place)->disk, name);
	return err ? err : sync_names(dir_of(place), folder);
}

static int dir_settle(struct place *place, const char *name)
{
	char folder[NAME];
	if (!disk_name_ok(name) || strlen(name) >= NAME)
		return -EINVAL;
	parent_of(name, folder);
	int err = check_going(dir_of(place));
	if (!err)
		err = ensure_folder(dir_of(place), folder);
	return err ? err : sync_names(dir_of(place), folder);
}

static void dir_close(struct place *place)
{
	struct dir_place *dir = dir_of(place);
	map_done(&dir->durable);
	map_done(&dir->busy);
	pthread_mutex_destroy(&dir->mutex);
	pthread_mutex_destroy(&dir->newly);
	pthread_cond_destroy(&dir->freed);
	free(dir);
}

int place_dir_open(struct disk *disk, struct place **ret_place)
{
	static const struct place_ops ops = {
		.put = dir_put,
		.put_new = dir_put_new,
		.get = dir_get,
		.size = dir_size,
		.list = dir_list,
		.remove = dir_remove,
		.settle = dir_settle,
		.sweep = dir_sweep,
		.close = dir_close,
	};
	struct dir_place *dir = calloc(1, sizeof(*dir));
	if (!dir)
		return -ENOMEM;
	pthread_mutex_init(&dir->mutex, NULL);
	pthread_mutex_init(&dir->newly, NULL);
	pthread_cond_init(&dir->freed, NULL);
	dir->place.ops = &ops;
	dir->place.grain = DISK_BLOCK;
	dir->disk = disk;
	*ret_place = &dir->place;
	return 0;
}
