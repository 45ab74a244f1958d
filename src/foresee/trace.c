/* SPDX-License-Identifier: Apache-2.0 */
/* Columns, moments, values. */
#include "foresee/trace.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "foresee/csv.h"

/* Year 9999 in seconds; larger numbers are of a finer unit. */
static const double seconds_max = 253402300800.0;

static bool moment_number(const char *text, int64_t *ret_ms)
{
	char *end;
	if (!isdigit((unsigned char)*text))
		return false;
	double number = strtod(text, &end);
	/* strtod() takes hexadecimal, which no clock writes. */
	if (*end || strspn(text, "0123456789.eE+") != strlen(text) || !isfinite(number))
		return false;
	for (int unit = 0; unit < 3 && number >= seconds_max; unit++)
		number /= 1000;
	if (number >= seconds_max)
		return false;
	*ret_ms = (int64_t)llround(number * 1000);
	return true;
}

/* "+01:00" or "-0130" at the end: minutes, and the text without it. */
static bool take_zone(char *text, int *ret_minutes)
{
	size_t len = strlen(text);
	char *sign = len > 11 ? strpbrk(text + 11, "+-") : NULL;
	*ret_minutes = 0;
	if (!sign)
		return true;
	size_t left = strlen(sign);
	bool colon = left == 6 && sign[3] == ':';
	if (!colon && left != 5)
		return false;
	const char digits[] = {sign[1], sign[2], sign[colon ? 4 : 3], sign[colon ? 5 : 4]};
	for (size_t i = 0; i < sizeof(digits); i++)
		if (!isdigit((unsigned char)digits[i]))
			return false;
	int hours = (digits[0] - '0') * 10 + digits[1] - '0';
	int minutes = (digits[2] - '0') * 10 + digits[3] - '0';
	*ret_minutes = (*sign == '-' ? -1 : 1) * (60 * hours + minutes);
	*sign = '\0';
	return hours <= 14 && minutes < 60;
}

/* units_time() wants three digits of a second's fraction, and nothing finer counts here. */
static void cut_fraction(char *text)
{
	char *dot = strchr(text, '.');
	if (!dot)
		return;
	size_t digits = strspn(dot + 1, "0123456789");
	bool utc = dot[1 + digits] == 'Z' && !dot[2 + digits];
	if (!digits || (dot[1 + digits] && !utc))
		return;
	char kept[4] = "000";
	memcpy(kept, dot + 1, digits < 3 ? digits : 3);
	if (digits < 3) {
		*dot = '\0';
		if (strspn(kept, "0") != 3)
			memcpy(dot, (char[]){'.', kept[0], kept[1], kept[2], '\0'}, 5);
		return;
	}
	dot[4] = '\0';
}

bool trace_moment(const char *text, int64_t *ret_ms)
{
	char copy[64];
	int minutes;
	int64_t first, last;
	size_t len = strlen(text);
	if (moment_number(text, ret_ms))
		return true;
	if (len < 10 || len > 40)
		return false;
	memcpy(copy, text, len + 1);
	if (copy[10] == ' ')
		copy[10] = 'T';
	if (!take_zone(copy, &minutes))
		return false;
	cut_fraction(copy);
	if (units_time(copy, &first, &last, NULL) != 0)
		return false;
	*ret_ms = first / NS_PER_MS - (int64_t)minutes * 60000;
	return true;
}

/* The column called so, else the one of that number; csv->count: none. */
static size_t column_of(const struct csv *csv, const char *wanted)
{
	for (size_t i = 0; i < csv->count; i++)
		if (strcmp(csv->fields[i].at, wanted) == 0)
			return i;
	char *end;
	unsigned long number = strtoul(wanted, &end, 10);
	bool is = isdigit((unsigned char)*wanted) && !*end && number && number <= csv->count;
	return is ? number - 1 : csv->count;
}

static size_t usual_column(const struct csv *csv, const char *const *names)
{
	for (; *names; names++)
		for (size_t i = 0; i < csv->count; i++)
			if (strcasecmp(csv->fields[i].at, *names) == 0)
				return i;
	return csv->count;
}

struct columns {
	size_t time, value;
	bool header;
};

