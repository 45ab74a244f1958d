/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where HTTP is listened to, as people write it: "127.0.0.1:9797", "[::1]:9797", a bare port, which
 * is one of 127.0.0.1, or "off".
 *
 * Any thread. Pure.
 */
#ifndef EBB_CONF_LISTEN_H
#define EBB_CONF_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

struct why;

enum { CONF_LISTEN_MAX = 63 };

struct conf_listen {
	bool off;
	bool loopback;                  /* reached from this machine only */
	char host[CONF_LISTEN_MAX + 1]; /* the address alone, with the brackets of IPv6 */
	char address[CONF_LISTEN_MAX + sizeof("tcp:127.0.0.1:")]; /* as in os/net.h */
};

/* 0, or -EINVAL with what to write instead and, in ret_at, where the text goes wrong. */
int conf_listen_parse(const char *text, struct conf_listen *ret, size_t *ret_at, struct why *why);

#endif
