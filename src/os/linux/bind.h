/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binding an address and listening on it; for Unix sockets, the file that comes with it.
 *
 * The loop's thread only.
 */
#ifndef EBB_OS_LINUX_BIND_H
#define EBB_OS_LINUX_BIND_H

#include <sys/stat.h>
#include <sys/un.h>

struct net_addr;
struct why;

/* The file of a Unix socket; all zero: none. */
struct bound {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	dev_t dev;
	ino_t ino;
};

/*
 * A listening descriptor that does not block, or negative errno with the reason. A Unix socket gets
 * mode 0600; one that nobody answers on is replaced, anything else that stands there is left alone.
 */
int bind_and_listen(
	const char *text, const struct net_addr *addr, struct bound *ret_bound, struct why *why);

/* Removes the file, unless another stands there by now. */
void bound_release(const struct bound *bound);

#endif
