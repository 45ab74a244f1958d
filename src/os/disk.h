/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files beneath one root folder, with durability that is asked for and never assumed.
 *
 * What is durable, and when (a crash may leave anything else undone, partly done, or done in
 * another order):
 *   - bytes, size and truncation of a file: after file_sync() on it returned 0
 *   - names (creation, rename, removal): after disk_sync_dir() on their folder returned 0
 * disk_rename() replaces its target in one step: a reader meets the old file or the new one.
 *
 * After file_sync() or disk_sync_dir() has failed once, what it was to make durable may be lost for
 * ever although later calls succeed: the caller stops using that store and never retries.
 *
 * Names are relative paths of plain components: no "", ".", ".." and no symbolic link is followed.
 * "." alone names the root folder, where a folder is asked for.
 *
 * Calls block. Every call answers 0 (or a count) or a negative errno; reads and writes may be
 * short, file_read_full() and file_write_full() are not. Any thread; one writer at a time for each
 * file.
 */
#ifndef EBB_OS_DISK_H
#define EBB_OS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct disk {
	const struct disk_ops *ops;
};

struct file {
	const struct file_ops *ops;
};

enum {
	FILE_READ = 1,
	FILE_WRITE = 2,
	FILE_CREATE = 4,    /* when it is not there; mode 0600 */
	FILE_EXCLUSIVE = 8, /* with FILE_CREATE: -EEXIST when it is there */
	FILE_DIRECT = 16, /* past the page cache: offsets, lengths and memory in DISK_BLOCK units */
};

enum { DISK_BLOCK = 4096, DISK_NAME_MAX = 255 };

/* False stops the walk. */
typedef bool disk_list_fn(void *arg, const char *name, bool is_dir);

struct disk_ops {
	int (*open)(struct disk *disk, const char *name, unsigned flags, struct file **ret_file);
	int (*rename)(struct disk *disk, const char *from, const char *to);
	int (*unlink)(struct disk *disk, const char *name);
	int (*mkdir)(struct disk *disk, const char *name);
	int (*rmdir)(struct disk *disk, const char *name);
	int (*sync_dir)(struct disk *disk, const char *dir);
	int (*list)(struct disk *disk, const char *dir, disk_list_fn *fn, void *arg);
};

struct file_ops {
	ssize_t (*read_at)(struct file *file, void *bytes, size_t len, uint64_t at);
	ssize_t (*write_at)(struct file *file, const void *bytes, size_t len, uint64_t at);
	int (*sync)(struct file *file);
	int (*truncate)(struct file *file, uint64_t size);
	int (*size)(struct file *file, uint64_t *ret_size);
	int (*lock)(struct file *file);
	int (*lock_wait)(struct file *file); /* NULL: does not wait */
	void (*once)(struct file *file);     /* NULL: makes no difference */
	void (*close)(struct file *file);
};

/* Gives the file; -ENOENT, -EEXIST, -EINVAL for a name that is none ... */
static inline int disk_open(
	struct disk *disk, const char *name, unsigned flags, struct file **ret_file)
{
	return disk->ops->open(disk, name, flags, ret_file);
}

static inline int disk_rename(struct disk *disk, const char *from, const char *to)
{
	return disk->ops->rename(disk, from, to);
}

static inline int disk_unlink(struct disk *disk, const char *name)
{
	return disk->ops->unlink(disk, name);
}

static inline int disk_mkdir(struct disk *disk, const char *name)
{
	return disk->ops->mkdir(disk, name);
}

static inline int disk_rmdir(struct disk *disk, const char *name)
{
	return disk->ops->rmdir(disk, name);
}

static inline int disk_sync_dir(struct disk *disk, const char *dir)
{
	return disk->ops->sync_dir(disk, dir);
}

/* In no particular order, without "." and "..". */
static inline int disk_list(struct disk *disk, const char *dir, disk_list_fn *fn, void *arg)
{
	return disk->ops->list(disk, dir, fn, arg);
}

/* Bytes read, 0 at the end of the file. */
static inline ssize_t file_read_at(struct file *file, void *bytes, size_t len, uint64_t at)
{
	return file->ops->read_at(file, bytes, len, at);
}

static inline ssize_t file_write_at(struct file *file, const void *bytes, size_t len, uint64_t at)
{
	return file->ops->write_at(file, bytes, len, at);
}

static inline int file_sync(struct file *file)
{
	return file->ops->sync(file);
}

/* -EINVAL when the file was not opened for writing. */
static inline int file_truncate(struct file *file, uint64_t size)
{
	return file->ops->truncate(file, size);
}

static inline int file_size(struct file *file, uint64_t *ret_size)
{
	return file->ops->size(file, ret_size);
}

/* Exclusive for this open file, until it is closed or its process ends; -EWOULDBLOCK. */
static inline int file_lock(struct file *file)
{
	return file->ops->lock(file);
}

/*
 * The same for locks that are held for moments: waits for the holder, at most half a minute. In
 * virtual time nobody waits.
 */
static inline int file_lock_wait(struct file *file)
{
	return file->ops->lock_wait ? file->ops->lock_wait(file) : file->ops->lock(file);
}

/*
 * What is read and written from now on is not wanted again soon: as far as offset and memory lie on
 * DISK_BLOCKs, large transfers go past the page cache where the file system can do that, so that
 * they push out nothing that others want. Nothing else changes, neither answers nor durability.
 */
static inline void file_once(struct file *file)
{
	if (file->ops->once)
		file->ops->once(file);
}

/* Takes the file; NULL is allowed. Says nothing about durability. */
static inline void file_close(struct file *file)
{
	if (file)
		file->ops->close(file);
}

/* For OWN(): closes *file. */
static inline void file_close_own(struct file **file)
{
	file_close(*file);
}

/* Exactly `len` bytes, or an error: -ENODATA when the file ends before. */
int file_read_full(struct file *file, void *bytes, size_t len, uint64_t at);
int file_write_full(struct file *file, const void *bytes, size_t len, uint64_t at);

/* Whether `name` is one that disk_open() accepts. */
bool disk_name_ok(const char *name);

#endif
