/* SPDX-License-Identifier: Apache-2.0 */
/* A network sees no volume in the clear, whatever the options say. */
#include "ebb-vold/secure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/why.h"
#include "ebb-vold/options.h"
#include "nbd/tls.h"
#include "os/linux/net_addr.h"
#include "os/linux/textfile.h"

enum { FILE_MAX = 1 << 20 };

static bool is_loopback(const struct net_addr *addr)
{
	return addr->any.sa_family == AF_INET
		? ntohl(addr->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
		: IN6_IS_ADDR_LOOPBACK(&addr->in6.sin6_addr);
}

static int check_tcp(const struct options *options, bool has_tls, struct why *why)
{
	struct net_addr addr;
	int err = net_addr_parse(options->tcp, &addr, why);
	if (err)
		return err;
	if (addr.any.sa_family == AF_UNIX)
		return why_set(why, -EINVAL, "--tcp %s: write tcp:ADDRESS:PORT", options->tcp);
	if (is_loopback(&addr))
		return 0;
	if (!has_tls)
		return why_set(why, -EINVAL,
			"--tcp %s would serve volumes to a network in the clear: give "
			"--tls-certificates and --tls-key, or --tls-psk, or listen on 127.0.0.1 or "
			"[::1]",
			options->tcp);
	if (options->tls_optional)
		return why_set(why, -EINVAL,
			"--tls-optional is for 127.0.0.1 and [::1], and --tcp %s is on a network",
			options->tcp);
	return 0;
}

int secure_check(const struct options *options, struct why *why)
{
	bool has_tls = options->tls_certificates || options->tls_psk;
	if (!options->tls_certificates != !options->tls_key)
		return why_set(why, -EINVAL, "--tls-certificates and --tls-key go together");
	if (options->tls_clients && !options->tls_certificates)
		return why_set(why, -EINVAL, "--tls-clients wants --tls-certificates");
	if ((options->tls_unix || options->tls_optional) && !has_tls)
		return why_set(why, -EINVAL, "%s wants --tls-certificates or --tls-psk",
			options->tls_unix ? "--tls-unix" : "--tls-optional");
	return options->tcp ? check_tcp(options, has_tls, why) : 0;
}

int secure_open(const struct options *options, struct nbd_tls **ret_tls, struct why *why)
{
	const char *const paths[] = {options->tls_certificates, options->tls_key,
		options->tls_clients, options->tls_psk};
	enum { FILES = sizeof(paths) / sizeof(*paths) };
	char *texts[FILES] = {NULL};
	size_t lens[FILES] = {0};
	int err = 0;
	*ret_tls = NULL;
	for (unsigned i = 0; !err && i < FILES; i++)
		if (paths[i])
			err = textfile_read(paths[i], FILE_MAX, &texts[i], &lens[i], why);
	if (!err && (texts[0] || texts[3])) {
		const struct nbd_tls_options files = {texts[0], texts[1], texts[2], texts[3]};
		err = nbd_tls_new(&files, ret_tls, why);
	}
	for (unsigned i = 0; i < FILES; i++) {
		if (texts[i])
			explicit_bzero(texts[i], lens[i]);
		free(texts[i]);
	}
	return err;
}
