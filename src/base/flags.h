/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of a program that takes options only: "--name", "--name VALUE", "--name=VALUE",
 * and "-n" for some that take none.
 * One table makes the parser and the help.
 *
 * Any thread. Pure.
 */
#ifndef EBB_BASE_FLAGS_H
#define EBB_BASE_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

struct str;
struct why;

enum { FLAGS_MAX = 32 };

struct flag {
	const char *name;     /* without its dashes */
	const char *argument; /* what the help calls its value; NULL: it takes none */
	const char *help;     /* may have several lines */
	const char **value;   /* set to the value, borrowed from argv; where it takes one */
	bool *given;          /* set to true; where it takes none */
	char letter;          /* a short name for it; 0: none; where it takes none */
};

/* The last one given counts. 0, or -EINVAL with a sentence. */
int flags_read(const struct flag *flags, size_t count, char *const *argv, struct why *why);

/* Adds a line or more for each flag, in the table's order. */
void flags_help(const struct flag *flags, size_t count, struct str *text);

#endif
