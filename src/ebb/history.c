/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others have measured, into the store of series: `history import`. The whole file is read and
 * judged before the first sample is put.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/vec.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/history_intake.h"
#include "ebb/remembered.h"
#include "ebb/trace_file.h"
#include "foresee/trace.h"
#include "series/name.h"
#include "series/series.h"

/* Samples between two syncs, and samples' worth of work between two looks at what is left. */
enum { BATCH = 100000, TEND_BUDGET = 1 << 22 };

struct counts {
	uint64_t put[SERIES_PUTS];
};

static uint64_t counts_kept(const struct counts *counts)
{
	return counts->put[SERIES_KEPT] + counts->put[SERIES_LATE];
}

/* Of an existing series its own kind; of a new one what its name says, as Prometheus names them. */
static enum series_kind kind_of(const struct series *series, const struct name *name)
{
	struct series_one one;
	uint32_t id;
	const char *metric = name->bytes + name->metric.at;
	size_t len = name->metric.len;
	if (series_find(series, name, &id) == 0 && series_one(series, id, &one))
		return one.kind;
	return len > 6 && memcmp(metric + len - 6, "_total", 6) == 0 ? SERIES_COUNTER
								     : SERIES_GAUGE;
}

static int settle(struct series *series, struct why *why)
{
	bool more = true;
	int err = series_sync(series, why);
	while (!err && more)
		err = series_tend(series, TEND_BUDGET, &more, why);
	return err;
}

static int put_all(struct series *series, uint32_t id, const struct samples *samples,
	struct counts *counts, struct why *why)
{
	int err = 0;
	for (size_t i = 0; !err && i < samples->len; i++) {
		enum series_put answer = series_put(
			series, id, samples->at[i].ms, samples->at[i].value);
		counts->put[answer]++;
		if (answer == SERIES_STOPPED || answer == SERIES_FULL)
			return why_set(why, -ENOSPC, "the store takes no more");
		if (i % BATCH == BATCH - 1)
			err = settle(series, why);
	}
	return err ? err : settle(series, why);
}

static int say_json(const char *name, const struct trace_facts *facts, const struct counts *counts)
{
	json_t *document = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "type", "history-import",
		"series", name, "rows", (json_int_t)facts->rows, "gaps", (json_int_t)facts->gaps,
		"imported", (json_int_t)counts_kept(counts), "known_before",
		(json_int_t)counts->put[SERIES_DUPLICATE], "too_old",
		(json_int_t)counts->put[SERIES_OLD], "refused",
		(json_int_t)(counts->put[SERIES_DENSE] + counts->put[SERIES_POISON] +
			counts->put[SERIES_FUTURE]));
	return call_print_json(document);
}

static int say(const struct call *call, const char *name, const struct trace_facts *facts,
	const struct counts *counts)
{
	static const struct {
		enum series_put answer;
		const char *text;
	} left[] = {{SERIES_DUPLICATE, "were there already"},
		{SERIES_DENSE, "are nearer than 0.1 s to another"},
		{SERIES_POISON, "cannot be: a counter below zero"},
		{SERIES_FUTURE, "are in the future"}, {SERIES_OLD, "are older than five years"}};
	OWN(str_done) struct str text = {0};
	if (args_given(&call->args, OPTION_JSON))
		return say_json(name, facts, counts);
	str_addf(&text, "%s: %s of %s", name, COUNT(counts_kept(counts), "sample", "samples"),
		COUNT(facts->rows, "row", "rows"));
	if (facts->gaps)
		str_addf(&text, ", %s", COUNT(facts->gaps, "gap", "gaps"));
	for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++)
		if (counts->put[left[i].answer])
			str_addf(&text, "\n  %llu %s",
				(unsigned long long)counts->put[left[i].answer], left[i].text);
	str_add(&text, "\n");
	return call_print(&text);
}

static int import(const struct call *call, struct remembered *remembered, const struct name *name,
	const struct trace_file *file)
{
	char text[NAME_TEXT];
	struct counts counts = {0};
	struct why why;
	uint32_t id;
	struct series *series = remembered->series;
	name_text(name, text);
	int err = series_make(series, name, kind_of(series, name), &id, &why);
	if (!err)
		err = put_all(series, id, &file->samples, &counts, &why);
	if (err)
		return call_fail(EXIT_FAILED, "%s: %s", remembered->state, why.text);
	int code = say(call, text, &file->facts, &counts);
	uint64_t refused = counts.put[SERIES_DENSE] + counts.put[SERIES_POISON] +
		counts.put[SERIES_FUTURE] + counts.put[SERIES_OLD];
	return code || !refused ? code : EXIT_PARTIAL;
}

static void close_own(struct remembered *remembered)
{
	remembered_close(remembered);
}

static int import_csv(const struct call *call)
{
	OWN(close_own) struct remembered remembered = {0};
	OWN(trace_file_done) struct trace_file file = {0};
	const struct args *args = &call->args;
	struct name name;
	struct why why;
	if (!args_given(args, OPTION_SERIES))
		return call_fail(EXIT_USAGE, "--series NAME says which series it is");
	if (name_parse(args->values[OPTION_SERIES], &name, &why) != 0)
		return call_fail(EXIT_USAGE, "--series: %s", why.text);
	int code = trace_file_read(call, args->operands[1], &file);
	if (!code)
		code = remembered_open(call, true, &remembered);
	return code ? code : import(call, &remembered, &name, &file);
}

/* Options that mean something only to some forms are refused elsewhere. */
static int check_options(const struct call *call, bool csv, bool server)
{
	static const struct {
		enum option_id id;
		bool csv, server;
	} only[] = {{OPTION_SERIES, true, false}, {OPTION_TIME, true, false},
		{OPTION_VALUE, true, false}, {OPTION_SINCE, false, true},
		{OPTION_UNTIL, false, true}};
	for (size_t i = 0; i < sizeof(only) / sizeof(*only); i++)
		if (args_given(&call->args, only[i].id) &&
			!((csv && only[i].csv) || (server && only[i].server)))
			return call_fail(EXIT_USAGE, "--%s means nothing to this form",
				options[only[i].id].name);
	return EXIT_OK;
}

int call_history_import(const struct call *call)
{
	const struct args *args = &call->args;
	const char *form = args->operand_count == 2 ? args->operands[0] : "";
	const char *from = args->operand_count == 2 ? args->operands[1] : "";
	bool csv = strcmp(form, "csv") == 0, prometheus = strcmp(form, "prometheus") == 0;
	int code = check_options(call, csv, strstr(from, "://") != NULL);
	if (code)
		return code;
	if (csv)
		return import_csv(call);
	if (strcmp(form, "sysstat") == 0)
		return history_sysstat(call, from);
	if (prometheus)
		return history_prometheus(call, from);
	if (strcmp(form, "influx") == 0)
		return history_influx(call, from);
	return call_fail(EXIT_USAGE,
		"give the form (csv, sysstat, prometheus, influx) and the file or URL: ebb history "
		"import csv FILE --series NAME");
}
