/* SPDX-License-Identifier: Apache-2.0 */
/* Who forecasts what, and how well: `model backtest` and `model ls`. */
#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "calendar/calendar.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/forecast_text.h"
#include "ebb/remembered.h"
#include "ebb/shown.h"
#include "ebb/trace_file.h"
#include "foresee/backtest.h"
#include "series/series.h"

/* ---- backtest ---- */

/* The mean error; NaN for one who was silent for some of the hours. */
static double mean_error(
	const struct backtest *test, size_t range, const struct backtest_score *score)
{
	return score->hours && score->hours == test->judged[range]
		? score->error / (double)score->hours
		: (double)NAN;
}

static void add_score(const char *name, const struct backtest *test,
	const struct backtest_score *const scores[BACKTEST_RANGES], struct str *out)
{
	char number[FORECAST_NUMBER];
	str_addf(out, "  %-20s", name);
	for (size_t range = 0; range < BACKTEST_RANGES; range++) {
		double day = mean_error(test, range, &test->by[range][EXPERT_DAY]);
		double error = mean_error(test, range, scores[range]);
		if (isnan(error))
			str_addf(out, "%12s%9s", "-", "-");
		else if (day > 0)
			str_addf(out, "%12s%9.3f", forecast_number(error, number), error / day);
		else
			str_addf(out, "%12s%9s", forecast_number(error, number), "-");
	}
	str_add(out, "\n");
}

static void backtest_text(const struct backtest *test, struct str *out)
{
	char own[FORECAST_NUMBER], same[FORECAST_NUMBER];
	double hours = (double)test->judged[0];
	const struct backtest_score *mix[] = {&test->mix[0], &test->mix[1]};
	str_addf(out,
		"%zu hours; forecast at each midnight of the last %zu days, %zu refits; drift "
		"began "
		"the choice anew %u times\n\n",
		test->hours, test->days, test->refits, test->restarts);
	str_addf(out, "  %-20s%21s%21s\n  %-20s%12s%9s%12s%9s\n", "", "next day", "next 7 days",
		"mean error, to", "", "day bef.", "", "day bef.");
	add_score("ebb", test, mix, out);
	for (size_t e = 0; e < EXPERTS; e++) {
		const struct backtest_score *by[] = {&test->by[0][e], &test->by[1][e]};
		if (by[0]->hours)
			add_score(expert_names[e], test, by, out);
	}
	str_addf(out,
		"\n  inside the 80 %% band %.1f %%, inside the 95 %% band %.1f %%\n"
		"  pinball %s; quantiles of the same hour on 28 days before: %s\n",
		100 * (double)test->inside_80 / hours, 100 * (double)test->inside_95 / hours,
		forecast_number(test->pinball / hours, own),
		forecast_number(test->same_hour_pinball / hours, same));
}

static json_t *score_json(const struct backtest *test, const struct backtest_score *day,
	const struct backtest_score *week)
{
	double errors[] = {mean_error(test, 0, day), mean_error(test, 1, week)};
	return json_pack("{s:o,s:o}", "day", isnan(errors[0]) ? json_null() : json_real(errors[0]),
		"week", isnan(errors[1]) ? json_null() : json_real(errors[1]));
}

static json_t *backtest_json(const struct backtest *test)
{
	double hours = (double)test->judged[0];
	json_t *experts = json_object();
	for (size_t e = 0; e < EXPERTS; e++)
		json_object_set_new(experts, expert_names[e],
			score_json(test, &test->by[0][e], &test->by[1][e]));
	return json_pack("{s:s,s:I,s:I,s:I,s:I,s:o,s:o,s:f,s:f,s:f,s:f}", "type", "model-backtest",
		"hours", (json_int_t)test->hours, "days", (json_int_t)test->days, "refits",
		(json_int_t)test->refits, "restarts", (json_int_t)test->restarts, "error",
		score_json(test, &test->mix[0], &test->mix[1]), "experts", experts, "coverage_80",
		(double)test->inside_80 / hours, "coverage_95", (double)test->inside_95 / hours,
		"pinball", test->pinball / hours, "same_hour_pinball",
		test->same_hour_pinball / hours);
}

static int read_days(const struct call *call, size_t *ret_days)
{
	const char *text = call->args.values[OPTION_DAYS];
	*ret_days = 0;
	if (!text)
		return EXIT_OK;
	size_t len = strlen(text);
	if (!len || len > 4 || strspn(text, "0123456789") != len || !strtoul(text, NULL, 10))
		return call_fail(EXIT_USAGE, "--days: a number from 1 to 9999");
	*ret_days = strtoul(text, NULL, 10);
	return EXIT_OK;
}

