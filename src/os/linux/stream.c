/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What epoll says, in the words of os/net.h.
 *
 * The kernel tells of a hang-up although bytes of the other side still wait to be read. Those were
 * promised to the reader, so that STREAM_GONE is told only when none are left; until then a hang-up
 * with nothing to tell is parked, or the level-triggered event would come for ever.
 */
#include "os/linux/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/container.h"
#include "base/must.h"
#include "os/linux/loop.h"
#include "os/linux/net.h"
#include "os/net.h"

struct linux_stream {
	struct stream base;
	struct linux_loop *loop;
	struct watch watch;
	int domain;      /* AF_UNIX, AF_INET, AF_INET6 */
	unsigned wanted; /* by the owner */
	bool parked;     /* epoll tells nothing until want() asks again */
	bool gone;       /* STREAM_GONE was told */
};

static struct linux_stream *stream_of(struct stream *stream)
{
	return container_of(stream, struct linux_stream, base);
}

static bool has_unread(int fd)
{
	int count = 0;
	return ioctl(fd, FIONREAD, &count) == 0 && count > 0;
}

/* Fires once more and then not even for a hang-up; unlike a removal this cannot fail later. */
static void park(struct linux_stream *stream)
{
	watch_change(stream->loop, &stream->watch, EPOLLONESHOT);
	stream->parked = true;
}

static void on_ready(struct watch *watch, uint32_t events)
{
	struct linux_stream *stream = container_of(watch, struct linux_stream, watch);
	unsigned tell = 0;
	if (stream->parked)
		return;
	if (events & EPOLLIN)
		tell |= STREAM_CAN_READ;
	if (events & EPOLLOUT)
		tell |= STREAM_CAN_WRITE;
	tell &= stream->wanted;
	if (events & (EPOLLERR | EPOLLHUP)) {
		stream->gone = !has_unread(watch->fd);
		if (stream->gone)
			tell |= STREAM_GONE;
		if (stream->gone || !tell)
			park(stream);
	}
	if (tell)
		stream->base.on_event(&stream->base, tell);
}

static ssize_t linux_stream_read(struct stream *stream, void *bytes, size_t len)
{
	ssize_t n;
	must(len > 0); /* or 0 would look like the end */
	do
		n = recv(stream_of(stream)->watch.fd, bytes, len, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t linux_stream_write(struct stream *stream, const void *bytes, size_t len)
{
	ssize_t n;
	do
		n = send(stream_of(stream)->watch.fd, bytes, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return n;
}

static ssize_t linux_stream_read_parts(
	struct stream *stream, const struct iovec *parts, unsigned count)
{
	ssize_t n;
	do
		n = readv(stream_of(stream)->watch.fd, parts, (int)count);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t linux_stream_write_parts(
	struct stream *stream, const struct iovec *parts, unsigned count)
{
	struct msghdr message = {.msg_iovlen = count};
	ssize_t n;
	/* It is only read. */
	memcpy(&message.msg_iov, &parts, sizeof(parts));
	do
		n = sendmsg(stream_of(stream)->watch.fd, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return n;
}

void linux_stream_large(struct stream *base)
{
	enum { BYTES = 2 << 20 };
	const int names[2][2] = {{SO_SNDBUFFORCE, SO_SNDBUF}, {SO_RCVBUFFORCE, SO_RCVBUF}};
	int fd = stream_of(base)->watch.fd, bytes = BYTES;
	if (stream_of(base)->domain != AF_UNIX)
		return;
	for (int i = 0; i < 2; i++)
		if (setsockopt(fd, SOL_SOCKET, names[i][0], &bytes, sizeof(bytes)) < 0)
			setsockopt(fd, SOL_SOCKET, names[i][1], &bytes, sizeof(bytes));
}

int linux_stream_send_fd(struct stream *stream, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(fd))] = {0};
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	return sendmsg(stream_of(stream)->watch.fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void linux_stream_want(struct stream *base, unsigned events)
{
	struct linux_stream *stream = stream_of(base);
	if (stream->gone || (events == stream->wanted && !stream->parked))
		return;
	stream->wanted = events;
	stream->parked = false;
	watch_change(stream->loop, &stream->watch,
		(events & STREAM_CAN_READ ? (uint32_t)EPOLLIN : 0) |
			(events & STREAM_CAN_WRITE ? (uint32_t)EPOLLOUT : 0));
}

static int linux_stream_peer(struct stream *base, struct peer *ret_peer)
{
	struct linux_stream *stream = stream_of(base);
	struct ucred who;
	socklen_t len = sizeof(who);
	if (stream->domain != AF_UNIX)
		return -ENOTSUP;
	if (getsockopt(stream->watch.fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return -errno;
	*ret_peer = (struct peer){.uid = who.uid, .gid = who.gid, .pid = who.pid};
	return 0;
}

/*
 * A TCP socket closed with unread bytes resets the connection, and the reset may overtake what was
 * written. Taking in what is there first leaves an orderly end.
 */
static void leave_orderly(int fd)
{
	char bytes[4096];
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 64; i++)
		if (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) <= 0)
			return;
}

static void linux_stream_close(struct stream *base)
{
	struct linux_stream *stream = stream_of(base);
	watch_remove(stream->loop, &stream->watch);
	if (stream->domain != AF_UNIX)
		leave_orderly(stream->watch.fd);
	close(stream->watch.fd);
	free(stream);
}

static const struct stream_ops linux_stream_ops = {
	.read = linux_stream_read,
	.write = linux_stream_write,
	.read_parts = linux_stream_read_parts,
	.write_parts = linux_stream_write_parts,
	.want = linux_stream_want,
	.peer = linux_stream_peer,
	.close = linux_stream_close,
};

int linux_stream_new(struct linux_loop *loop, int fd, struct stream **ret_stream)
{
	int domain, on = 1;
	socklen_t len = sizeof(domain);
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return -errno;
	/* Requests and answers are written whole: waiting for more bytes only adds latency. */
	if (domain != AF_UNIX && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		return -errno;
	struct linux_stream *stream = malloc(sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	*stream = (struct linux_stream){
		.base.ops = &linux_stream_ops,
		.loop = loop,
		.watch = {.fd = fd, .fn = on_ready},
		.domain = domain,
	};
	int err = watch_add(loop, &stream->watch, 0);
	if (err) {
		free(stream);
		return err;
	}
	*ret_stream = &stream->base;
	return 0;
}

int linux_net_release(struct stream *base)
{
	struct linux_stream *stream = stream_of(base);
	int fd = stream->watch.fd;
	watch_remove(stream->loop, &stream->watch);
	free(stream);
	return fd;
}
