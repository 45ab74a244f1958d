/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hours of a policy as the largest share of a device in each coming slot.
 *
 * Any thread. Pure.
 */
#ifndef EBB_PLAN_CALENDAR_H
#define EBB_PLAN_CALENDAR_H

#include <stdbool.h>

#include "core/policy.h"
#include "plan/facts.h"

/* Slots of the plan: two days from now on. */
enum { CALENDAR_SLOTS = 2 * 288 };

/* False: there are no such hours, and nothing was written. */
bool calendar_caps(const struct facts *facts, const struct facts_device *device,
	const struct policy *policy, float ret_caps[CALENDAR_SLOTS]);

#endif
