/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a plan, and what each job must keep. */
#include "plan/decide.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/units.h"
#include "plan/decide_inner.h"

enum { HOUR = 12, LIKE = 2 * HOUR };

static const int64_t slot_ns = DECIDE_SLOT_S * NS_PER_SEC;
/* A point that was begun a little ahead of our clock is no clock gone wrong. */
static const int64_t ahead_ns = 5 * NS_PER_MIN;

/* Ends at what a moment may be. */
static int64_t add_ns(int64_t a, int64_t b)
{
	int64_t sum;
	return add_fits(a, b, &sum) ? sum : b < 0 ? INT64_MIN : INT64_MAX;
}

int64_t decide_slot_ns(const struct deciding *deciding, int64_t slot)
{
	int64_t now = deciding->facts->now_ns, past = (now + deciding->facts->zone_ns) % slot_ns;
	return add_ns(now - (past < 0 ? past + slot_ns : past), slot * slot_ns);
}

double decide_work(const struct deciding *deciding, const struct item *item, uint64_t bytes)
{
	const struct facts_device *device = &deciding->facts->devices[item->device];
	double left = item->job ? 1 - item->job->done : 1;
	return (double)bytes * left * item->resource->work_was / device->speed / DECIDE_SLOT_S;
}

/* ---- devices ---- */

struct days_past decide_past(struct deciding *deciding, uint32_t device)
{
	const struct facts_device *of = &deciding->facts->devices[device];
	int64_t now = facts_slot(deciding->facts, of), end = now + CALENDAR_SLOTS;
	for (int64_t slot = 0; slot < end; slot++) {
		float busy = slot < now ? of->busy[slot] : NAN;
		deciding->busy[slot] = isfinite(busy) ? fminf(fmaxf(busy, 0), 1) : NAN;
	}
	/* Sizes are asked for only in the hours before now, and before the same time of each day.
	 */
	for (int64_t age = 0; age <= DAYS_BACK; age++)
		for (int64_t slot = now - age * DAYS_DAY - LIKE; slot < now - age * DAYS_DAY;
			slot++)
			if (slot >= 0)
				deciding->size[slot] = days_size(deciding->busy[slot]);
	return (struct days_past){.busy = deciding->busy, .size = deciding->size};
}

/* What the users of a device will probably do in each slot of the day to come. */
static void expect(struct deciding *deciding, uint32_t number)
{
	const struct facts_device *device = &deciding->facts->devices[number];
	struct settle_device *host = &deciding->settle.hosts[number];
	struct days_past past = decide_past(deciding, number);
	int64_t now = facts_slot(deciding->facts, device);
	float weight[DAYS_BACK + 1];
	for (int age = 1; age <= DAYS_BACK; age++)
		weight[age] = now - (int64_t)age * DAYS_DAY < 0
			? 0
			: (float)days_weight(past, now, age);
	host->size = (float)device->harm.size;
	for (int i = 0; i < SETTLE_SLOTS; i++) {
		float sum = 0, all = 0;
		for (int age = 1; age <= DAYS_BACK; age++) {
			int64_t slot = now + i - (int64_t)age * DAYS_DAY;
			if (!(weight[age] > 0) || isnan(past.busy[slot]))
				continue;
			sum += weight[age] * past.busy[slot];
			all += weight[age];
		}
		/* Of what nothing is known half is supposed. */
		host->busy[i] = all > 0 ? fminf(sum / all, 0.98f) : 0.5f;
	}
	struct deciding_device *looked = &deciding->looked[number];
	looked->now = (double)host->busy[0];
	for (int64_t slot = now - 1; slot >= 0 && slot >= now - HOUR && !looked->known; slot--) {
		looked->known = !isnan(past.busy[slot]);
		looked->now = looked->known ? (double)past.busy[slot] : looked->now;
	}
}

/* Few sorts of devices: each table is made once. */
static int make_shares(struct deciding *deciding)
{
	const struct facts *facts = deciding->facts;
	for (size_t i = 0; i < facts->device_count; i++) {
		const struct facts_device *device = &facts->devices[i];
		struct price_shares *shares = NULL;
		for (size_t k = 0; k < i && k < 64 && !deciding->looked[i].shares; k++) {
			const struct facts_device *other = &facts->devices[k];
			const struct harm_device *a = &device->harm, *b = &other->harm;
			const double is[] = {a->size, a->threshold, a->floor, device->most},
				     was[] = {b->size, b->threshold, b->floor, other->most};
			if (!memcmp(is, was, sizeof(is)) && a->users_first == b->users_first)
				deciding->looked[i].shares = deciding->looked[k].shares;
		}
		if (deciding->looked[i].shares)
			continue;
		shares = arena_take(deciding->arena, 1, sizeof(*shares));
		if (!shares)
			return -ENOMEM;
		price_shares_make(shares, &device->harm, device->most);
		deciding->looked[i].shares = shares;
	}
	return 0;
}

