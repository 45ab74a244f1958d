/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering. */
#include "ebb/forecast_text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "ebb/call.h"
#include "foresee/apps.h"
#include "foresee/soon.h"
#include "model/paths.h"

#define BOLD "\033[1m"
#define CYAN "\033[36m"
#define FAINT "\033[2m"
#define PLAIN "\033[0m"

enum { CHART_COLUMNS = 48, ROWS_BY_HOUR = 48, LONG_STEP = 6 };

/* Of ahead_taus. */
enum { Q025, Q10, Q25, Q50, Q75, Q90, Q975 };

struct forecast_known forecast_known(const struct model *model)
{
	const struct history *history = &model->history;
	struct forecast_known known = {.is = "nothing"};
	for (int64_t hour = history->first; hour < history->next; hour++) {
		if (isnan(history_at(history, hour)))
			continue;
		known.hours++;
		known.span = (size_t)(hour + 1 - history->first);
		known.age = (size_t)(history->next - hour - 1);
	}
	if (known.hours)
		known.is = known.hours >= 14 * HISTORY_DAY ? "weeks"
			: known.hours >= 2 * HISTORY_DAY   ? "days"
							   : "hours";
	return known;
}

const char *forecast_driver(
	const struct model *model, const struct ahead *ahead, double *ret_weight)
{
	double weights[EXPERTS];
	size_t best = 0;
	mix_weights(&model->mix, 0, &ahead->said, weights);
	for (size_t e = 1; e < EXPERTS; e++)
		if (weights[e] > weights[best])
			best = e;
	*ret_weight = weights[best];
	return expert_names[best];
}

const char *forecast_number(double value, char text[FORECAST_NUMBER])
{
	static const char *const units[] = {"", "k", "M", "G", "T", "P", "E"};
	size_t unit = 0;
	double size = fabs(value);
	while (size >= 999.5 && unit + 1 < sizeof(units) / sizeof(*units)) {
		size /= 1000;
		value /= 1000;
		unit++;
	}
	int digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.0995 || size <= 0 ? 2 : 4;
	if (size > 0 && size < 0.001)
		snprintf(text, FORECAST_NUMBER, "%.1e", value);
	else
		snprintf(text, FORECAST_NUMBER, "%.*f%s", digits, value, units[unit]);
	return text;
}

/* "3 days 4 h", "5 h". */
static const char *span_text(size_t hours, char text[UNITS_TEXT])
{
	size_t days = hours / 24, rest = hours % 24;
	if (days && rest)
		snprintf(text, UNITS_TEXT, "%zu day%s %zu h", days, days == 1 ? "" : "s", rest);
	else if (days)
		snprintf(text, UNITS_TEXT, "%zu day%s", days, days == 1 ? "" : "s");
	else
		snprintf(text, UNITS_TEXT, "%zu h", hours);
	return text;
}

static void add_known(const struct forecast *forecast, struct str *out)
{
	char span[UNITS_TEXT], age[UNITS_TEXT];
	struct forecast_known known = forecast_known(forecast->model);
	int64_t old_s = (forecast->now_ms - forecast->last_ms) / 1000;
	if (forecast->partial)
		str_add(out, "  known     for less than an hour\n");
	else if (known.hours < known.span)
		str_addf(out, "  known     %zu of the last %s\n", known.hours,
			span_text(known.span, span));
	else
		str_addf(out, "  known     for %s\n", span_text(known.span, span));
	if (known.age > 1)
		str_addf(out, "  silent    for %s: it may never come back\n",
			span_text(known.age, age));
	else
		str_addf(out, "  newest    %lld s ago\n", (long long)(old_s > 0 ? old_s : 0));
	const char *so = NULL;
	if (forecast->partial)
		so = "this is hardly more than a guess: what was seen goes on, and the bands say "
		     "little";
	else if (known.hours < HISTORY_DAY)
		so = "nobody knows its days yet: what was seen goes on, and the bands say little";
	else if (known.hours < 2 * HISTORY_DAY)
		so = "one day was seen, and the next may be another: take the bands as rough";
	else if (known.hours < 14 * HISTORY_DAY)
		so = "its days are known and its weeks are not";
	if (so)
		str_addf(out, "  so        %s\n", so);
}

/* Where the bands of the next day come from. */
static struct bands_basis basis_of(const struct forecast *forecast)
{
	struct bands bands;
	bands_begin(&bands, &forecast->model->record, &forecast->model->history, 0);
	return bands_basis(&bands);
}

