/* SPDX-License-Identifier: Apache-2.0 */
/* Through the code of `model backtest` and of `simulate`. */
#include "ebb/demo_week.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/simulate.h"
#include "ebb/trace_file.h"
#include "foresee/backtest.h"
#include "os/linux/textfile.h"

enum { SLOT_MS = 300000, DAY_MS = 86400000, COLUMN_SLOTS = DAYS_DAY / WEEK_COLUMNS };
enum { Q10 = 1, Q50 = 3, Q90 = 5 }; /* of ahead_taus */

/* A Monday; the last of the generated days is a Friday. */
#define OFFICE_BEGINS_MS (INT64_C(1789948800) * 1000)
enum { OFFICE_DAYS = 26, OFFICE_SEED = 7 };

/* ---- where it comes from ---- */

/* Of a normal distribution (Box and Muller 1958). */
static double normal(struct rng *rng)
{
	double u = ((double)(rng_u64(rng) >> 11) + 0.5) * 0x1p-53;
	double w = (double)(rng_u64(rng) >> 11) * 0x1p-53;
	return sqrt(-2 * log(u)) * cos(2 * M_PI * w);
}

/* As in bench/office.py: working hours with a dip at noon, a batch job at two each night. */
static double office_load(struct rng *rng, int64_t second)
{
	double hour = (double)(second % 86400) / 3600;
	double work = exp(-pow((hour - 10.5) / 2.2, 2)) + 0.9 * exp(-pow((hour - 15) / 2, 2));
	bool weekend = (second / 86400 + 3) % 7 >= 5;
	double batch = 0;
	if (hour >= 2 && hour < 3.2)
		batch = 0.8 * (0.9 + 0.2 * (double)(rng_u64(rng) >> 11) * 0x1p-53);
	return (0.03 + 0.75 * work * (weekend ? 0.25 : 1) + batch) * exp(0.25 * normal(rng));
}

static int generate(struct samples *samples)
{
	struct rng rng;
	rng_seed(&rng, OFFICE_SEED);
	for (int64_t slot = 0; slot < OFFICE_DAYS * DAYS_DAY; slot++) {
		int64_t ms = OFFICE_BEGINS_MS + slot * SLOT_MS;
		if (vec_push(samples, ((struct sample){ms, office_load(&rng, ms / 1000)})))
			return call_fail(EXIT_FAILED, "no memory");
	}
	return EXIT_OK;
}

static bool first_name(void *arg, const char *name)
{
	char *first = arg;
	size_t len = strlen(name);
	bool is_csv = len > 4 && len < WEEK_NAME && strcmp(name + len - 4, ".csv") == 0;
	if (is_csv && (!*first || strcmp(name, first) < 0))
		snprintf(first, WEEK_NAME, "%s", name);
	return true;
}

/* The last WEEK_DAYS of what is in a file. */
static int record(
	const struct call *call, const char *data, struct week *week, struct samples *samples)
{
	char name[WEEK_NAME] = "", path[2 * WEEK_NAME];
	struct trace_file file = {0};
	if (textfile_list(data, first_name, name, NULL) == 0 && !*name)
		return call_fail(EXIT_NO_OBJECT, "%s: no file in it ends in .csv", data);
	snprintf(path, sizeof(path), "%s%s%s", data, *name ? "/" : "", name);
	snprintf(week->source, sizeof(week->source), "%.*s", WEEK_NAME - 1, path);
	int code = trace_file_read(call, path, &file);
	if (code) {
		trace_file_done(&file);
		return code;
	}
	/* The last day may be cut short: whole ones are shown. */
	int64_t last = file.samples.at[file.samples.len - 1].ms + SLOT_MS;
	int64_t until = last - last % DAY_MS, from = until - (int64_t)WEEK_DAYS * DAY_MS;
	vec_each (sample, &file.samples)
		if (!code && sample->ms >= from && sample->ms < until && vec_push(samples, *sample))
			code = call_fail(EXIT_FAILED, "no memory");
	trace_file_done(&file);
	if (!code && !samples->len)
		code = call_fail(EXIT_FAILED, "%s: it holds no whole day", path);
	return code;
}

/* ---- the forecasts ---- */

static void on_midnight(void *arg, size_t number, const struct ahead *ahead)
{
	struct week *week = arg;
	if (number >= week->count)
		return;
	struct week_day *day = &week->days[number];
	day->said = true;
	for (size_t h = 0; h < WEEK_HOURS; h++) {
		day->low[h] = ahead->quantile[h][Q10];
		day->middle[h] = ahead->quantile[h][Q50];
		day->high[h] = ahead->quantile[h][Q90];
		day->width += (day->high[h] - day->low[h]) / WEEK_HOURS;
	}
}

