/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that a decision may know, as a value and as text. The text is for people, for tests and for
 * the record: what was decided can be decided again. docs/FORMATS-FACTS.md describes it.
 *
 * Any thread. Pure.
 */
#ifndef EBB_PLAN_FACTS_H
#define EBB_PLAN_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/job.h"
#include "core/name.h"
#include "core/policy.h"
#include "core/resource.h"
#include "core/tier.h"
#include "plan/harm.h"
#include "plan/settle.h"

struct arena;
struct str;
struct why;

enum {
	FACTS_DAYS = 60, /* of a device's past */
	FACTS_LEARNT = 50,
	FACTS_DEVICES = 20000,
	FACTS_TIERS = SETTLE_TIERS,
	FACTS_POLICIES = 64,
	FACTS_RESOURCES = 100000,
	FACTS_TEXT = 256 << 20,
};

/* What others use besides us: a disk. */
struct facts_device {
	char name[CORE_NAME];
	double speed; /* bytes a second, when it does nothing else for us */
	double most;  /* the largest share that our jobs may take */
	struct harm_device harm;
	uint32_t days;  /* known before today */
	uint32_t today; /* slots known of today */
	float *busy; /* DAYS_DAY for each of them and for today: share for its users; NaN: a gap */
	/* What its scores came to: raw, and how often it happened; ascending. */
	double said[FACTS_LEARNT], came[FACTS_LEARNT];
	uint32_t learnt;
};

struct facts {
	int64_t now_ns;
	int64_t zone_ns; /* local time less UTC */
	struct facts_device *devices;
	struct tier *tiers;
	struct policy *policies;
	struct resource *resources;
	struct job *jobs;
	size_t device_count, tier_count, policy_count, resource_count, job_count;
};

/* The slot of now, from the midnight with which a device's past begins; of the day alone. */
int64_t facts_slot(const struct facts *facts, const struct facts_device *device);
int64_t facts_slot_of_day(const struct facts *facts);

/* 0 .. 6, 0 a Monday, of the local day so many days ahead. */
int facts_weekday(const struct facts *facts, int64_t ahead);

/*
 * Borrows nothing of `text`; all is taken from the arena. -EINVAL with `name:line:column: ...`,
 * -ENOMEM.
 */
int facts_read(struct arena *arena, const char *name, const char *text, size_t len,
	struct facts *ret_facts, struct why *why);

/* Adds the one text of these facts: what facts_read() made, shown, reads as the same. */
void facts_show(const struct facts *facts, struct str *text);

#endif
