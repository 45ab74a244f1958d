/* SPDX-License-Identifier: Apache-2.0 */
/* The calls on one open file, each one system call, again only after EINTR. */
#include "os/linux/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/container.h"
#include "base/must.h"
#include "os/disk.h"

/* What the kernel can do at once on a file: asked when it is first wanted. */
enum now {
	NOW_UNKNOWN,
	NOW_ALWAYS, /* its bytes are memory: an ordinary call never waits */
	NOW_ASK,    /* RWF_NOWAIT tells */
	NOW_NEVER,
};
static void linux_close(struct file *file);

struct linux_file {
	struct file base;
	int fd;
	enum now now[2]; /* reads, writes */
	bool once;       /* file_once(), and the file system has not refused */
	bool direct;     /* the descriptor is in O_DIRECT */
};

/* Below this a copy through the cache is cheaper than a command to the disk. */
enum { ONCE_LEAST = 64 << 10 };

static struct linux_file *mine_of(struct file *file)
{
	must(file->ops->close == linux_close);
	return container_of(file, struct linux_file, base);
}

static bool set_direct(struct linux_file *mine, bool direct)
{
	if (mine->direct == direct)
		return true;
	int flags = fcntl(mine->fd, F_GETFL);
	flags = direct ? flags | O_DIRECT : flags & ~O_DIRECT;
	if (flags < 0 || fcntl(mine->fd, F_SETFL, flags) < 0)
		return false;
	mine->direct = direct;
	return true;
}

/* How much of a transfer goes in one call: all, or as many blocks as go past the page cache. */
static size_t choose_way(struct linux_file *mine, const void *bytes, size_t len, uint64_t at)
{
	if (!mine->once)
		return len;
	bool direct = len >= ONCE_LEAST && at % DISK_BLOCK == 0 &&
		(uintptr_t)bytes % DISK_BLOCK == 0;
	if (!set_direct(mine, direct)) {
		mine->once = false;
		return len;
	}
	return direct ? len - len % DISK_BLOCK : len;
}

/* A file system that took O_DIRECT may still want larger blocks: then not for this file. */
static bool other_way(struct linux_file *mine)
{
	if (errno != EINVAL || !mine->direct || !mine->once)
		return false;
	mine->once = false;
	return set_direct(mine, false);
}

static ssize_t linux_read_at(struct file *file, void *bytes, size_t len, uint64_t at)
{
	struct linux_file *mine = mine_of(file);
	ssize_t n;
	if (at > INT64_MAX)
		return -EINVAL;
	len = choose_way(mine, bytes, len, at);
	do
		n = pread(mine->fd, bytes, len, (off_t)at);
	while (n < 0 && (errno == EINTR || other_way(mine)));
	return n < 0 ? -errno : n;
}

static ssize_t linux_write_at(struct file *file, const void *bytes, size_t len, uint64_t at)
{
	struct linux_file *mine = mine_of(file);
	ssize_t n;
	if (at > INT64_MAX)
		return -EFBIG;
	len = choose_way(mine, bytes, len, at);
	do
		n = pwrite(mine->fd, bytes, len, (off_t)at);
	while (n < 0 && (errno == EINTR || other_way(mine)));
	return n < 0 ? -errno : n;
}

/*
 * Once, whatever it answers: after a failure the kernel may drop what it could not write and call
 * it clean, and a second call would lie. fdatasync(2) covers a changed size.
 */
static int linux_sync(struct file *file)
{
	return fdatasync(linux_file_fd(file)) < 0 ? -errno : 0;
}

static int linux_truncate(struct file *file, uint64_t size)
{
	int result;
	if (size > INT64_MAX)
		return -EFBIG;
	do
		result = ftruncate(linux_file_fd(file), (off_t)size);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : 0;
}

static int linux_size(struct file *file, uint64_t *ret_size)
{
	struct stat about;
	if (fstat(linux_file_fd(file), &about) < 0)
		return -errno;
	*ret_size = (uint64_t)about.st_size;
	if (S_ISBLK(about.st_mode) && ioctl(linux_file_fd(file), BLKGETSIZE64, ret_size) < 0)
		return -errno;
	return 0;
}

static int linux_lock(struct file *file)
{
	int result;
	do
		result = flock(linux_file_fd(file), LOCK_EX | LOCK_NB);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : 0;
}

/* Holders sync a file or two. A lock cannot be waited for with a limit but by asking again. */
static int linux_lock_wait(struct file *file)
{
	static const struct timespec between = {.tv_nsec = 2 * 1000 * 1000};
	enum { ASKED_MAX = 15000 };
	int err = linux_lock(file);
	for (int asked = 0; err == -EWOULDBLOCK && asked < ASKED_MAX; asked++) {
		nanosleep(&between, NULL);
		err = linux_lock(file);
	}
	return err;
}

/* Whatever close(2) answers, the descriptor is gone and must not be closed again. */
static void linux_close(struct file *file)
{
	struct linux_file *mine = mine_of(file);
	close(mine->fd);
	free(mine);
}

static void linux_once(struct file *file)
{
	mine_of(file)->once = true;
}

static const struct file_ops linux_file_ops = {
	.read_at = linux_read_at,
	.write_at = linux_write_at,
	.sync = linux_sync,
	.truncate = linux_truncate,
	.size = linux_size,
	.lock = linux_lock,
	.lock_wait = linux_lock_wait,
	.once = linux_once,
	.close = linux_close,
};

int linux_file_new(int fd, struct file **ret_file)
{
	struct linux_file *file = malloc(sizeof(*file));
	if (!file)
		return -ENOMEM;
	*file = (struct linux_file){.base.ops = &linux_file_ops, .fd = fd};
	*ret_file = &file->base;
	return 0;
}

int linux_file_fd(struct file *file)
{
	return mine_of(file)->fd;
}

/* tmpfs refuses RWF_NOWAIT; past the page cache a call waits for the device whatever it says. */
static enum now find_now(int fd)
{
	struct statfs about;
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || flags & O_DIRECT || fstatfs(fd, &about) < 0)
		return NOW_NEVER;
	return about.f_type == TMPFS_MAGIC ? NOW_ALWAYS : NOW_ASK;
}

ssize_t linux_file_now(struct file *base, bool write, void *bytes, size_t len, uint64_t at)
{
	must(base->ops == &linux_file_ops);
	struct linux_file *file = container_of(base, struct linux_file, base);
	struct iovec vec = {bytes, len};
	if (file->now[write] == NOW_UNKNOWN)
		file->now[write] = find_now(file->fd);
	if (file->now[write] == NOW_NEVER || at > INT64_MAX)
		return -EAGAIN;
	int flags = file->now[write] == NOW_ASK ? RWF_NOWAIT : 0;
	ssize_t n = write ? pwritev2(file->fd, &vec, 1, (off_t)at, flags)
			  : preadv2(file->fd, &vec, 1, (off_t)at, flags);
	/* Where only a part lies in memory, only that was done: all of it again is the way. */
	if (n >= 0)
		return n == (ssize_t)len ? n : -EAGAIN;
	bool cannot = errno == EOPNOTSUPP || errno == EINVAL;
	if (cannot)
		file->now[write] = NOW_NEVER;
	return cannot || errno == EINTR ? -EAGAIN : -errno;
}
