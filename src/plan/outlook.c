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
		if (slot < 0 || isnan(outlook->past.busy[slot]))
			continue;
		sum += (double)outlook->past.busy[slot];
		count++;
	}
	return count ? sum / count : 1; /* nothing is known: the worst is supposed */
}

static void weigh(struct outlook *outlook)
{
	double total = 0;
	size_t last = outlook->count - 1;
	for (size_t i = 0; i < last; i++)
		total += outlook->days[i].weight = days_weight(
			outlook->past, outlook->now, outlook->ages[i]);
	struct price_day *day = &outlook->days[last];
	*day = (struct price_day){.weight = last ? total * goes_on / (1 - goes_on) : 1};
	price_day_add(day, price_shares_row(outlook->shares, last_hour(outlook)),
		(double)(outlook->due - outlook->now));
}

/* False: too little of that day is known. */
static bool remember(struct outlook *outlook, int age, struct price_day *ret_day)
{
	int64_t gaps = 0, back = (int64_t)age * DAYS_DAY;
	if (outlook->now - back < 0)
		return false;
	*ret_day = (struct price_day){0};
	for (int64_t slot = outlook->now - back; slot < outlook->due - back; slot++) {
		/* A deadline beyond a day from now: yesterday has not gone so far. */
		float busy = slot < outlook->now ? outlook->past.busy[slot]
						 : outlook->past.busy[slot - DAYS_DAY];
		gaps += isnan(busy);
		price_day_add(ret_day, price_shares_row(outlook->shares, (double)busy), 1);
	}
	return gaps * 4 <= outlook->due - outlook->now;
}

void outlook_begin(struct outlook *outlook, const struct price_shares *shares,
	struct days_past past, int64_t now, int64_t due)
{
	must(now <= due && due - now <= 2 * DAYS_DAY);
	*outlook = (struct outlook){.shares = shares, .past = past, .now = now, .due = due};
	for (int age = 1; age <= DAYS_BACK; age++) {
		/* Of a deadline in two days the days one and two ago are the same story. */
		if ((int64_t)age * DAYS_DAY + DAYS_DAY < due - now)
			continue;
		if (remember(outlook, age, &outlook->days[outlook->count]))
			outlook->ages[outlook->count++] = age;
	}
	outlook->ages[outlook->count++] = 0;
	weigh(outlook);
}

void outlook_step(struct outlook *outlook)
{
	must(outlook->now < outlook->due);
	for (size_t i = 0; i + 1 < outlook->count; i++) {
		int64_t slot = outlook->now - (int64_t)outlook->ages[i] * DAYS_DAY;
		price_day_pass(&outlook->days[i],
			price_shares_row(outlook->shares, (double)outlook->past.busy[slot]), 1);
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
