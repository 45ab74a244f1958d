/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request line of the control protocol: words, separated by single spaces, ended by a newline.
 * Inside a word the bytes 0x00..0x20, '%' and 0x7f are written %XX. A word may be empty, the first
 * one, the verb, may not. A word never holds the byte 0x00. So each list of words has a line, and
 * each line one list of words or a refusal.
 *
 * Any thread. Pure.
 */
#ifndef EBB_TALK_LINE_H
#define EBB_TALK_LINE_H

#include <stddef.h>

struct str;
struct why;

enum { TALK_LINE_MAX = 4096, TALK_WORDS_MAX = 64 }; /* bytes with the newline; words of a line */

struct talk_words {
	size_t count; /* at least 1 */
	const char *at[TALK_WORDS_MAX];
};

/*
 * Appends the line of `count` words, newline included. 0; -EINVAL: no verb; -E2BIG: too many words
 * or bytes; -ENOMEM.
 */
int talk_line_make(const char *const *words, size_t count, struct str *ret_line, struct why *why);

/*
 * Reads a line of `len` bytes; its newline at line[len] is not counted. Decodes in place: the words
 * point into `line`. 0; -EINVAL or -E2BIG with a sentence for who sent it, and the line's bytes
 * undefined.
 */
int talk_line_parse(char *line, size_t len, struct talk_words *ret_words, struct why *why);

#endif
