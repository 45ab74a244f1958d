/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A column of measured values in few bits (docs/FORMATS.md, "Columns"), every bit given back.
 * Measured values are mostly short decimals: they become whole numbers at a power of ten, with the
 * few that are not as exceptions (the idea of ALP: Afroozeh, Kuffo and Boncz, SIGMOD 2023). What
 * was computed or passed through single precision misses its decimal by a unit or two of the last
 * place: that is told beside it. The rest is written as what changed of its bits (Gorilla: Pelkonen
 * et al., PVLDB 8, 2015).
 *
 * Any thread.
 */
#ifndef EBB_SERIES_COLUMN_H
#define EBB_SERIES_COLUMN_H

#include <stdbool.h>
#include <stddef.h>

#include "series/ints.h"

/* Writes 1 to COLUMN_MAX values; none is a NaN, an infinity or a negative zero. */
void column_write(struct bit_writer *writer, const double *values, size_t count);

/* False: no column of `count` finite values; *ret is spoilt then. */
bool column_read(struct bit_reader *reader, size_t count, double *ret);

#endif
