/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of what is protected: states, plans, jobs, reasons; and a hand on them. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/act.h"
#include "act/ledger.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "node/acting.h"
#include "node/document.h"
#include "node/inside.h"
#include "node/members.h"
#include "os/clock.h"
#include "os/world.h"
#include "plan/decide.h"
#include "talk/reply.h"

/* ---- members ---- */

static const char *state_of(const struct keeper *keeper)
{
	return keeper->job.proc ? job_state_text(keeper->job.seen.state) : "waits";
}

static json_t *plan_json(const struct keeper *keeper)
{
	const struct keeper_plan *plan = &keeper->plan;
	return json_pack("{s:s,s:b,s:b,s:o,s:o,s:o,s:o,s:o,s:f,s:i,s:f,s:f}", "wanted",
		plan_wanted_word(plan->wanted), "pressed", plan->pressed, "will_miss",
		plan->will_miss, "not_before", member_time(plan->release_s), "due",
		member_time(plan->due_s), "begins", member_time(plan->begins_s), "ends",
		member_time(plan->ends_s), "price", member_price(plan->alone ? -1 : plan->price),
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

/* What either way would have cost in the days judged, late ones counted dear. */
static json_t *backtest_json(const struct backtest *backtest)
{
	double planner, feedback;
	backtest_costs(backtest, &planner, &feedback);
	size_t days = backtest->gate.days < GATE_DAYS ? backtest->gate.days : GATE_DAYS;
	return json_pack("{s:I,s:f,s:f,s:s}", "days", (json_int_t)days, "planner", planner,
		"feedback", feedback, "driver",
		backtest_driver(backtest) == DRIVER_PLANNER ? "planner" : "feedback");
}

static json_t *keeper_json(const struct keeper *keeper)
{
	const struct device *device = keeper->device;
	char source[CONF_SOURCE_TEXT];
	return json_pack(
		"{s:s,s:o,s:o,s:s,s:b,s:I,s:s,s:b,s:o,s:o,s:f,s:f,s:f,s:f,s:i,s:o,s:o,s:o,s:o}",
		"name", keeper->how.name, "path",
		talk_json_text(conf_protect_source(&keeper->how, source)), "to",
		talk_json_text(keeper->how.to), "state", state_of(keeper), "paused", keeper->held,
		"rpo", (json_int_t)(keeper->how.rpo_ns / NS_PER_SEC), "disk", device->name,
		"disk_missing", device->missing, "newest_point", member_time(keeper->last_s),
		"plan", plan_json(keeper), "work", keeper->work_s, "users_busy", device->users,
		"share", keeper->pacer.share, "bytes_per_second",
		keeper->pacer.share * device->capacity, "failures", keeper->failures, "retry",
		member_time(keeper->failures ? keeper->retry_s : 0), "foreground_latency",
		latency_json(keeper), "backtest", backtest_json(&keeper->backtest), "score_record",
		json_pack("{s:f,s:f}", "hours", keeper->calibrate.hours, "skill",
			calibrate_skill(&keeper->calibrate)));
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
		member_time(job->started_s), "ended", member_time(job->ended_s), "late_after",
		member_time(job->due_s), "price", member_price(job->price), "in_time", job->in_time,
		"binding_day", (json_int_t)job->binding);
	json_t *came = json_pack("{s:f,s:f,s:f,s:I,s:I}", "work", job->work_s, "took", job->took_s,
		"harm", job->harm, "bytes", (json_int_t)job->bytes, "code", (json_int_t)job->code);
	if (one && came)
		json_object_update(one, came);
	json_decref(came);
	return json_array_append_new(arg, one) == 0;
}

/* ---- sentences ---- */

/* Two units are enough for people: "3d4h", "4m12s". */
static const char *age_text(int64_t seconds, char text[UNITS_TEXT])
{
	static const int64_t steps[][2] = {{86400, 3600}, {3600, 60}, {60, 1}};
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (seconds >= steps[i][0]) {
			seconds -= seconds % steps[i][1];
			break;
		}
	return units_show_duration((seconds > 0 ? seconds : 0) * NS_PER_SEC, text);
}

/* Adds "02:10", by the clock of the wall, with the day when it is another one. */
static void add_moment(const struct node *node, int64_t at_s, int64_t now_s, struct str *text)
{
	char shown[UNITS_TEXT];
	int64_t (*local)(int64_t) = node->options.local;
	int64_t at = local ? local(at_s) : at_s, now = local ? local(now_s) : now_s;
	units_show_time(at * NS_PER_SEC, shown);
	if (at / 86400 != now / 86400)
		str_addf(text, "%.10s ", shown);
	str_addf(text, "%.5s", shown + 11);
}

static int64_t now_of(const struct node *node)
{
	return clock_wall_ns(node->world->clock) / NS_PER_SEC;
}

static void add_next(const struct node *node, const struct keeper *keeper, struct str *text)
{
	const struct keeper_plan *plan = &keeper->plan;
	int64_t now_s = now_of(node);
	if (plan->begins_s > now_s) {
		str_add(text, "; next expected ");
		add_moment(node, plan->begins_s, now_s, text);
	} else if (plan->wanted == WANTED_RUN) {
		str_add(text, "; next begins now");
	}
	if (plan->due_s) {
		str_add(text, ", due ");
		add_moment(node, plan->due_s, now_s, text);
	}
}

static json_t *sentence_json(const struct node *node, const struct keeper *keeper)
{
	OWN(str_done) struct str text = {0};
	char age[UNITS_TEXT];
	int64_t now_s = now_of(node);
	if (keeper->last_s)
		str_addf(&text, "protected %s ago", age_text(now_s - keeper->last_s, age));
	else
		str_add(&text, "not protected yet");
	if (keeper->job.proc)
		str_addf(&text, "; job %" PRId64 " %s", keeper->job.seen.id,
			job_state_text(keeper->job.seen.state));
	else
		add_next(node, keeper, &text);
	if (keeper->plan.will_miss)
		str_add(&text, "; it will be late whatever is done");
	if (keeper->device->missing)
		str_addf(&text, "; this host has no disk %s", keeper->device->name);
	if (keeper->failures)
		str_addf(&text, "; the last %d failed", keeper->failures);
	return str_error(&text) ? NULL : talk_json_text(str_text(&text));
}

/* ---- resources ---- */

/* When a point has to be there: the oldest may be this old. */
static int64_t deadline_of(const struct keeper *keeper)
{
	int64_t rpo_s = keeper->how.rpo_ns / NS_PER_SEC;
	return keeper->last_s ? keeper->last_s + rpo_s : keeper->plan.due_s;
}

static json_t *running_json(const struct keeper *keeper)
{
	const struct ledger_job *seen = &keeper->job.seen;
	if (!keeper->job.proc)
		return json_null();
	return json_pack("{s:I,s:s,s:o,s:I,s:f}", "id", (json_int_t)seen->id, "state",
		job_state_text(seen->state), "started", member_time(seen->started_s), "bytes",
		(json_int_t)seen->bytes, "progress", keeper_progress(keeper));
}

static json_t *resource_json(const struct node *node, const struct keeper *keeper)
{
	json_t *one = json_pack("{s:o,s:I,s:o,s:o,s:o,s:o}", "sentence",
		sentence_json(node, keeper), "rpo_seconds",
		(json_int_t)(keeper->how.rpo_ns / NS_PER_SEC), "point_at",
		member_time(keeper->last_s), "deadline", member_time(deadline_of(keeper)),
		"next_at", member_time(keeper->plan.begins_s), "job", running_json(keeper));
	json_t *rest = keeper_json(keeper);
	if (!one || !rest || json_object_update(one, rest) != 0) {
		json_decref(one);
		one = NULL;
	}
	json_decref(rest);
	return one;
}

static json_t *policy_json(const struct keeper *keeper)
{
	const struct conf_protect *how = &keeper->how;
	return json_pack("{s:I,s:I,s:I,s:s}", "rpo_seconds", (json_int_t)(how->rpo_ns / NS_PER_SEC),
		"best_rpo_seconds", (json_int_t)(how->best_rpo_ns / NS_PER_SEC), "impact_percent",
		(json_int_t)how->impact_percent, "disk", how->disk);
}

static int no_memory(struct why *why)
{
	return why_set(why, -ENOMEM, "out of memory");
}

static int nothing_protected(struct why *why)
{
	return why_set(
		why, -ENOENT, "nothing of that name is protected: `ebb status` lists what is");
}

int node_resources(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	if (ask->name) {
		const struct keeper *keeper = node->act ? act_find(node->act, ask->name) : NULL;
		if (!keeper)
			return nothing_protected(why);
		json_t *one = resource_json(node, keeper);
		json_t *policy = policy_json(keeper);
		if (json_object_set_new(one, "policy", policy) != 0 ||
			json_object_set_new(one, "type", json_string("resource")) != 0) {
			json_decref(one);
			return no_memory(why);
		}
		*ret = one;
		return 0;
	}
	json_t *list = json_array();
	for (size_t i = 0; node->act && i < act_count(node->act); i++)
		json_array_append_new(list, resource_json(node, act_keeper(node->act, i)));
	*ret = json_pack("{s:s,s:o}", "type", "resources", "resources", list);
	return *ret ? 0 : no_memory(why);
}

/* ---- jobs ---- */

static struct ledger *ledger_of(const struct node *node)
{
	return node->act ? act_ledger(node->act) : NULL;
}

int node_jobs(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	struct ledger *ledger = ledger_of(node);
	const struct ledger_ask all = {
		.resource = ask->name,
		.below = ask->below,
		.max = ask->limit ? ask->limit : NODE_JOBS_AT_ONCE,
	};
	if (all.max > NODE_JOBS_AT_ONCE)
		return why_set(why, -EINVAL, "at most %d jobs at once", NODE_JOBS_AT_ONCE);
	json_t *list = json_array();
	if (ledger)
		act_ledger_each(ledger, &all, add_job, list);
	*ret = json_pack("{s:s,s:o}", "type", "jobs", "jobs", list);
	return *ret ? 0 : no_memory(why);
}

/* "12": the number of a job, 0 when it is none. */
static int64_t job_number(const char *text)
{
	char *end;
	long long number = strtoll(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && number < INT64_MAX ? number : 0;
}

int node_job(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	int64_t id = job_number(ask->name);
	struct ledger *ledger = ledger_of(node);
	const struct ledger_ask one = {.below = id + 1, .max = 1};
	json_t *list = json_array();
	if (ledger && id)
		act_ledger_each(ledger, &one, add_job, list);
	json_t *job = json_array_get(list, 0);
	int err = 0;
	if (json_integer_value(json_object_get(job, "id")) != id || !id)
		err = why_set(why, -ENOENT, "there is no job '%.64s'", ask->name);
	else if (json_object_set_new(job, "type", json_string("job")) != 0)
		err = no_memory(why);
	else
		*ret = json_incref(job);
	json_decref(list);
	return err;
}

/* A resource of that name comes first, then a job of that number. */
int node_why(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	OWN(str_done) struct str text = {0};
	int64_t id = job_number(ask->name);
	int err = why_set(why, -ENOENT,
		"nothing of that name is planned: `ebb status` lists what is protected");
	if (node->act)
		act_why(node->act, ask->name, &text);
	if (node->act && !text.len && id)
		err = act_why_job(node->act, id, &text, why);
	if (!text.len && !str_error(&text))
		return err ? err : -ENOENT;
	*ret = json_pack("{s:s,s:o}", "type", "why", "text", talk_json_text(str_text(&text)));
	return *ret ? 0 : no_memory(why);
}

static int done(const char *type, json_t **ret, struct why *why)
{
	*ret = json_pack("{s:s}", "type", type);
	return *ret ? 0 : no_memory(why);
}

int node_now(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	if (!node->act || !act_now(node->act, ask->name))
		return nothing_protected(why);
	return done("now", ret, why);
}

int node_cancel(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	if (!node->act || !act_cancel(node->act, ask->name))
		return why_set(
			why, -ENOENT, "no job of that name runs: `ebb status` lists what does");
	return done("cancel", ret, why);
}
