/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of ebb-vold: all its settings, so that no parser of YAML lives in this process.
 *
 * The main thread, before anything else runs.
 */
#ifndef EBB_EBB_VOLD_OPTIONS_H
#define EBB_EBB_VOLD_OPTIONS_H

#include <stdbool.h>

struct str;

struct options {
	const char *state;
	const char *socket; /* NULL: vold.sock in the state folder */
	const char *nbd;    /* NULL: nbd.sock in the state folder */
	const char *tcp;    /* another address for clients; NULL: none */
	const char *tls_certificates, *tls_key, *tls_clients, *tls_psk; /* files; NULL: none */
	bool tls_optional;                                              /* for clients by TCP */
	bool tls_unix; /* clients of the Unix socket must, too */
	bool single;   /* one client, on stdin and stdout, and nothing else */
	bool version, help;
};

enum options_next {
	OPTIONS_RUN,
	OPTIONS_SAY,   /* what --help or --version ask for */
	OPTIONS_WRONG, /* what is wrong */
};

/* Borrows argv. Where there is something to say it is added to `ret_text`. */
enum options_next options_read(
	char *const *argv, struct options *ret_options, struct str *ret_text);

#endif
