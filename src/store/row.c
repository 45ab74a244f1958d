/* SPDX-License-Identifier: Apache-2.0 */
/* A thin cover over sqlite3_prepare, bind, step and column. */
#include "store/row.h"

#include <sqlite3.h>

#include "store/db.h"

struct row row_begin(struct db *db, const char *sql)
{
	struct row row = {.db = db, .sql = sql};
	row.code = sqlite3_prepare_v2(db_sqlite(db), sql, -1, &row.stmt, NULL);
	return row;
}

void row_put_int(struct row *row, int64_t value)
{
	if (row->code == SQLITE_OK)
		row->code = sqlite3_bind_int64(row->stmt, ++row->bound, value);
}

void row_put_text(struct row *row, const char *text)
{
	if (row->code == SQLITE_OK)
		row->code = sqlite3_bind_text(row->stmt, ++row->bound, text, -1, SQLITE_TRANSIENT);
}

void row_put_bytes(struct row *row, const void *bytes, size_t len)
{
	if (row->code == SQLITE_OK)
		row->code = sqlite3_bind_blob64(
			row->stmt, ++row->bound, bytes, len, SQLITE_TRANSIENT);
}

void row_put_real(struct row *row, double value)
{
	if (row->code == SQLITE_OK)
		row->code = sqlite3_bind_double(row->stmt, ++row->bound, value);
}

bool row_next(struct row *row)
{
	if (row->code != SQLITE_OK && row->code != SQLITE_ROW)
		return false;
	row->code = sqlite3_step(row->stmt);
	return row->code == SQLITE_ROW;
}

int64_t row_int(struct row *row, int column)
{
	return sqlite3_column_int64(row->stmt, column);
}

const char *row_text(struct row *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row->stmt, column);
	return text ? text : "";
}

const void *row_bytes(struct row *row, int column, size_t *ret_len)
{
	const void *bytes = sqlite3_column_blob(row->stmt, column);
	*ret_len = bytes ? (size_t)sqlite3_column_bytes(row->stmt, column) : 0;
	return bytes;
}

double row_real(struct row *row, int column)
{
	return sqlite3_column_double(row->stmt, column);
}

int row_end(struct row *row, struct why *why)
{
	int err = 0;
	if (row->code == SQLITE_OK)
		row_next(row);
	if (row->code != SQLITE_DONE && row->code != SQLITE_ROW)
		err = db_failed(row->db, row->code, row->sql, why);
	sqlite3_finalize(row->stmt);
	row->stmt = NULL;
	return err;
}
