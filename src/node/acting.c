/* SPDX-License-Identifier: Apache-2.0 */
/* Room act in a node: its turns, what it says of itself, and what may be asked of it. */
#include "node/acting.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "act/act.h"
#include "act/ledger.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "node/inside.h"
#include "os/clock.h"
#include "os/world.h"
#include "plan/decide.h"
#include "series/name.h"
#include "talk/reply.h"

enum { JOBS_AT_ONCE = 100 };

int acting_begin(struct node *node)
{
	const struct act_options options = {
		.world = node->world,
		.program = node->options.ebb,
		.state = node->conf.state,
		.env = node->options.env,
		.local = node->options.local,
		.arg = node->options.arg,
		.on_event = node->options.on_act,
	};
	if (!options.program)
		return 0;
	return act_open(&options, &node->act);
}

void acting_end(struct node *node)
{
	act_close(TAKE(node->act));
}

static void put_latency(
	struct node *node, const struct keeper *keeper, const char *during, double seconds)
{
	static const char metric[] = "ebb_foreground_latency_seconds";
	struct name name;
	if (seconds > 0 && name_start(&name, metric, strlen(metric), NULL) == 0 &&
		name_label(&name, "resource", keeper->how.name, NULL) == 0 &&
		name_label(&name, "during", during, NULL) == 0)
		watch_put(&node->past.watch, &name, SERIES_GAUGE, round(seconds * 1e6) / 1e6);
}

/* What was measured since the last turn; when nothing was, there is a gap. */
static void put_latencies(struct node *node, const struct keeper *keeper)
{
	const struct waits *waits = keeper->waits;
	if (waits->now_s > 0)
		put_latency(node, keeper, waits->ours ? "backup" : "idle", waits->now_s);
}

/* So that what users did can be told from it later. */
void acting_put(struct node *node)
{
	const struct device *device;
	if (!node->act)
		return;
	for (size_t i = 0; i < act_count(node->act); i++)
		put_latencies(node, act_keeper(node->act, i));
	for (size_t i = 0; act_device(node->act, i, &device); i++) {
		static const char metric[] = "ebb_job_disk_seconds_total";
		struct name name;
		if (name_start(&name, metric, strlen(metric), NULL) == 0 &&
			name_label(&name, "device", device->name, NULL) == 0)
			watch_put(&node->past.watch, &name, SERIES_COUNTER, device->own_s);
	}
}

void acting_turn(struct node *node)
{
	if (node->act && !node->state.failed)
		act_turn(node->act, node->past.series);
}

/* ---- what is told ---- */

static json_t *time_json(int64_t at_s)
{
	char text[UNITS_TEXT];
	return at_s ? json_string(units_show_time(at_s * NS_PER_SEC, text)) : json_null();
}

/* JSON has no infinity: a price without bound is the word. */
static json_t *price_json(double price)
{
	if (price < 0)
		return json_null();
	return isinf(price) ? json_string("any") : json_real(price);
}

static const char *state_of(const struct keeper *keeper)
{
	return keeper->job.proc ? job_state_text(keeper->job.seen.state) : "waits";
}

static json_t *plan_json(const struct keeper *keeper)
{
	const struct keeper_plan *plan = &keeper->plan;
	return json_pack("{s:s,s:b,s:b,s:o,s:o,s:o,s:o,s:o,s:f,s:i,s:f,s:f}", "wanted",
		plan_wanted_word(plan->wanted), "pressed", plan->pressed, "will_miss",
		plan->will_miss, "not_before", time_json(plan->release_s), "due",
		time_json(plan->due_s), "begins", time_json(plan->begins_s), "ends",
		time_json(plan->ends_s), "price", price_json(plan->alone ? -1 : plan->price),
		"in_time", plan->in_time, "binding_day", plan->binding, "score", plan->score,
		"harm", plan->harm);
}

static json_t *known_seconds(double seconds)
{
	return seconds > 0 ? json_real(seconds) : json_null();
}

/* Of a request of users, measured: now, what it would be without us, the last known of either. */
static json_t *latency_json(const struct keeper *keeper)
{
	const struct waits *waits = keeper->waits;
	return json_pack("{s:o,s:o,s:o,s:o,s:f}", "now", known_seconds(waits->now_s), "without_us",
		known_seconds(waits->without_s), "idle", known_seconds(waits->idle_s), "backup",
		known_seconds(waits->backup_s), "of_allowed", keeper_felt(keeper));
}

