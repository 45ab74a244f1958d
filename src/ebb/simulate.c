/* SPDX-License-Identifier: Apache-2.0 */
/* What ways to decide would have come to: `simulate`. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/simulate.h"
#include "ebb/trace_file.h"
#include "replay/replay.h"
#include "replay/report.h"

enum { SLOT_MS = 300000, DAY_MS = DAYS_DAY * SLOT_MS, HOLDS_MS = 2 * 3600000 };

/* Of the past at least that much is looked at before a day is judged. */
enum { LEAST_DAYS = 8, DAYS_MAX = 3660, JUDGED_MAX = 28 };

static void world_done(struct replay_world **world)
{
	free(*world);
}

static int64_t midnight(int64_t ms)
{
	return (ms - (((ms % DAY_MS) + DAY_MS) % DAY_MS));
}

/* A value holds until the next, two hours at most. */
static void fill(const struct samples *samples, int64_t first_ms, size_t slots, double *load)
{
	for (size_t i = 0; i < slots; i++)
		load[i] = (double)NAN;
	for (size_t i = 0; i < samples->len; i++) {
		const struct sample *sample = &samples->at[i];
		int64_t until = sample->ms + HOLDS_MS;
		if (i + 1 < samples->len && samples->at[i + 1].ms < until)
			until = samples->at[i + 1].ms;
		int64_t from = (sample->ms - first_ms) / SLOT_MS, count = 0;
		for (int64_t slot = from; slot < (int64_t)slots; slot++, count++) {
			if (count && first_ms + slot * SLOT_MS >= until)
				break;
			load[slot] = sample->value;
		}
	}
}

int simulate_host(const struct samples *samples, struct replay_host *ret_host,
	int64_t *ret_first_ms, int64_t *ret_slots)
{
	int64_t first = midnight(samples->at[0].ms);
	int64_t last = samples->at[samples->len - 1].ms;
	int64_t days = (last - first) / DAY_MS + 1;
	if (days > DAYS_MAX)
		return call_fail(EXIT_FAILED, "the trace spans more than ten years");
	OWN(own_free) double *load = malloc((size_t)days * DAYS_DAY * sizeof(*load));
	if (!load)
		return call_fail(EXIT_FAILED, "no memory");
	fill(samples, first, (size_t)days * DAYS_DAY, load);
	if (replay_scale(ret_host, load, (size_t)days * DAYS_DAY))
		return call_fail(EXIT_FAILED, "no memory");
	*ret_first_ms = first;
	*ret_slots = days * DAYS_DAY;
	return EXIT_OK;
}

void simulate_world(const struct replay_site *site, int64_t days, struct replay_world *ret_world)
{
	*ret_world = (struct replay_world){.site = site,
		.beta = 0.05,
		.most = 0.8,
		.noise = 0.1,
		.bursts = 0.5,
		.delay = 1,
		.seed = 1,
		.from = site->slots - days * DAYS_DAY};
	replay_prepare(ret_world);
}

static int make_host(const struct call *call, struct replay_host *host, int64_t *ret_slots)
{
	OWN(trace_file_done) struct trace_file file = {0};
	int64_t first_ms;
	int code = trace_file_read(call, call->args.operands[0], &file);
	return code ? code : simulate_host(&file.samples, host, &first_ms, ret_slots);
}

int64_t simulate_days(int64_t known)
{
	int64_t days = known - LEAST_DAYS < known / 2 ? known - LEAST_DAYS : known / 2;
	return days > JUDGED_MAX ? JUDGED_MAX : days;
}

static int read_days(const struct call *call, int64_t known, int64_t *ret_days)
{
	const char *text = call->args.values[OPTION_DAYS];
	char *end;
	*ret_days = simulate_days(known);
	if (text) {
		long days = strtol(text, &end, 10);
		if (*end || end == text || days < 1 || days > known - LEAST_DAYS)
			return call_fail(EXIT_USAGE,
				"--days: 1 to %lld of this trace, which has %lld days and needs "
				"%d before",
				(long long)(known > LEAST_DAYS ? known - LEAST_DAYS : 0),
				(long long)known, LEAST_DAYS);
		*ret_days = days;
	}
	if (*ret_days < 1)
		return call_fail(EXIT_FAILED, "the trace has %lld days: %d and one more are needed",
			(long long)known, LEAST_DAYS);
	return EXIT_OK;
}

static int print_json(const struct replay_row *rows, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		const char *name = rows[i].name;
		while (*name == ' ')
			name++;
		bool known = isfinite(rows[i].avoided);
		json_array_append_new(list,
			json_pack("{s:s,s:f,s:f,s:o,s:f,s:f}", "way", name, "jobs", rows[i].jobs,
				"harm", rows[i].harm, "avoided",
				known ? json_real(rows[i].avoided) : json_null(), "over",
				rows[i].over, "late", rows[i].late));
	}
	return call_print_json(json_pack("{s:o}", "ways", list));
}

static int report(const struct call *call, struct replay_world *world)
{
	OWN(str_done) struct str text = {0};
	struct replay_row rows[REPLAY_ROWS];
	if (args_given(&call->args, OPTION_SVG)) {
		if (replay_picture(world, &text))
			return call_fail(EXIT_FAILED, "no week to show, or no memory");
		return call_print(&text);
	}
	size_t count = replay_report(world, rows);
	if (!count)
		return call_fail(EXIT_FAILED, "no day of the trace is known well enough");
	if (args_given(&call->args, OPTION_JSON))
		return print_json(rows, count);
	str_addf(&text, "%.0f days, each with a job that reads %.0f %% of what the device can do\n",
		rows[0].jobs, 100 * world->beta);
	replay_table(rows, count, &text);
	return call_print(&text);
}

int call_simulate(const struct call *call)
{
	struct replay_host host = {0};
	struct replay_site site = {.hosts = 1, .host = &host};
	OWN(world_done) struct replay_world *world = calloc(1, sizeof(*world));
	int64_t days = 0;
	if (!world)
		return call_fail(EXIT_FAILED, "no memory");
	int code = make_host(call, &host, &site.slots);
	if (code == EXIT_OK)
		code = read_days(call, site.slots / DAYS_DAY, &days);
	if (code == EXIT_OK) {
		simulate_world(&site, days, world);
		code = report(call, world);
	}
	replay_host_done(&host);
	return code;
}
