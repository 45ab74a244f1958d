/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and paths only: resolving names blocks, and is another's work. */
#include "os/linux/net_addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "base/why.h"

/* Decimal, 0 .. 65535, nothing else. */
static int parse_port(const char *text, in_port_t *ret_port)
{
	unsigned value = 0;
	size_t len = strspn(text, "0123456789");
	if (len == 0 || len > 5 || text[len])
		return -EINVAL;
	for (; *text; text++)
		value = value * 10 + (unsigned)(*text - '0');
	if (value > UINT16_MAX)
		return -EINVAL;
	*ret_port = htons((in_port_t)value);
	return 0;
}

static int parse_unix(
	const char *text, const char *path, struct net_addr *ret_addr, struct why *why)
{
	struct net_addr addr = {.un = {.sun_family = AF_UNIX}};
	size_t len = strlen(path);
	if (len == 0)
		return why_set(why, -EINVAL, "%s: the path of the socket is missing", text);
	if (len >= sizeof(addr.un.sun_path))
		return why_set(why, -EINVAL, "%s: the path of a socket has at most %zu bytes", text,
			sizeof(addr.un.sun_path) - 1);
	memcpy(addr.un.sun_path, path, len);
	addr.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	*ret_addr = addr;
	return 0;
}

static bool parse_ip(const char *host, size_t len, struct net_addr *ret_addr)
{
	char text[INET6_ADDRSTRLEN + 2] = {0};
	struct net_addr addr = {0};
	if (len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text[len - 1] = '\0';
		addr.in6.sin6_family = AF_INET6;
		addr.len = sizeof(addr.in6);
		*ret_addr = addr;
		return inet_pton(AF_INET6, text + 1, &ret_addr->in6.sin6_addr) == 1;
	}
	addr.in.sin_family = AF_INET;
	addr.len = sizeof(addr.in);
	*ret_addr = addr;
	return inet_pton(AF_INET, text, &ret_addr->in.sin_addr) == 1;
}

static int parse_tcp(const char *text, const char *rest, struct net_addr *ret_addr, struct why *why)
{
	struct net_addr addr;
	in_port_t port;
	const char *colon = strrchr(rest, ':');
	if (!colon || colon[1] == '\0' || strchr(colon, ']'))
		return why_set(why, -EINVAL, "%s: the port is missing: tcp:ADDRESS:PORT", text);
	if (!parse_ip(rest, (size_t)(colon - rest), &addr))
		return why_set(why, -EINVAL,
			"%s: \"%.*s\" is no address: write 127.0.0.1 or [::1], not a name", text,
			(int)(colon - rest), rest);
	if (parse_port(colon + 1, &port))
		return why_set(why, -EINVAL, "%s: \"%s\" is no port: 0 to 65535", text, colon + 1);
	if (addr.any.sa_family == AF_INET6)
		addr.in6.sin6_port = port;
	else
		addr.in.sin_port = port;
	*ret_addr = addr;
	return 0;
}

int net_addr_parse(const char *text, struct net_addr *ret_addr, struct why *why)
{
	if (str_starts(text, "unix:"))
		return parse_unix(text, text + strlen("unix:"), ret_addr, why);
	if (str_starts(text, "tcp:"))
		return parse_tcp(text, text + strlen("tcp:"), ret_addr, why);
	return why_set(why, -EINVAL, "%s: not an address: unix:PATH or tcp:ADDRESS:PORT", text);
}
