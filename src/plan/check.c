/* SPDX-License-Identifier: Apache-2.0 */
/* Hard rules, from the facts alone. */
#include "plan/check.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/units.h"
#include "plan/by_name.h"
#include "plan/calendar.h"
#include "plan/decide.h"
#include "plan/facts.h"

static const int64_t slot_ns = 5 * NS_PER_MIN;
static const double least = 1e-9;

struct checking {
	const struct facts *facts;
	const struct plan *plan;
	struct check *check;
	struct policy fallback;
	struct by_name devices, resources;
	const struct job **jobs; /* of each resource; NULL: none */
	double *taken;           /* of each device */
	uint64_t used[FACTS_TIERS];
};

/* One decision and what it is about. */
struct checked {
	const struct decision *says;
	const struct resource *resource;
	const struct policy *policy;
	const struct facts_device *device;
	const struct job *job;
	size_t device_number;
};

#define BROKEN(rule, ...) broken(checking, (rule), __VA_ARGS__)

__attribute__((format(printf, 3, 4))) static void broken(
	struct checking *checking, enum check_rule rule, const char *fmt, ...)
{
	va_list args;
	checking->check->broken[rule]++;
	if (checking->check->first.text[0])
		return;
	va_start(args, fmt);
	vsnprintf(checking->check->first.text, sizeof(checking->check->first.text), fmt, args);
	va_end(args);
}

static bool runs(const struct decision *says)
{
	return says->wanted == WANTED_RUN;
}

/* ---- in time ---- */

/* What may be read of the device at most in each slot; no hours: the same at all times. */
static double most_at(const struct checked *of, const float *caps, int slot)
{
	return caps ? fmin((double)caps[slot], of->device->most) : of->device->most;
}

static double work_of(const struct checked *of)
{
	double left = of->job ? 1 - of->job->done : 1;
	return (double)of->says->bytes * left * of->resource->work_was / of->device->speed /
		((double)slot_ns / (double)NS_PER_SEC);
}

/* When it must be done: by the RPO, or, where that is broken, by the end of the catching up. */
static int64_t must_by(const struct checking *checking, const struct checked *of)
{
	int64_t was = of->resource->verified_ns, by = 0, now = checking->facts->now_ns;
	int64_t catch_up = of->policy->catch_up_ns ? of->policy->catch_up_ns
						   : of->policy->rpo_ns / 4;
	bool known = was && was <= now + slot_ns && add_fits(was, of->policy->rpo_ns, &by);
	return known && by > now ? by : now + catch_up;
}

/* Begun in the next slot and at full speed, is it done by then? Two days are looked at. */
static bool can_wait(const struct checking *checking, const struct checked *of)
{
	float room[CALENDAR_SLOTS];
	const float *caps = calendar_caps(checking->facts, of->device, of->policy, room) ? room
											 : NULL;
	double left = work_of(of);
	int64_t by = must_by(checking, of), now = checking->facts->now_ns;
	int64_t slots = (by - now) / slot_ns;
	if (slots >= CALENDAR_SLOTS)
		return true;
	for (int slot = 1; slot < slots && left > least; slot++)
		left -= most_at(of, caps, slot);
	return left <= least;
}

static bool is_forbidden_now(const struct checking *checking, const struct checked *of)
{
	float caps[CALENDAR_SLOTS];
	return calendar_caps(checking->facts, of->device, of->policy, caps) && !(caps[0] > 0);
}

/* Could any tier take the least that a point of it may be? */
static bool could_go(const struct checking *checking, const struct checked *of)
{
	uint64_t bytes = of->resource->size;
	for (size_t i = 0; i < checking->facts->tier_count; i++)
		if (!checking->facts->tiers[i].gone && checking->facts->tiers[i].room >= bytes &&
			checking->facts->tiers[i].room - checking->used[i] >= bytes)
			return true;
	return false;
}

