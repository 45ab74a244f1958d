/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements of a database (db.h) in few words: prepared, bound, stepped and put away.
 *
 * An error at any step is remembered and told by row_end(); later steps do nothing.
 *
 * One thread for each struct.
 */
#ifndef EBB_STORE_ROW_H
#define EBB_STORE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct why;

struct row {
	struct db *db;
	struct sqlite3_stmt *stmt;
	const char *sql;
	int bound; /* parameters so far */
	int code;  /* SQLite's */
};

/* Begins a statement; its parameters are bound in order. */
struct row row_begin(struct db *db, const char *sql);
void row_put_int(struct row *row, int64_t value);
void row_put_text(struct row *row, const char *text);
void row_put_bytes(struct row *row, const void *bytes, size_t len);
void row_put_real(struct row *row, double value);

/* Runs to the next row of the answer. False: there is none, or it failed. */
bool row_next(struct row *row);
int64_t row_int(struct row *row, int column);
const char *row_text(struct row *row, int column);
const void *row_bytes(struct row *row, int column, size_t *ret_len);
double row_real(struct row *row, int column);

/* Runs what is left, and puts the statement away. 0 or what failed. */
int row_end(struct row *row, struct why *why);

#endif
