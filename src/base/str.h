/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that grows. A failed allocation is remembered, later additions do nothing, and str_error()
 * tells once at the end: composing text needs no check per line.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_BASE_STR_H
#define EBB_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

struct str {
	char *at; /* NUL-terminated once something was added; NULL before */
	size_t len;
	size_t cap;
	bool failed;
};

void str_add(struct str *str, const char *text);
void str_add_bytes(struct str *str, const void *bytes, size_t len);
void str_addf(struct str *str, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* 0, or -ENOMEM when any addition since the start could not be stored. */
int str_error(const struct str *str);

/* The text, "" for one that is empty. Borrowed: it moves with the next addition. */
const char *str_text(const struct str *str);

/* Gives the text to the caller and leaves the struct empty. NULL if an addition had failed. */
char *str_take(struct str *str);

/* Empties the text, forgets a failure and keeps the memory for the next use. */
void str_clear(struct str *str);
void str_done(struct str *str);

/* Is `text` one that begins with `start`? */
bool str_starts(const char *text, const char *start);

/* Of `count` words the one that `word` was probably meant to be, NULL when none is near. */
const char *str_nearest(const char *word, const char *const *words, size_t count);

#endif
