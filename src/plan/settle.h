/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many jobs on shared devices and tiers: who works when, and on which tier he puts his bytes.
 *
 * Each job in turn answers best to what all others plan: it takes the tier and the slots that are
 * cheapest at the margin, as in price.h, and leaves the price it paid to the next. Jobs with the
 * least slack first. Three turns bring the sum of harm within a few percent of the best there is
 * (settle_test.c); a job that changed costs one answer, not a new plan.
 *
 * Shares are those of the job's host; on a tier they count `width` times. The owner holds all
 * memory. Any thread, one at a time for each struct.
 */
#ifndef EBB_PLAN_SETTLE_H
#define EBB_PLAN_SETTLE_H

#include <stddef.h>
#include <stdint.h>

enum { SETTLE_SLOTS = 288, SETTLE_TIERS = 8 };

/* A host or a tier. One queue, as in harm.h. */
struct settle_device {
	float size;                /* our mean service time over the users' */
	float busy[SETTLE_SLOTS];  /* share that the users take */
	float taken[SETTLE_SLOTS]; /* and all jobs */
};

struct settle_job {
	uint32_t host;
	uint16_t release, due;     /* slots: works in release .. due - 1 */
	float work;                /* in slots of the host */
	float most;                /* the largest share of the host */
	const float *caps;         /* likewise by slot; NULL: at all times the same */
	float width[SETTLE_TIERS]; /* a share of the host is so much of that tier */
	float money[SETTLE_TIERS]; /* of putting it there, in units of harm; INFINITY: not there */
	/* the answer */
	uint32_t tier;
	float price; /* INFINITY: it cannot be done in time */
	float share[SETTLE_SLOTS];
};

struct settle {
	struct settle_device *hosts, *tiers;
	size_t tier_count; /* at most SETTLE_TIERS */
	struct settle_job *jobs;
	size_t job_count;
	uint32_t *order; /* room for job_count */
};

/* Sorts by slack. Once, and when jobs came or changed their windows. */
void settle_order(struct settle *settle);

/* One turn of all jobs, in order. */
void settle_turn(struct settle *settle);

/* One job answers anew. */
void settle_job(struct settle *settle, struct settle_job *job);

/* It is gone: what it had is free. */
void settle_leave(struct settle *settle, struct settle_job *job);

/* Harm and money of it all. */
double settle_cost(const struct settle *settle);

#endif