static void make_tiers(struct deciding *deciding)
{
	const struct facts *facts = deciding->facts;
	for (size_t i = 0; i < facts->tier_count; i++) {
		int32_t disk = *facts->tiers[i].busy
			? by_name_find(&deciding->devices, facts->tiers[i].busy)
			: BY_NAME_NONE;
		if (disk != BY_NAME_NONE)
			deciding->settle.tiers[i] = deciding->settle.hosts[disk];
		else
			deciding->settle.tiers[i].size = 1;
		deciding->room[i] = facts->tiers[i].room;
	}
}

/* ---- resources ---- */

static int32_t slot_of(const struct deciding *deciding, int64_t ns)
{
	int64_t from;
	if (!sub_fits(ns, decide_slot_ns(deciding, 0), &from))
		from = ns < 0 ? INT64_MIN : INT64_MAX;
	int64_t slot = from / slot_ns;
	return (int32_t)(slot < 0 ? 0 : slot > CALENDAR_SLOTS ? CALENDAR_SLOTS : slot);
}

/*
 * From when on, and until when. What is late already gets a new deadline of its own, so that after
 * a long pause not everything runs at once at any price.
 */
static void set_due(struct deciding *deciding, struct item *item)
{
	const struct policy *policy = item->policy;
	int64_t now = deciding->facts->now_ns, was = item->resource->verified_ns;
	int64_t margin = policy->margin_ns ? policy->margin_ns : policy->rpo_ns / 12;
	int64_t catch_up = policy->catch_up_ns ? policy->catch_up_ns : policy->rpo_ns / 4;
	struct decision *says = item->says;
	item->must_ns = add_ns(was, policy->rpo_ns);
	item->backwards = was && was > add_ns(now, ahead_ns);
	says->late = !was || item->backwards || item->must_ns <= now;
	says->release_ns = says->late ? now : add_ns(was, policy->best_ns);
	says->due_ns = says->late ? add_ns(now, catch_up) : item->must_ns - margin;
	if (!says->late && says->due_ns <= now)
		says->due_ns = item->must_ns;
	if (says->release_ns < now || item->job)
		says->release_ns = now;
	item->release = slot_of(deciding, says->release_ns);
	item->due = slot_of(deciding, says->due_ns);
	if (item->due <= item->release)
		item->due = item->release + 1;
	if (item->due > CALENDAR_SLOTS) {
		item->due = CALENDAR_SLOTS;
		item->release = CALENDAR_SLOTS - 1;
	}
	int32_t must = says->late ? item->due : slot_of(deciding, item->must_ns);
	item->must = must > item->due ? must : item->due;
}

static float *caps_of(struct deciding *deciding, const struct item *item)
{
	const struct facts *facts = deciding->facts;
	bool fallback = item->policy == &deciding->fallback;
	size_t number = fallback ? facts->policy_count : (size_t)(item->policy - facts->policies);
	struct deciding_device *looked = &deciding->looked[item->device];
	size_t size = CALENDAR_SLOTS + 1; /* the first says whether it was made */
	if (!item->policy->hours_count)
		return NULL;
	if (!looked->caps)
		looked->caps = arena_take(
			deciding->arena, (facts->policy_count + 1) * size, sizeof(*looked->caps));
	if (!looked->caps)
		return NULL;
	float *caps = looked->caps + number * size;
	if (!(*caps > 0)) {
		calendar_caps(facts, &facts->devices[item->device], item->policy, caps + 1);
		*caps = 1;
	}
	return caps + 1;
}

static void make_job(struct deciding *deciding, struct item *item)
{
	const struct facts_device *device = &deciding->facts->devices[item->device];
	struct settle_job *job = item->settle;
	bool ahead = item->release < SETTLE_SLOTS;
	*job = (struct settle_job){.host = item->device,
		.release = (uint16_t)(ahead ? item->release : SETTLE_SLOTS),
		.due = (uint16_t)(item->due < SETTLE_SLOTS ? item->due : SETTLE_SLOTS),
		.most = (float)device->most,
		.caps = caps_of(deciding, item)};
	decide_tiers_begin(deciding, item);
}

static int by_device_and_due(const void *a, const void *b, void *arg)
{
	const struct item *x = (const struct item *)arg + *(const uint32_t *)a;
	const struct item *y = (const struct item *)arg + *(const uint32_t *)b;
	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->due != y->due)
		return x->due < y->due ? -1 : 1;
	return (x > y) - (x < y);
}

