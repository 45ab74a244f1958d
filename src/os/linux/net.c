/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting, and the door to listener.c. */
#include "os/linux/net.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "os/linux/fd.h"
#include "os/linux/listener.h"
#include "os/linux/net_addr.h"
#include "os/linux/stream.h"

static int linux_connect(
	struct net *net, const char *address, struct stream **ret_stream, struct why *why)
{
	struct linux_net *mine = container_of(net, struct linux_net, base);
	struct net_addr addr;
	int err = net_addr_parse(address, &addr, why);
	if (err)
		return err;
	OWN(fd_close)
	int fd = socket(addr.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return why_errno(why, -errno, "%s: no socket", address);
	if (connect(fd, &addr.any, addr.len) < 0 && errno != EINPROGRESS) {
		if (errno == EAGAIN)
			return why_set(
				why, -EAGAIN, "%s: too many wait there to be accepted", address);
		return why_errno(why, -errno, "%s: cannot connect", address);
	}
	err = linux_stream_new(mine->loop, fd, ret_stream);
	if (err)
		return why_errno(why, err, "%s: cannot connect", address);
	fd_take(&fd);
	return 0;
}

static int linux_listen(
	struct net *net, const char *address, struct listener **ret_listener, struct why *why)
{
	struct net_addr addr;
	int err = net_addr_parse(address, &addr, why);
	if (err)
		return err;
	return linux_listener_open(
		container_of(net, struct linux_net, base), address, &addr, ret_listener, why);
}

static const struct net_ops linux_net_ops = {.listen = linux_listen, .connect = linux_connect};

void linux_net_init(struct linux_net *net, struct linux_loop *loop)
{
	*net = (struct linux_net){.base.ops = &linux_net_ops, .loop = loop};
}

int linux_net_adopt(struct net *net, int fd, struct listener **ret_listener, struct why *why)
{
	must(net->ops == &linux_net_ops);
	return linux_listener_adopt(
		container_of(net, struct linux_net, base), fd, ret_listener, why);
}

int linux_net_connected(struct net *net, int fd, struct stream **ret_stream)
{
	must(net->ops == &linux_net_ops);
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return linux_stream_new(container_of(net, struct linux_net, base)->loop, fd, ret_stream);
}

static long number(const char *text)
{
	char *end;
	if (!text || *text < '0' || *text > '9')
		return -1;
	long value = strtol(text, &end, 10);
	return *end ? -1 : value;
}

int linux_listen_fds(const char *listen_pid, const char *listen_fds)
{
	long count = number(listen_fds);
	if (number(listen_pid) != getpid() || count < 0 || count > INT_MAX - LISTEN_FDS_START)
		return 0;
	return (int)count;
}
