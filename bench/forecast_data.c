/* SPDX-License-Identifier: Apache-2.0 */
/* CSV into columns. */
#include "bench/forecast_data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static char *read_all(const char *path, size_t *ret_len)
{
	gzFile file = gzopen(path, "rb");
	if (!file)
		return NULL;
	size_t cap = 1 << 20, len = 0;
	char *text = malloc(cap + 1);
	for (;;) {
		int got = text ? gzread(file, text + len, (unsigned)(cap - len)) : -1;
		if (got <= 0)
			break;
		len += (size_t)got;
		if (len == cap) {
			char *more = realloc(text, 2 * cap + 1);
			if (!more)
				break;
			text = more;
			cap *= 2;
		}
	}
	gzclose(file);
	if (text)
		text[len] = 0;
	*ret_len = len;
	return text;
}

/* The number at *at, NaN when there is none; moves *at to the comma or line end after it. */
static double field(char **at)
{
	char *p = *at, *end = p;
	bool quoted = *p == '"';
	if (quoted)
		p++;
	double value = *p == ',' || *p == '\n' ? (double)NAN : strtod(p, &end);
	if (end == p)
		value = (double)NAN;
	else
		p = end;
	while (*p && *p != ',' && *p != '\n')
		p++;
	*at = p;
	return value;
}

static size_t count_char(const char *text, const char *end, char wanted)
{
	size_t count = 0;
	for (const char *p = text; p < end; p++)
		count += *p == wanted;
	return count;
}

static void fill(struct table *table, char *at)
{
	for (size_t row = 0; row < table->rows; row++) {
		size_t column = 0;
		for (;;) {
			double value = field(&at);
			if (column == 0)
				table->first[row] = value;
			if (column < table->columns)
				table->at[column * table->rows + row] = (float)value;
			column++;
			if (*at != ',')
				break;
			at++;
		}
		for (; column < table->columns; column++)
			table->at[column * table->rows + row] = NAN;
		at += *at == '\n';
	}
}

bool table_read(struct table *table, const char *path)
{
	size_t len = 0;
	char *text = read_all(path, &len);
	memset(table, 0, sizeof(*table));
	if (!text)
		return false;
	char *line_end = strchr(text, '\n'), *probe = text;
	if (!line_end) {
		free(text);
		return false;
	}
	bool header = isnan(field(&probe));
	table->columns = 1 + count_char(text, line_end, ',');
	table->header = strndup(header ? text : "", (size_t)(line_end - text));
	char *body = header ? line_end + 1 : text;
	table->rows = count_char(body, text + len, '\n') + (text[len - 1] != '\n');
	table->at = malloc(table->rows * table->columns * sizeof(float));
	table->first = malloc(table->rows * sizeof(double));
	if (table->at && table->first)
		fill(table, body);
	free(text);
	return table->at && table->first && table->rows;
}

void table_done(struct table *table)
{
	free(table->at);
	free(table->first);
	free(table->header);
	memset(table, 0, sizeof(*table));
}

void table_means(const struct table *table, size_t column, size_t factor, float *ret)
{
	const float *x = table->at + column * table->rows;
	for (size_t i = 0; i < table->rows / factor; i++) {
		double sum = 0;
		size_t count = 0;
		for (size_t j = 0; j < factor; j++) {
			double v = (double)x[i * factor + j];
			if (isnan(v))
				continue;
			sum += v;
			count++;
		}
		ret[i] = count ? (float)(sum / (double)count) : NAN;
	}
}
