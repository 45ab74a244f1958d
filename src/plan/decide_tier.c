/* SPDX-License-Identifier: Apache-2.0 */
/* Which tier: what can be had, what the rules say to the score, and room for it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/plant.h"
#include "num/isotonic.h"
#include "plan/decide_inner.h"
#include "plan/score.h"

enum { MILLION = 1000000 };

/* A tier that was chosen before stays unless another is better by more than that. */
static const float stays = 0.95f;
static const double gigabyte = 1e9;

/* A job begins with that share of what it may take (pacer.c). */
static const double begins = 0.05;

/* ---- what can be had ---- */

/* What reading a GB of it is expected to cost its device's users, in money. */
static double harm_gb(const struct deciding *deciding, const struct item *item)
{
	const struct facts_device *device = &deciding->facts->devices[item->device];
	const float *busy = deciding->settle.hosts[item->device].busy;
	float least = 1;
	for (int i = 0; i < SETTLE_SLOTS; i++)
		least = fminf(least, busy[i]);
	double slots = gigabyte / device->speed / DECIDE_SLOT_S;
	return harm_marginal(&device->harm, (double)least, 0) * slots * item->policy->harm_money;
}

static enum can can_of(const struct deciding *deciding, const struct item *item, size_t tier)
{
	const struct tier *of = &deciding->facts->tiers[tier];
	if (of->gone && !planted(GOES_NOWHERE))
		return CAN_GONE;
	if (item->kind[tier].bytes > deciding->room[tier])
		return CAN_FULL;
	return item->kind[tier].keeps_rto ? CAN : CAN_SLOW;
}

/* A job that runs stays where it is, as long as that is there. */
static void keep_job(struct deciding *deciding, struct item *item)
{
	int32_t at = by_name_find(&deciding->tiers, item->job->tier);
	uint64_t bytes = at == BY_NAME_NONE ? 0 : item->kind[at].sizes[item->job->kind];
	if (at == BY_NAME_NONE || item->can[at] == CAN_GONE || bytes > deciding->room[at]) {
		item->job = NULL; /* what it wrote is lost to it: the work begins anew */
		return;
	}
	item->can[at] = CAN;
	for (size_t i = 0; i < deciding->facts->tier_count; i++)
		if ((int32_t)i != at && !planted(TWO_WRITERS))
			item->can[i] = CAN_BUSY;
	item->kind[at].kind = item->job->kind;
	item->kind[at].bytes = bytes;
}

static void price_tiers(struct deciding *deciding, struct item *item, uint32_t classes)
{
	const struct facts *facts = deciding->facts;
	const struct facts_device *device = &facts->devices[item->device];
	bool any = false;
	for (size_t i = 0; i < facts->tier_count; i++) {
		const struct tier *tier = &facts->tiers[i];
		struct settle_job *job = item->settle;
		double money = kind_money(item->policy, tier, item->kind[i].bytes);
		bool fine = item->can[i] == CAN && classes >> tier->tier_class & 1;
		job->width[i] = (float)(device->speed / tier->writes);
		job->money[i] = fine ? (float)(money / item->policy->harm_money) : INFINITY;
		if (strcmp(item->resource->was, tier->name) == 0)
			job->money[i] *= stays;
		if (fine && !any)
			item->work = decide_work(deciding, item, item->kind[i].bytes);
		any = any || fine;
	}
	item->settle->work = (float)item->work;
}

void decide_tiers_begin(struct deciding *deciding, struct item *item)
{
	const struct facts *facts = deciding->facts;
	bool slow = true;
	for (size_t i = 0; i < facts->tier_count; i++) {
		kind_choose(&(struct kind_of){item->resource, item->policy, &facts->tiers[i],
				    facts->now_ns, harm_gb(deciding, item)},
			&item->kind[i]);
		item->can[i] = can_of(deciding, item, i);
	}
	if (item->job)
		keep_job(deciding, item);
	for (size_t i = 0; i < facts->tier_count; i++)
		slow = slow && item->can[i] != CAN;
	/* No point at all is worse than one that restores slowly. */
	for (size_t i = 0; i < facts->tier_count && slow; i++)
		item->can[i] = item->can[i] == CAN_SLOW ? CAN : item->can[i];
	price_tiers(deciding, item, (1u << TIER_CLASSES) - 1);
}

