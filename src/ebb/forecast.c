/* SPDX-License-Identifier: Apache-2.0 */
/* What comes: `forecast`, and the list of what can be forecast. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/forecast_text.h"
#include "ebb/remembered.h"
#include "ebb/shown.h"
#include "foresee/soon.h"
#include "series/series.h"

static void model_free_own(struct model **model)
{
	model_free(*model);
}

static int read_horizon(const struct call *call, size_t *ret_hours)
{
	const char *text = call->args.values[OPTION_HORIZON];
	int64_t ns = NS_PER_DAY;
	struct why why;
	if (text && units_duration(text, &ns, &why) != 0)
		return call_fail(EXIT_USAGE, "--horizon: %s", why.text);
	if (ns < NS_PER_HOUR || ns > AHEAD_HOURS * NS_PER_HOUR)
		return call_fail(EXIT_USAGE, "--horizon: forecasts reach from 1h to 7d");
	*ret_hours = (size_t)((ns + NS_PER_HOUR - 1) / NS_PER_HOUR);
	return EXIT_OK;
}

static int say(const struct call *call, const struct forecast *forecast)
{
	OWN(str_done) struct str text = {0};
	if (args_given(&call->args, OPTION_JSON))
		forecast_json(forecast, &text);
	else if (args_given(&call->args, OPTION_QUANTILES))
		forecast_table(forecast, &text);
	else
		forecast_chart(forecast, call->color, &text);
	return call_print(&text);
}

static int forecast_one(
	const struct call *call, const struct remembered *remembered, uint32_t id, size_t hours)
{
	OWN(model_free_own) struct model *model = model_new();
	struct fed fed = {.model = model};
	struct feed_said said = {0};
	struct series_one one;
	struct forecast forecast = {.model = model, .hours = hours, .local = remembered_local};
	struct why why;
	if (!model || !series_one(remembered->series, id, &one))
		return call_fail(EXIT_FAILED, "no memory");
	const struct feed *feed = &remembered->feed;
	int err = remembered_model(remembered, &one, &fed, &forecast.kept, &why);
	if (!err)
		err = feed_ahead(feed, remembered->now_ms, &fed, &said, &why);
	if (err)
		return call_fail(err == -ENODATA  ? EXIT_NO_OBJECT
				: err == -EBADMSG ? EXIT_DAMAGED
						  : EXIT_FAILED,
			"%.200s: %s", one.name, why.text);
	OWN(own_free) struct soon *soon = malloc(sizeof(*soon));
	if (soon && soon_look(feed, remembered->now_ms, id, soon, &why) == 0)
		forecast.soon = soon;
	forecast.paths = args_given(&call->args, OPTION_PATHS);
	forecast.app = fed.app;
	forecast.start_ms = said.start_ms;
	forecast.partial = said.partial;
	forecast.name = one.name;
	forecast.kind = one.kind;
	forecast.ahead = feed->ahead;
	forecast.now_ms = remembered->now_ms;
	forecast.last_ms = one.last_ms;
	return say(call, &forecast);
}

/* ---- the list ---- */

struct listing {
	const struct remembered *remembered;
	struct str *out;
	json_t *json; /* NULL: for people */
	int err;
	struct why why;
	size_t count;
};

static int known_hours(struct listing *listing, uint32_t id, size_t *ret_hours, int64_t *ret_first)
{
	OWN(buckets_done) struct buckets hours = {0};
	const int64_t now = listing->remembered->now_ms;
	const struct series_span span = {
		LEVEL_HOUR, now - (int64_t)HISTORY_HOURS * HOUR_MS, now + HOUR_MS};
	int err = series_roll(listing->remembered->series, id, &span, &hours, &listing->why);
	*ret_hours = hours.rows.len;
	*ret_first = hours.rows.len ? hours.rows.at[0].ms : 0;
	return err;
}

static bool list_one(void *arg, const struct series_one *one)
{
	struct listing *listing = arg;
	size_t hours;
	int64_t first;
	char since[UNITS_TEXT] = "-", last[UNITS_TEXT] = "-";
	listing->err = known_hours(listing, one->id, &hours, &first);
	if (listing->err)
		return false;
	if (hours)
		units_show_time(first * NS_PER_MS, since);
	if (one->last_ms != INT64_MIN)
		units_show_time(one->last_ms * NS_PER_MS, last);
	listing->count++;
	if (listing->json) {
		json_array_append_new(listing->json,
			json_pack("{s:s,s:s,s:I,s:o,s:o}", "series", one->name, "kind",
				one->kind == SERIES_COUNTER ? "counter" : "gauge", "known",
				(json_int_t)hours * 3600, "since",
				hours ? json_string(since) : json_null(), "newest",
				*last == '-' ? json_null() : json_string(last)));
		return true;
	}
	str_addf(listing->out, "%6zu h  %-16.16s  ", hours, since);
	shown_add(listing->out, one->name, strlen(one->name));
	str_add(listing->out, "\n");
	return true;
}

static int list_all(const struct call *call, const struct remembered *remembered)
{
	OWN(str_done) struct str text = {0};
	bool json = args_given(&call->args, OPTION_JSON);
	struct listing listing = {
		.remembered = remembered, .out = &text, .json = json ? json_array() : NULL};
	if (!json)
		str_addf(&text, "%8s  %-16s  %s\n", "known", "since (UTC)", "series");
	if (remembered->series)
		series_each(remembered->series, list_one, &listing);
	if (listing.err) {
		json_decref(listing.json);
		return call_fail(listing.err == -EBADMSG ? EXIT_DAMAGED : EXIT_FAILED, "%s",
			listing.why.text);
	}
	if (json)
		return call_print_json(
			json_pack("{s:s,s:o}", "type", "forecast-list", "series", listing.json));
	if (!listing.count) {
		str_clear(&text);
		str_add(&text, "nothing was observed yet: start ebbd, or `ebb history import`\n");
	}
	return call_print(&text);
}

static void close_own(struct remembered *remembered)
{
	remembered_close(remembered);
}

int call_forecast(const struct call *call)
{
	OWN(close_own) struct remembered remembered = {0};
	const struct args *args = &call->args;
	const char *metric = args->values[OPTION_METRIC];
	size_t hours;
	uint32_t id;
	int code = read_horizon(call, &hours);
	if (!code)
		code = remembered_open(call, false, &remembered);
	if (code)
		return code;
	if (!args->operand_count && !metric)
		return list_all(call, &remembered);
	code = remembered_find(
		&remembered, args->operand_count ? args->operands[0] : metric, metric, &id);
	return code ? code : forecast_one(call, &remembered, id, hours);
}