static void sort_items(struct deciding *deciding)
{
	size_t count = deciding->facts->resource_count;
	for (size_t i = 0; i < count; i++)
		deciding->by_device[i] = (uint32_t)i;
	if (count)
		qsort_r(deciding->by_device, count, sizeof(*deciding->by_device), by_device_and_due,
			deciding->items);
	for (uint32_t i = 0; i < count; i++) {
		struct deciding_device
			*looked = &deciding->looked[deciding->items[deciding->by_device[i]].device];
		looked->first = looked->count ? looked->first : i;
		looked->count++;
	}
}

static void make_items(struct deciding *deciding, struct plan *plan)
{
	const struct facts *facts = deciding->facts;
	for (size_t i = 0; i < facts->resource_count; i++) {
		struct item *item = &deciding->items[i];
		const struct resource *resource = &facts->resources[i];
		const struct policy *policy = policy_for(
			facts->policies, facts->policy_count, resource);
		int32_t device = by_name_find(&deciding->devices, resource->device);
		must(device != BY_NAME_NONE);
		*item = (struct item){.resource = resource,
			.policy = policy ? policy : &deciding->fallback,
			.device = (uint32_t)device,
			.rule = -1,
			.settle = &deciding->settle.jobs[i],
			.says = &plan->decisions[i]};
		item->says->resource = (uint32_t)i;
		item->says->tier = DECISION_NOWHERE;
	}
	for (size_t i = 0; i < facts->job_count; i++) {
		int32_t of = by_name_find(&deciding->resources, facts->jobs[i].resource);
		must(of != BY_NAME_NONE);
		deciding->items[of].job = &facts->jobs[i];
	}
	for (size_t i = 0; i < facts->resource_count; i++) {
		set_due(deciding, &deciding->items[i]);
		make_job(deciding, &deciding->items[i]);
	}
	sort_items(deciding);
}

/* ---- the whole ---- */

static int take_memory(struct deciding *deciding, struct plan *plan)
{
	const struct facts *facts = deciding->facts;
	struct arena *arena = deciding->arena;
	struct settle *settle = &deciding->settle;
	size_t count = facts->resource_count, devices = facts->device_count;
	plan->count = count;
	plan->decisions = arena_take(arena, count, sizeof(*plan->decisions));
	deciding->items = arena_take(arena, count, sizeof(*deciding->items));
	deciding->by_device = arena_take(arena, count, sizeof(*deciding->by_device));
	deciding->looked = arena_take(arena, devices, sizeof(*deciding->looked));
	*settle = (struct settle){.tier_count = facts->tier_count, .job_count = count};
	settle->hosts = arena_take(arena, devices, sizeof(*settle->hosts));
	/* One more: a job that found no tier yet stands on the first. */
	settle->tiers = arena_take(arena, facts->tier_count + 1, sizeof(*settle->tiers));
	settle->jobs = arena_take(arena, count, sizeof(*settle->jobs));
	settle->order = arena_take(arena, count, sizeof(*settle->order));
	if (arena_error(arena))
		return -ENOMEM;
	int err = by_name_make(
		arena, facts->devices, sizeof(*facts->devices), devices, &deciding->devices);
	if (!err)
		err = by_name_make(arena, facts->tiers, sizeof(*facts->tiers), facts->tier_count,
			&deciding->tiers);
	if (!err)
		err = by_name_make(arena, facts->resources, sizeof(*facts->resources), count,
			&deciding->resources);
	return err ? err : make_shares(deciding);
}

int plan_decide(const struct facts *facts, struct arena *arena, struct plan *ret_plan)
{
	struct plan plan = {0};
	struct deciding *deciding = arena_take(arena, 1, sizeof(*deciding));
	if (!deciding)
		return -ENOMEM;
	deciding->facts = facts;
	deciding->arena = arena;
	policy_default(&deciding->fallback);
	int err = take_memory(deciding, &plan);
	if (err)
		return err;
	for (uint32_t i = 0; i < facts->device_count; i++)
		expect(deciding, i);
	make_tiers(deciding);
	make_items(deciding, &plan);
	settle_order(&deciding->settle);
	settle_turn(&deciding->settle);
	decide_tiers_score(deciding);
	settle_turn(&deciding->settle);
	settle_turn(&deciding->settle);
	decide_tiers_room(deciding);
	decide_prices(deciding);
	decide_states(deciding);
	decide_why(deciding);
	plan.harm = settle_cost(&deciding->settle);
	if (arena_error(arena))
		return -ENOMEM;
	*ret_plan = plan;
	return 0;
}
