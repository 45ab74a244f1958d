/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed values of keys: from text, and back to the text that reads as the same value.
 *
 * Any thread.
 */
#ifndef EBB_CONF_VALUE_H
#define EBB_CONF_VALUE_H

#include <stddef.h>

struct conf_key;
struct str;
struct why;

/* A text of `len` bytes and a NUL. `at`: where in it the reading went wrong, as far as known. */
struct conf_text {
	const char *text;
	size_t len, at;
};

/* Reads the text into its place in `values`. 0 or -EINVAL. */
int conf_value_read(
	const struct conf_key *key, struct conf_text *text, void *values, struct why *why);

/* Adds what conf_value_read() takes for the same value. */
void conf_value_show(const struct conf_key *key, const void *values, struct str *text);

/* Adds what may be written there: "a duration from 1s to 1h", "one of error, warn, info, debug". */
void conf_value_range(const struct conf_key *key, struct str *text);

#endif
