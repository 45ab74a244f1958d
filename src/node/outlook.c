/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document behind the chart that shows when a backup will run and why: load as it was, as it
 * may come, what a job would cost then, and where jobs are.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>

#include "act/act.h"
#include "act/ledger.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "node/bands.h"
#include "node/document.h"
#include "node/inside.h"
#include "node/members.h"
#include "os/clock.h"
#include "os/world.h"
#include "plan/decide.h"
#include "talk/reply.h"

enum { BACK = DAYS_DAY, WEEK_DAYS = 7, DAY_HOURS = 24, HOUR_SLOTS = DAYS_DAY / DAY_HOURS };

/* What the parts look at. */
struct view {
	const struct keeper *keeper;
	struct days_past past;
	int64_t now; /* slot under way, as of device_now() */
	int64_t now_s;
	struct bands_view bands;
};

/* Of the slot under way, so far. */
static double busy_now(const struct device *device)
{
	return device->slot_s > 0 ? device->slot_busy_s / device->slot_s : (double)NAN;
}

static struct view view_of(const struct node *node, const struct keeper *keeper)
{
	struct view view = {
		.keeper = keeper,
		.past = device_past(keeper->device),
		.now = device_now(keeper->device),
		.now_s = clock_wall_ns(node->world->clock) / NS_PER_SEC,
	};
	bands_view(&view.bands, view.past, view.now, busy_now(keeper->device));
	return view;
}

/* When a slot of local time begins, in UTC. */
static int64_t slot_begins(const struct view *view, int64_t slot)
{
	const struct device *device = view->keeper->device;
	int64_t local_s = (device->first + slot) * DEVICE_SLOT_S;
	if (!device->local)
		return local_s;
	int64_t utc_s = local_s - (device->local(view->now_s) - view->now_s);
	return local_s - (device->local(utc_s) - utc_s);
}

