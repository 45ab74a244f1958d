/* SPDX-License-Identifier: Apache-2.0 */
/* Any text is an address or refused with a reason; one that is read can be shown and read again. */
#include "os/linux/net_addr.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void show(const struct net_addr *addr, char text[128])
{
	char host[INET6_ADDRSTRLEN];
	if (addr->any.sa_family == AF_UNIX)
		snprintf(text, 128, "unix:%s", addr->un.sun_path);
	else if (addr->any.sa_family == AF_INET)
		snprintf(text, 128, "tcp:%s:%u",
			inet_ntop(AF_INET, &addr->in.sin_addr, host, sizeof(host)),
			ntohs(addr->in.sin_port));
	else
		snprintf(text, 128, "tcp:[%s]:%u",
			inet_ntop(AF_INET6, &addr->in6.sin6_addr, host, sizeof(host)),
			ntohs(addr->in6.sin6_port));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct net_addr addr, again;
	struct why why = {0};
	char shown[128];
	OWN(own_free) char *text = len ? strndup((const char *)data, len) : strdup("");
	must(text);
	if (net_addr_parse(text, &addr, &why)) {
		must(why.text[0]);
		return 0;
	}
	show(&addr, shown);
	must(net_addr_parse(shown, &again, NULL) == 0);
	must(addr.len == again.len && memcmp(&addr.any, &again.any, addr.len) == 0);
	return 0;
}