static json_t *keeper_json(const struct keeper *keeper)
{
	const struct device *device = keeper->device;
	return json_pack("{s:s,s:o,s:o,s:s,s:I,s:s,s:b,s:o,s:o,s:f,s:f,s:f,s:f,s:i,s:o,s:o}",
		"name", keeper->how.name, "path", talk_json_text(keeper->how.path), "to",
		talk_json_text(keeper->how.to), "state", state_of(keeper), "rpo",
		(json_int_t)(keeper->how.rpo_ns / NS_PER_SEC), "disk", device->name, "disk_missing",
		device->missing, "newest_point", time_json(keeper->last_s), "plan",
		plan_json(keeper), "work", keeper->work_s, "users_busy", device->users, "share",
		keeper->pacer.share, "bytes_per_second", keeper->pacer.share * device->capacity,
		"failures", keeper->failures, "retry",
		time_json(keeper->failures ? keeper->retry_s : 0), "foreground_latency",
		latency_json(keeper));
}

json_t *acting_json(const struct node *node)
{
	json_t *list = json_array();
	for (size_t i = 0; node->act && i < act_count(node->act); i++)
		json_array_append_new(list, keeper_json(act_keeper(node->act, i)));
	const char *failure = node->act ? act_failure(node->act) : NULL;
	return json_pack("{s:o,s:o}", "protected", list, "jobs_error",
		failure ? talk_json_text(failure) : json_null());
}

static bool add_job(void *arg, const struct ledger_job *job)
{
	json_t *one = json_pack("{s:I,s:s,s:s,s:o,s:o,s:o,s:o,s:f,s:I}", "id", (json_int_t)job->id,
		"resource", job->resource, "state", job_state_text(job->state), "started",
		time_json(job->started_s), "ended", time_json(job->ended_s), "late_after",
		time_json(job->due_s), "price", price_json(job->price), "in_time", job->in_time,
		"binding_day", (json_int_t)job->binding);
	json_t *came = json_pack("{s:f,s:f,s:f,s:I,s:I}", "work", job->work_s, "took", job->took_s,
		"harm", job->harm, "bytes", (json_int_t)job->bytes, "code", (json_int_t)job->code);
	if (one && came)
		json_object_update(one, came);
	json_decref(came);
	return json_array_append_new(arg, one) == 0;
}

void node_jobs(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	const struct node *node = arg;
	struct ledger *ledger = node->act ? act_ledger(node->act) : NULL;
	struct ledger_ask ask = {
		.resource = argc > 1 && *argv[1] ? argv[1] : NULL, .max = JOBS_AT_ONCE};
	if (argc > 2) {
		char *end;
		ask.below = strtoll(argv[2], &end, 10);
		if (*end || ask.below < 0) {
			talk_reply_refuse(
				ret_reply, TALK_USAGE, "'%s' is no number of a job", argv[2]);
			return;
		}
	}
	json_t *list = json_array();
	if (ledger)
		act_ledger_each(ledger, &ask, add_job, list);
	talk_reply_ok(ret_reply, json_pack("{s:s,s:o}", "type", "jobs", "jobs", list));
}

/* "12": the number of a job, 0 when it is none. A resource of that name comes first. */
static int64_t job_number(const char *text)
{
	char *end;
	long long number = strtoll(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end ? number : 0;
}

void node_why(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc;
	const struct node *node = arg;
	OWN(str_done) struct str text = {0};
	struct why why = {"nothing of that name is planned: `ebb status` lists what is protected"};
	int64_t id = job_number(argv[1]);
	if (node->act)
		act_why(node->act, argv[1], &text);
	if (node->act && !text.len && id)
		act_why_job(node->act, id, &text, &why);
	if (text.len)
		talk_reply_ok(ret_reply,
			json_pack("{s:s,s:o}", "type", "why", "text",
				talk_json_text(str_text(&text))));
	else
		talk_reply_refuse(ret_reply, TALK_NONE, "%s", why.text);
}

static void answer(bool done, const char *type, const char *refusal, struct str *ret_reply)
{
	if (done)
		talk_reply_ok(ret_reply, json_pack("{s:s}", "type", type));
	else
		talk_reply_refuse(ret_reply, TALK_NONE, "%s", refusal);
}

void node_now(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc;
	const struct node *node = arg;
	answer(node->act && act_now(node->act, argv[1]), "now",
		"nothing of that name is protected: `ebb status` lists what is", ret_reply);
}

void node_cancel(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc;
	const struct node *node = arg;
	answer(node->act && act_cancel(node->act, argv[1]), "cancel",
		"no job of that name runs: `ebb status` lists what does", ret_reply);
}
