/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much and how many, as people read it: bytes in the unit that fits, and words that agree with
 * their number. What programs read has bytes and plain numbers instead.
 *
 * Any thread.
 */
#ifndef EBB_EBB_AMOUNT_H
#define EBB_EBB_AMOUNT_H

#include <stdint.h>

enum { AMOUNT = 96 };

/* "1 byte", "4.0 KiB", "512 MiB": never more than four digits. Returns `text`. */
const char *amount_bytes(uint64_t bytes, char text[AMOUNT]);

/* "1 entry", "0 entries": the number, and `one` or `many`. Returns `text`. */
const char *amount_count(uint64_t count, const char *one, const char *many, char text[AMOUNT]);

/* Among the arguments of a print: the text lives as long as the block that it stands in. */
#define BYTES(bytes) amount_bytes(bytes, (char[AMOUNT]){0})
#define COUNT(count, one, many) amount_count(count, one, many, (char[AMOUNT]){0})

#endif
