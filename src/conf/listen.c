/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers only: what a name means is for a resolver to say, and may change. */
#include "conf/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/why.h"

static bool is_port(const char *text)
{
	size_t len = strspn(text, "0123456789");
	unsigned value = 0;
	if (!len || len > 5 || text[len])
		return false;
	for (; *text; text++)
		value = value * 10 + (unsigned)(*text - '0');
	return value <= 65535;
}

/* The address without its brackets. False: it is none. */
static bool is_address(const char *host, bool *ret_loopback)
{
	struct in_addr v4;
	struct in6_addr v6;
	size_t len = strlen(host);
	char inside[CONF_LISTEN_MAX + 1] = "";
	if (inet_pton(AF_INET, host, &v4) == 1) {
		*ret_loopback = ntohl(v4.s_addr) >> 24 == 127;
		return true;
	}
	if (len < 4 || host[0] != '[' || host[len - 1] != ']')
		return false;
	memcpy(inside, host + 1, len - 2);
	if (inet_pton(AF_INET6, inside, &v6) != 1)
		return false;
	*ret_loopback = IN6_IS_ADDR_LOOPBACK(&v6);
	return true;
}

int conf_listen_parse(const char *text, struct conf_listen *ret, size_t *ret_at, struct why *why)
{
	struct conf_listen listen = {.off = strcmp(text, "off") == 0};
	const char *colon = strrchr(text, ':');
	const char *port = colon ? colon + 1 : text;
	size_t host_len = colon ? (size_t)(colon - text) : 0;
	*ret_at = 0;
	if (listen.off) {
		*ret = listen;
		return 0;
	}
	if (strlen(text) > CONF_LISTEN_MAX)
		return why_set(why, -EINVAL, "'%.32s...' is no address", text);
	snprintf(listen.host, sizeof(listen.host), "%.*s", (int)host_len, text);
	if (!colon)
		snprintf(listen.host, sizeof(listen.host), "127.0.0.1");
	if (!is_port(port)) {
		*ret_at = (size_t)(port - text);
		return why_set(why, -EINVAL,
			"'%s' has no port from 0 to 65535: write 127.0.0.1:9797, [::1]:9797, a "
			"port or off",
			text);
	}
	if (!is_address(listen.host, &listen.loopback))
		return why_set(why, -EINVAL,
			"'%s' is no address: write 127.0.0.1 or [::1], not a name", listen.host);
	snprintf(listen.address, sizeof(listen.address), "tcp:%s:%s", listen.host, port);
	*ret = listen;
	return 0;
}
