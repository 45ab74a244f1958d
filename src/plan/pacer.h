/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How hard a running job works right now: as hard as the price allows at what is measured, never so
 * hard that the users' waiting grows beyond the threshold. Down at once and by half, up in small
 * steps and only when what was allowed is used; and not on and off in quick turns. Harm bends
 * upwards: users whose load jumps about are taken for busier than they are on average.
 *
 * Where the users' waiting was measured, that holds the threshold, and what the model would say of
 * it counts no more: it only prices.
 *
 * What is measured is the users' own work: the total falls when they are slowed down, and whoever
 * goes by it speeds up exactly when he hurts most.
 *
 * Any thread, one at a time for each struct. Knows no clock: a step is a step.
 */
#ifndef EBB_PLAN_PACER_H
#define EBB_PLAN_PACER_H

#include <stdbool.h>

#include "plan/harm.h"

struct pacer {
	double share;       /* of the device, granted for the next step */
	int dwell;          /* steps that it stays as it is, running or paused */
	double mean, apart; /* of what the users were seen to do lately, and how far from that */
	bool seen;
};

struct pacer_seen {
	double busy;    /* measured share of the users */
	double waiting; /* measured waiting of the users, in their service times */
	double used;    /* of the share that was granted */
	/* The time that users' requests take over what it may be, as measured; 1: up to here and
	 * no further. 0: not measured, and the threshold is held by `waiting`. */
	double felt;
};

struct pacer_order {
	double price;  /* INFINITY: the deadline presses, at any price */
	bool pressed;  /* the deadline presses: up to the price, beyond the threshold */
	double needed; /* the share with which the work is done just in time */
	double most;   /* the largest share that may ever be taken */
};

void pacer_step(struct pacer *pacer, const struct harm_device *device,
	const struct pacer_seen *seen, const struct pacer_order *order);

#endif
