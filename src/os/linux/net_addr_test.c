/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, good and bad. */
#include "os/linux/net_addr.h"

#include <arpa/inet.h>
#include <errno.h>

#include "base/test.h"
#include "base/why.h"

TEST(good_addresses_are_read)
{
	struct net_addr addr;
	CHECK_EQ(net_addr_parse("unix:/run/ebb/ebbd.sock", &addr, NULL), 0);
	CHECK_EQ(addr.any.sa_family, AF_UNIX);
	CHECK_STR(addr.un.sun_path, "/run/ebb/ebbd.sock");
	CHECK_EQ(net_addr_parse("tcp:127.0.0.1:10809", &addr, NULL), 0);
	CHECK_EQ(addr.any.sa_family, AF_INET);
	CHECK_EQ(ntohl(addr.in.sin_addr.s_addr), INADDR_LOOPBACK);
	CHECK_EQ(ntohs(addr.in.sin_port), 10809);
	CHECK_EQ(net_addr_parse("tcp:[::1]:65535", &addr, NULL), 0);
	CHECK_EQ(addr.any.sa_family, AF_INET6);
	CHECK(memcmp(&addr.in6.sin6_addr, &in6addr_loopback, sizeof(in6addr_loopback)) == 0);
	CHECK_EQ(ntohs(addr.in6.sin6_port), 65535);
	CHECK_EQ(net_addr_parse("tcp:0.0.0.0:0", &addr, NULL), 0);
}

TEST(the_longest_path_fits_and_one_more_does_not)
{
	char text[5 + 108 + 1] = "unix:";
	struct net_addr addr;
	struct why why;
	memset(text + 5, 'x', 107);
	CHECK_EQ(net_addr_parse(text, &addr, &why), 0);
	CHECK_EQ(strlen(addr.un.sun_path), 107);
	text[5 + 107] = 'x';
	CHECK_EQ(net_addr_parse(text, &addr, &why), -EINVAL);
	CHECK(strstr(why.text, "x: the path of a socket has at most 107 bytes"));
}

TEST(bad_addresses_are_refused_with_their_reason)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"", ": not an address: unix:PATH or tcp:ADDRESS:PORT"},
		{"127.0.0.1:80", "127.0.0.1:80: not an address: unix:PATH or tcp:ADDRESS:PORT"},
		{"unix:", "unix:: the path of the socket is missing"},
		{"tcp:", "tcp:: the port is missing: tcp:ADDRESS:PORT"},
		{"tcp:127.0.0.1", "tcp:127.0.0.1: the port is missing: tcp:ADDRESS:PORT"},
		{"tcp:127.0.0.1:", "tcp:127.0.0.1:: the port is missing: tcp:ADDRESS:PORT"},
		{"tcp:[::1]", "tcp:[::1]: the port is missing: tcp:ADDRESS:PORT"},
		{"tcp::80", "tcp::80: \"\" is no address: write 127.0.0.1 or [::1], not a name"},
		{"tcp:localhost:80",
			"tcp:localhost:80: \"localhost\" is no address: "
			"write 127.0.0.1 or [::1], not a name"},
		{"tcp:::1:80",
			"tcp:::1:80: \"::1\" is no address: write 127.0.0.1 or [::1], not a name"},
		{"tcp:127.0.0.1:65536", "tcp:127.0.0.1:65536: \"65536\" is no port: 0 to 65535"},
		{"tcp:127.0.0.1:000080", "tcp:127.0.0.1:000080: \"000080\" is no port: 0 to 65535"},
		{"tcp:127.0.0.1:+80", "tcp:127.0.0.1:+80: \"+80\" is no port: 0 to 65535"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct net_addr addr;
		struct why why;
		CHECK_EQ(net_addr_parse(bad[i].text, &addr, &why), -EINVAL);
		CHECK_STR(why.text, bad[i].why);
	}
}

TEST_MAIN
