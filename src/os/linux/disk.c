/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names go through openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS: the kernel itself
 * refuses to leave the root, also when somebody plays with folders meanwhile. Calls that take no
 * such flags (rename, unlink, mkdir) get the parent folder opened that way and one plain component.
 */
#include "os/linux/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "os/linux/fd.h"
#include "os/linux/file.h"

/* A folder and the last component of a name in it. */
struct spot {
	int dir_fd;
	bool opened;
	const char *last;
};

static struct linux_disk *disk_of(struct disk *disk)
{
	return container_of(disk, struct linux_disk, base);
}

static int open_beneath(int root_fd, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;
	do
		fd = syscall(SYS_openat2, root_fd, name, &how, sizeof(how));
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : (int)fd;
}

static int open_folder(struct disk *disk, const char *name)
{
	if (strcmp(name, ".") != 0 && !disk_name_ok(name))
		return -EINVAL;
	return open_beneath(disk_of(disk)->root_fd, name, O_RDONLY | O_DIRECTORY, 0);
}

static void spot_done(struct spot *spot)
{
	if (spot->opened)
		close(spot->dir_fd);
}

static int spot_find(struct disk *disk, const char *name, struct spot *ret_spot)
{
	int root_fd = disk_of(disk)->root_fd;
	if (!disk_name_ok(name))
		return -EINVAL;
	const char *slash = strrchr(name, '/');
	if (!slash) {
		*ret_spot = (struct spot){.dir_fd = root_fd, .last = name};
		return 0;
	}
	OWN(own_free) char *parent = strndup(name, (size_t)(slash - name));
	if (!parent)
		return -ENOMEM;
	int fd = open_beneath(root_fd, parent, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	*ret_spot = (struct spot){.dir_fd = fd, .opened = true, .last = slash + 1};
	return 0;
}

static int open_flags(unsigned flags)
{
	must(flags & (FILE_READ | FILE_WRITE));
	int result = O_NOCTTY | O_NONBLOCK;
	if (flags & FILE_WRITE)
		result |= flags & FILE_READ ? O_RDWR : O_WRONLY;
	if (flags & FILE_CREATE)
		result |= flags & FILE_EXCLUSIVE ? O_CREAT | O_EXCL : O_CREAT;
	return flags & FILE_DIRECT ? result | O_DIRECT : result;
}

/*
 * Plain files only. O_NONBLOCK kept the opening from waiting on a pipe; it has to go, because
 * io_uring answers -EAGAIN on such descriptors where others wait.
 */
static int settle(int fd)
{
	struct stat about;
	if (fstat(fd, &about) < 0)
		return -errno;
	if (S_ISDIR(about.st_mode))
		return -EISDIR;
	if (!S_ISREG(about.st_mode))
		return -EINVAL;
	int flags = fcntl(fd, F_GETFL);
	return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

static int linux_open(struct disk *disk, const char *name, unsigned flags, struct file **ret_file)
{
	if (!disk_name_ok(name))
		return -EINVAL;
	OWN(fd_close) int fd = open_beneath(disk_of(disk)->root_fd, name, open_flags(flags), 0600);
	if (fd < 0)
		return fd;
	int err = settle(fd);
	if (err)
		return err;
	err = linux_file_new(fd, ret_file);
	if (!err)
		fd_take(&fd);
	return err;
}

static int linux_rename(struct disk *disk, const char *from, const char *to)
{
	OWN(spot_done) struct spot old = {0};
	OWN(spot_done) struct spot new = {0};
	int err = spot_find(disk, from, &old);
	if (!err)
		err = spot_find(disk, to, &new);
	if (err)
		return err;
	return renameat(old.dir_fd, old.last, new.dir_fd, new.last) < 0 ? -errno : 0;
}

static int unlink_at(struct disk *disk, const char *name, int flags)
{
	OWN(spot_done) struct spot spot = {0};
	int err = spot_find(disk, name, &spot);
	if (err)
		return err;
	return unlinkat(spot.dir_fd, spot.last, flags) < 0 ? -errno : 0;
}

static int linux_unlink(struct disk *disk, const char *name)
{
	return unlink_at(disk, name, 0);
}

static int linux_rmdir(struct disk *disk, const char *name)
{
	return unlink_at(disk, name, AT_REMOVEDIR);
}

static int linux_mkdir(struct disk *disk, const char *name)
{
	OWN(spot_done) struct spot spot = {0};
	int err = spot_find(disk, name, &spot);
	if (err)
		return err;
	return mkdirat(spot.dir_fd, spot.last, 0700) < 0 ? -errno : 0;
}

/* Once: after a failure the kernel forgets what it could not write, and a second call lies. */
static int linux_sync_dir(struct disk *disk, const char *dir)
{
	OWN(fd_close) int fd = open_folder(disk, dir);
	if (fd < 0)
		return fd;
	return fsync(fd) < 0 ? -errno : 0;
}

static bool is_folder(DIR *dir, const struct dirent *entry)
{
	struct stat about;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dirfd(dir), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISDIR(about.st_mode);
}

static int walk(DIR *dir, disk_list_fn *fn, void *arg)
{
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(dir);
		if (!entry)
			return -errno;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (!fn(arg, entry->d_name, is_folder(dir, entry)))
			return 0;
	}
}

static int linux_list(struct disk *disk, const char *name, disk_list_fn *fn, void *arg)
{
	int fd = open_folder(disk, name);
	if (fd < 0)
		return fd;
	DIR *dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	int err = walk(dir, fn, arg);
	closedir(dir);
	return err;
}

static int open_root(const char *root, struct why *why)
{
	struct stat about;
	int made = mkdir(root, 0700) < 0 ? -errno : 0;
	if (made == -ENOENT)
		return why_set(why, made, "%s: the folder that it is to lie in is not there", root);
	if (made && made != -EEXIST)
		return why_errno(why, made, "%s: this folder cannot be made", root);
	OWN(fd_close) int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &about) < 0)
		return why_errno(why, -errno, "%s: this folder cannot be opened", root);
	if (about.st_mode & S_IWOTH)
		return why_set(why, -EPERM,
			"%s: everybody may write to this folder: chmod o-w it, or name another",
			root);
	return fd_take(&fd);
}

int linux_disk_init(struct linux_disk *disk, const char *root, struct why *why)
{
	static const struct disk_ops ops = {
		.open = linux_open,
		.rename = linux_rename,
		.unlink = linux_unlink,
		.mkdir = linux_mkdir,
		.rmdir = linux_rmdir,
		.sync_dir = linux_sync_dir,
		.list = linux_list,
	};
	OWN(fd_close) int root_fd = open_root(root, why);
	if (root_fd < 0)
		return root_fd;
	OWN(fd_close) int probe = open_beneath(root_fd, ".", O_PATH | O_DIRECTORY, 0);
	if (probe < 0)
		return why_errno(why, probe,
			"openat2(2), which keeps file names beneath %s (kernel 5.6 or later, and "
			"allowed "
			"by the container's filter)",
			root);
	*disk = (struct linux_disk){.base.ops = &ops, .root_fd = fd_take(&root_fd)};
	return 0;
}

int linux_disk_space(const struct linux_disk *disk, uint64_t *ret_size, uint64_t *ret_free)
{
	struct statvfs about;
	if (fstatvfs(disk->root_fd, &about))
		return -errno;
	*ret_size = (uint64_t)about.f_blocks * about.f_frsize;
	*ret_free = (uint64_t)about.f_bavail * about.f_frsize;
	return 0;
}

void linux_disk_done(struct linux_disk *disk)
{
	close(disk->root_fd);
}
