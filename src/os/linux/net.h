/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams over Unix and TCP sockets; and listening sockets that systemd opened before it started
 * the program.
 *
 * The loop's thread only.
 */
#ifndef EBB_OS_LINUX_NET_H
#define EBB_OS_LINUX_NET_H

#include "os/net.h"

struct linux_loop;

struct linux_net {
	struct net base;
	struct linux_loop *loop; /* borrowed */
};

void linux_net_init(struct linux_net *net, struct linux_loop *loop);

/* Takes the descriptor of a listening socket when it answers 0; gives the listener. */
int linux_net_adopt(struct net *net, int fd, struct listener **ret_listener, struct why *why);

/* Takes a connected socket when it answers 0; gives the stream. -ENOTSOCK ... */
int linux_net_connected(struct net *net, int fd, struct stream **ret_stream);

/*
 * How many descriptors, from LISTEN_FDS_START on, the service manager handed over: sd_listen_fds(3)
 * on the values of LISTEN_PID and LISTEN_FDS, NULL when not set. 0 when they are for another
 * process.
 */
enum { LISTEN_FDS_START = 3 };
int linux_listen_fds(const char *listen_pid, const char *listen_fds);

/*
 * Takes the stream; gives its descriptor, which does not block, for a library that has its own idea
 * of a connection.
 */
int linux_net_release(struct stream *stream);

/* Whoever is in the group of a Unix socket's file may connect, too. 0 or negative errno. */
int linux_listener_for_group(struct listener *listener);

/* The port of a listening TCP socket, for "tcp:...:0"; -ENOTSUP for others. */
int linux_listener_port(struct listener *listener);

#endif
