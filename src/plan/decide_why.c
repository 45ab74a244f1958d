/* SPDX-License-Identifier: Apache-2.0 */
/* The reasons, in words: each names the figures that it rests on. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/units.h"
#include "plan/decide_inner.h"
#include "plan/section.h"

#define SAY(...) decide_because(item, arena_printf(deciding->arena, __VA_ARGS__))

void decide_because(struct item *item, const char *text)
{
	struct decision *says = item->says;
	if (says->because_count < DECISION_REASONS)
		says->because[says->because_count++] = text;
}

/* As exact as people want it. */
static const char *span(struct arena *arena, int64_t ns)
{
	char shown[UNITS_TEXT];
	if (ns >= 3 * NS_PER_DAY)
		return arena_printf(arena, "%" PRId64 "d", ns / NS_PER_DAY);
	int64_t part = ns < NS_PER_HOUR ? NS_PER_SEC : NS_PER_MIN;
	units_show_duration(ns > 0 ? ns / part * part : 0, shown);
	return arena_printf(arena, "%s", shown);
}

static const char *moment(const struct deciding *deciding, int64_t ns)
{
	char shown[UNITS_TEXT];
	units_show_time(ns, shown);
	return arena_printf(deciding->arena, "%.16sZ", shown);
}

static const char *amount(struct arena *arena, double bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
	size_t unit = 0;
	for (; bytes >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		bytes /= 1000;
	return arena_printf(arena, "%.3g %s", bytes, units[unit]);
}

/* ---- why now or not ---- */

static void say_due(struct deciding *deciding, struct item *item)
{
	struct arena *arena = deciding->arena;
	const struct policy *policy = item->policy;
	int64_t now = deciding->facts->now_ns, was = item->resource->verified_ns;
	if (!was)
		SAY("there is no verified point at all: the first one is late from the start");
	else if (item->backwards)
		SAY("the last point began at %s, which is %s ahead of this clock: its age is "
		    "unknown, a new point is made; set the clock",
			moment(deciding, was), span(arena, was - now));
	else if (item->says->late)
		SAY("late: the last verified point began %s ago, policy %s allows %s; this is "
		    "caught up by %s",
			span(arena, now - was), policy->name, span(arena, policy->rpo_ns),
			moment(deciding, item->says->due_ns));
	else
		SAY("policy %s: a point each %s to %s; the last one began %s ago", policy->name,
			span(arena, policy->best_ns), span(arena, policy->rpo_ns),
			span(arena, now - was));
}

static void say_kind(struct deciding *deciding, struct item *item, const struct kind_choice *kind)
{
	struct arena *arena = deciding->arena;
	const char *word = kind_words[kind->kind];
	const char *rto = span(arena, item->policy->rto_ns);
	const char *restore = span(arena, item->says->restore_ns);
	if (item->job) {
		SAY("%s, as it was begun: %.0f %% is done", word, 100 * item->job->done);
		return;
	}
	switch (kind->cause) {
	case KIND_FIRST:
		SAY("full: there is nothing to add to");
		break;
	case KIND_ORPHAN:
		SAY("full: the one before is kept only until %s, this point for %s",
			moment(deciding, item->resource->base_until_ns),
			span(arena, item->policy->keep_ns));
		break;
	case KIND_ALL_DIRTY:
		SAY("full: %s of %s changed", amount(arena, (double)kind->sizes[0]),
			amount(arena, (double)kind->sizes[KIND_FULL]));
		break;
	case KIND_MAPPED:
		SAY("incremental: the tier reads points by their map, however many there are");
		break;
	case KIND_CHEAPEST:
		SAY("%s: cheapest to store and restore; a full pays after %.0f links, there are "
		    "%" PRIu32,
			word, kind->pays_after, item->resource->links);
		break;
	case KIND_LONG_CHAIN:
		SAY("full: it pays after %.0f links, there are %" PRIu32, kind->pays_after,
			item->resource->links);
		break;
	case KIND_RTO:
		SAY("%s: a restore of it takes %s, with a longer chain more than the RTO of %s",
			word, restore, rto);
		break;
	case KIND_SLOW:
		SAY("full: it restores fastest, in %s, and even that breaks the RTO of %s", restore,
			rto);
		break;
	}
	if (kind->merge && item->resource->dead > 0)
		SAY("a synthetic full, made on the tier, is wanted: %.0f %% of the chain is dead",
			100 * item->resource->dead);
	else if (kind->merge)
		SAY("a synthetic full, made on the tier, is wanted: a restore takes %s of %s",
			restore, rto);
}

static const char *can_word(enum can can)
{
	switch (can) {
	case CAN:
		return "can be had";
	case CAN_SLOW:
		return "restores too slowly for the RTO";
	case CAN_FULL:
		return "has no room";
	case CAN_GONE:
		return "cannot be reached";
	case CAN_BUSY:
		return "is not where the job runs";
	}
	return "";
}

static double money_of(const struct deciding *deciding, const struct item *item, size_t tier)
{
	return kind_money(item->policy, &deciding->facts->tiers[tier], item->kind[tier].bytes);
}

static void say_refused(struct deciding *deciding, struct item *item)
{
	for (size_t i = 0; i < deciding->facts->tier_count; i++)
		if (item->can[i] == CAN_SLOW || item->can[i] == CAN_FULL ||
			item->can[i] == CAN_GONE)
			SAY("not on %s, which %s", deciding->facts->tiers[i].name,
				can_word(item->can[i]));
}

static void say_tier(struct deciding *deciding, struct item *item)
{
	const struct tier *tier = &deciding->facts->tiers[item->says->tier];
	int64_t least = tier->least_ns;
	if (item->job)
		SAY("tier %s: the job writes there", tier->name);
	else if (item->rule < 0)
		SAY("tier %s: no rule of policy %s holds at score %.0f", tier->name,
			item->policy->name, item->says->score);
	else
		SAY("tier %s: score %.0f, rule %" PRId32 " of policy %s%s", tier->name,
			item->says->score, item->rule + 1, item->policy->name,
			item->beside ? "; no tier that it names can be had" : "");
	if (least > item->policy->keep_ns)
		SAY("%s is paid for %s, the point is kept for %s", tier->name,
			span(deciding->arena, least), span(deciding->arena, item->policy->keep_ns));
}

static void say_price(struct deciding *deciding, struct item *item)
{
	const struct decision *says = item->says;
	char day[48] = "a day on which the last hour goes on";
	if (says->binding == 1)
		snprintf(day, sizeof(day), "yesterday");
	else if (says->binding)
		snprintf(day, sizeof(day), "the day %d days ago", says->binding);
	if (item->unknown || item->work <= 0)
		return;
	if (item->early)
		SAY("before %s are over since the last one: begun then it would be late",
			span(deciding->arena, item->policy->best_ns));
	if (item->no_margin)
		SAY("without the margin of policy %s: with it there is not enough time",
			item->policy->name);
	if (isinf(says->price))
		SAY("within the impact threshold it is not done by %s: it fits on %.0f %% of the "
		    "remembered days, %s binds",
			moment(deciding, says->due_ns), 100 * says->in_time, day);
	else
		SAY("price %.2g: in time on %.0f %% of the remembered days; %s sets it",
			says->price, 100 * says->in_time, day);
}

static void say_driver(struct deciding *deciding, struct item *item)
{
	const struct facts_device *device = &deciding->facts->devices[item->device];
	if (item->says->driver == DRIVER_PLANNER)
		return;
	if (item->unknown)
		SAY("feedback drives: nothing is known of what %s does", device->name);
	else if (device->days < DECIDE_WEEK && !item->resource->asked)
		SAY("feedback drives, the price is only shown: %s is known for %" PRIu32
		    " days of 7",
			device->name, device->days);
	else if (item->work <= 0)
		SAY("feedback drives: how much there is to do is not known yet");
	else
		SAY("feedback drives: it did less harm on the last seven days");
}

static void say_now(struct deciding *deciding, struct item *item)
{
	const struct facts_device *device = &deciding->facts->devices[item->device];
	const struct deciding_device *looked = &deciding->looked[item->device];
	const struct decision *says = item->says;
	double now = harm_marginal(&device->harm, looked->now, 0);
	const char *known = looked->known ? "is" : "is supposed to be";
	if (item->release > 0)
		SAY("not before %s: points come no closer than %s",
			moment(deciding, says->release_ns),
			span(deciding->arena, item->policy->best_ns));
	else if (item->settle->caps && !(item->settle->caps[0] > 0))
		SAY("policy %s forbids this hour", item->policy->name);
	else if (says->pressed && says->wanted == WANTED_RUN)
		SAY("in time comes before harm: it works at %.3g %% of %s, whatever it costs",
			100 * says->share, device->name);
	else if (item->behind)
		SAY("%s is due before it on %s, and takes what may be taken", item->behind,
			device->name);
	else if (says->wanted == WANTED_RUN)
		SAY("%s %s %.0f %% busy: up to %.0f %% may be taken", device->name, known,
			100 * looked->now, 100 * says->share);
	else if (now > says->price && says->driver == DRIVER_PLANNER)
		SAY("%s %s %.0f %% busy: the first bit would cost %.2g, more than the price",
			device->name, known, 100 * looked->now, now);
	else
		SAY("%s %s %.0f %% busy: nothing may be taken within the impact threshold",
			device->name, known, 100 * looked->now);
}

/* ---- what else, and what would change it ---- */

static void say_otherwise(struct deciding *deciding, struct item *item)
{
	const struct facts *facts = deciding->facts;
	struct decision *says = item->says;
	int32_t best = -1;
	double cost = 0;
	for (size_t i = 0; i < facts->tier_count; i++) {
		double money = money_of(deciding, item, i);
		if (item->can[i] != CAN || (int32_t)i == says->tier || (best >= 0 && money >= cost))
			continue;
		best = (int32_t)i;
		cost = money;
	}
	if (best < 0)
		return;
	const struct kind_choice *kind = &item->kind[best];
	says->otherwise = arena_printf(deciding->arena,
		"%s on %s: %s to store, %.3g of money against %.3g, a restore in %s",
		kind_words[kind->kind], facts->tiers[best].name,
		amount(deciding->arena, (double)kind->bytes), cost,
		money_of(deciding, item, (size_t)says->tier),
		span(deciding->arena, kind->restore_ns[kind->kind]));
}

/* The load at which the first bit costs as much as the price. */
static double load_at(const struct harm_device *harm, double price)
{
	double low = 0, high = 1;
	for (int i = 0; i < 30; i++) {
		double middle = (low + high) / 2;
		if (harm_marginal(harm, middle, 0) <= price && harm_share_allowed(harm, middle) > 0)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static void say_changes(struct deciding *deciding, struct item *item)
{
	const struct facts_device *device = &deciding->facts->devices[item->device];
	struct decision *says = item->says;
	double load = load_at(&device->harm, says->price);
	if (says->driver == DRIVER_REACTIVE || says->pressed || item->release > 0 || item->behind)
		return;
	if (says->wanted == WANTED_RUN)
		says->changes = arena_printf(deciding->arena,
			"it rests when %s is more than %.0f %% busy", device->name, 100 * load);
	else if (!item->settle->caps || item->settle->caps[0] > 0)
		says->changes = arena_printf(deciding->arena,
			"it begins when %s is less than %.0f %% busy", device->name, 100 * load);
}

static void say_blocked(struct deciding *deciding, struct item *item)
{
	struct decision *says = item->says;
	uint64_t least = UINT64_MAX;
	bool full = false;
	for (size_t i = 0; i < deciding->facts->tier_count; i++) {
		full = full || item->can[i] == CAN_FULL;
		if (item->can[i] == CAN_FULL && item->kind[i].bytes < least)
			least = item->kind[i].bytes;
	}
	says->remedy = full
		? arena_printf(deciding->arena, "make room for %s on a tier, or add a larger one",
			  amount(deciding->arena, (double)least))
		: deciding->facts->tier_count ? "bring back a tier, or add one"
					      : "there is no tier: add one";
}

static void why_one(struct deciding *deciding, struct item *item)
{
	struct decision *says = item->says;
	say_due(deciding, item);
	if (says->wanted == WANTED_HOLD) {
		SAY("held by the operator: %s%s", item->resource->hold,
			says->late ? "; the RPO is broken meanwhile" : "");
		says->remedy = says->late ? "release it" : NULL;
		return;
	}
	if (says->wanted == WANTED_BLOCKED) {
		say_refused(deciding, item);
		say_blocked(deciding, item);
		return;
	}
	say_kind(deciding, item, &item->kind[says->tier]);
	say_tier(deciding, item);
	say_refused(deciding, item);
	if (!item->kind[says->tier].keeps_rto)
		SAY("a restore takes %s, longer than the RTO of %s: no tier is faster",
			span(deciding->arena, says->restore_ns),
			span(deciding->arena, item->policy->rto_ns));
	say_price(deciding, item);
	say_driver(deciding, item);
	say_now(deciding, item);
	say_otherwise(deciding, item);
	say_changes(deciding, item);
}

void decide_why(struct deciding *deciding)
{
	for (size_t i = 0; i < deciding->facts->resource_count; i++)
		why_one(deciding, &deciding->items[i]);
}
