/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders by descriptor: every call names one component relative to a folder that is held open,
 * with O_NOFOLLOW or its like, so that nobody can lead us elsewhere by replacing a name.
 */
#include "os/linux/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/container.h"
#include "base/own.h"
#include "base/units.h"
#include "os/disk.h"
#include "os/linux/fd.h"
#include "os/linux/file.h"

struct linux_folder {
	struct folder base;
	int fd;
};

static int fd_of(struct folder *folder)
{
	return container_of(folder, struct linux_folder, base)->fd;
}

static const struct folder_ops folder_ops;

/* Takes the descriptor, also when it fails. */
static int folder_new(int fd, struct folder **ret_folder)
{
	struct linux_folder *folder = calloc(1, sizeof(*folder));
	if (!folder) {
		close(fd);
		return -ENOMEM;
	}
	folder->base.ops = &folder_ops;
	folder->fd = fd;
	*ret_folder = &folder->base;
	return 0;
}

static int open_at(int at, const char *name, int flags, mode_t mode)
{
	int fd;
	do
		fd = openat(at, name, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

static int files_open_root(struct files *files, const char *path, struct folder **ret_folder)
{
	(void)files;
	int fd = open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	return fd < 0 ? fd : folder_new(fd, ret_folder);
}

static void dir_close(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int list(struct folder *folder, folder_list_fn *fn, void *arg)
{
	/* A descriptor of its own: the position in a folder is shared by copies made with dup(). */
	int fd = open_at(fd_of(folder), ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	OWN(dir_close) DIR *dir = fdopendir(fd);
	if (!dir) {
		int err = -errno;
		close(fd);
		return err;
	}
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(dir);
		if (!entry)
			return -errno;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (!fn(arg, entry->d_name))
			return 0;
	}
}

static enum files_type type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return FILES_FOLDER;
	case S_IFLNK:
		return FILES_SYMLINK;
	case S_IFIFO:
		return FILES_FIFO;
	case S_IFSOCK:
		return FILES_SOCKET;
	case S_IFCHR:
		return FILES_CHAR;
	case S_IFBLK:
		return FILES_BLOCK;
	default:
		return FILES_FILE;
	}
}

static int64_t time_ns(const struct timespec *time)
{
	return time->tv_sec * NS_PER_SEC + time->tv_nsec;
}

static int meta(struct folder *folder, const char *name, struct files_meta *ret_meta)
{
	struct stat st;
	if (fstatat(fd_of(folder), name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	*ret_meta = (struct files_meta){
		.type = type_of(st.st_mode),
		.mode = st.st_mode & 07777,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.mtime_ns = time_ns(&st.st_mtim),
		.ctime_ns = time_ns(&st.st_ctim),
		.size = (uint64_t)st.st_size,
		.inode = st.st_ino,
		.device = st.st_dev,
		.links = (uint32_t)st.st_nlink,
		.special_major = major(st.st_rdev),
		.special_minor = minor(st.st_rdev),
	};
	return 0;
}

static int enter(struct folder *folder, const char *name, struct folder **ret_folder)
{
	int fd = open_at(fd_of(folder), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	return fd < 0 ? fd : folder_new(fd, ret_folder);
}

static int file_give(int fd, struct file **ret_file)
{
	int err = linux_file_new(fd, ret_file);
	if (err)
		close(fd);
	return err;
}

static int read_file(struct folder *folder, const char *name, struct file **ret_file)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	/* Reading should not change the access time; only the owner and root may ask for that. */
	int fd = open_at(fd_of(folder), name, flags | O_NOATIME, 0);
	if (fd == -EPERM)
		fd = open_at(fd_of(folder), name, flags, 0);
	return fd < 0 ? fd : file_give(fd, ret_file);
}

static int open_file(
	struct folder *folder, const char *name, unsigned wanted, struct file **ret_file)
{
	int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	flags |= wanted & FILE_WRITE ? O_RDWR : O_RDONLY;
	flags |= wanted & FILE_DIRECT ? O_DIRECT : 0;
	/* Without O_CREAT only a block device listens to it. */
	flags |= wanted & FILE_EXCLUSIVE ? O_EXCL : 0;
	int fd = open_at(fd_of(folder), name, flags, 0);
	return fd < 0 ? fd : file_give(fd, ret_file);
}

static ssize_t link_target(struct folder *folder, const char *name, char *ret_text, size_t cap)
{
	ssize_t n = readlinkat(fd_of(folder), name, ret_text, cap);
	if (n < 0)
		return -errno;
	return (size_t)n == cap ? -ENAMETOOLONG : n;
}

enum { FD_PATH = 64 };

/*
 * Attribute calls have no form with a folder: the entry is opened as a mere path and reached
 * through /proc/self/fd, which leads to what was opened and not to what has its name by then.
 */
static int entry_path(struct folder *folder, const char *name, char path[FD_PATH], int *ret_fd)
{
	int fd = open_at(fd_of(folder), name, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	snprintf(path, FD_PATH, "/proc/self/fd/%d", fd);
	*ret_fd = fd;
	return 0;
}

/* Whose attributes: by path, or by descriptor where there is no path. */
struct holder {
	const char *path;
	int fd;
};

static ssize_t list_names(const struct holder *of, char *names, size_t cap)
{
	return of->path ? listxattr(of->path, names, cap) : flistxattr(of->fd, names, cap);
}

static ssize_t get_value(const struct holder *of, const char *name, void *value, size_t cap)
{
	return of->path ? getxattr(of->path, name, value, cap)
			: fgetxattr(of->fd, name, value, cap);
}

static int each_xattr(
	const struct holder *of, const char *names, size_t len, folder_xattr_fn *fn, void *arg)
{
	OWN(own_free) void *buffer = malloc(FILES_XATTR_MAX);
	if (!buffer)
		return -ENOMEM;
	for (const char *name = names; name < names + len; name += strlen(name) + 1) {
		ssize_t n = get_value(of, name, buffer, FILES_XATTR_MAX);
		if (n < 0 && (errno == ENODATA || errno == EPERM || errno == EACCES))
			continue; /* gone since it was listed, or not ours to read */
		if (n < 0)
			return -errno;
		if (!fn(arg, name, buffer, (size_t)n))
			return 0;
	}
	return 0;
}

static int all_xattrs(const struct holder *of, folder_xattr_fn *fn, void *arg)
{
	ssize_t len = list_names(of, NULL, 0);
	if (len < 0)
		return errno == ENOTSUP || errno == EACCES || errno == ELOOP ? 0 : -errno;
	if (len == 0)
		return 0;
	OWN(own_free) char *names = malloc(FILES_XATTR_MAX);
	if (!names)
		return -ENOMEM;
	len = list_names(of, names, FILES_XATTR_MAX);
	return len < 0 ? -errno : each_xattr(of, names, (size_t)len, fn, arg);
}

static int xattrs(struct folder *folder, const char *name, folder_xattr_fn *fn, void *arg)
{
	OWN(fd_close) int fd = -1;
	char path[FD_PATH];
	struct holder self = {.fd = fd_of(folder)}, entry = {.path = path};
	if (strcmp(name, ".") == 0)
		return all_xattrs(&self, fn, arg);
	int err = entry_path(folder, name, path, &fd);
	return err ? err : all_xattrs(&entry, fn, arg);
}

static int xattrs_of(struct file *file, folder_xattr_fn *fn, void *arg)
{
	struct holder holder = {.fd = linux_file_fd(file)};
	return all_xattrs(&holder, fn, arg);
}

/* A device that cannot tell has no holes: lseek(2) answers EINVAL there. */
static int all_data(struct file *file, uint64_t at, uint64_t *ret_from, uint64_t *ret_to)
{
	uint64_t size;
	int err = file_size(file, &size);
	if (err || at >= size)
		return err ? err : -ENXIO;
	*ret_from = at;
	*ret_to = size;
	return 0;
}

static int data_after(struct file *file, uint64_t at, uint64_t *ret_from, uint64_t *ret_to)
{
	int fd = linux_file_fd(file);
	off_t from = lseek(fd, (off_t)at, SEEK_DATA);
	if (from < 0)
		return errno == EINVAL ? all_data(file, at, ret_from, ret_to) : -errno;
	off_t to = lseek(fd, from, SEEK_HOLE);
	if (to < 0)
		return -errno;
	*ret_from = (uint64_t)from;
	*ret_to = (uint64_t)to;
	return 0;
}

static int make_file(struct folder *folder, const char *name, struct file **ret_file)
{
	int fd = open_at(fd_of(folder), name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	return fd < 0 ? fd : file_give(fd, ret_file);
}

static int make(
	struct folder *folder, const char *name, const struct files_meta *meta, const char *target)
{
	int fd = fd_of(folder), done;
	dev_t device = makedev(meta->special_major, meta->special_minor);
	switch (meta->type) {
	case FILES_FOLDER:
		done = mkdirat(fd, name, 0700);
		break;
	case FILES_SYMLINK:
		done = symlinkat(target, fd, name);
		break;
	case FILES_FIFO:
		done = mknodat(fd, name, S_IFIFO | 0600, 0);
		break;
	case FILES_SOCKET:
		done = mknodat(fd, name, S_IFSOCK | 0600, 0);
		break;
	case FILES_CHAR:
		done = mknodat(fd, name, S_IFCHR | 0600, device);
		break;
	case FILES_BLOCK:
		done = mknodat(fd, name, S_IFBLK | 0600, device);
		break;
	case FILES_FILE:
	default:
		return -EINVAL;
	}
	return done == 0 ? 0 : -errno;
}

static int hard_link(struct folder *from, const char *name, struct folder *to, const char *to_name)
{
	return linkat(fd_of(from), name, fd_of(to), to_name, 0) == 0 ? 0 : -errno;
}

static int set_xattr(
	struct folder *folder, const char *name, const char *xattr, const void *value, size_t len)
{
	OWN(fd_close) int fd = -1;
	char path[FD_PATH];
	int err = entry_path(folder, name, path, &fd);
	if (err)
		return err;
	return setxattr(path, xattr, value, len, 0) == 0 ? 0 : -errno;
}

static int set_meta(struct folder *folder, const char *name, const struct files_meta *meta)
{
	int fd = fd_of(folder);
	struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT},
		{meta->mtime_ns / NS_PER_SEC, meta->mtime_ns % NS_PER_SEC},
	};
	if (times[1].tv_nsec < 0) {
		times[1].tv_sec--;
		times[1].tv_nsec += NS_PER_SEC;
	}
	/* Owner first: changing it clears setuid and setgid, which the mode then sets. */
	if (fchownat(fd, name, meta->uid, meta->gid, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	if (meta->type != FILES_SYMLINK) {
		OWN(fd_close) int entry = -1;
		char path[FD_PATH];
		int err = entry_path(folder, name, path, &entry);
		if (err)
			return err;
		if (chmod(path, meta->mode) != 0)
			return -errno;
	}
	return utimensat(fd, name, times, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
}

static int rename_entry(struct folder *folder, const char *from, const char *to)
{
	return renameat(fd_of(folder), from, fd_of(folder), to) == 0 ? 0 : -errno;
}

static int remove_entry(struct folder *folder, const char *name, bool is_folder)
{
	return unlinkat(fd_of(folder), name, is_folder ? AT_REMOVEDIR : 0) == 0 ? 0 : -errno;
}

static int sync_folder(struct folder *folder)
{
	return fsync(fd_of(folder)) == 0 ? 0 : -errno;
}

static int sync_all(struct folder *folder)
{
	return syncfs(fd_of(folder)) == 0 ? 0 : -errno;
}

static void close_folder(struct folder *folder)
{
	close(fd_of(folder));
	free(container_of(folder, struct linux_folder, base));
}

static const struct folder_ops folder_ops = {
	.list = list,
	.meta = meta,
	.enter = enter,
	.read = read_file,
	.open = open_file,
	.link_target = link_target,
	.xattrs = xattrs,
	.xattrs_of = xattrs_of,
	.data_after = data_after,
	.make_file = make_file,
	.make = make,
	.hard_link = hard_link,
	.set_xattr = set_xattr,
	.set_meta = set_meta,
	.rename = rename_entry,
	.remove = remove_entry,
	.sync = sync_folder,
	.sync_all = sync_all,
	.close = close_folder,
};

struct files linux_files(void)
{
	static const struct files_ops ops = {.open = files_open_root};
	return (struct files){&ops};
}