static int foresee(struct week *week, const struct replay_host *host, int64_t first_ms)
{
	struct samples busy = {0};
	struct backtest_options how = {.on_midnight = on_midnight, .arg = week};
	struct backtest result;
	struct why why = {"no memory"};
	int err = 0;
	for (size_t slot = 0; !err && slot < week->count * DAYS_DAY; slot++)
		if (!isnan(host->busy[slot]))
			err = vec_push(&busy,
				((struct sample){first_ms + (int64_t)slot * SLOT_MS,
					100 * (double)host->busy[slot]}));
	if (!err)
		err = backtest_run(&busy, &how, &result, &why);
	vec_done(&busy);
	return err ? call_fail(EXIT_FAILED, "%s", why.text) : EXIT_OK;
}

static double mean_of(const float *slots, size_t column)
{
	double sum = 0;
	for (size_t i = 0; i < COLUMN_SLOTS; i++)
		sum += (double)slots[column * COLUMN_SLOTS + i] / COLUMN_SLOTS;
	return sum;
}

/* ---- the ways ---- */

static size_t way_number(enum week_way way)
{
	const size_t numbers[WEEK_WAYS] = {0, replay_feedback, replay_ours, replay_best};
	return numbers[way];
}

static int try_ways(struct week *week, const struct replay_site *site)
{
	OWN(own_free) struct replay_world *world = malloc(sizeof(*world));
	OWN(own_free) float *taken = calloc((size_t)site->slots, sizeof(*taken));
	int64_t days = simulate_days((int64_t)week->count);
	if (days < 1)
		return call_fail(EXIT_FAILED, "%s: %zu days are too few: ten are needed",
			week->source, week->count);
	if (!world || !taken)
		return call_fail(EXIT_FAILED, "no memory");
	simulate_world(site, days, world);
	world->taken = taken;
	OWN(own_free) struct replay_day *judged = calloc(replay_days_max(world), sizeof(*judged));
	if (!judged)
		return call_fail(EXIT_FAILED, "no memory");
	for (enum week_way way = 0; way < WEEK_WAYS; way++) {
		memset(taken, 0, (size_t)site->slots * sizeof(*taken));
		week->jobs = replay_run(world, &replay_ways[way_number(way)], judged);
		for (size_t i = 0; i < week->jobs; i++) {
			week->harm[way] += judged[i].harm / (double)week->jobs;
			week->late[way] += (double)judged[i].late / (double)week->jobs;
		}
		for (size_t c = 0; c < WEEK_COLUMNS; c++)
			week->took[way][c] = mean_of(taken + (week->count - 1) * DAYS_DAY, c);
	}
	return week->jobs ? EXIT_OK
			  : call_fail(EXIT_FAILED, "no day of the trace is known well enough");
}

static int live(struct week *week, const struct samples *samples)
{
	struct replay_host host = {0};
	struct replay_site site = {.hosts = 1, .host = &host};
	int64_t first_ms;
	int code = simulate_host(samples, &host, &first_ms, &site.slots);
	if (!code) {
		week->count = (size_t)(site.slots / DAYS_DAY);
		week->count = week->count < WEEK_DAYS ? week->count : WEEK_DAYS;
		for (size_t d = 0; d < week->count; d++) {
			week->days[d].start_ms = first_ms + (int64_t)d * DAY_MS;
			for (size_t c = 0; c < WEEK_COLUMNS; c++)
				week->days[d].came[c] = 100 * mean_of(host.busy + d * DAYS_DAY, c);
		}
		code = foresee(week, &host, first_ms);
	}
	if (!code)
		code = try_ways(week, &site);
	replay_host_done(&host);
	return code;
}

int week_live(const struct call *call, const char *data, struct week *ret_week)
{
	struct samples samples = {0};
	*ret_week = (struct week){0};
	int code = data ? record(call, data, ret_week, &samples) : generate(&samples);
	if (!code)
		code = live(ret_week, &samples);
	vec_done(&samples);
	return code;
}

json_t *week_json(const struct week *week)
{
	static const char *const names[WEEK_WAYS] = {"fixed", "feedback", "ebb", "knows"};
	json_t *widths = json_array(), *harm = json_object(), *late = json_object();
	for (size_t d = 0; d < week->count; d++)
		if (week->days[d].said)
			json_array_append_new(widths, json_real(week->days[d].width));
	for (enum week_way way = 0; way < WEEK_WAYS; way++) {
		json_object_set_new(harm, names[way], json_real(week->harm[way]));
		json_object_set_new(late, names[way], json_real(week->late[way]));
	}
	return json_pack("{s:b,s:s*,s:I,s:I,s:o,s:o,s:o}", "generated", !*week->source, "source",
		*week->source ? week->source : NULL, "days", (json_int_t)week->count, "jobs",
		(json_int_t)week->jobs, "band_widths", widths, "harm", harm, "late", late);
}
