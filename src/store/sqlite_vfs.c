/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VFS methods. Section names of SQLite's own documentation: "The OS Backend (VFS)", and for
 * what the pager relies on, "Atomic Commit In SQLite".
 */
#include "store/sqlite_vfs.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/dice.h"
#include "os/disk.h"
#include "os/world.h"
#include "store/replace.h"

/*
 * What a write may damage when the power goes in its middle. Disks with larger sectors are not
 * sold; SQLite keeps what is precious out of a sector that it writes.
 */
enum { SECTOR = 4096 };

struct sqlite_vfs {
	sqlite3_vfs base; /* pAppData is this struct */
	char name[32];
	struct world *world;
	int error;
	bool stopped;
};

struct vfs_file {
	sqlite3_file base;
	struct sqlite_vfs *vfs;
	struct file *file;
	const char *name;  /* SQLite keeps it while the file is open */
	bool folder_dirty; /* the file's name may not be durable */
};

static struct sqlite_vfs *vfs_of(sqlite3_vfs *base)
{
	return base->pAppData;
}

static struct vfs_file *file_of(sqlite3_file *base)
{
	return (struct vfs_file *)base;
}

/* Notes the disk's error and translates it; `otherwise` is what SQLite calls such a failure. */
static int failed(struct sqlite_vfs *vfs, int err, int otherwise)
{
	vfs->error = err;
	if (err == -ENOMEM)
		return SQLITE_IOERR_NOMEM;
	if (err == -ENOSPC && otherwise == SQLITE_IOERR_WRITE)
		return SQLITE_FULL;
	return otherwise;
}

static int sync_failed(struct sqlite_vfs *vfs, int err, int otherwise)
{
	vfs->stopped = !planted(VFS_SYNC_RETRIED);
	return failed(vfs, err, otherwise);
}

static int file_close_method(sqlite3_file *base)
{
	file_close(TAKE(file_of(base)->file));
	return SQLITE_OK;
}

static int file_read_method(sqlite3_file *base, void *bytes, int len, sqlite3_int64 at)
{
	struct vfs_file *file = file_of(base);
	char *to = bytes;
	size_t left = (size_t)len;
	if (file->vfs->stopped)
		return SQLITE_IOERR_READ;
	while (left) {
		ssize_t n = file_read_at(file->file, to, left, (uint64_t)at);
		if (n < 0)
			return failed(file->vfs, (int)n, SQLITE_IOERR_READ);
		if (n == 0) {
			memset(to, 0, left);
			return SQLITE_IOERR_SHORT_READ;
		}
		to += n;
		at += n;
		left -= (size_t)n;
	}
	return SQLITE_OK;
}

static int file_write_method(sqlite3_file *base, const void *bytes, int len, sqlite3_int64 at)
{
	struct vfs_file *file = file_of(base);
	int err;
	if (file->vfs->stopped)
		return SQLITE_IOERR_WRITE;
	if (planted(VFS_SHORT_WRITE_IGNORED))
		err = file_write_at(file->file, bytes, (size_t)len, (uint64_t)at) < 0 ? -EIO : 0;
	else
		err = file_write_full(file->file, bytes, (size_t)len, (uint64_t)at);
	return err ? failed(file->vfs, err, SQLITE_IOERR_WRITE) : SQLITE_OK;
}

static int file_truncate_method(sqlite3_file *base, sqlite3_int64 size)
{
	struct vfs_file *file = file_of(base);
	if (file->vfs->stopped)
		return SQLITE_IOERR_TRUNCATE;
	if (planted(VFS_TRUNCATE_LOST))
		return SQLITE_OK;
	int err = file_truncate(file->file, (uint64_t)size);
	return err ? failed(file->vfs, err, SQLITE_IOERR_TRUNCATE) : SQLITE_OK;
}

