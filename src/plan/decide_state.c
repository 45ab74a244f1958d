/* SPDX-License-Identifier: Apache-2.0 */
/* What is wanted now: who works, how hard, and when the others are expected to. */
#include <math.h>

#include "base/plant.h"
#include "plan/decide_inner.h"

/* As in pacer.c: what is cheap beyond all thresholds, and what is too little to begin with. */
static const double presses = 30, pressed = 1.5, too_little = 0.0125, begins = 0.05;

/* The expected price is found as closely as this. */
static const double rises = 1.1, least_price = 1e-5;

/* Feedback alone: whatever the threshold lets through. */
static const double any_price = 1e9;

static double needed(const struct item *item)
{
	return item->work / fmax(1, (double)(item->due - item->release));
}

static double price_of(const struct item *item)
{
	return item->says->driver == DRIVER_PLANNER ? item->says->price : any_price;
}

/* The share that it would take of a device so busy, at a price. */
static double share_at(
	const struct deciding *deciding, const struct item *item, double busy, double price)
{
	const struct facts_device *device = &deciding->facts->devices[item->device];
	const struct harm_device *harm = &device->harm;
	if (!item->says->pressed)
		return fmin(harm_share_at(harm, busy, price), harm_share_allowed(harm, busy));
	double all = fmin(device->most, 1 - fmin(busy, 1));
	double late = needed(item) > all / 3 ? pressed * needed(item) : 0;
	return fmax(fmax(late, harm_share_at(harm, busy, presses)), begins * device->most);
}

static double cap_at(const struct deciding *deciding, const struct item *item, int slot)
{
	const struct facts_device *device = &deciding->facts->devices[item->device];
	double most = fmin(
		device->most, deciding->facts->tiers[item->says->tier].writes / device->speed);
	bool bound = item->settle->caps && !planted(ALL_HOURS);
	return bound ? fmin(most, (double)item->settle->caps[slot]) : most;
}

/* How it goes if the day goes as expected. */
struct course {
	int first, last; /* slots in which it works; first -1: none */
	bool done;
	double harm;
	float shares[SETTLE_SLOTS];
};

/* `taken`: by those that are due before it. */
static void walk(const struct deciding *deciding, const struct item *item, const float *taken,
	double price, struct course *ret)
{
	const struct settle_device *host = &deciding->settle.hosts[item->device];
	const struct harm_device *harm = &deciding->facts->devices[item->device].harm;
	const struct decision *says = item->says;
	bool runs = says->wanted == WANTED_RUN;
	double left = item->work;
	*ret = (struct course){.first = -1, .last = -1};
	for (int i = item->release; i < SETTLE_SLOTS && left > 1e-9; i++) {
		double busy = (double)host->busy[i];
		double share = i || !runs ? share_at(deciding, item, busy, price) : says->share;
		share = fmin(share, cap_at(deciding, item, i)) - (i ? (double)taken[i] : 0);
		share = fmin(share, left);
		if (share <= 0 || (!i && !runs))
			continue;
		left -= share;
		ret->shares[i] = (float)share;
		ret->harm += harm_rate(harm, busy, share);
		ret->first = ret->first < 0 ? i : ret->first;
		ret->last = i;
	}
	ret->done = ret->first >= 0 && left <= 1e-9;
}

static bool is_in_time(
	const struct deciding *deciding, const struct item *item, const struct course *course)
{
	int64_t by = item->says->late ? item->says->due_ns : item->must_ns;
	return course->done && decide_slot_ns(deciding, course->last + 1) <= by;
}

/*
 * When it works. The price is enough on nine of ten days as they were, with their quiet minutes;
 * the expected day has none of those. On it the price rises while time runs out, until it is
 * enough: that one is looked for.
 */
