/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of words, as the kernel's small texts are made: shared by the parsers of this room.
 *
 * Any thread, one at a time for each struct. Pure.
 */
#ifndef EBB_OS_LINUX_WORDS_H
#define EBB_OS_LINUX_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left of a text, and of the line at hand. Begin with {.next = text}. */
struct words {
	const char *at;   /* in the line */
	const char *end;  /* of the line */
	const char *next; /* line */
	unsigned line;
};

bool words_line(struct words *words);

/* The next word, up to `stop` at most, which is left standing; its length. */
size_t words_next(struct words *words, char stop, const char **ret_word);

/* Takes the text where it stands next. */
bool words_take(struct words *words, const char *text);

/* False: no number, or one beyond 64 bits. */
bool words_number(struct words *words, uint64_t *ret_value);
bool words_numbers(struct words *words, size_t count, uint64_t *ret_values);

#endif
