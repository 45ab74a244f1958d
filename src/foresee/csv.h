/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comma-separated values as RFC 4180 has them: rows of fields, quoted ones with commas, ends of
 * lines and doubled quotes in them; all rows as long as the first. Lines that are empty are left
 * out. What is not so is refused with `file:line:field: what is wrong`.
 *
 * Any thread, one at a time for each struct. Pure.
 */
#ifndef EBB_FORESEE_CSV_H
#define EBB_FORESEE_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

enum { CSV_FIELDS = 256 };

struct csv_field {
	char *at; /* a NUL stands behind it */
	size_t len;
};

struct csv {
	const char *name; /* of the file, for messages; borrowed */
	uint32_t line;    /* where the row began that was read last; from 1 */
	size_t count;     /* fields of that row */
	struct csv_field fields[CSV_FIELDS];
	/* its own */
	char *at, *end;
	uint32_t next_line;
	size_t wanted;
};

/* Borrows `len` bytes with a NUL behind them; they are changed by reading. */
void csv_open(struct csv *csv, const char *name, char *text, size_t len);

/* The next row. 1; 0: there is none; -EINVAL. */
int csv_next(struct csv *csv, struct why *why);

/* -EINVAL, with "file:line:field: " before the sentence. `field` counts from 0. */
int csv_refuse(const struct csv *csv, size_t field, struct why *why, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
