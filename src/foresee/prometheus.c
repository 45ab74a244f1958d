/* SPDX-License-Identifier: Apache-2.0 */
/* Instant queries with a range selector: samples as they were scraped. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "foresee/mapping.h"
#include "foresee/server.h"

static void add_question(const struct server *server, struct str *out)
{
	OWN(str_done) struct str selector = {0}, metrics = {0};
	if (server->match) {
		str_add(&selector, server->match);
	} else {
		mapping_metrics("node_", &metrics);
		str_addf(&selector, "{__name__=~\"ebb_.*|node_(%s)\"", str_text(&metrics));
		if (server->host) {
			str_add(&selector, ",instance=\"");
			for (const char *c = server->host; *c; c++)
				str_addf(&selector, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
			str_add(&selector, "\"");
		}
		str_add(&selector, "}");
	}
	/* To Prometheus both ends belong to a range: the first is the one before's. */
	str_addf(&selector, "[%lldms]", (long long)(server->to_ms - server->from_ms - 1));
	size_t len = strcspn(server->url, "?#");
	while (len && server->url[len - 1] == '/')
		len--;
	str_add_bytes(out, server->url, len);
	str_addf(out, "/api/v1/query?time=%lld.%03d&query=", (long long)(server->to_ms / 1000),
		(int)(server->to_ms % 1000));
	server_escape(out, str_text(&selector));
}

/* [1700000000.123, "1.5"] */
static bool read_pair(json_t *pair, struct intake_sample *ret)
{
	json_t *moment = json_array_get(pair, 0);
	const char *text = json_string_value(json_array_get(pair, 1));
	char *end;
	double seconds = json_number_value(moment);
	if (!json_is_number(moment) || !text || !(fabs(seconds) < 1e12))
		return false;
	ret->ms = llround(seconds * 1000);
	ret->span_ms = 0;
	ret->value = strtod(text, &end);
	return end != text && !*end;
}

static int take_series(struct server *server, json_t *one, struct why *why)
{
	struct foreign foreign = {0};
	json_t *labels = json_object_get(one, "metric"), *value, *pair;
	const char *key;
	size_t i;
	json_object_foreach (labels, key, value) {
		const char *text = json_string_value(value);
		if (text && strcmp(key, "__name__") == 0)
			foreign.metric = text;
		else if (text && foreign.count < FOREIGN_LABELS)
			foreign.labels[foreign.count++] = (struct foreign_label){key, text};
	}
	if (!foreign.metric) {
		server->intake->left_out++;
		return 0;
	}
	int err = server_host(server, foreign_value(&foreign, "instance"), why);
	json_array_foreach (json_object_get(one, "values"), i, pair) {
		struct intake_sample sample;
		if (err)
			return err;
		if (!read_pair(pair, &sample))
			return why_set(why, -EPROTO, "%.200s: no sample of %.100s", server->url,
				foreign.metric);
		err = mapping_take(server->intake, &foreign, server->match != NULL, &sample, why);
	}
	return err;
}

static int take_answer(struct server *server, json_t *answer, struct why *why)
{
	const char *status = json_string_value(json_object_get(answer, "status"));
	const char *error = json_string_value(json_object_get(answer, "error"));
	json_t *data = json_object_get(answer, "data"), *one;
	const char *type = json_string_value(json_object_get(data, "resultType"));
	size_t i;
	if (!status || strcmp(status, "success") != 0)
		return why_set(why, error ? -EINVAL : -EPROTO, "%.200s: %.200s", server->url,
			error ? error : "this is no Prometheus");
	if (!type || strcmp(type, "matrix") != 0)
		return why_set(
			why, -EINVAL, "%.200s: what --match asks for is no series", server->url);
	json_array_foreach (json_object_get(data, "result"), i, one) {
		int err = take_series(server, one, why);
		if (err)
			return err;
	}
	return 0;
}

int prometheus_pull(struct server *server, struct why *why)
{
	OWN(str_done) struct str url = {0};
	json_t *answer;
	add_question(server, &url);
	if (str_error(&url))
		return why_set(why, -ENOMEM, "out of memory");
	int err = server_ask(server, str_text(&url), &answer, why);
	if (err)
		return err;
	err = take_answer(server, answer, why);
	json_decref(answer);
	return err;
}