static json_t *number_json(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

/* ---- slots ---- */

/* How far the users' load and a job together may go. */
static double limit_of(const struct keeper *keeper, double busy)
{
	return fmin(1, busy + fmin(DEVICE_MOST, harm_share_allowed(&keeper->disk, busy)));
}

static json_t *past_slot_json(const struct view *view, int64_t slot)
{
	double busy = slot >= 0 ? (double)view->past.busy[slot] : (double)NAN;
	return json_pack("{s:o,s:i,s:o,s:n,s:n,s:n,s:n,s:n,s:n,s:o}", "at",
		member_time(slot_begins(view, slot)), "seconds", DEVICE_SLOT_S, "measured",
		number_json(busy), "p2_5", "p10", "p50", "p90", "p97_5", "price", "limit",
		isnan(busy) ? json_null() : number_json(limit_of(view->keeper, busy)));
}

static json_t *coming_slot_json(const struct view *view, int64_t slot)
{
	double q[BANDS_QUANTILES];
	if (!bands_of(&view->bands, slot, q))
		for (size_t i = 0; i < BANDS_QUANTILES; i++)
			q[i] = (double)NAN;
	double middle = q[BANDS_MEDIAN];
	bool known = isfinite(middle);
	double measured = slot == view->now ? view->bands.busy : (double)NAN;
	return json_pack("{s:o,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "at",
		member_time(slot_begins(view, slot)), "seconds", DEVICE_SLOT_S, "measured",
		number_json(measured), "p2_5", number_json(q[0]), "p10", number_json(q[1]), "p50",
		number_json(middle), "p90", number_json(q[3]), "p97_5", number_json(q[4]), "price",
		known ? number_json(harm_marginal(&view->keeper->disk, middle, 0)) : json_null(),
		"limit", known ? number_json(limit_of(view->keeper, middle)) : json_null());
}

static json_t *slots_json(const struct view *view, int64_t horizon_s)
{
	json_t *list = json_array();
	int64_t end = view->now + horizon_s / DEVICE_SLOT_S;
	for (int64_t slot = view->now - BACK; slot < view->now; slot++)
		json_array_append_new(list, past_slot_json(view, slot));
	for (int64_t slot = view->now; slot < end; slot++)
		json_array_append_new(list, coming_slot_json(view, slot));
	return list;
}

/* What would have been said a day ago, and what came. */
static json_t *yesterday_json(const struct view *view)
{
	struct bands_view then;
	double q[BANDS_QUANTILES];
	int64_t from = view->now - DAYS_DAY;
	json_t *list = json_array();
	if (from <= 0)
		return list;
	bands_view(&then, view->past, from, (double)NAN);
	for (int64_t slot = from; slot < view->now; slot++) {
		bool known = bands_of(&then, slot, q);
		json_array_append_new(list,
			json_pack("{s:o,s:o,s:o}", "at", member_time(slot_begins(view, slot)),
				"p50", known ? number_json(q[BANDS_MEDIAN]) : json_null(),
				"measured", number_json((double)view->past.busy[slot])));
	}
	return list;
}

/* Means by weekday, Monday first, and hour of local time. */
static json_t *week_json(const struct view *view)
{
	double sum[WEEK_DAYS][DAY_HOURS] = {0};
	int count[WEEK_DAYS][DAY_HOURS] = {0};
	for (int64_t slot = 0; slot < view->now; slot++) {
		int64_t number = view->keeper->device->first + slot;
		int64_t day = (number / DAYS_DAY + 3) % WEEK_DAYS; /* 1970 began on a Thursday */
		int64_t hour = number % DAYS_DAY / HOUR_SLOTS;
		if (isnan(view->past.busy[slot]))
			continue;
		sum[day][hour] += (double)view->past.busy[slot];
		count[day][hour]++;
	}
	json_t *week = json_array();
	for (int day = 0; day < WEEK_DAYS; day++) {
		json_t *hours = json_array();
		for (int hour = 0; hour < DAY_HOURS; hour++)
			json_array_append_new(hours,
				count[day][hour] ? json_real(sum[day][hour] / count[day][hour])
						 : json_null());
		json_array_append_new(week, hours);
	}
	return week;
}

/* ---- jobs ---- */

static json_t *planned_json(
	const struct keeper *keeper, const struct keeper_plan *plan, int64_t now_s)
{
	json_t *list = json_array();
	/* One that runs, or could begin at once, goes on from now. */
	int64_t from_s = plan->begins_s > now_s ? plan->begins_s : now_s;
	if (plan->begins_s && plan->ends_s > from_s)
		json_array_append_new(list,
			json_pack("{s:o,s:o,s:s,s:o}", "from", member_time(from_s), "to",
				member_time(plan->ends_s), "kind",
				keeper->last_s ? "incremental" : "full", "tier",
				talk_json_text(keeper->how.to)));
	return list;
}

struct gathering {
	json_t *list;
	int64_t since_s;
};

static bool add_job(void *arg, const struct ledger_job *job)
{
	struct gathering *gathering = arg;
	if (job->ended_s && job->ended_s < gathering->since_s)
		return false;
	return json_array_append_new(gathering->list,
		       json_pack("{s:I,s:o,s:o,s:s,s:I}", "id", (json_int_t)job->id, "from",
			       member_time(job->started_s), "to", member_time(job->ended_s),
			       "state", job_state_text(job->state), "bytes",
			       (json_int_t)job->bytes)) == 0;
}

static json_t *jobs_json(const struct node *node, const struct view *view)
{
	struct ledger *ledger = act_ledger(node->act);
	struct gathering gathering = {json_array(), slot_begins(view, view->now - BACK)};
	const struct ledger_ask ask = {
		.resource = view->keeper->how.name, .max = NODE_JOBS_AT_ONCE};
	if (ledger)
		act_ledger_each(ledger, &ask, add_job, &gathering);
	return gathering.list;
}

/* ---- the documents ---- */

static const struct keeper *find(struct node *node, const struct node_ask *ask, struct why *why)
{
	const struct keeper *keeper = node->act ? act_find(node->act, ask->name) : NULL;
	if (!keeper)
		why_set(why, -ENOENT, "%s", member_nothing);
	return keeper;
}

int node_outlook(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	const struct keeper *keeper = find(node, ask, why);
	if (!keeper)
		return -ENOENT;
	const struct keeper_plan *plan = &keeper->plan;
	struct view view = view_of(node, keeper);
	json_t *document = json_pack("{s:s,s:s,s:s,s:s,s:o,s:i,s:o,s:o,s:o,s:o}", "type", "outlook",
		"resource", keeper->how.name, "unit", "share", "series", keeper->device->name,
		"now", member_time(view.now_s), "days_known", view.bands.days, "slots",
		slots_json(&view, ask->horizon_s), "planned",
		planned_json(keeper, plan, view.now_s), "jobs", jobs_json(node, &view), "yesterday",
		yesterday_json(&view));
	json_t *rest = json_pack("{s:o,s:o,s:o,s:o}", "deadline", member_time(plan->due_s),
		"not_before", member_time(plan->release_s), "price",
		member_price(plan->alone ? -1 : plan->price), "hours_x_weekdays", week_json(&view));
	if (!document || !rest || json_object_update(document, rest) != 0) {
		json_decref(document);
		document = NULL;
	}
	json_decref(rest);
	*ret = document;
	return document ? 0 : why_set(why, -ENOMEM, "out of memory");
}

static const char *sentence_of(const struct keeper_plan *plan)
{
	if (plan->wanted == WANTED_BLOCKED)
		return "it cannot be done before someone acts";
	if (plan->will_miss)
		return "it would be late whatever is done";
	if (plan->pressed)
		return "it can be done, but only by going before harm";
	return plan->wanted == WANTED_RUN ? "it would begin at once" : "it can be done in time";
}

int node_what_if(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	OWN(str_done) struct str text = {0};
	struct keeper_plan plan;
	const struct keeper *keeper = find(node, ask, why);
	if (!keeper)
		return -ENOENT;
	int64_t now_s = clock_wall_ns(node->world->clock) / NS_PER_SEC;
	int err = act_what_if(node->act, ask->name, ask->rpo_s * NS_PER_SEC, &plan, &text);
	if (err)
		return why_set(why, err, "out of memory");
	bool feasible = !plan.will_miss && plan.wanted != WANTED_BLOCKED;
	*ret = json_pack("{s:s,s:s,s:I,s:o,s:o,s:f,s:f,s:o,s:o,s:b,s:b,s:s,s:o}", "type", "what-if",
		"resource", keeper->how.name, "rpo_seconds", (json_int_t)ask->rpo_s, "planned",
		planned_json(keeper, &plan, now_s), "price",
		member_price(plan.alone ? -1 : plan.price), "harm", plan.harm, "in_time",
		plan.in_time, "deadline", member_time(plan.due_s), "not_before",
		member_time(plan.release_s), "pressed", plan.pressed, "feasible", feasible,
		"sentence", sentence_of(&plan), "text", talk_json_text(str_text(&text)));
	return *ret ? 0 : why_set(why, -ENOMEM, "out of memory");
}
