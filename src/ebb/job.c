/* SPDX-License-Identifier: Apache-2.0 */
/* What ebbd does by itself: its jobs, why, and a hand on them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "conf/errors.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/daemon.h"
#include "ebb/exit.h"

static const char *text_of(const json_t *object, const char *key, char shown[CONF_SHOWN])
{
	const json_t *member = json_object_get(object, key);
	const char *text = json_string_value(member);
	return conf_shown(text ? text : "", text ? json_string_length(member) : 0, shown);
}

/* "2026-11-21T02:10:05.000Z" without what no table needs. */
static const char *minute(const json_t *object, const char *key, char shown[CONF_SHOWN])
{
	text_of(object, key, shown);
	if (strlen(shown) > 16)
		shown[16] = '\0';
	return *shown ? shown : "-";
}

static const char *price(const json_t *job, char text[32])
{
	const json_t *price = json_object_get(job, "price");
	if (json_is_string(price))
		return "any";
	if (json_is_null(price))
		return "-";
	snprintf(text, 32, "%.3g", json_number_value(price));
	return text;
}

static void add_job(const json_t *job, struct str *text)
{
	char name[CONF_SHOWN], state[CONF_SHOWN], at[CONF_SHOWN], cost[32], took[UNITS_TEXT];
	double seconds = json_number_value(json_object_get(job, "took"));
	int64_t ns = seconds > 0 && seconds < 1e9 ? (int64_t)(seconds * 1e3) * NS_PER_MS : 0;
	json_int_t code = json_integer_value(json_object_get(job, "code"));
	str_addf(text, "%-6" JSON_INTEGER_FORMAT " %-16s %-16s  %-7s %-7s %9s %9s",
		json_integer_value(json_object_get(job, "id")), text_of(job, "resource", name),
		minute(job, "started", at), text_of(job, "state", state), price(job, cost),
		units_show_duration(ns, took),
		BYTES((uint64_t)json_integer_value(json_object_get(job, "bytes"))));
	if (code)
		str_addf(text, "  exit code %" JSON_INTEGER_FORMAT, code);
	str_add(text, "\n");
}

int call_job_ls(const struct call *call)
{
	OWN(str_done) struct str text = {0};
	const char *words[] = {"jobs", call->args.operands[0]};
	json_t *answer = NULL, *job;
	size_t i;
	int code = daemon_ask(call, words, words[1] ? 2 : 1, &answer);
	if (code)
		return code;
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(answer);
	const json_t *jobs = json_object_get(answer, "jobs");
	if (json_array_size(jobs))
		str_addf(&text, "%-6s %-16s %-16s  %-7s %-7s %9s %9s\n", "JOB", "RESOURCE",
			"STARTED", "STATE", "PRICE", "DISK TIME", "BYTES");
	else
		str_add(&text, "no job was begun yet\n");
	json_array_foreach (jobs, i, job)
		add_job(job, &text);
	json_decref(answer);
	return call_print(&text);
}

static int tell(const struct call *call, const char *verb, const char *said)
{
	OWN(str_done) struct str text = {0};
	const char *const words[] = {verb, call->args.operands[0]};
	json_t *answer = NULL;
	int code = daemon_ask(call, words, 2, &answer);
	if (code)
		return code;
	json_decref(answer);
	str_addf(&text, "%s: %s\n", call->args.operands[0], said);
	return call_print(&text);
}

int call_job_now(const struct call *call)
{
	return tell(call, "now", "begins with the next tick");
}

int call_job_cancel(const struct call *call)
{
	return tell(call, "cancel", "is told to end");
}

int call_pause(const struct call *call)
{
	return tell(
		call, "pause", "is held, also past its time, until `ebb resume` says otherwise");
}

int call_resume(const struct call *call)
{
	return tell(call, "resume", "goes on");
}

int call_job_why(const struct call *call)
{
	OWN(str_done) struct str text = {0};
	const char *const words[] = {"why", call->args.operands[0]};
	json_t *answer = NULL;
	int code = daemon_ask(call, words, 2, &answer);
	if (code)
		return code;
	str_add(&text, json_string_value(json_object_get(answer, "text")));
	json_decref(answer);
	return call_print(&text);
}
