/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and fields, in place. */
#include "foresee/csv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/why.h"

void csv_open(struct csv *csv, const char *name, char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf";
	/* Spreadsheets put a byte order mark before the first name. */
	size_t skip = len >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
	*csv = (struct csv){.name = name, .at = text + skip, .end = text + len, .next_line = 1};
}

int csv_refuse(const struct csv *csv, size_t field, struct why *why, const char *fmt, ...)
{
	char text[256];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return why_set(why, -EINVAL, "%.100s:%u:%zu: %s", csv->name, csv->line, field + 1, text);
}

static void skip_empty_lines(struct csv *csv)
{
	while (csv->at < csv->end) {
		size_t skip = *csv->at == '\n'                                               ? 1
			: csv->end - csv->at > 1 && csv->at[0] == '\r' && csv->at[1] == '\n' ? 2
											     : 0;
		if (!skip)
			return;
		csv->at += skip;
		csv->next_line++;
	}
}

/* From behind the opening quote to behind the closing one; what it holds moves to *to. */
static int take_quoted(struct csv *csv, char **to, struct why *why)
{
	char *p = csv->at;
	for (; p < csv->end; p++) {
		if (*p == '"' && !(p + 1 < csv->end && p[1] == '"')) {
			csv->at = p + 1;
			return 0;
		}
		if (*p == '"')
			p++;
		csv->next_line += *p == '\n';
		*(*to)++ = *p;
	}
	return csv_refuse(csv, csv->count, why, "a quote is opened and never closed");
}

static int take_plain(struct csv *csv, char **to, struct why *why)
{
	char *p = csv->at;
	while (p < csv->end && *p != ',' && *p != '\n' && *p != '"' &&
		!(*p == '\r' && (p + 1 == csv->end || p[1] == '\n')))
		p++;
	if (p < csv->end && *p == '"')
		return csv_refuse(csv, csv->count, why,
			"a quote within a field: quote the whole field, and double it");
	*to = p;
	csv->at = p;
	return 0;
}

/* One field and what ends it; *ret_last: it was the row's last. */
static int take_field(struct csv *csv, bool *ret_last, struct why *why)
{
	if (csv->count == CSV_FIELDS)
		return csv_refuse(csv, csv->count, why, "more than %d fields in a row", CSV_FIELDS);
	bool quoted = csv->at < csv->end && *csv->at == '"';
	csv->at += quoted;
	char *start = csv->at, *to = start;
	int err = quoted ? take_quoted(csv, &to, why) : take_plain(csv, &to, why);
	if (err)
		return err;
	if (csv->at < csv->end && *csv->at == '\r')
		csv->at++;
	if (csv->at < csv->end && *csv->at != ',' && *csv->at != '\n')
		return csv_refuse(
			csv, csv->count, why, "something stands behind the closing quote");
	*ret_last = csv->at == csv->end || *csv->at == '\n';
	csv->next_line += csv->at < csv->end && *csv->at == '\n';
	csv->at += csv->at < csv->end;
	*to = '\0';
	csv->fields[csv->count] = (struct csv_field){start, (size_t)(to - start)};
	if (memchr(start, '\0', (size_t)(to - start)))
		return csv_refuse(csv, csv->count, why, "a zero byte: this is no text");
	csv->count++;
	return 0;
}

int csv_next(struct csv *csv, struct why *why)
{
	bool last = false;
	int err = 0;
	skip_empty_lines(csv);
	csv->line = csv->next_line;
	csv->count = 0;
	if (csv->at == csv->end)
		return 0;
	while (!err && !last)
		err = take_field(csv, &last, why);
	if (err)
		return err;
	if (!csv->wanted)
		csv->wanted = csv->count;
	if (csv->count != csv->wanted)
		return csv_refuse(csv, csv->count, why, "%zu fields, where the first row has %zu",
			csv->count, csv->wanted);
	return 1;
}
