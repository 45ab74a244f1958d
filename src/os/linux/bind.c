/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replacing a stale socket: bind finds the name taken, connect finds nobody, the file is removed,
 * bind again. Two programs doing this at once could remove each other's fresh socket, and a socket
 * that is bound but does not listen yet looks stale; so the whole of it happens under a lock on the
 * folder.
 */
#include "os/linux/bind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <time.h>

#include "base/own.h"
#include "base/why.h"
#include "os/linux/fd.h"
#include "os/linux/net_addr.h"

/* Two seconds. */
enum { LOCK_TRIES = 200, LOCK_NAP_NS = 10000000 };

static int lock_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	OWN(own_free)
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (!folder)
		return -ENOMEM;
	OWN(fd_close) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Others hold it for a moment; who holds it longer means no good, and gets no patience. */
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		const struct timespec nap = {.tv_nsec = LOCK_NAP_NS};
		if (errno != EWOULDBLOCK || i == LOCK_TRIES)
			return -errno;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
	}
	return fd_take(&fd);
}

/* 0 when nobody answers there; EAGAIN means that the backlog of somebody is full. */
static int try_to_reach(const struct net_addr *addr)
{
	OWN(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, &addr->any, addr->len) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	return errno == ECONNREFUSED || errno == ENOENT ? 0 : -errno;
}

static int remove_stale(const char *text, const struct net_addr *addr, struct why *why)
{
	struct stat about;
	if (lstat(addr->un.sun_path, &about) == 0 && !S_ISSOCK(about.st_mode))
		return why_set(why, -EEXIST,
			"%s: a file that is no socket stands there; it is left "
			"alone: remove it, or name another path",
			text);
	int err = try_to_reach(addr);
	if (err == -EADDRINUSE)
		return why_set(why, err, "%s: another program listens there and answers", text);
	if (err)
		return why_errno(why, err, "%s: whether another program listens there", text);
	if (unlink(addr->un.sun_path) < 0 && errno != ENOENT)
		return why_errno(why, -errno, "%s: a stale socket cannot be removed", text);
	return 0;
}

static int bind_unix(int fd, const char *text, const struct net_addr *addr, struct bound *ret_bound,
	struct why *why)
{
	struct stat about;
	struct bound bound = {0};
	/* Linux gives the file the mode of the socket: no moment in which others could connect. */
	if (fchmod(fd, 0600) < 0)
		return why_errno(why, -errno, "%s: mode of the socket", text);
	int result = bind(fd, &addr->any, addr->len);
	if (result < 0 && errno == EADDRINUSE) {
		int err = remove_stale(text, addr, why);
		if (err)
			return err;
		result = bind(fd, &addr->any, addr->len);
	}
	if (result < 0 || lstat(addr->un.sun_path, &about) < 0)
		return why_errno(why, -errno, "%s: cannot listen there", text);
	memcpy(bound.path, addr->un.sun_path, sizeof(addr->un.sun_path));
	bound.dev = about.st_dev;
	bound.ino = about.st_ino;
	*ret_bound = bound;
	return 0;
}

static int bind_tcp(int fd, const char *text, const struct net_addr *addr, struct why *why)
{
	int on = 1;
	/* Connections of a program just ended must not keep its successor from the port. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		(addr->any.sa_family == AF_INET6 &&
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
		bind(fd, &addr->any, addr->len) < 0)
		return why_errno(why, -errno, "%s: cannot listen there", text);
	return 0;
}

int bind_and_listen(
	const char *text, const struct net_addr *addr, struct bound *ret_bound, struct why *why)
{
	bool is_unix = addr->any.sa_family == AF_UNIX;
	OWN(fd_close) int lock = is_unix ? lock_folder(addr->un.sun_path) : -1;
	if (is_unix && lock == -EWOULDBLOCK)
		return why_set(why, -EBUSY,
			"%s: another program has locked the folder to listen in it", text);
	if (is_unix && lock < 0)
		return why_errno(why, lock, "%s: the folder of the socket", text);
	OWN(fd_close)
	int fd = socket(addr->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return why_errno(why, -errno, "%s: no socket", text);
	struct bound bound = {0};
	int err = is_unix ? bind_unix(fd, text, addr, &bound, why) : bind_tcp(fd, text, addr, why);
	if (err)
		return err;
	/* As long as the machine allows: a full backlog resets TCP connections once data arrives.
	 */
	if (listen(fd, SOMAXCONN) < 0) {
		err = why_errno(why, -errno, "%s: cannot listen there", text);
		bound_release(&bound);
		return err;
	}
	*ret_bound = bound;
	return fd_take(&fd);
}

void bound_release(const struct bound *bound)
{
	struct stat about;
	if (bound->path[0] && lstat(bound->path, &about) == 0 && about.st_dev == bound->dev &&
		about.st_ino == bound->ino)
		unlink(bound->path);
}