static int file_sync_method(sqlite3_file *base, int flags)
{
	struct vfs_file *file = file_of(base);
	(void)flags;
	if (file->vfs->stopped)
		return SQLITE_IOERR_FSYNC;
	int err = planted(VFS_SYNC_LEFT_OUT) ? 0 : file_sync(file->file);
	if (err)
		return sync_failed(file->vfs, err, SQLITE_IOERR_FSYNC);
	if (file->folder_dirty && !planted(VFS_FOLDER_SYNC_LEFT_OUT))
		err = store_sync_folder(file->vfs->world->disk, file->name, NULL);
	if (err)
		return sync_failed(file->vfs, err, SQLITE_IOERR_DIR_FSYNC);
	file->folder_dirty = false;
	return SQLITE_OK;
}

static int file_size_method(sqlite3_file *base, sqlite3_int64 *ret_size)
{
	struct vfs_file *file = file_of(base);
	uint64_t size;
	if (file->vfs->stopped)
		return SQLITE_IOERR_FSTAT;
	int err = file_size(file->file, &size);
	if (err)
		return failed(file->vfs, err, SQLITE_IOERR_FSTAT);
	*ret_size = (sqlite3_int64)size;
	return SQLITE_OK;
}

static int file_lock_method(sqlite3_file *base, int level)
{
	(void)base;
	(void)level;
	return SQLITE_OK;
}

static int file_check_reserved_method(sqlite3_file *base, int *ret_reserved)
{
	(void)base;
	*ret_reserved = 0;
	return SQLITE_OK;
}