/* ---- what the rules say ---- */

static bool holds(const struct policy_condition *condition, const struct item *item, size_t tier)
{
	int64_t value = 0;
	switch (condition->field) {
	case POLICY_SCORE:
		value = llround(item->says->score * MILLION);
		break;
	case POLICY_KEEP:
		value = item->policy->keep_ns;
		break;
	case POLICY_SIZE:
		value = (int64_t)item->resource->size;
		break;
	case POLICY_KIND:
		value = (int64_t)item->kind[tier].kind;
		break;
	case POLICY_FIELDS:
		break;
	}
	switch (condition->is) {
	case POLICY_BELOW:
		return value < condition->value;
	case POLICY_AT_MOST:
		return value <= condition->value;
	case POLICY_AT_LEAST:
		return value >= condition->value;
	case POLICY_ABOVE:
		return value > condition->value;
	case POLICY_IS:
		break;
	}
	return false;
}

static size_t first_that_can(const struct deciding *deciding, const struct item *item)
{
	for (size_t i = 0; i < deciding->facts->tier_count; i++)
		if (item->can[i] == CAN)
			return i;
	return 0;
}

static bool can_have(const struct deciding *deciding, const struct item *item, uint32_t classes)
{
	for (size_t i = 0; i < deciding->facts->tier_count; i++)
		if (item->can[i] == CAN && classes >> deciding->facts->tiers[i].tier_class & 1)
			return true;
	return false;
}

/* The first rule that holds; when none of its tiers can be had the next, then any tier. */
static void apply_rules(struct deciding *deciding, struct item *item)
{
	size_t count, tier = first_that_can(deciding, item);
	const struct policy_rule *rules = policy_rules(item->policy, &count);
	uint32_t classes = (1u << TIER_CLASSES) - 1;
	bool found = false;
	item->rule = -1;
	for (size_t i = 0; i < count && !found; i++) {
		bool all = true;
		for (uint32_t k = 0; k < rules[i].count; k++)
			all = all && holds(&rules[i].when[k], item, tier);
		if (!all && item->rule < 0)
			continue;
		item->rule = item->rule < 0 ? (int32_t)i : item->rule;
		found = can_have(deciding, item, rules[i].classes);
		classes = found ? rules[i].classes : classes;
		item->beside = (int32_t)i != item->rule || !found;
	}
	price_tiers(deciding, item, classes);
}

/* ---- the score ---- */

static double score_on(struct deciding *deciding, const struct item *item, struct days_past past,
	const struct facts_device *device)
{
	int64_t now = facts_slot(deciding->facts, device);
	const float *share = item->settle->share;
	int first = -1, last = 0, works = 0;
	for (int i = 0; i < SETTLE_SLOTS; i++) {
		if (!(share[i] > 1e-5f))
			continue;
		first = first < 0 ? i : first;
		last = i;
		works++;
	}
	if (first < 0)
		return 0;
	struct score_window window = {.from = now + first,
		.slots = last - first + 1,
		.share = fmin(fmax(item->work / works, begins * device->most), device->most)};
	double raw = score_raw(&device->harm, past, now, &window);
	double said = device->learnt ? isotonic_at(device->said, device->came, device->learnt, raw)
				     : raw;
	return 100 * fmin(fmax(said, 0), 1);
}

void decide_tiers_score(struct deciding *deciding)
{
	const struct facts *facts = deciding->facts;
	for (uint32_t i = 0; i < facts->device_count; i++) {
		const struct deciding_device *looked = &deciding->looked[i];
		struct days_past past = looked->count ? decide_past(deciding, i)
						      : (struct days_past){0};
		for (uint32_t k = 0; k < looked->count; k++) {
			struct item
				*item = &deciding->items[deciding->by_device[looked->first + k]];
			item->says->score = score_on(deciding, item, past, &facts->devices[i]);
			apply_rules(deciding, item);
		}
	}
}