static void add_record(const struct forecast *forecast, struct str *out)
{
	struct record_view view;
	double weight;
	char pinball[FORECAST_NUMBER];
	record_show(&forecast->model->record, &view);
	if (view.days > 0)
		str_addf(out,
			"  record    error %.2f of the day before's, %.0f %% inside the 80 %% "
			"band, "
			"pinball %s\n",
			view.mase, 100 * view.coverage, forecast_number(view.pinball, pinball));
	else
		str_add(out, "  record    none: no forecast of it has come due\n");
	if (view.restarts)
		str_addf(out, "  drift     the choice began anew %u times\n", view.restarts);
	struct bands_basis basis = basis_of(forecast);
	str_addf(out,
		"  stems     from %.0f %% own errors, %.0f %% own days, %.0f %% what %s things "
		"do\n",
		100 * basis.record, 100 * basis.days, 100 * basis.class,
		prior_names[forecast->model->history.class]);
	const char *driver = forecast_driver(forecast->model, forecast->ahead, &weight);
	str_addf(out, "  driven by %s (%.0f %% of the weight), %s\n", driver, 100 * weight,
		forecast->kept ? "by the daemon's model" : "by a model made for this call");
}

/* ---- the chart ---- */

struct shown_row {
	double q[AHEAD_QUANTILES]; /* of several hours: the outermost, and the mean of medians */
};

static struct shown_row row_of(const struct forecast *forecast, size_t from, size_t step)
{
	struct shown_row row;
	memcpy(row.q, forecast->ahead->quantile[from], sizeof(row.q));
	size_t count = 1;
	for (; count < step && from + count < forecast->hours; count++) {
		const double *q = forecast->ahead->quantile[from + count];
		for (size_t i = 0; i < AHEAD_QUANTILES; i++)
			row.q[i] = i < Q50 ? fmin(row.q[i], q[i])
				: i > Q50  ? fmax(row.q[i], q[i])
					   : row.q[i] + q[i];
	}
	row.q[Q50] /= (double)count;
	return row;
}

/* The axis goes to the largest 90 % value: a tail beyond is cut, and said by a '>'. */
static void axis_of(const struct forecast *forecast, double *ret_low, double *ret_high)
{
	double low = 0, high = 0;
	for (size_t h = 0; h < forecast->hours; h++) {
		low = fmin(low, forecast->ahead->quantile[h][Q10]);
		high = fmax(high, forecast->ahead->quantile[h][Q90]);
	}
	*ret_low = low;
	*ret_high = high > low ? high * 1.1 : low + 1;
}

static size_t column_of(double value, double low, double high)
{
	double at = (value - low) / (high - low) * (CHART_COLUMNS - 1);
	return at <= 0 ? 0 : at >= CHART_COLUMNS - 1 ? CHART_COLUMNS - 1 : (size_t)lround(at);
}

static void draw(const struct shown_row *row, double low, double high, char bar[CHART_COLUMNS + 1])
{
	static const struct {
		int from, to;
		char letter;
	} bands[] = {{Q025, Q975, '.'}, {Q10, Q90, '-'}, {Q25, Q75, '='}, {Q50, Q50, '|'}};
	memset(bar, ' ', CHART_COLUMNS);
	bar[CHART_COLUMNS] = '\0';
	for (size_t b = 0; b < sizeof(bands) / sizeof(*bands); b++)
		for (size_t c = column_of(row->q[bands[b].from], low, high);
			c <= column_of(row->q[bands[b].to], low, high); c++)
			bar[c] = bands[b].letter;
	if (row->q[Q975] > high)
		bar[CHART_COLUMNS - 1] = '>';
}

static const char *clock_text(const struct forecast *forecast, int64_t ms, char text[32])
{
	time_t local = (time_t)forecast->local(ms / 1000);
	struct tm tm;
	text[0] = '\0';
	if (gmtime_r(&local, &tm))
		strftime(text, 32, "%a %d %H:%M", &tm);
	return text;
}

static void add_head(const struct forecast *forecast, bool color, struct str *out)
{
	str_addf(out, "%s%s%s%s\n", color ? BOLD : "", forecast->name, color ? PLAIN : "",
		forecast->kind == SERIES_COUNTER ? ", a second" : "");
	if (forecast->app)
		str_addf(out,
			"  belongs   to %s (%s, %s), which goes by %zu event%s of its calendar\n",
			forecast->app->name, app_types[forecast->app->type],
			app_classes[forecast->app->class], forecast->app->calendar.count,
			forecast->app->calendar.count == 1 ? "" : "s");
	add_known(forecast, out);
	add_record(forecast, out);
	str_add(out, "\n");
}

