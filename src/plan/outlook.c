/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of days, and their sums as time goes on. */
#include "plan/outlook.h"

#include <math.h>

#include "base/must.h"

enum { HOUR = 12 };

static const double goes_on = 0.09; /* of all the weight */

static double last_hour(const struct outlook *outlook)
{
	double sum = 0;
	int count = 0;
	for (int64_t slot = outlook->now - HOUR; slot < outlook->now; slot++) {
		if (slot < 0 || isnan(outlook->view.past.busy[slot]))
			continue;
		sum += (double)outlook->view.past.busy[slot];
		count++;
	}
	return count ? sum / count : 1; /* nothing is known: the worst is supposed */
}

static const float *row_of(const struct outlook *outlook, double busy)
{
	return price_shares_row(outlook->view.shares, busy);
}

/* A slot of a remembered day more, or less. */
static void add_slot(struct outlook *outlook, struct price_day *day, int64_t slot, float busy)
{
	const float *row = row_of(outlook, (double)busy);
	if (outlook->view.caps)
		price_day_add_capped(day, row, outlook->view.caps[slot - outlook->begin], 1);
	else
		price_day_add(day, row, 1);
}

/* The day on which the last hour goes on. */
static void go_on(struct outlook *outlook, struct price_day *day)
{
	const float *row = row_of(outlook, last_hour(outlook)), *caps = outlook->view.caps;
	if (!caps) {
		price_day_add(day, row, (double)(outlook->due - outlook->now));
		return;
	}
	for (int64_t slot = outlook->now, end; slot < outlook->due; slot = end) {
		float cap = caps[slot - outlook->begin];
		for (end = slot + 1; end < outlook->due;) {
			float next = caps[end - outlook->begin];
			if (next < cap || next > cap)
				break;
			end++;
		}
		price_day_add_capped(day, row, cap, (double)(end - slot));
	}
}

static void weigh(struct outlook *outlook)
{
	double total = 0;
	size_t last = outlook->count - 1;
	for (size_t i = 0; i < last; i++) {
		bool known = outlook->gaps[i] * 4 <= outlook->due - outlook->begin;
		outlook->days[i].weight = known
			? days_weight(outlook->view.past, outlook->now, outlook->ages[i])
			: 0;
		total += outlook->days[i].weight;
	}
	struct price_day *day = &outlook->days[last];
	*day = (struct price_day){.weight = total > 0 ? total * goes_on / (1 - goes_on) : 1};
	go_on(outlook, day);
}

/* What stands for `slot` on the day so many days ago: of a deadline beyond a day from now,
 * yesterday has not gone so far. */
static float busy_then(const struct outlook *outlook, int64_t slot, int age)
{
	slot -= (int64_t)age * DAYS_DAY;
	return outlook->view.past.busy[slot < outlook->begin ? slot : slot - DAYS_DAY];
}

static void reach(struct outlook *outlook, int64_t due)
{
	for (size_t i = 0; i + 1 < outlook->count; i++)
		for (int64_t slot = outlook->due; slot < due; slot++) {
			float busy = busy_then(outlook, slot, outlook->ages[i]);
			outlook->gaps[i] += isnan(busy);
			add_slot(outlook, &outlook->days[i], slot, busy);
		}
	outlook->due = due;
	weigh(outlook);
}

void outlook_begin(
	struct outlook *outlook, const struct outlook_view *view, int64_t now, int64_t due)
{
	must(now <= due && due - now <= 2 * DAYS_DAY);
	*outlook = (struct outlook){.view = *view, .begin = now, .now = now, .due = now};
	for (int age = 1; age <= DAYS_BACK; age++)
		if (now - (int64_t)age * DAYS_DAY >= 0)
			outlook->ages[outlook->count++] = age;
	outlook->ages[outlook->count++] = 0;
	reach(outlook, due);
}

void outlook_reach(struct outlook *outlook, int64_t due)
{
	must(outlook->due <= due && due - outlook->begin <= 2 * DAYS_DAY);
	reach(outlook, due);
}

void outlook_step(struct outlook *outlook)
{
	must(outlook->now < outlook->due);
	for (size_t i = 0; i + 1 < outlook->count; i++) {
		struct price_day *day = &outlook->days[i];
		int64_t slot = outlook->now;
		const float *row = row_of(
			outlook, (double)busy_then(outlook, slot, outlook->ages[i]));
		if (outlook->view.caps)
			price_day_add_capped(
				day, row, outlook->view.caps[slot - outlook->begin], -1);
		else
			price_day_pass(day, row, 1);
	}
	outlook->now++;
	weigh(outlook);
}

int outlook_age(const struct outlook *outlook, size_t day)
{
	must(day < outlook->count);
	return outlook->ages[day];
}

struct price outlook_price(const struct outlook *outlook, double work, double sure)
{
	return price_find(outlook->days, outlook->count, work, sure);
}
