/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand on the command line, and what is said of it. */
#include "ebb-vold/options.h"

#include <errno.h>

#include "base/flags.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb-vold/secure.h"

static void add_help(const struct flag *flags, size_t count, struct str *text)
{
	str_add(text,
		"usage: ebb-vold [OPTION]...\n"
		"The data path of ebb: serves volumes, and goes on when ebbd does not.\n\n");
	flags_help(flags, count, text);
	str_add(text,
		"\n"
		"A socket that the service manager hands over is used instead of --socket.\n"
		"SIGTERM and SIGINT end it in order, a second one at once.\n"
		"Exit codes: 0 ended in order; 1 failed; 2 wrong usage;\n"
		"11 another ebb-vold is running on the state folder.\n");
}

enum options_next options_read(char *const *argv, struct options *ret_options, struct str *ret_text)
{
	struct options options = {.state = "/var/lib/ebb"};
	struct why why;
	const struct flag flags[] = {
		{"state", "DIR", "the state folder (else /var/lib/ebb)", &options.state, NULL},
		{"socket", "PATH", "where it listens for ebbd (else vold.sock in DIR)",
			&options.socket, NULL},
		{"nbd", "PATH", "where it listens for clients (else nbd.sock in DIR)", &options.nbd,
			NULL},
		{"tcp", "ADDRESS",
			"and a tcp:ADDRESS:PORT besides; by TLS only,\n"
			"unless it is 127.0.0.1 or [::1]",
			&options.tcp, NULL},
		{"tls-certificates", "FILE", "ours and those above it, PEM",
			&options.tls_certificates, NULL},
		{"tls-key", "FILE", "its private key, PEM", &options.tls_key, NULL},
		{"tls-clients", "FILE", "whose clients are believed, PEM", &options.tls_clients,
			NULL},
		{"tls-psk", "FILE", "keys shared with clients: NAME:HEX lines", &options.tls_psk,
			NULL},
		{"tls-optional", NULL, "clients of 127.0.0.1 or [::1] may do without TLS", NULL,
			&options.tls_optional},
		{"tls-unix", NULL, "clients of the Unix socket must use TLS, too", NULL,
			&options.tls_unix},
		{"single", NULL,
			"serve the one client whose socket is stdin and stdout,\n"
			"listen nowhere, and end when it goes",
			NULL, &options.single, 's'},
		{"version", NULL, "say the version, and end", NULL, &options.version},
		{"help", NULL, "say this, and end", NULL, &options.help},
	};
	enum { COUNT = sizeof(flags) / sizeof(*flags) };
	int err = flags_read(flags, COUNT, argv, &why);
	if (!err && !options.help && !options.version)
		err = secure_check(&options, &why);
	if (!err && options.single && (options.tcp || options.nbd || options.socket))
		err = why_set(&why, -EINVAL,
			"--single listens nowhere: leave out --tcp, --nbd "
			"and --socket");
	if (err) {
		str_addf(ret_text, "ebb-vold: %s; see ebb-vold --help\n", why.text);
		return OPTIONS_WRONG;
	}
	*ret_options = options;
	if (options.help)
		add_help(flags, COUNT, ret_text);
	else if (options.version)
		str_add(ret_text, "ebb-vold " EBB_VERSION "\n");
	return options.help || options.version ? OPTIONS_SAY : OPTIONS_RUN;
}
