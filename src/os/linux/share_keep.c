/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in /dev/shm, named after the device and the number of the folder. Their pages are taken
 * before they are touched: where there is no memory left, a store would end the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/why.h"
#include "os/linux/fd.h"
#include "os/linux/share.h"

enum { NAME = 64, PAGE = 4096 };

static int name_of(const char *folder, char ret_name[NAME])
{
	struct stat status;
	if (stat(folder, &status) < 0)
		return -errno;
	snprintf(
		ret_name, NAME, "/ebb-%jx-%jx", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	return 0;
}

/* Anybody may put files into /dev/shm. */
static int check_ours(int fd)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return -errno;
	bool ours = S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
		!(status.st_mode & (S_IRWXG | S_IRWXO)) && status.st_nlink == 1;
	return ours ? 0 : -EPERM;
}

static int open_kept(const char *name, size_t len)
{
	OWN(fd_close)
	int fd = shm_open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return -errno;
	int err = check_ours(fd);
	if (err)
		return err;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || ftruncate(fd, (off_t)len) < 0)
		return -errno;
	err = posix_fallocate(fd, 0, PAGE);
	return err ? -err : fd_take(&fd);
}

int share_keep(const char *folder, size_t len, struct share *ret_share, struct why *why)
{
	char name[NAME];
	int err = name_of(folder, name);
	if (err)
		return why_errno(why, err, "%s", folder);
	OWN(fd_close) int fd = open_kept(name, len);
	if (fd < 0)
		return why_errno(why, fd, "/dev/shm%s", name);
	void *bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return why_errno(why, -errno, "/dev/shm%s", name);
	*ret_share = (struct share){.bytes = bytes, .len = len, .fd = fd_take(&fd)};
	return 0;
}

size_t share_ready(const struct share *share, size_t bytes)
{
	enum { STEP = 64 << 10 };
	size_t up = (bytes + STEP - 1) / STEP * STEP;
	up = up < share->len ? up : share->len;
	return posix_fallocate(share->fd, 0, (off_t)up) ? 0 : up;
}

/* Whoever waits for the lock of a file without a name makes another: it is unlinked under it. */
void share_forget(struct share *share, const char *folder)
{
	char name[NAME];
	if (share->bytes && name_of(folder, name) == 0)
		(void)shm_unlink(name);
	share_done(share);
}

int share_boot(uint8_t ret_boot[16], struct why *why)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	char text[40] = "";
	OWN(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return why_errno(why, -errno, "%s", path);
	unsigned byte;
	const char *at = text;
	for (size_t i = 0; i < 16; i++, at += 2) {
		at += *at == '-';
		if (sscanf(at, "%2x", &byte) != 1)
			return why_set(why, -EBADMSG, "%s: no identity of a boot", path);
		ret_boot[i] = (uint8_t)byte;
	}
	return 0;
}
