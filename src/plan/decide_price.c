/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prices: of jobs that share a device, all work that is due until a deadline must be done by then,
 * on most of the days that could come. A later deadline that asks more is asked of all before it.
 */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "plan/decide_inner.h"

enum { HOUR = 12 };

static struct item *item_at(const struct deciding *deciding, uint32_t number)
{
	return &deciding->items[deciding->by_device[number]];
}

/* No faster than its tier writes, and only in the hours of its policy. NULL: whenever. */
static const float *caps_of(
	struct deciding *deciding, const struct item *item, const struct facts_device *device)
{
	const struct tier *tier = &deciding->facts->tiers[item->says->tier];
	float widest = (float)(tier->writes / device->speed);
	if (!item->settle->caps && (double)widest >= device->most)
		return NULL;
	for (int i = 0; i < CALENDAR_SLOTS; i++)
		deciding->caps[i] = item->settle->caps ? fminf(widest, item->settle->caps[i])
						       : fminf(widest, (float)device->most);
	return deciding->caps;
}

/* ---- one group: jobs of a device under one policy, to one tier ---- */

static void note_hour(struct deciding *deciding, size_t hour)
{
	for (size_t day = 0; day < deciding->outlook.count; day++)
		for (size_t step = 0; step < PRICE_STEPS; step++)
			deciding->until[hour][day][step] = (float)deciding->outlook.days[day]
								   .work[step];
}

/* To the deadline hour by hour, and what could be done until each of them is noted. */
static void reach(struct deciding *deciding, int64_t now, int32_t slot)
{
	struct outlook *outlook = &deciding->outlook;
	for (int64_t at = outlook->due - now; at < slot;) {
		at = at / HOUR * HOUR + HOUR;
		outlook_reach(outlook, now + (at < slot ? at : slot));
		if (at <= slot)
			note_hour(deciding, (size_t)at / HOUR);
	}
}

/* The price of so much work from a release (rounded down to an hour) to the deadline reached. */
static struct price price_from(struct deciding *deciding, int32_t release, double work, double sure)
{
	const struct outlook *outlook = &deciding->outlook;
	size_t hour = (size_t)release / HOUR;
	if (!hour)
		return outlook_price(outlook, work, sure);
	memcpy(deciding->left, outlook->days, outlook->count * sizeof(deciding->left[0]));
	for (size_t day = 0; day < outlook->count; day++)
		for (size_t step = 0; step < PRICE_STEPS; step++)
			deciding->left[day].work[step] -= (double)deciding->until[hour][day][step];
	return price_find(deciding->left, outlook->count, work, sure);
}

struct group {
	struct deciding_device *looked;
	const struct item *first;
	uint32_t from; /* of the items by device */
	int64_t now;
	struct outlook_view view;
};

static bool is_of(const struct group *group, const struct item *item)
{
	return item->says->tier == group->first->says->tier && item->policy == group->first->policy;
}

static bool any_day(const struct outlook *outlook)
{
	for (size_t i = 0; i + 1 < outlook->count; i++)
		if (outlook->days[i].weight > 0)
			return true;
	return outlook->days[outlook->count - 1].work[PRICE_STEPS - 1] > 0;
}

/* The first hour until which it fits; 0: none within two days. */
static int32_t later_due(
	struct deciding *deciding, const struct group *group, const struct item *item)
{
	outlook_begin(&deciding->outlook, &group->view, group->now, group->now);
	for (int32_t later = item->must + HOUR; later <= CALENDAR_SLOTS; later += HOUR) {
		reach(deciding, group->now, later);
		if (!price_from(deciding, item->release, item->asks, item->policy->sure).infeasible)
			return later;
	}
	return 0;
}

/* At any hour: does it fit? */
static bool fits_whenever(
	struct deciding *deciding, const struct group *group, const struct item *item)
{
	struct outlook_view view = group->view;
	if (!view.caps)
		return false;
	view.caps = NULL;
	outlook_begin(
		&deciding->outlook, &view, group->now + item->release, group->now + item->must);
	return !outlook_price(&deciding->outlook, item->asks, item->policy->sure).infeasible;
}

/*
 * What would make it fit, found once for a device: without the hours of the policy, later, or with
 * less to do.
 */
