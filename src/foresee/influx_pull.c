/* SPDX-License-Identifier: Apache-2.0 */
/* InfluxQL: one question for each measurement that we know, by all its tags. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "foresee/mapping.h"
#include "foresee/server.h"

enum { METRIC = 256 };

/* Between quotes of InfluxQL. */
static void add_quoted(struct str *out, char quote, const char *text)
{
	str_addf(out, "%c", quote);
	for (; *text; text++)
		str_addf(out, *text == quote || *text == '\\' ? "\\%c" : "%c", *text);
	str_addf(out, "%c", quote);
}

/* http://HOST:PORT/PATH?db=NAME, with a slash or without. */
static int add_question(
	const struct server *server, const char *measurement, struct str *out, struct why *why)
{
	OWN(str_done) struct str question = {0};
	const char *options = strchr(server->url, '?');
	if (!options || !strstr(options, "db="))
		return why_set(why, -EINVAL, "%.200s: which database? http://HOST:8086?db=telegraf",
			server->url);
	str_add(&question, "SELECT * FROM ");
	add_quoted(&question, '"', measurement);
	str_addf(&question, " WHERE time >= %lldms AND time < %lldms", (long long)server->from_ms,
		(long long)server->to_ms);
	if (server->host) {
		str_add(&question, " AND \"host\" = ");
		add_quoted(&question, '\'', server->host);
	}
	str_add(&question, " GROUP BY *");
	size_t len = (size_t)(options - server->url);
	while (len && server->url[len - 1] == '/')
		len--;
	str_add_bytes(out, server->url, len);
	str_addf(out, "/query%s&epoch=ms&q=", options);
	server_escape(out, str_text(&question));
	return str_error(out) || str_error(&question) ? why_set(why, -ENOMEM, "out of memory") : 0;
}

/* Columns "time", FIELD ...; a value that is null was not written at that moment. */
static int take_row(const struct server *server, struct foreign *foreign, json_t *columns,
	json_t *row, struct why *why)
{
	struct intake_sample sample = {.ms = json_integer_value(json_array_get(row, 0))};
	const char *measurement = foreign->metric;
	json_t *column;
	size_t i;
	int err = 0;
	json_array_foreach (columns, i, column) {
		json_t *value = json_array_get(row, i);
		char metric[METRIC];
		const char *field = json_string_value(column);
		int len = snprintf(
			metric, sizeof(metric), "%.120s.%.120s", measurement, field ? field : "");
		if (err || i == 0 || !field || len >= METRIC || !json_is_number(value))
			continue;
		foreign->metric = metric;
		sample.value = json_number_value(value);
		err = mapping_take(server->intake, foreign, server->match != NULL, &sample, why);
		foreign->metric = measurement;
	}
	return err;
}

static int take_series(struct server *server, json_t *one, struct why *why)
{
	const char *measurement = json_string_value(json_object_get(one, "name")), *key;
	json_t *columns = json_object_get(one, "columns"), *value, *row;
	const char *first = json_string_value(json_array_get(columns, 0));
	struct foreign foreign = {.metric = measurement};
	size_t i;
	if (!measurement || !first || strcmp(first, "time") != 0)
		return why_set(why, -EPROTO, "%.200s: no series of an InfluxDB", server->url);
	json_object_foreach (json_object_get(one, "tags"), key, value)
		if (json_string_value(value) && foreign.count < FOREIGN_LABELS)
			foreign.labels[foreign.count++] = (struct foreign_label){
				key, json_string_value(value)};
	int err = server_host(server, foreign_value(&foreign, "host"), why);
	json_array_foreach (json_object_get(one, "values"), i, row)
		if (!err)
			err = take_row(server, &foreign, columns, row, why);
	return err;
}

static int take_answer(struct server *server, json_t *answer, struct why *why)
{
	json_t *result = json_array_get(json_object_get(answer, "results"), 0), *one;
	const char *error = json_string_value(json_object_get(answer, "error"));
	size_t i;
	if (!error)
		error = json_string_value(json_object_get(result, "error"));
	if (error || !result)
		return why_set(why, error ? -EINVAL : -EPROTO, "%.200s: %.200s", server->url,
			error ? error : "this is no InfluxDB 1.x");
	json_array_foreach (json_object_get(result, "series"), i, one) {
		int err = take_series(server, one, why);
		if (err)
			return err;
	}
	return 0;
}

static int pull_one(struct server *server, const char *measurement, struct why *why)
{
	OWN(str_done) struct str url = {0};
	json_t *answer;
	int err = add_question(server, measurement, &url, why);
	if (!err)
		err = server_ask(server, str_text(&url), &answer, why);
	if (err)
		return err;
	err = take_answer(server, answer, why);
	json_decref(answer);
	return err;
}

int influx_pull(struct server *server, struct why *why)
{
	static const char *const known[] = {"cpu", "mem", "diskio", "net"};
	int err = 0;
	if (server->match)
		return pull_one(server, server->match, why);
	for (size_t i = 0; !err && i < sizeof(known) / sizeof(*known); i++)
		err = pull_one(server, known[i], why);
	return err;
}
