/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of numbers from CSV files, plain or gzip, for the benchmark of forecasts.
 *
 * One thread.
 */
#ifndef EBB_BENCH_FORECAST_DATA_H
#define EBB_BENCH_FORECAST_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Column by column; an empty or unreadable field is NaN. */
struct table {
	size_t rows, columns;
	float *at;     /* column c, row r: at[c * rows + r] */
	double *first; /* the first column in full precision */
	char *header;  /* the first line when it holds no number at its first or last field, else ""
			*/
};

/* False: the file is not there or no memory; a line on stderr when it is damaged. */
bool table_read(struct table *table, const char *path);
void table_done(struct table *table);

/* Means over `factor` rows of one column, gaps skipped; ret holds rows / factor numbers. */
void table_means(const struct table *table, size_t column, size_t factor, float *ret);

#endif
