/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The price at which a piece of work gets done in time on nearly every day that could come. The
 * answer of the planner is this price, not a timetable: run at the largest rate whose measured
 * marginal harm is below it. What is shown as a timetable is the forecast of that rule.
 *
 * A day that could come says how busy the device is in each slot until the deadline. On each day
 * the cheapest price that would just have been enough is found; the price is a high quantile over
 * days, not over slots: a day is bad as a whole.
 *
 * Days are kept as sums by price, so that the passing of a slot costs a subtraction and no day is
 * walked again. Any thread, one at a time for each struct. Takes no memory.
 */
#ifndef EBB_PLAN_PRICE_H
#define EBB_PLAN_PRICE_H

#include <stdbool.h>
#include <stddef.h>

#include "plan/harm.h"

enum {
	PRICE_STEPS = 160,  /* ten to a factor of e: 10^-5 to 10^2 */
	PRICE_LEVELS = 256, /* of busy */
	PRICE_DAYS = 32,
};

/*
 * How much of a slot may be taken at each price and level, within the device's threshold: made once
 * for a device and a most.
 */
struct price_shares {
	float at[PRICE_LEVELS + 1][PRICE_STEPS];
};

/* Ascending. */
double price_of_step(size_t step);

/* `most`: the largest share that the job may ever take. */
void price_shares_make(struct price_shares *shares, const struct harm_device *device, double most);

/* The row for a share of time that the device is busy; a gap in what is known counts as full. */
const float *price_shares_row(const struct price_shares *shares, double busy);

struct price_day {
	double weight;
	double work[PRICE_STEPS]; /* that gets done until the deadline, at each price */
};

/*
 * A slot until the deadline more, or one that has passed; `slots`: its length, in slots. Capped: no
 * more than that share may be taken in it.
 */
void price_day_add(struct price_day *day, const float *row, double slots);
void price_day_add_capped(struct price_day *day, const float *row, float cap, double slots);
void price_day_pass(struct price_day *day, const float *row, double slots);

struct price {
	double price;    /* INFINITY: on the day that binds it would never be done */
	size_t binding;  /* the day that set it */
	double in_time;  /* share of the days, by weight, on which it is enough */
	bool infeasible; /* price is INFINITY */
};

/* `sure`: 0.9: enough on nine of ten days. None: the price is INFINITY. */
struct price price_find(const struct price_day *days, size_t count, double work, double sure);

#endif
