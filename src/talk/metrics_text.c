/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted by metric, each with its type. */
#include "talk/metrics_text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

struct row {
	const char *name, *kind;
	size_t metric; /* letters of the name before its labels */
	double value;
};

static int by_metric(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	size_t len = a->metric < b->metric ? a->metric : b->metric;
	int order = memcmp(a->name, b->name, len);
	if (!order && a->metric != b->metric)
		order = a->metric < b->metric ? -1 : 1;
	return order ? order : strcmp(a->name, b->name);
}

static size_t read_rows(const json_t *list, struct row *rows)
{
	size_t count = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *one = json_array_get(list, i);
		struct row row = {.name = json_string_value(json_array_get(one, 0)),
			.kind = json_string_value(json_array_get(one, 1)),
			.value = json_number_value(json_array_get(one, 2))};
		if (!row.name || !row.kind)
			continue;
		row.metric = strcspn(row.name, "{");
		rows[count++] = row;
	}
	return count;
}

void metrics_text(const json_t *list, struct str *text)
{
	OWN(own_free) struct row *rows = calloc(json_array_size(list) + 1, sizeof(*rows));
	size_t count = rows ? read_rows(list, rows) : 0;
	if (!rows)
		text->failed = true;
	if (count)
		qsort(rows, count, sizeof(*rows), by_metric);
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		int len = (int)row->metric;
		if (!i || row[-1].metric != row->metric ||
			memcmp(row[-1].name, row->name, row->metric) != 0)
			str_addf(text, "# HELP %.*s As ebb observes it.\n# TYPE %.*s %s\n", len,
				row->name, len, row->name, row->kind);
		str_addf(text, "%s %.17g\n", row->name, row->value);
	}
}