/* ---- room ---- */

static bool has_tier(const struct deciding *deciding, const struct item *item)
{
	for (size_t i = 0; i < deciding->facts->tier_count; i++)
		if (!isinf(item->settle->money[i]))
			return true;
	return false;
}

/* Where all that restore fast enough are full, one that is slow is better than none. */
static bool accept_slow(struct deciding *deciding, struct item *item)
{
	bool any = false;
	for (size_t i = 0; i < deciding->facts->tier_count; i++) {
		any = any || item->can[i] == CAN_SLOW;
		item->can[i] = item->can[i] == CAN_SLOW ? CAN : item->can[i];
	}
	if (any) {
		apply_rules(deciding, item);
		settle_job(&deciding->settle, item->settle);
	}
	return any;
}

/* Points come no closer than the policy says, unless the RPO would be broken by that. */
static void release_early(const struct deciding *deciding, struct item *item)
{
	const struct facts_device *device = &deciding->facts->devices[item->device];
	double left = item->work, tier = deciding->facts->tiers[item->says->tier].writes;
	double most = fmin(device->most, tier / device->speed);
	for (int32_t slot = item->release; slot < item->must && left > 0; slot++)
		left -= item->settle->caps ? fmin(most, (double)item->settle->caps[slot]) : most;
	if (!item->release || left <= 0)
		return;
	item->early = true;
	item->release = 0;
	item->says->release_ns = deciding->facts->now_ns;
}

static void take_room(struct deciding *deciding, struct item *item)
{
	while (has_tier(deciding, item) || accept_slow(deciding, item)) {
		uint32_t tier = item->settle->tier;
		/* One without slots of its own in the next day chose nothing: the first it may. */
		if (isinf(item->settle->money[tier]))
			for (tier = 0; isinf(item->settle->money[tier]);)
				tier++;
		if (item->kind[tier].bytes <= deciding->room[tier] || planted(OVERFULL)) {
			deciding->room[tier] -= item->kind[tier].bytes;
			item->says->tier = (int32_t)tier;
			break;
		}
		item->can[tier] = CAN_FULL;
		settle_leave(&deciding->settle, item->settle);
		if (item->job) {
			item->job = NULL;
			decide_tiers_begin(deciding, item);
		}
		apply_rules(deciding, item);
		settle_job(&deciding->settle, item->settle);
	}
	if (item->says->tier == DECISION_NOWHERE) {
		settle_leave(&deciding->settle, item->settle);
		return;
	}
	const struct kind_choice *kind = &item->kind[item->says->tier];
	item->says->kind = kind->kind;
	item->says->bytes = kind->bytes;
	item->says->restore_ns = kind->restore_ns[kind->kind];
	item->work = decide_work(deciding, item, kind->bytes);
	release_early(deciding, item);
}

static int by_due(const void *a, const void *b, void *arg)
{
	const struct item *x = (const struct item *)arg + *(const uint32_t *)a;
	const struct item *y = (const struct item *)arg + *(const uint32_t *)b;
	if (x->due != y->due)
		return x->due < y->due ? -1 : 1;
	return (x > y) - (x < y);
}

/* Who is due first finds room first; jobs that run have it already. */
void decide_tiers_room(struct deciding *deciding)
{
	size_t count = deciding->facts->resource_count;
	uint32_t *order = arena_take(deciding->arena, count, sizeof(*order));
	if (!order)
		return;
	for (size_t i = 0; i < count; i++)
		order[i] = (uint32_t)i;
	if (count)
		qsort_r(order, count, sizeof(*order), by_due, deciding->items);
	for (int running = 1; running >= 0; running--)
		for (size_t i = 0; i < count; i++) {
			struct item *item = &deciding->items[order[i]];
			bool mine = !!item->job == running && !item->has_room;
			if (!mine || *item->resource->hold)
				continue;
			/* A job that loses its tier is no job any more, and not asked again. */
			item->has_room = true;
			take_room(deciding, item);
		}
}