void forecast_chart(const struct forecast *forecast, bool color, struct str *out)
{
	double low, high;
	char bar[CHART_COLUMNS + 1], when[32], number[3][FORECAST_NUMBER];
	size_t step = forecast->hours > ROWS_BY_HOUR ? LONG_STEP : 1;
	add_head(forecast, color, out);
	axis_of(forecast, &low, &high);
	str_addf(out, "%-14s%8s%8s%8s  %-*s%s\n", "", "10 %", "median", "90 %", CHART_COLUMNS - 6,
		forecast_number(low, number[0]), forecast_number(high, number[1]));
	for (size_t h = 0; h < forecast->hours; h += step) {
		struct shown_row row = row_of(forecast, h, step);
		draw(&row, low, high, bar);
		for (size_t end = CHART_COLUMNS; end && bar[end - 1] == ' '; end--)
			bar[end - 1] = '\0';
		str_addf(out, "  %-12s%8s%8s%8s  %s%s%s\n",
			clock_text(forecast, forecast->start_ms + (int64_t)h * 3600000, when),
			forecast_number(row.q[Q10], number[0]),
			forecast_number(row.q[Q50], number[1]),
			forecast_number(row.q[Q90], number[2]), color ? CYAN : "", bar,
			color ? PLAIN : "");
	}
	str_addf(out, "%s  | median  = 50 %%  - 80 %%  . 95 %% of what may come%s%s\n",
		color ? FAINT : "", step > 1 ? "; a row is six hours" : "", color ? PLAIN : "");
}

void forecast_table(const struct forecast *forecast, struct str *out)
{
	char when[32], number[FORECAST_NUMBER];
	add_head(forecast, false, out);
	str_addf(out, "%-14s", "");
	for (size_t q = 0; q < AHEAD_QUANTILES; q++)
		str_addf(out, "%8.1f%%", 100 * ahead_taus[q]);
	str_add(out, "\n");
	for (size_t h = 0; h < forecast->hours; h++) {
		str_addf(out, "  %-12s",
			clock_text(forecast, forecast->start_ms + (int64_t)h * 3600000, when));
		for (size_t q = 0; q < AHEAD_QUANTILES; q++)
			str_addf(out, "%9s",
				forecast_number(forecast->ahead->quantile[h][q], number));
		str_add(out, "\n");
	}
}

/* ---- for programs ---- */

static json_t *time_json(int64_t ms)
{
	char text[UNITS_TEXT];
	return json_string(units_show_time(ms * NS_PER_MS, text));
}

static json_t *steps_json(const struct forecast *forecast)
{
	json_t *steps = json_array();
	for (size_t h = 0; h < forecast->hours; h++) {
		json_t *values = json_array();
		for (size_t q = 0; q < AHEAD_QUANTILES; q++)
			json_array_append_new(values, json_real(forecast->ahead->quantile[h][q]));
		json_array_append_new(steps,
			json_pack("{s:o,s:f,s:o}", "at",
				time_json(forecast->start_ms + (int64_t)h * 3600000), "value",
				forecast->ahead->mix[h], "quantiles", values));
	}
	return steps;
}

static json_t *record_json(const struct model *model)
{
	struct record_view view;
	record_show(&model->record, &view);
	if (view.days <= 0)
		return json_null();
	return json_pack("{s:f,s:o,s:f,s:f,s:i}", "days", view.days, "mase",
		isfinite(view.mase) ? json_real(view.mase) : json_null(), "coverage", view.coverage,
		"pinball", view.pinball, "restarts", (int)view.restarts);
}

static json_t *basis_json(const struct forecast *forecast)
{
	struct bands_basis basis = basis_of(forecast);
	return json_pack("{s:f,s:f,s:f,s:s,s:i,s:f}", "record", basis.record, "days", basis.days,
		"class", basis.class, "class_name", prior_names[forecast->model->history.class],
		"record_days", (int)basis.record_days, "days_known", basis.days_known);
}

/* Scenario paths: hours that belong together. */
static json_t *paths_json(const struct forecast *forecast)
{
	OWN(own_free) struct path *paths = calloc(PATHS_MAX, sizeof(*paths));
	size_t count = paths ? paths_make(forecast->model, forecast->ahead, paths) : 0;
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		json_t *hours = json_array();
		for (size_t h = 0; h < forecast->hours; h++)
			json_array_append_new(hours, json_real(paths[i].hours[h]));
		json_array_append_new(list,
			json_pack("{s:f,s:i,s:o}", "weight", paths[i].weight, "age_days",
				paths[i].age_days, "hours", hours));
	}
	return list;
}