static int file_control_method(sqlite3_file *base, int op, void *arg)
{
	(void)base;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int file_sector_method(sqlite3_file *base)
{
	(void)base;
	return SECTOR;
}

/* Nothing: neither is the rest of a sector safe from a write, nor an append from its size. */
static int file_characteristics_method(sqlite3_file *base)
{
	(void)base;
	return 0;
}

static const sqlite3_io_methods file_methods = {
	.iVersion = 1,
	.xClose = file_close_method,
	.xRead = file_read_method,
	.xWrite = file_write_method,
	.xTruncate = file_truncate_method,
	.xSync = file_sync_method,
	.xFileSize = file_size_method,
	.xLock = file_lock_method,
	.xUnlock = file_lock_method,
	.xCheckReservedLock = file_check_reserved_method,
	.xFileControl = file_control_method,
	.xSectorSize = file_sector_method,
	.xDeviceCharacteristics = file_characteristics_method,
};

static int open_method(
	sqlite3_vfs *base, const char *name, sqlite3_file *base_file, int flags, int *ret_flags)
{
	struct sqlite_vfs *vfs = vfs_of(base);
	struct vfs_file *file = file_of(base_file);
	unsigned how = FILE_READ;
	file->base.pMethods = NULL;
	if (!name || vfs->stopped || (flags & SQLITE_OPEN_DELETEONCLOSE))
		return SQLITE_CANTOPEN;
	if (flags & SQLITE_OPEN_READWRITE)
		how |= FILE_WRITE;
	if (flags & SQLITE_OPEN_CREATE)
		how |= FILE_CREATE;
	if (flags & SQLITE_OPEN_EXCLUSIVE)
		how |= FILE_EXCLUSIVE;
	int err = disk_open(vfs->world->disk, name, how, &file->file);
	if (err)
		return failed(vfs, err, SQLITE_CANTOPEN);
	file->vfs = vfs;
	file->name = name;
	/* A commit counts on the journal's name, which the sync of its content does not cover. */
	file->folder_dirty = (flags & SQLITE_OPEN_CREATE) != 0;
	file->base.pMethods = &file_methods;
	if (ret_flags)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int delete_method(sqlite3_vfs *base, const char *name, int sync_folder)
{
	struct sqlite_vfs *vfs = vfs_of(base);
	if (vfs->stopped)
		return SQLITE_IOERR_DELETE;
	int err = disk_unlink(vfs->world->disk, name);
	if (err == -ENOENT)
		return SQLITE_IOERR_DELETE_NOENT;
	if (err)
		return failed(vfs, err, SQLITE_IOERR_DELETE);
	if (sync_folder && !planted(VFS_FOLDER_SYNC_LEFT_OUT))
		err = store_sync_folder(vfs->world->disk, name, NULL);
	return err ? sync_failed(vfs, err, SQLITE_IOERR_DIR_FSYNC) : SQLITE_OK;
}

/* An empty file counts as none, as in SQLite's own VFS: an empty journal has nothing to say. */
static int access_method(sqlite3_vfs *base, const char *name, int flags, int *ret_is)
{
	struct sqlite_vfs *vfs = vfs_of(base);
	OWN(file_close_own) struct file *file = NULL;
	uint64_t size = 0;
	if (vfs->stopped)
		return SQLITE_IOERR_ACCESS;
	int err = disk_open(vfs->world->disk, name, FILE_READ, &file);
	if (!err)
		err = file_size(file, &size);
	if (err && err != -ENOENT)
		return failed(vfs, err, SQLITE_IOERR_ACCESS);
	*ret_is = !err && (size > 0 || flags != SQLITE_ACCESS_EXISTS);
	return SQLITE_OK;
}

static int full_name_method(sqlite3_vfs *base, const char *name, int size, char *ret_name)
{
	(void)base;
	int len = snprintf(ret_name, (size_t)size, "%s", name);
	return len < size && disk_name_ok(name) ? SQLITE_OK : SQLITE_CANTOPEN;
}

static void *load_method(sqlite3_vfs *base, const char *name)
{
	(void)base;
	(void)name;
	return NULL;
}

static void load_error_method(sqlite3_vfs *base, int size, char *ret_text)
{
	(void)base;
	snprintf(ret_text, (size_t)size, "extensions are not loaded here");
}

static int random_method(sqlite3_vfs *base, int len, char *ret_bytes)
{
	dice_fill(vfs_of(base)->world->dice, ret_bytes, (size_t)len);
	return len;
}

/* SQLite sleeps only while it waits for another connection, and there is none. */
static int sleep_method(sqlite3_vfs *base, int us)
{
	(void)base;
	return us;
}

/* Milliseconds since noon of the first day of the Julian calendar. */
static int time_method(sqlite3_vfs *base, sqlite3_int64 *ret_ms)
{
	const sqlite3_int64 unix_epoch = 24405875 * INT64_C(8640000);
	*ret_ms = unix_epoch + clock_wall_ns(vfs_of(base)->world->clock) / 1000000;
	return SQLITE_OK;
}

static int last_error_method(sqlite3_vfs *base, int size, char *ret_text)
{
	struct sqlite_vfs *vfs = vfs_of(base);
	if (size > 0)
		ret_text[0] = '\0';
	return -vfs->error;
}

int sqlite_vfs_new(struct world *world, struct sqlite_vfs **ret_vfs, struct why *why)
{
	OWN(own_free) struct sqlite_vfs *vfs = calloc(1, sizeof(*vfs));
	if (!vfs)
		return why_errno(why, -ENOMEM, "SQLite's VFS");
	/* SQLite knows its VFS by names: two of a kind need two. */
	snprintf(vfs->name, sizeof(vfs->name), "ebb-%p", (void *)vfs);
	vfs->world = world;
	vfs->base = (sqlite3_vfs){
		.iVersion = 2,
		.szOsFile = sizeof(struct vfs_file),
		.mxPathname = STORE_PATH - 1,
		.zName = vfs->name,
		.pAppData = vfs,
		.xOpen = open_method,
		.xDelete = delete_method,
		.xAccess = access_method,
		.xFullPathname = full_name_method,
		.xDlOpen = load_method,
		.xDlError = load_error_method,
		.xRandomness = random_method,
		.xSleep = sleep_method,
		.xGetLastError = last_error_method,
		.xCurrentTimeInt64 = time_method,
	};
	if (sqlite3_vfs_register(&vfs->base, 1) != SQLITE_OK)
		return why_errno(why, -ENOMEM, "SQLite's VFS");
	/* Forgets its random state, so that the next draw asks the default VFS: this one. */
	sqlite3_randomness(0, NULL);
	*ret_vfs = TAKE(vfs);
	return 0;
}

void sqlite_vfs_free(struct sqlite_vfs *vfs)
{
	if (vfs)
		sqlite3_vfs_unregister(&vfs->base);
	free(vfs);
}

const char *sqlite_vfs_name(const struct sqlite_vfs *vfs)
{
	return vfs->name;
}

int sqlite_vfs_error(const struct sqlite_vfs *vfs)
{
	return vfs->error;
}
