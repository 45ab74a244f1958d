/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who drives a resource: each night the last day is lived through again by the planner and by
 * feedback alone, and of the two the one that did better on the last seven days drives. A record
 * that is wrong is so believed only as long as it does not hurt; one that is new drives nothing.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_PLAN_GATE_H
#define EBB_PLAN_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/resource.h"

enum { GATE_DAYS = 7 };

struct gate {
	double planner[GATE_DAYS], feedback[GATE_DAYS]; /* costs */
	size_t days;                                    /* noted so far */
};

/* Of one day: its harm in device slots, and what a point that came too late is held to cost. */
double gate_cost(double harm, bool late);

/* A day more; the one of eight days ago is forgotten. A cost that is no number is as bad as late.
 */
void gate_note(struct gate *gate, double planner, double feedback);

/* Before seven days are known: feedback. */
enum driver gate_driver(const struct gate *gate);

#endif
