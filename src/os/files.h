/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of people, as a backup meets them: with owners, modes, times, links, holes and
 * attributes. os/disk.h is for our own files; this is for everybody else's.
 *
 * A folder is held open and its entries are named relative to it, one component at a time, never
 * following a symbolic link: what is reached lies beneath the folder that was opened first,
 * whatever is renamed or replaced meanwhile.
 *
 * Calls block and answer 0 (or a count) or a negative errno. Any thread, one at a time per folder.
 */
#ifndef EBB_OS_FILES_H
#define EBB_OS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct file;
struct why;

struct files {
	const struct files_ops *ops;
};

struct folder {
	const struct folder_ops *ops;
};

enum files_type {
	FILES_FILE = 1,
	FILES_FOLDER,
	FILES_SYMLINK,
	FILES_FIFO,
	FILES_SOCKET,
	FILES_CHAR,
	FILES_BLOCK,
};

struct files_meta {
	enum files_type type;
	uint32_t mode; /* permission bits, setuid, setgid, sticky */
	uint32_t uid, gid;
	int64_t mtime_ns, ctime_ns;
	uint64_t size;
	uint64_t inode, device;
	uint32_t links;
	uint32_t special_major, special_minor; /* of a char or block device */
};

enum { FILES_NAME_MAX = 255, FILES_LINK_MAX = 4096, FILES_XATTR_MAX = 65536 };

/* False stops the walk. */
typedef bool folder_list_fn(void *arg, const char *name);
typedef bool folder_xattr_fn(void *arg, const char *name, const void *value, size_t len);

struct files_ops {
	int (*open)(struct files *files, const char *path, struct folder **ret_folder);
};

struct folder_ops {
	/* ---- looking ---- */
	int (*list)(struct folder *folder, folder_list_fn *fn, void *arg);
	int (*meta)(struct folder *folder, const char *name, struct files_meta *ret_meta);
	int (*enter)(struct folder *folder, const char *name, struct folder **ret_folder);
	int (*read)(struct folder *folder, const char *name, struct file **ret_file);
	ssize_t (*link_target)(struct folder *folder, const char *name, char *ret_text, size_t cap);
	int (*xattrs)(struct folder *folder, const char *name, folder_xattr_fn *fn, void *arg);
	int (*xattrs_of)(struct file *file, folder_xattr_fn *fn, void *arg);
	int (*open)(
		struct folder *folder, const char *name, unsigned flags, struct file **ret_file);
	int (*data_after)(struct file *file, uint64_t at, uint64_t *ret_from, uint64_t *ret_to);
	/* ---- making ---- */
	int (*make_file)(struct folder *folder, const char *name, struct file **ret_file);
	int (*make)(struct folder *folder, const char *name, const struct files_meta *meta,
		const char *target);
	int (*hard_link)(
		struct folder *from, const char *name, struct folder *to, const char *to_name);
	int (*set_xattr)(struct folder *folder, const char *name, const char *xattr,
		const void *value, size_t len);
	int (*set_meta)(struct folder *folder, const char *name, const struct files_meta *meta);
	int (*rename)(struct folder *folder, const char *from, const char *to);
	int (*remove)(struct folder *folder, const char *name, bool is_folder);
	int (*sync)(struct folder *folder);
	int (*sync_all)(struct folder *folder);
	void (*close)(struct folder *folder);
};

/* Gives the folder at an absolute path; here, and only here, symbolic links are followed. */
static inline int files_open(struct files *files, const char *path, struct folder **ret_folder)
{
	return files->ops->open(files, path, ret_folder);
}

/* Names in no order, without "." and "..". */
static inline int folder_list(struct folder *folder, folder_list_fn *fn, void *arg)
{
	return folder->ops->list(folder, fn, arg);
}

/* "." is the folder itself. */
static inline int folder_meta(struct folder *folder, const char *name, struct files_meta *ret_meta)
{
	return folder->ops->meta(folder, name, ret_meta);
}

