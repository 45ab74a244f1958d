/* SPDX-License-Identifier: Apache-2.0 */
/* memfd_create(2) with seals, SCM_RIGHTS. */
#include "os/linux/share.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"
#include "base/why.h"
#include "os/linux/fd.h"
#include "os/linux/stream.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE)

static int map(struct share *share, int protection)
{
	void *bytes = mmap(NULL, share->len, protection, MAP_SHARED, share->fd, 0);
	struct stat status;
	if (bytes == MAP_FAILED || fstat(share->fd, &status) < 0)
		return -errno;
	share->bytes = bytes;
	share->which = status.st_ino;
	return 0;
}

int share_make(const char *name, size_t len, struct share *ret_share, struct why *why)
{
	OWN(fd_close) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)len) < 0)
		return why_errno(why, -errno, "memory to be shared (%s)", name);
	struct share share = {.len = len, .fd = fd};
	int err = map(&share, PROT_READ | PROT_WRITE);
	/* What is mapped by now stays writable. */
	if (!err && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		err = -errno;
	if (err) {
		if (share.bytes)
			munmap(share.bytes, len);
		return why_errno(why, err, "memory to be shared (%s)", name);
	}
	fd_take(&fd);
	*ret_share = share;
	return 0;
}

int share_hand(const struct share *share, struct stream *stream)
{
	return linux_stream_send_fd(stream, share->fd);
}

/* ---- the other end ---- */

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len + 1);
	OWN(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return fd_take(&fd);
}

/* The first descriptor that comes; whatever else does is closed. */
static int receive_fd(int socket, int patience_ms)
{
	char byte, control[CMSG_SPACE(8 * sizeof(int))];
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct pollfd waited = {.fd = socket, .events = POLLIN};
	if (poll(&waited, 1, patience_ms) == 0)
		return -ETIMEDOUT;
	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	int found = -EBADMSG;
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at; at = CMSG_NXTHDR(&message, at)) {
		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= at->cmsg_len; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(at) + i * sizeof(fd), sizeof(fd));
			if (found < 0)
				found = fd;
			else
				close(fd);
		}
	}
	return found;
}

int share_take(
	const char *path, size_t len, int patience_ms, struct share *ret_share, struct why *why)
{
	OWN(fd_close) int socket = connect_to(path);
	if (socket < 0)
		return why_errno(why, socket, "%s", path);
	OWN(fd_close) int fd = receive_fd(socket, patience_ms);
	if (fd < 0)
		return why_errno(why, fd, "%s", path);
	struct stat status;
	int seals = fcntl(fd, F_GET_SEALS);
	/* One that could shrink would kill who reads it. */
	if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(fd, &status) < 0 ||
		status.st_size != (off_t)len)
		return why_set(why, -EBADMSG, "%s: what it hands over is no trace of ours", path);
	struct share share = {.len = len, .fd = fd};
	int err = map(&share, PROT_READ);
	if (err)
		return why_errno(why, err, "%s", path);
	fd_take(&fd);
	*ret_share = share;
	return 0;
}

void share_done(struct share *share)
{
	if (share->bytes) {
		munmap(share->bytes, share->len);
		close(share->fd);
	}
	*share = (struct share){0};
}
