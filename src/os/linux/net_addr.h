/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of the Linux net: "unix:PATH", "tcp:127.0.0.1:PORT", "tcp:[::1]:PORT".
 *
 * Any thread.
 */
#ifndef EBB_OS_LINUX_NET_ADDR_H
#define EBB_OS_LINUX_NET_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

struct why;

struct net_addr {
	socklen_t len;
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
};

/* 0, or -EINVAL with the reason. */
int net_addr_parse(const char *text, struct net_addr *ret_addr, struct why *why);

#endif