static int choose(const struct trace_options *options, const struct csv *csv,
	struct columns *ret_columns, struct why *why)
{
	static const char *const times[] = {
		"time", "timestamp", "datetime", "date", "ts", "ds", "epoch", NULL};
	static const char *const values[] = {"value", "y", NULL};
	struct columns columns;
	int64_t ms;
	columns.time = options->time ? column_of(csv, options->time) : usual_column(csv, times);
	if (options->time && columns.time == csv->count)
		return csv_refuse(
			csv, 0, why, "no column '%.60s', which --time names", options->time);
	if (columns.time == csv->count)
		columns.time = 0;
	columns.value = options->value ? column_of(csv, options->value) : usual_column(csv, values);
	if (options->value && columns.value == csv->count)
		return csv_refuse(
			csv, 0, why, "no column '%.60s', which --value names", options->value);
	if (columns.value == csv->count && csv->count == 2)
		columns.value = 1 - columns.time;
	if (columns.value == csv->count)
		return csv_refuse(csv, 0, why,
			"%zu columns: say by --value which one, by its name or number", csv->count);
	if (columns.value == columns.time)
		return csv_refuse(csv, columns.time, why, "one column cannot be time and value");
	columns.header = !trace_moment(csv->fields[columns.time].at, &ms);
	*ret_columns = columns;
	return 0;
}

/* 1: a sample, 0: a gap, -EINVAL. */
static int read_row(
	const struct csv *csv, const struct columns *columns, struct sample *ret, struct why *why)
{
	const char *time = csv->fields[columns->time].at, *text = csv->fields[columns->value].at;
	char *end;
	if (!trace_moment(time, &ret->ms))
		return csv_refuse(csv, columns->time, why,
			"'%.40s' is no moment: seconds since 1970, or 2026-11-21T02:10:05Z", time);
	if (!*text || strcasecmp(text, "nan") == 0)
		return 0;
	ret->value = strtod(text, &end);
	if (end == text || *end || isspace((unsigned char)*text) || strpbrk(text, "xX"))
		return csv_refuse(csv, columns->value, why, "'%.40s' is no number", text);
	if (!(fabs(ret->value) <= 1e300))
		return csv_refuse(csv, columns->value, why, "'%.40s' is beyond what can be", text);
	return 1;
}

struct row {
	struct sample sample;
	uint32_t line;
};

static int by_time(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	if (a->sample.ms != b->sample.ms)
		return a->sample.ms < b->sample.ms ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

struct rows {
	VEC(struct row) list;
};

static void rows_done(struct rows *rows)
{
	vec_done(&rows->list);
}

static int collect(struct csv *csv, const struct columns *columns, bool skip, struct rows *rows,
	struct trace_facts *facts, struct why *why)
{
	int got = 1;
	for (; got > 0; got = csv_next(csv, why)) {
		struct row row = {.line = csv->line};
		if (skip) {
			skip = false;
			continue;
		}
		int err = read_row(csv, columns, &row.sample, why);
		if (err < 0)
			return err;
		facts->rows++;
		facts->gaps += err == 0;
		if (err && vec_push(&rows->list, row))
			return why_set(why, -ENOMEM, "out of memory");
	}
	return got;
}

int trace_read(const struct trace_options *options, char *text, size_t len,
	struct samples *ret_samples, struct trace_facts *ret_facts, struct why *why)
{
	OWN(rows_done) struct rows rows = {0};
	OWN(own_free) struct csv *csv = malloc(sizeof(*csv));
	struct columns columns = {0};
	struct trace_facts facts = {0};
	if (!csv)
		return why_set(why, -ENOMEM, "out of memory");
	csv_open(csv, options->name, text, len);
	int err = csv_next(csv, why);
	if (err == 0)
		return why_set(why, -EINVAL, "%.200s: nothing in it", options->name);
	if (err > 0)
		err = choose(options, csv, &columns, why);
	if (!err)
		err = collect(csv, &columns, columns.header, &rows, &facts, why);
	if (err)
		return err;
	if (rows.list.len)
		qsort(rows.list.at, rows.list.len, sizeof(*rows.list.at), by_time);
	for (size_t i = 0; i < rows.list.len; i++) {
		const struct row *row = &rows.list.at[i];
		csv->line = row->line;
		if (i && row[-1].sample.ms == row->sample.ms)
			return csv_refuse(csv, columns.time, why, "the moment of line %u again",
				row[-1].line);
		if (vec_push(ret_samples, row->sample))
			return why_set(why, -ENOMEM, "out of memory");
	}
	*ret_facts = facts;
	return 0;
}
