/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepting, one connection an event: others get their turn between, and the callback may close
 * the listener. What binds a name stands in bind.c.
 */
#include "os/linux/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/linux/bind.h"
#include "os/linux/fd.h"
#include "os/linux/loop.h"
#include "os/linux/net.h"
#include "os/linux/net_addr.h"
#include "os/linux/stream.h"
#include "os/net.h"

/* How long a listener without a free descriptor waits before it tries again. */
#define PAUSE_NS (100 * NS_PER_MS)

struct linux_listener {
	struct listener base;
	struct linux_net *net;
	struct watch watch;
	struct timer pause;
	struct bound bound;
};

static struct linux_listener *listener_of(struct listener *listener)
{
	return container_of(listener, struct linux_listener, base);
}

/* The connection stays in the backlog and its event would come without end: look away a while. */
static void rest(struct linux_listener *listener)
{
	struct linux_loop *loop = listener->net->loop;
	watch_change(loop, &listener->watch, 0);
	timer_set(&loop->base, &listener->pause, clock_mono_ns(loop->timers.clock) + PAUSE_NS);
}

static void on_pause_over(struct timer *timer)
{
	struct linux_listener *listener = container_of(timer, struct linux_listener, pause);
	watch_change(listener->net->loop, &listener->watch, EPOLLIN);
}

static bool is_shortage(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

/* Errors of the connection itself (accept(2) lists them) leave the listener as it is. */
static void on_ready(struct watch *watch, uint32_t events)
{
	struct linux_listener *listener = container_of(watch, struct linux_listener, watch);
	struct stream *stream;
	(void)events;
	OWN(fd_close) int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 && is_shortage(errno))
		rest(listener);
	if (fd < 0 || linux_stream_new(listener->net->loop, fd, &stream) < 0)
		return;
	fd_take(&fd);
	listener->base.on_accept(&listener->base, stream);
}

static void linux_listener_close(struct listener *base)
{
	struct linux_listener *listener = listener_of(base);
	timer_cancel(&listener->net->loop->base, &listener->pause);
	watch_remove(listener->net->loop, &listener->watch);
	close(listener->watch.fd);
	bound_release(&listener->bound);
	free(listener);
}

static const struct listener_ops linux_listener_ops = {.close = linux_listener_close};

/* Takes the descriptor when it answers 0. */
static int listener_new(
	struct linux_net *net, int fd, const struct bound *bound, struct listener **ret_listener)
{
	struct linux_listener *listener = malloc(sizeof(*listener));
	if (!listener)
		return -ENOMEM;
	*listener = (struct linux_listener){
		.base.ops = &linux_listener_ops,
		.net = net,
		.watch = {.fd = fd, .fn = on_ready},
		.pause.fn = on_pause_over,
		.bound = *bound,
	};
	int err = watch_add(net->loop, &listener->watch, EPOLLIN);
	if (err) {
		free(listener);
		return err;
	}
	*ret_listener = &listener->base;
	return 0;
}

int linux_listener_open(struct linux_net *net, const char *text, const struct net_addr *addr,
	struct listener **ret_listener, struct why *why)
{
	struct bound bound = {0};
	OWN(fd_close) int fd = bind_and_listen(text, addr, &bound, why);
	if (fd < 0)
		return fd;
	int err = listener_new(net, fd, &bound, ret_listener);
	if (err) {
		bound_release(&bound);
		return why_errno(why, err, "%s", text);
	}
	fd_take(&fd);
	return 0;
}

static bool is_listening_stream(int fd)
{
	int type, listening;
	socklen_t type_len = sizeof(type), listening_len = sizeof(listening);
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_STREAM &&
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_len) == 0 &&
		listening;
}

int linux_listener_adopt(
	struct linux_net *net, int fd, struct listener **ret_listener, struct why *why)
{
	const struct bound none = {0};
	if (!is_listening_stream(fd))
		return why_set(why, -EINVAL,
			"descriptor %d is no listening stream socket: the unit wants ListenStream=",
			fd);
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
		fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return why_errno(why, -errno, "descriptor %d", fd);
	int err = listener_new(net, fd, &none, ret_listener);
	return err ? why_errno(why, err, "descriptor %d", fd) : 0;
}

int linux_listener_port(struct listener *listener)
{
	struct net_addr addr = {.len = sizeof(addr.un)}; /* the longest */
	must(listener->ops == &linux_listener_ops);
	if (getsockname(listener_of(listener)->watch.fd, &addr.any, &addr.len) < 0)
		return -errno;
	if (addr.any.sa_family == AF_INET)
		return ntohs(addr.in.sin_port);
	return addr.any.sa_family == AF_INET6 ? ntohs(addr.in6.sin6_port) : -ENOTSUP;
}

int linux_listener_for_group(struct listener *listener)
{
	must(listener->ops == &linux_listener_ops);
	const char *path = listener_of(listener)->bound.path;
	return *path && chmod(path, 0660) < 0 ? -errno : 0;
}
