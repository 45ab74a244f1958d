/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of facts that may stand several times: days of a device, what its scores came to, and
 * hours and rules of a policy.
 *
 *   past DAYS RUN...        so many days alike, the oldest first; a run is VALUE or VALUE*SLOTS,
 *                           a value the share in thousandths, or - for a gap
 *   today RUN...            up to now
 *   learnt RAW CAME         in thousandths
 *   forbid [DAYS] HH:MM-HH:MM      DAYS: weekdays, weekends, or mon,tue ...
 *   limit [DAYS] HH:MM-HH:MM SPEED
 *   put CLASS... [when FIELD IS VALUE [and ...]]
 *
 * Any thread.
 */
#ifndef EBB_PLAN_FACTS_LIST_H
#define EBB_PLAN_FACTS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/days.h"
#include "plan/facts.h"
#include "plan/section.h"

struct policy_rule;
struct policy_hours;

/* What a section has gathered. */
struct facts_list {
	uint16_t past[FACTS_DAYS + 1][DAYS_DAY]; /* thousandths, or FACTS_GAP */
	uint32_t days;
	size_t today;
	bool said_today;
};

enum { FACTS_GAP = 0xffff, FACTS_FULL = 1000, FACTS_WORD = 80 };

struct facts_line {
	char (*words)[FACTS_WORD];
	size_t count;
	size_t *ret_bad; /* the word that is wrong */
};

void facts_list_begin(struct facts_list *list);

/* 0: it was one of these; 1: it is none; -EINVAL. */
int facts_list_line(struct facts_list *list, enum section_id id, void *base,
	const struct facts_line *line, struct why *why);

/* -EINVAL, -ENOMEM. */
int facts_list_end(struct facts_list *list, struct arena *arena, enum section_id id, void *base,
	struct why *why);

/* Today ends at now. `lines`: where the devices stand. */
int facts_list_today(
	const struct facts *facts, const char *name, const uint32_t *lines, struct why *why);

/* Add the line, with its end. */
void facts_list_show(
	const struct facts *facts, enum section_id id, const void *base, struct str *text);

#endif
