/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of plan_decide() hand to each other. One thread.
 *
 * Slots count from now's, so that slot 0 is the one that goes on.
 */
#ifndef EBB_PLAN_DECIDE_INNER_H
#define EBB_PLAN_DECIDE_INNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "plan/by_name.h"
#include "plan/calendar.h"
#include "plan/decide.h"
#include "plan/kind.h"
#include "plan/outlook.h"
#include "plan/settle.h"

enum { DECIDE_SLOT_S = 300, DECIDE_WEEK = 7 };

enum can {
	CAN,
	CAN_SLOW, /* would break the RTO */
	CAN_FULL, /* no room */
	CAN_GONE, /* cannot be reached */
	CAN_BUSY, /* another tier has the job already */
};

/* One resource on its way to a decision. */
struct item {
	const struct resource *resource;
	const struct policy *policy;
	const struct job *job; /* NULL: none runs */
	uint32_t device;
	int32_t release, due; /* slots, 0 .. CALENDAR_SLOTS */
	int64_t must_ns;      /* the RPO itself, without margin */
	int32_t must;         /* its slot */
	bool unknown;         /* nothing of its device is remembered */
	bool early;           /* before the policy's best: later it would not be in time */
	bool no_margin;       /* it fits only without */
	bool backwards;       /* its last point lies in the future */
	struct kind_choice kind[FACTS_TIERS];
	enum can can[FACTS_TIERS];
	int32_t rule;  /* of the policy, by number; -1: none held, or none could be kept */
	bool has_room; /* asked for it, that is */
	bool beside;   /* no tier that the rules name could be had */
	struct settle_job *settle;
	struct decision *says;
	double work; /* slots of its device */
	double asks; /* likewise, with all that is due before it */
	bool priced;
	const char *behind; /* works before us on the device */
};

/* A device, looked at. */
struct deciding_device {
	const struct price_shares *shares;
	double now;            /* busy; of the slot that goes on */
	bool known;            /* that was measured, and not only expected */
	uint32_t first, count; /* of `by_device` */
	const char *full;      /* the resource for which all was tried that would make it fit */
	float *caps;           /* calendars, by policy; NULL where not yet made */
};

struct deciding {
	const struct facts *facts;
	struct arena *arena;
	struct by_name devices, tiers, resources;
	struct policy fallback;
	struct item *items;
	uint32_t *by_device; /* items, by device and then by due */
	struct deciding_device *looked;
	struct settle settle;
	uint64_t room[FACTS_TIERS]; /* that is left */
	/* Of the device that is looked at. */
	struct outlook outlook;
	float busy[(FACTS_DAYS + 3) * DAYS_DAY], size[(FACTS_DAYS + 3) * DAYS_DAY];
	float caps[CALENDAR_SLOTS];
	/* Work done until each hour, by day and price: what a job that is released then cannot use.
	 */
	float until[CALENDAR_SLOTS / 12 + 1][PRICE_DAYS][PRICE_STEPS];
	struct price_day left[PRICE_DAYS];
};

/* ---- decide.c ---- */

int64_t decide_slot_ns(const struct deciding *deciding, int64_t slot);

/* Slots of the device that so many bytes take. */
double decide_work(const struct deciding *deciding, const struct item *item, uint64_t bytes);

/* The past of a device, made fit to be looked at; holds until the next call. */
struct days_past decide_past(struct deciding *deciding, uint32_t device);

/* ---- decide_tier.c ---- */

void decide_tiers_begin(struct deciding *deciding, struct item *item);

/* Scores of the windows as asked, then the tiers that the rules allow. */
void decide_tiers_score(struct deciding *deciding);

/* Takes each tier's room in order of deadlines; who finds none looks elsewhere. */
void decide_tiers_room(struct deciding *deciding);

/* ---- decide_price.c ---- */

void decide_prices(struct deciding *deciding);

/* ---- decide_state.c ---- */

void decide_states(struct deciding *deciding);

/* ---- decide_why.c ---- */

void decide_because(struct item *item, const char *text);
void decide_why(struct deciding *deciding);

#endif
