/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading UTF-8 one character at a time, strictly: no overlong forms, no surrogates, nothing above
 * U+10FFFF (RFC 3629, section 3).
 *
 * Any thread.
 */
#ifndef EBB_BASE_UTF8_H
#define EBB_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character at `text`, `len` >= 1 bytes being left. Its length in bytes; 0: it is none. */
size_t utf8_take(const char *text, size_t len, uint32_t *ret_code);

/* May it stand in a line on a terminal: no control, and nothing that hides or reorders text. */
bool utf8_is_shown(uint32_t code);

#endif
