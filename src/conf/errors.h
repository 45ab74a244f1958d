/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mistakes found in a configuration, each a line `file:line:col: key: what is wrong`.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_CONF_ERRORS_H
#define EBB_CONF_ERRORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"

enum { CONF_ERRORS_MAX = 20 };

/* All-zero: none. */
struct conf_errors {
	size_t count;
	bool more; /* reading ended before the end: there may be others */
	struct why at[CONF_ERRORS_MAX];
};

/* Where in which file; line and column count from 1, line 0 stands for the file as a whole. */
struct conf_place {
	const char *file;
	uint32_t line, column;
};

/* Adds one; `key` may be NULL. Returns -EINVAL. */
int conf_error(struct conf_errors *errors, struct conf_place place, const char *key,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* No room for another. */
bool conf_errors_full(const struct conf_errors *errors);

enum { CONF_SHOWN = 64 };

/* `len` bytes of UTF-8 as a message may show them: cut when long, nothing that moves a terminal. */
const char *conf_shown(const char *text, size_t len, char shown[CONF_SHOWN]);

#endif