static void find_remedy(struct deciding *deciding, const struct group *group, struct item *item)
{
	struct arena *arena = deciding->arena;
	const struct facts_device *device = &deciding->facts->devices[item->device];
	struct decision *says = item->says;
	char span[UNITS_TEXT];
	if (group->looked->full) {
		says->remedy = arena_printf(arena,
			"the device is full until then: what helps %s helps here",
			group->looked->full);
		return;
	}
	group->looked->full = item->resource->name;
	if (item->unknown)
		return;
	if (fits_whenever(deciding, group, item)) {
		says->remedy = item->settle->caps
			? arena_printf(arena,
				  "lift the forbidden and limited hours of policy %s: without them "
				  "it fits",
				  item->policy->name)
			: arena_printf(arena,
				  "let it go to a tier that writes faster than %s: then it fits",
				  deciding->facts->tiers[says->tier].name);
		return;
	}
	int32_t later = later_due(deciding, group, item);
	int64_t more = (int64_t)(later - item->must) * DECIDE_SLOT_S * NS_PER_SEC;
	if (later && says->late)
		says->remedy = arena_printf(
			arena, "it takes %s longer to catch up", units_show_duration(more, span));
	else if (later)
		says->remedy = arena_printf(arena, "allow an RPO of %s, or leave it less to read",
			units_show_duration(item->policy->rpo_ns + more, span));
	else
		says->remedy = arena_printf(arena,
			"no deadline within two days fits %.3g GB: move some of it to another "
			"device, or a faster one than %s",
			item->asks * device->speed * DECIDE_SLOT_S / 1e9, device->name);
}

static void price_item(struct deciding *deciding, struct item *item, int32_t slot, double work)
{
	struct decision *says = item->says;
	reach(deciding, deciding->outlook.begin, slot);
	struct price price = price_from(deciding, item->release, work, item->policy->sure);
	says->price = price.price;
	says->in_time = price.in_time;
	says->binding = outlook_age(&deciding->outlook, price.binding);
	says->will_miss = price.infeasible;
}

/* What does not fit with its margin may fit without. Those of a group have one margin. */
static void price_stuck(struct deciding *deciding, const struct group *group)
{
	const struct deciding_device *looked = group->looked;
	outlook_begin(&deciding->outlook, &group->view, group->now, group->now);
	for (uint32_t i = group->from; i < looked->first + looked->count; i++) {
		struct item *item = item_at(deciding, i);
		if (!is_of(group, item) || !item->says->will_miss)
			continue;
		if (item->must > item->due && group->now + item->must >= deciding->outlook.due) {
			price_item(deciding, item, item->must, item->asks);
			item->no_margin = !item->says->will_miss;
		}
		if (item->no_margin)
			item->says->due_ns = item->must_ns;
	}
	for (uint32_t i = group->from; i < looked->first + looked->count; i++) {
		struct item *item = item_at(deciding, i);
		if (is_of(group, item) && item->says->will_miss)
			find_remedy(deciding, group, item);
	}
}

/* All of its group, from the member at `from` on. */
static void price_group(
	struct deciding *deciding, struct deciding_device *looked, uint32_t from, double work)
{
	struct item *first = item_at(deciding, from);
	const struct facts_device *device = &deciding->facts->devices[first->device];
	int64_t now = facts_slot(deciding->facts, device);
	const struct group group = {.looked = looked,
		.first = first,
		.from = from,
		.now = now,
		.view = {.shares = looked->shares,
			.past = {deciding->busy, deciding->size},
			.caps = caps_of(deciding, first, device)}};
	bool stuck = false;
	outlook_begin(&deciding->outlook, &group.view, now, now);
	for (uint32_t i = from; i < looked->first + looked->count; i++) {
		struct item *item = item_at(deciding, i);
		if (item->says->tier == DECISION_NOWHERE)
			continue;
		work += i > from ? item->work : 0;
		if (!is_of(&group, item))
			continue;
		/* What is released later does not wait for what is done before. */
		item->asks = item->release >= HOUR ? item->work : work;
		price_item(deciding, item, item->due, item->asks);
		item->unknown = !any_day(&deciding->outlook);
		item->priced = true;
		stuck = stuck || item->says->will_miss;
	}
	if (stuck)
		price_stuck(deciding, &group);
}

static void price_device(struct deciding *deciding, uint32_t number)
{
	struct deciding_device *looked = &deciding->looked[number];
	double work = 0, highest = 0;
	decide_past(deciding, number);
	for (uint32_t i = looked->first; i < looked->first + looked->count; i++) {
		struct item *item = item_at(deciding, i);
		if (item->says->tier == DECISION_NOWHERE)
			continue;
		work += item->work;
		if (!item->priced)
			price_group(deciding, looked, i, work);
	}
	for (uint32_t i = looked->first + looked->count; i-- > looked->first;) {
		struct decision *says = item_at(deciding, i)->says;
		if (isinf(says->price) || says->tier == DECISION_NOWHERE)
			continue;
		/* One that is not there yet asks nothing of those that are. */
		if (item_at(deciding, i)->release < HOUR)
			highest = fmax(highest, says->price);
		else
			continue;
		says->price = highest;
	}
}

void decide_prices(struct deciding *deciding)
{
	for (uint32_t i = 0; i < deciding->facts->device_count; i++)
		if (deciding->looked[i].count)
			price_device(deciding, i);
}