static void check_rpo(struct checking *checking, const struct checked *of)
{
	const struct decision *says = of->says;
	const char *name = of->resource->name;
	switch (says->wanted) {
	case WANTED_RUN:
		if (!(says->share > 0))
			BROKEN(CHECK_RPO, "%s is to run with nothing of its device", name);
		return;
	case WANTED_WAIT:
	case WANTED_PAUSE:
		/* That it was said excuses it only where others are at work. */
		if (says->will_miss && checking->taken[of->device_number] > 0)
			return;
		if (!is_forbidden_now(checking, of) && !can_wait(checking, of))
			BROKEN(CHECK_RPO,
				"%s waits, and from the next slot on cannot be in time any more",
				name);
		return;
	case WANTED_HOLD:
		if (!*of->resource->hold)
			BROKEN(CHECK_RPO, "%s is held, and nobody holds it", name);
		return;
	case WANTED_BLOCKED:
		if (could_go(checking, of))
			BROKEN(CHECK_RPO, "%s is blocked, and a tier could take it", name);
		return;
	}
	BROKEN(CHECK_RPO, "%s has no state", name);
}

/* ---- what it consists of, and where it goes ---- */

static void check_retention(struct checking *checking, const struct checked *of)
{
	const struct resource *resource = of->resource;
	const struct tier *tier = &checking->facts->tiers[of->says->tier];
	int64_t until = resource->base_until_ns;
	if (of->says->kind == KIND_FULL || of->job) /* what was begun was checked then */
		return;
	if (!resource->links || !resource->verified_ns)
		BROKEN(CHECK_RETENTION, "%s: not a full one, and there is nothing to add to",
			resource->name);
	else if (tier->chained && until && until - checking->facts->now_ns < of->policy->keep_ns)
		BROKEN(CHECK_RETENTION, "%s: it stands on a point that is not kept as long",
			resource->name);
}

static void check_room(struct checking *checking, const struct checked *of)
{
	const struct decision *says = of->says;
	const struct tier *tier = &checking->facts->tiers[says->tier];
	uint64_t dirty = of->resource->dirty;
	uint64_t bytes = says->kind == KIND_FULL || dirty > of->resource->size ? of->resource->size
									       : dirty;
	if (says->bytes < bytes)
		BROKEN(CHECK_ROOM, "%s: fewer bytes are counted than there are",
			of->resource->name);
	if (tier->gone)
		BROKEN(CHECK_ROOM, "%s goes to %s, which cannot be reached", of->resource->name,
			tier->name);
	if (!add_fits(checking->used[says->tier], says->bytes, &checking->used[says->tier]) ||
		checking->used[says->tier] > tier->room)
		BROKEN(CHECK_ROOM, "%s goes to %s, which has no room for it", of->resource->name,
			tier->name);
}

static void check_writer(struct checking *checking, const struct checked *of)
{
	const struct tier *tiers = checking->facts->tiers;
	if (!of->job || of->says->tier < 0 ||
		strcmp(tiers[of->says->tier].name, of->job->tier) == 0)
		return;
	uint64_t bytes = of->job->kind == KIND_INCREMENTAL &&
			of->resource->dirty < of->resource->size
		? of->resource->dirty
		: of->resource->size;
	for (size_t i = 0; i < checking->facts->tier_count; i++)
		if (strcmp(tiers[i].name, of->job->tier) == 0 && !tiers[i].gone &&
			tiers[i].room - checking->used[i] >= bytes &&
			tiers[i].room >= checking->used[i])
			BROKEN(CHECK_WRITER,
				"%s is written to %s, and a second job is wanted on %s",
				of->resource->name, of->job->tier, tiers[of->says->tier].name);
}

static void check_hours(struct checking *checking, const struct checked *of)
{
	float caps[CALENDAR_SLOTS];
	double *taken = &checking->taken[of->device_number];
	bool hours = calendar_caps(checking->facts, of->device, of->policy, caps);
	if (!runs(of->says))
		return;
	if (hours && of->says->share > (double)caps[0] + least)
		BROKEN(CHECK_HOURS, "%s works in an hour in which it may not, or not so fast",
			of->resource->name);
	*taken += of->says->share;
	if (*taken > of->device->most + least)
		BROKEN(CHECK_HOURS, "%s: jobs take more of %s than they may", of->resource->name,
			of->device->name);
}