static json_t *experts_json(const struct forecast *forecast)
{
	double weights[EXPERTS];
	json_t *experts = json_object();
	mix_weights(&forecast->model->mix, 0, &forecast->ahead->said, weights);
	for (size_t e = 0; e < EXPERTS; e++)
		if (weights[e] > 0)
			json_object_set_new(experts, expert_names[e], json_real(weights[e]));
	return experts;
}

static json_t *steps_soon(const struct forecast *forecast)
{
	const struct soon *soon = forecast->soon;
	json_t *steps = json_array();
	for (size_t i = 0; i < NEAR_HOUR; i++) {
		json_t *values = json_array();
		for (size_t q = 0; q < AHEAD_QUANTILES; q++)
			json_array_append_new(values, json_real(soon->quantile[i][q]));
		json_array_append_new(steps,
			json_pack("{s:o,s:f,s:o}", "at",
				time_json(soon->start_ms + (int64_t)i * NEAR_STEP_S * 1000),
				"value", soon->value[i], "quantiles", values));
	}
	return steps;
}

/* "calm", or how what is high will be: most of its time lies in runs of an hour or more, or not. */
static json_t *window_json(const struct forecast *forecast, size_t hour)
{
	const struct soon_window *window = &forecast->soon->windows[hour];
	return json_pack("{s:o,s:s,s:f,s:f,s:f,s:f}", "at",
		time_json(forecast->soon->windows_ms + (int64_t)hour * 3600000), "class",
		soon_class(window), "probability", window->probability, "sustained",
		window->sustained, "length", window->length_s, "height", window->height);
}

/* Five-minute steps of the next hour, and the windows of the next day. */
static void soon_json(const struct forecast *forecast, json_t *document)
{
	const struct soon *soon = forecast->soon;
	json_t *windows = json_array();
	for (size_t h = 0; h < SOON_WINDOWS; h++)
		json_array_append_new(windows, window_json(forecast, h));
	json_object_set_new(document, "soon",
		json_pack("{s:i,s:i,s:o}", "step", NEAR_STEP_S, "hours_of_record", (int)soon->hours,
			"steps", steps_soon(forecast)));
	json_object_set_new(document, "odd",
		json_pack("{s:f,s:f,s:s,s:f}", "p", soon->odd.p, "hour_p", soon->odd_hour.p, "way",
			odd_names[soon->odd_hour.way], "score", soon->odd_hour.score));
	json_object_set_new(document, "windows",
		json_pack("{s:i,s:f,s:{s:f,s:f,s:f,s:f},s:o}", "step", 3600, "high", soon->high,
			"half_hour", "probability", soon->now.probability, "sustained",
			soon->now.sustained, "more", soon->now.more_s, "height", soon->now.height,
			"windows", windows));
}

void forecast_json(const struct forecast *forecast, struct str *out)
{
	struct forecast_known known = forecast_known(forecast->model);
	json_t *levels = json_array();
	for (size_t q = 0; q < AHEAD_QUANTILES; q++)
		json_array_append_new(levels, json_real(ahead_taus[q]));
	json_t *document = json_pack("{s:s,s:s,s:s,s:o,s:o,s:{s:I,s:I,s:I,s:s,s:b,s:o},s:o,s:{s:s,"
				     "s:I,s:o},s:i,s:o,s:o}",
		"type", "forecast", "series", forecast->name, "unit",
		forecast->kind == SERIES_COUNTER ? "1/s" : "", "now", time_json(forecast->now_ms),
		"start", time_json(forecast->start_ms), "known", "seconds",
		(json_int_t)known.hours * 3600, "span", (json_int_t)known.span * 3600, "silent",
		(json_int_t)known.age * 3600, "class", forecast->partial ? "minutes" : known.is,
		"partial", forecast->partial, "newest", time_json(forecast->last_ms), "record",
		record_json(forecast->model), "model", "from", forecast->kept ? "shelf" : "call",
		"refits", (json_int_t)forecast->model->refits, "experts", experts_json(forecast),
		"step", 3600, "levels", levels, "steps", steps_json(forecast));
	json_object_set_new(document, "basis", basis_json(forecast));
	if (forecast->app)
		json_object_set_new(document, "application",
			json_pack("{s:s,s:s,s:s,s:i}", "name", forecast->app->name, "type",
				app_types[forecast->app->type], "class",
				app_classes[forecast->app->class], "events",
				(int)forecast->app->calendar.count));
	if (forecast->paths)
		json_object_set_new(document, "paths", paths_json(forecast));
	if (forecast->soon)
		soon_json(forecast, document);
	call_add_json(out, document);
}