static void forecast(const struct deciding *deciding, struct item *item, float *taken)
{
	struct decision *says = item->says;
	struct course course, tried;
	double low = fmax(price_of(item), least_price), high = presses;
	if (item->work <= 0) {
		says->will_miss = false; /* what is to be done is not known */
		return;
	}
	walk(deciding, item, taken, low, &course);
	if (!is_in_time(deciding, item, &course) && low < high) {
		walk(deciding, item, taken, high, &tried);
		if (is_in_time(deciding, item, &tried))
			course = tried;
		else
			low = high;
		while (high > low * rises) {
			double middle = sqrt(low * high);
			walk(deciding, item, taken, middle, &tried);
			if (is_in_time(deciding, item, &tried)) {
				course = tried;
				high = middle;
			} else {
				low = middle;
			}
		}
	}
	for (int i = 0; i < SETTLE_SLOTS; i++)
		taken[i] += course.shares[i];
	says->harm += course.harm;
	if (course.done ||
		decide_slot_ns(deciding, SETTLE_SLOTS) >=
			(says->late ? says->due_ns : item->must_ns))
		says->will_miss = !is_in_time(deciding, item, &course);
	if (!course.done)
		return;
	says->window.from_ns = decide_slot_ns(deciding, course.first);
	if (says->window.from_ns < deciding->facts->now_ns)
		says->window.from_ns = deciding->facts->now_ns;
	says->window.until_ns = decide_slot_ns(deciding, course.last + 1);
}

/* Begun a slot later and at full speed it would not be done in time any more. */
static bool is_last_chance(const struct deciding *deciding, const struct item *item)
{
	double left = item->work;
	if (item->release > 0)
		return false;
	for (int slot = 1; slot < item->must && left > 0; slot++)
		left -= cap_at(deciding, item, slot);
	return left > 0;
}

static void set_driver(const struct deciding *deciding, struct item *item)
{
	const struct facts_device *device = &deciding->facts->devices[item->device];
	struct decision *says = item->says;
	bool young = device->days < DECIDE_WEEK && !item->resource->asked;
	bool alone = young || item->unknown;
	says->driver = alone ? DRIVER_REACTIVE : item->resource->driver;
	says->unknown = item->unknown;
	if (item->unknown) {
		says->will_miss = false;
		says->remedy = NULL;
	}
	bool works = says->tier != DECISION_NOWHERE && !*item->resource->hold;
	says->pressed = says->will_miss || (works && is_last_chance(deciding, item));
}

/* The earliest deadline takes of the device's share what it can, the next what is left. */
static void share_out(
	const struct deciding *deciding, struct item *item, double *taken, const char **worker)
{
	struct decision *says = item->says;
	const struct facts_device *device = &deciding->facts->devices[item->device];
	double most = fmin(cap_at(deciding, item, 0), device->most - *taken);
	double now = deciding->looked[item->device].now;
	double share = fmin(share_at(deciding, item, now, price_of(item)) - *taken, most);
	bool enough = share >= too_little * device->most;
	/* What is capped so low may go so slowly. */
	enough = enough || (share > 0 && share >= most);
	bool early = item->release > 0 || says->release_ns > deciding->facts->now_ns;
	if (early || !enough || planted(NEVER_RUNS)) {
		item->behind = early ? NULL : *worker;
		says->wanted = item->job ? WANTED_PAUSE : WANTED_WAIT;
		return;
	}
	says->wanted = WANTED_RUN;
	says->share = share;
	*taken += share;
	*worker = item->resource->name;
}

void decide_states(struct deciding *deciding)
{
	for (size_t d = 0; d < deciding->facts->device_count; d++) {
		const struct deciding_device *looked = &deciding->looked[d];
		double taken = 0;
		float later[SETTLE_SLOTS] = {0};
		const char *worker = NULL;
		for (uint32_t i = looked->first; i < looked->first + looked->count; i++) {
			struct item *item = &deciding->items[deciding->by_device[i]];
			set_driver(deciding, item);
			if (*item->resource->hold)
				item->says->wanted = WANTED_HOLD;
			else if (item->says->tier == DECISION_NOWHERE)
				item->says->wanted = WANTED_BLOCKED;
			else
				share_out(deciding, item, &taken, &worker);
			if (item->says->tier != DECISION_NOWHERE)
				forecast(deciding, item, later);
		}
	}
}