/* ---- the whole ---- */

static void check_one(struct checking *checking, size_t number)
{
	const struct facts *facts = checking->facts;
	const struct decision *says = &checking->plan->decisions[number];
	const struct resource *resource = &facts->resources[number];
	if (says->resource != number) {
		BROKEN(CHECK_WRITER, "%s has no decision of its own", resource->name);
		return;
	}
	const struct policy *policy = policy_for(facts->policies, facts->policy_count, resource);
	int32_t device = by_name_find(&checking->devices, resource->device);
	const struct checked of = {.says = says,
		.resource = resource,
		.policy = policy ? policy : &checking->fallback,
		.device = &facts->devices[device],
		.device_number = (size_t)device,
		.job = checking->jobs[number]};
	if (says->tier >= (int32_t)facts->tier_count) {
		BROKEN(CHECK_ROOM, "%s goes to a tier that is none", resource->name);
		return;
	}
	if (says->tier >= 0) {
		check_retention(checking, &of);
		check_room(checking, &of);
	} else if (runs(says)) {
		BROKEN(CHECK_ROOM, "%s is to run, and goes nowhere", resource->name);
	}
	check_hours(checking, &of);
}

/* After all: whether there is room left is known only then. */
static void check_states(struct checking *checking, size_t number)
{
	const struct facts *facts = checking->facts;
	const struct resource *resource = &facts->resources[number];
	const struct policy *policy = policy_for(facts->policies, facts->policy_count, resource);
	int32_t device = by_name_find(&checking->devices, resource->device);
	const struct checked of = {.says = &checking->plan->decisions[number],
		.resource = resource,
		.policy = policy ? policy : &checking->fallback,
		.device = &facts->devices[device],
		.device_number = (size_t)device,
		.job = checking->jobs[number]};
	check_rpo(checking, &of);
	if (of.says->tier < (int32_t)facts->tier_count)
		check_writer(checking, &of);
}

static int begin(struct checking *checking, struct arena *arena)
{
	const struct facts *facts = checking->facts;
	policy_default(&checking->fallback);
	checking->jobs = arena_take(arena, facts->resource_count, sizeof(*checking->jobs));
	checking->taken = arena_take(arena, facts->device_count, sizeof(*checking->taken));
	if (!checking->jobs || !checking->taken)
		return -ENOMEM;
	int err = by_name_make(arena, facts->devices, sizeof(*facts->devices), facts->device_count,
		&checking->devices);
	if (!err)
		err = by_name_make(arena, facts->resources, sizeof(*facts->resources),
			facts->resource_count, &checking->resources);
	for (size_t i = 0; i < facts->job_count && !err; i++) {
		int32_t of = by_name_find(&checking->resources, facts->jobs[i].resource);
		if (of >= 0)
			checking->jobs[of] = &facts->jobs[i];
	}
	return err;
}

int plan_check(const struct facts *facts, const struct plan *plan, struct arena *arena,
	struct check *ret_check)
{
	struct checking checking = {.facts = facts, .plan = plan, .check = ret_check};
	*ret_check = (struct check){0};
	int err = begin(&checking, arena);
	if (err)
		return err;
	if (plan->count != facts->resource_count)
		broken(&checking, CHECK_WRITER, "%zu decisions for %zu resources", plan->count,
			facts->resource_count);
	for (size_t i = 0; i < facts->resource_count && i < plan->count; i++)
		check_one(&checking, i);
	for (size_t i = 0; i < facts->resource_count && i < plan->count; i++)
		check_states(&checking, i);
	for (int i = 0; i < CHECK_RULES; i++)
		if (ret_check->broken[i])
			return -EPERM;
	return 0;
}
