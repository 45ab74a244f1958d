/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A column of whole numbers in few bits (docs/FORMATS.md, "Columns"): the numbers themselves, their
 * differences, or the differences of these, whichever is least; as exceptions from zero, as Rice
 * codes (Rice, "Some practical universal noiseless coding techniques", JPL 79-22, 1979), or as
 * ranks in a list of the few numbers that occur.
 *
 * Sums wrap: any 64-bit numbers come back exactly.
 *
 * Any thread.
 */
#ifndef EBB_SERIES_INTS_H
#define EBB_SERIES_INTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bit_reader;
struct bit_writer;

enum { COLUMN_MAX = 1024 };

/* Writes 1 to COLUMN_MAX numbers. */
void ints_write(struct bit_writer *writer, const int64_t *numbers, size_t count);

/* False: no column of `count` numbers; *ret is spoilt then. */
bool ints_read(struct bit_reader *reader, size_t count, int64_t *ret);

#endif