/* Gives the folder below. -ENOTDIR for what is none, symbolic links included. */
static inline int folder_enter(struct folder *folder, const char *name, struct folder **ret_folder)
{
	return folder->ops->enter(folder, name, ret_folder);
}

/* Gives the file for reading; never waits for a pipe, never follows a link. */
static inline int folder_read(struct folder *folder, const char *name, struct file **ret_file)
{
	return folder->ops->read(folder, name, ret_file);
}

/*
 * Gives a file or block device for reading, or for both with FILE_WRITE (os/disk.h); file_size()
 * tells a device's size, too. FILE_DIRECT: -EINVAL where the file system has no way past the page
 * cache. FILE_EXCLUSIVE: -EBUSY for a device that is mounted or otherwise in use.
 */
static inline int folder_open(
	struct folder *folder, const char *name, unsigned flags, struct file **ret_file)
{
	return folder->ops->open(folder, name, flags, ret_file);
}

/* The target's length, without a NUL; -ENAMETOOLONG when it is longer than `cap`. */
static inline ssize_t folder_link_target(
	struct folder *folder, const char *name, char *ret_text, size_t cap)
{
	return folder->ops->link_target(folder, name, ret_text, cap);
}

/* Every extended attribute that we may read, POSIX ACLs among them; "." as in folder_meta(). */
static inline int folder_xattrs(
	struct folder *folder, const char *name, folder_xattr_fn *fn, void *arg)
{
	return folder->ops->xattrs(folder, name, fn, arg);
}

/* The same of a file of folder_read() or folder_open(), at a third of what a name costs. */
static inline int folder_xattrs_of(
	struct folder *folder, struct file *file, folder_xattr_fn *fn, void *arg)
{
	return folder->ops->xattrs_of(file, fn, arg);
}

/* The next run of data at or after `at` in a file of folder_read() or folder_open(); -ENXIO: none.
 */
static inline int folder_data_after(
	struct folder *folder, struct file *file, uint64_t at, uint64_t *ret_from, uint64_t *ret_to)
{
	return folder->ops->data_after(file, at, ret_from, ret_to);
}

/* Gives a new, empty file of mode 0600. -EEXIST. */
static inline int folder_make_file(struct folder *folder, const char *name, struct file **ret_file)
{
	return folder->ops->make_file(folder, name, ret_file);
}

/* A folder (mode 0700), symlink to `target`, fifo, socket or device, as meta->type says. */
static inline int folder_make(
	struct folder *folder, const char *name, const struct files_meta *meta, const char *target)
{
	return folder->ops->make(folder, name, meta, target);
}

static inline int folder_hard_link(
	struct folder *from, const char *name, struct folder *to, const char *to_name)
{
	return from->ops->hard_link(from, name, to, to_name);
}

static inline int folder_set_xattr(
	struct folder *folder, const char *name, const char *xattr, const void *value, size_t len)
{
	return folder->ops->set_xattr(folder, name, xattr, value, len);
}

/* Owner, then mode, then times; of a symbolic link what a link can have. */
static inline int folder_set_meta(
	struct folder *folder, const char *name, const struct files_meta *meta)
{
	return folder->ops->set_meta(folder, name, meta);
}

static inline int folder_rename(struct folder *folder, const char *from, const char *to)
{
	return folder->ops->rename(folder, from, to);
}

static inline int folder_remove(struct folder *folder, const char *name, bool is_folder)
{
	return folder->ops->remove(folder, name, is_folder);
}

/* Makes the names in it durable. */
static inline int folder_sync(struct folder *folder)
{
	return folder->ops->sync(folder);
}

/*
 * Makes everything that was written to the folder's file system durable, names too. An error may be
 * of somebody else's file: it means that nothing is certain since the folder was opened.
 */
static inline int folder_sync_all(struct folder *folder)
{
	return folder->ops->sync_all(folder);
}

/* Takes the folder; NULL is allowed. */
static inline void folder_close(struct folder *folder)
{
	if (folder)
		folder->ops->close(folder);
}

/* For OWN(). */
static inline void folder_close_own(struct folder **folder)
{
	folder_close(*folder);
}

#endif
