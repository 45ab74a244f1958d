/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The days that could come until a deadline: each remembered day goes on from the same time of day.
 * Besides them, one day on which the last hour goes on: it weighs a little less than what the price
 * may leave uncovered, so that alone it decides nothing, and with one bad day it does.
 *
 * Slots are five minutes of local time, counted from any midnight. Any thread, one at a time for
 * each struct. Takes no memory.
 */
#ifndef EBB_PLAN_OUTLOOK_H
#define EBB_PLAN_OUTLOOK_H

#include <stddef.h>
#include <stdint.h>

#include "plan/days.h"
#include "plan/price.h"

_Static_assert((int)DAYS_BACK < (int)PRICE_DAYS, "one more: the last hour goes on");

/* On what a job works. */
struct outlook_view {
	const struct price_shares *shares;
	struct days_past past;
	/* The largest share that may be taken in each slot from the begin on; NULL: what `shares`
	 * allows. Reaches as far as the deadline. */
	const float *caps;
};

struct outlook {
	struct outlook_view view;
	int64_t begin, now, due; /* slots; `now` is the first that is not known yet */
	size_t count;            /* of days */
	int ages[PRICE_DAYS];
	int64_t gaps[PRICE_DAYS];
	struct price_day days[PRICE_DAYS]; /* the last one: the last hour goes on */
};

/*
 * Borrows what the view points at. Days of which a quarter is missing are not remembered. The
 * deadline lies two days ahead at most.
 */
void outlook_begin(
	struct outlook *outlook, const struct outlook_view *view, int64_t now, int64_t due);

/* The deadline is later than it was: costs only the slots between. */
void outlook_reach(struct outlook *outlook, int64_t due);

/* One slot more is known. */
void outlook_step(struct outlook *outlook);

/* The age of that day in days; 0: the day on which the last hour goes on. */
int outlook_age(const struct outlook *outlook, size_t day);

/* For work that is to be done from now until the deadline, in slots of the whole device. */
struct price outlook_price(const struct outlook *outlook, double work, double sure);

#endif
