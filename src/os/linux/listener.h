/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening socket: made for an address, or adopted from whoever started the program.
 *
 * The loop's thread only.
 */
#ifndef EBB_OS_LINUX_LISTENER_H
#define EBB_OS_LINUX_LISTENER_H

#include <stdint.h>

struct linux_net;
struct listener;
struct net_addr;
struct why;

/* Gives the listener; `text` is the address in people's words. */
int linux_listener_open(struct linux_net *net, const char *text, const struct net_addr *addr,
	struct listener **ret_listener, struct why *why);

/* Takes a listening stream socket when it answers 0; gives the listener. */
int linux_listener_adopt(
	struct linux_net *net, int fd, struct listener **ret_listener, struct why *why);

#endif
