/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy: what is promised to the resources that it matches, and what it may cost. Of all
 * policies the first that matches a resource holds; of a policy's rules for tiers the first whose
 * conditions hold.
 *
 * Any thread: a plain value.
 */
#ifndef EBB_CORE_POLICY_H
#define EBB_CORE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/name.h"
#include "core/tier.h"

enum { POLICY_HOURS = 8, POLICY_RULES = 8, POLICY_CONDITIONS = 3, POLICY_WEEK = 0x7f };

/* Hours of the local day in which a job may not read, or not faster. */
struct policy_hours {
	uint32_t days;                /* bit 0: Monday; of the day on which the hours begin */
	uint32_t from_min, until_min; /* of the day; until before from: over midnight */
	double bytes_per_s;           /* 0: not at all */
};

enum policy_field { POLICY_SCORE, POLICY_KEEP, POLICY_SIZE, POLICY_KIND, POLICY_FIELDS };
enum policy_is { POLICY_BELOW, POLICY_AT_MOST, POLICY_AT_LEAST, POLICY_ABOVE, POLICY_IS };

struct policy_condition {
	enum policy_field field;
	enum policy_is is;
	int64_t value; /* score: millionths; keep: ns; size: bytes; kind: enum kind */
};

/* Tiers of these classes when all conditions hold. */
struct policy_rule {
	uint32_t classes; /* bit 0: class 0 */
	uint32_t count;
	struct policy_condition when[POLICY_CONDITIONS];
};

struct policy {
	char name[CORE_NAME];
	char program[CORE_NAME], data[CORE_NAME], type[CORE_NAME]; /* to match; "": any */
	int64_t rpo_ns;      /* between the starts of two points at most */
	int64_t best_ns;     /* and at least */
	int64_t rto_ns;      /* a restore takes at most; 0: nothing is promised */
	int64_t keep_ns;     /* points are kept so long */
	int64_t margin_ns;   /* points are done so long before they must; 0: a twelfth of the RPO */
	int64_t catch_up_ns; /* what is late is done within; 0: a quarter of the RPO */
	double sure;         /* share of remembered days on which the price must be enough */
	double harm_money;   /* that one unit of harm is worth */
	struct policy_hours hours[POLICY_HOURS];
	uint32_t hours_count;
	struct policy_rule rules[POLICY_RULES];
	uint32_t rule_count; /* 0: those of the default */
};

/* What holds where no policy matches, with the rules of core/score.h. */
void policy_default(struct policy *ret);

struct resource;

/* The first that matches; NULL: none. */
const struct policy *policy_for(
	const struct policy *policies, size_t count, const struct resource *resource);

/* Its own rules, or those of the default. */
const struct policy_rule *policy_rules(const struct policy *policy, size_t *ret_count);

#endif
