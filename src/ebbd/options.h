/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of ebbd.
 *
 * The main thread, before anything else runs.
 */
#ifndef EBB_EBBD_OPTIONS_H
#define EBB_EBBD_OPTIONS_H

#include <stdbool.h>

struct str;

struct options {
	const char *config; /* NULL: not given */
	const char *state;
	bool foreground, check, version, help;
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