/* An exit code; *ret_used is NULL when no calendar is given. */
static int read_calendar(
	const struct call *call, struct calendar *calendar, const struct calendar **ret_used)
{
	const char *text = call->args.values[OPTION_CALENDAR];
	struct why why = {""};
	size_t at;
	*ret_used = text ? calendar : NULL;
	if (text && calendar_parse(text, calendar, &at, &why))
		return call_fail(EXIT_USAGE, "--calendar: at character %zu: %s", at + 1, why.text);
	return EXIT_OK;
}

int call_model_backtest(const struct call *call)
{
	OWN(trace_file_done) struct trace_file file = {0};
	OWN(str_done) struct str text = {0};
	struct backtest_options wanted = {.local = remembered_local};
	struct backtest test;
	struct why why;
	struct calendar calendar;
	int code = read_days(call, &wanted.days);
	if (!code)
		code = read_calendar(call, &calendar, &wanted.calendar);
	if (!code)
		code = trace_file_read(call, call->args.operands[0], &file);
	if (code)
		return code;
	if (backtest_run(&file.samples, &wanted, &test, &why))
		return call_fail(EXIT_FAILED, "%.200s: %s", call->args.operands[0], why.text);
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(backtest_json(&test));
	backtest_text(&test, &text);
	return call_print(&text);
}

/* ---- ls ---- */

struct listing {
	const struct remembered *remembered;
	struct model *model;
	struct str *out;
	json_t *json; /* NULL: for people */
	int err;
	struct why why;
};

static json_t *row_json(
	const struct series_one *one, const struct model *model, const char *driver, double weight)
{
	struct forecast_known known = forecast_known(model);
	struct record_view view;
	record_show(&model->record, &view);
	json_t *row = json_pack("{s:s,s:s,s:f,s:I,s:I}", "series", one->name, "driver", driver,
		"weight", weight, "known", (json_int_t)known.hours * 3600, "refits",
		(json_int_t)model->refits);
	json_t *record = view.days > 0
		? json_pack("{s:f,s:o,s:f,s:f,s:i}", "days", view.days, "mase",
			  isfinite(view.mase) ? json_real(view.mase) : json_null(), "coverage",
			  view.coverage, "pinball", view.pinball, "restarts", (int)view.restarts)
		: json_null();
	json_object_set_new(row, "record", record);
	return row;
}

static void row_text(const struct series_one *one, const struct model *model, const char *driver,
	struct str *out)
{
	struct forecast_known known = forecast_known(model);
	struct record_view view;
	char pinball[FORECAST_NUMBER];
	record_show(&model->record, &view);
	str_addf(
		out, "%6zu h %7llu  %-16s", known.hours, (unsigned long long)model->refits, driver);
	if (view.days > 0)
		str_addf(out, "%7.2f%7.0f %%%9s  ", view.mase, 100 * view.coverage,
			forecast_number(view.pinball, pinball));
	else
		str_addf(out, "%7s%9s%9s  ", "-", "-", "-");
	shown_add(out, one->name, strlen(one->name));
	str_add(out, "\n");
}

static bool list_one(void *arg, const struct series_one *one)
{
	struct listing *listing = arg;
	const struct remembered *remembered = listing->remembered;
	const struct feed *feed = &remembered->feed;
	struct fed fed = {.model = listing->model};
	struct feed_said said;
	double weight = 0;
	const char *driver = "-";
	bool kept;
	listing->err = remembered_model(remembered, one, &fed, &kept, &listing->why);
	if (listing->err)
		return false;
	if (feed_ahead(feed, remembered->now_ms, &fed, &said, NULL) == 0)
		driver = forecast_driver(listing->model, feed->ahead, &weight);
	if (listing->json)
		json_array_append_new(listing->json, row_json(one, listing->model, driver, weight));
	else
		row_text(one, listing->model, driver, listing->out);
	return true;
}

static void close_own(struct remembered *remembered)
{
	remembered_close(remembered);
}

static void model_free_own(struct model **model)
{
	model_free(*model);
}

int call_model_ls(const struct call *call)
{
	OWN(close_own) struct remembered remembered = {0};
	OWN(model_free_own) struct model *model = NULL;
	OWN(str_done) struct str text = {0};
	int code = remembered_open(call, false, &remembered);
	if (code)
		return code;
	model = model_new();
	if (!model)
		return call_fail(EXIT_FAILED, "no memory");
	bool json = args_given(&call->args, OPTION_JSON);
	struct listing listing = {.remembered = &remembered,
		.model = model,
		.out = &text,
		.json = json ? json_array() : NULL};
	if (!json)
		str_addf(&text, "%8s %7s  %-16s%7s%9s%9s  %s\n", "known", "refits", "driven by",
			"error", "in 80 %", "pinball", "series");
	if (remembered.series)
		series_each(remembered.series, list_one, &listing);
	if (listing.err) {
		json_decref(listing.json);
		return call_fail(EXIT_FAILED, "%s", listing.why.text);
	}
	if (json)
		return call_print_json(
			json_pack("{s:s,s:o}", "type", "model-list", "models", listing.json));
	return call_print(&text);
}
