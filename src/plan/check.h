/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hard rules, held against a plan by other means than those that made it: nothing of decide.h
 * is used. A plan that breaks one is not acted on.
 *
 *   RPO        who waits can still be done in time, or it was said that he cannot; nobody is left
 *              out, held or blocked without cause
 *   RETENTION  a point stands on points that are kept as long as itself
 *   ROOM       what goes to a tier has room there, and the tier is there
 *   WRITER     one decision a resource, and a job stays on its tier
 *   HOURS      forbidden hours and limits, and the most that jobs may take of a device
 *
 * Any thread. Pure.
 */
#ifndef EBB_PLAN_CHECK_H
#define EBB_PLAN_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "base/why.h"

struct arena;
struct facts;
struct plan;

enum check_rule { CHECK_RPO, CHECK_RETENTION, CHECK_ROOM, CHECK_WRITER, CHECK_HOURS, CHECK_RULES };

struct check {
	size_t broken[CHECK_RULES]; /* how often */
	struct why first;           /* the first of all, for people; "" when none is broken */
};

/* 0; -EPERM: a rule is broken; -ENOMEM. */
int plan_check(const struct facts *facts, const struct plan *plan, struct arena *arena,
	struct check *ret_check);

#endif
