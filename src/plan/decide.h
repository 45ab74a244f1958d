/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From facts to a plan: for each resource one wanted state, with its reasons. Pure: equal facts,
 * equal plan; deciding twice changes nothing, and what a plan says is no order to do it twice.
 *
 * The plan is a price for each job (price.h, outlook.h), on a tier and of a kind; its timetable is
 * the forecast of that rule. Jobs that share a device are priced by all work that is due before
 * each deadline, and the earliest deadline works first.
 *
 * Any thread.
 */
#ifndef EBB_PLAN_DECIDE_H
#define EBB_PLAN_DECIDE_H

#include <stddef.h>

#include "core/decision.h"
#include "plan/facts.h"

struct arena;
struct str;

struct plan {
	struct decision *decisions; /* one for each resource, in the order of the facts */
	size_t count;
	double harm; /* expected of all that is planned */
};

/*
 * Borrows the facts; all of the plan lies in the arena. The facts are what facts_read() would take:
 * names that are there, numbers within their bounds; a load may be anything, and what is no number
 * counts as a gap. 0 or -ENOMEM.
 */
int plan_decide(const struct facts *facts, struct arena *arena, struct plan *ret_plan);

/* "wait", "run" ... */
const char *plan_wanted_word(enum decided wanted);

/* Adds the whole as text, a few lines for each resource; or one decision, in full. */
void plan_show(const struct facts *facts, const struct plan *plan, struct str *text);
void plan_show_one(const struct facts *facts, const struct decision *decision, struct str *text);

#endif
