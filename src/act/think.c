/* SPDX-License-Identifier: Apache-2.0 */
/* A device, a place, a policy and a resource for each keeper. */
#include "act/think.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "act/keeper.h"
#include "base/arena.h"
#include "base/units.h"

/* Where a place is not measured: none of its limits is felt. */
static const double place_speed = 1e9;
#define PLACE_ROOM (UINT64_C(1) << 60)

static void set_name(char name[CORE_NAME], const char *text)
{
	snprintf(name, CORE_NAME, "%s", text);
}

/*
 * The past begins with the first day of which anything is known. Where the last slot is not, what
 * was seen since stands for it: better than nothing.
 */
static void fill_device(const struct keeper *keeper, struct arena *arena, struct facts_device *of)
{
	const struct device *device = keeper->device;
	int64_t now = device_now(device), first = 0;
	while (first < now && isnan(device->busy[first]))
		first++;
	first -= first % DAYS_DAY;
	if (first > now - now % DAYS_DAY)
		first = now - now % DAYS_DAY;
	size_t known = (size_t)(now - first);
	set_name(of->name, device->name);
	of->speed = device->capacity;
	of->most = DEVICE_MOST;
	of->harm = keeper->disk;
	of->learnt = calibrate_map(&keeper->calibrate, of->said, of->came, FACTS_LEARNT);
	of->days = (uint32_t)(known / DAYS_DAY);
	of->today = (uint32_t)(known % DAYS_DAY);
	of->busy = arena_take(arena, known - known % DAYS_DAY + DAYS_DAY, sizeof(*of->busy));
	if (!of->busy)
		return;
	memcpy(of->busy, device->busy + first, known * sizeof(*of->busy));
	if (known && isnan(of->busy[known - 1]) && device->slot_s > 0)
		of->busy[known - 1] = (float)(device->slot_busy_s / device->slot_s);
}

_Static_assert((int)CONF_HOURS_MAX == (int)POLICY_HOURS, "each has its place");

/* The planner is not told places apart: each resource has one, and it is not chosen. */
static const char the_place[] = "place";

static void fill_tier(struct tier *tier)
{
	set_name(tier->name, the_place);
	tier->room = PLACE_ROOM;
	tier->writes = tier->reads = place_speed;
}

static void fill_policy(const struct keeper *keeper, struct policy *policy)
{
	policy_default(policy);
	set_name(policy->name, keeper->how.name);
	set_name(policy->data, keeper->how.name);
	policy->rpo_ns = keeper->how.rpo_ns;
	policy->best_ns = keeper->how.best_rpo_ns;
	policy->rto_ns = 0;
	policy->rules[0] = (struct policy_rule){.classes = (1U << TIER_CLASSES) - 1};
	policy->rule_count = 1;
	for (uint32_t i = 0; i < keeper->how.hours_count; i++) {
		const struct conf_hours *hours = &keeper->how.hours[i];
		policy->hours[policy->hours_count++] = (struct policy_hours){
			hours->days, hours->from_min, hours->until_min, (double)hours->bytes_per_s};
	}
}

static void fill_resource(const struct keeper *keeper, struct resource *resource)
{
	set_name(resource->name, keeper->how.name);
	set_name(resource->data, keeper->how.name);
	set_name(resource->device, keeper->device->name);
	resource->size = resource->dirty = resource->since_full = keeper_bytes(keeper);
	resource->work_was = 1;
	resource->verified_ns = keeper->last_s * NS_PER_SEC;
	resource->links = keeper->last_s ? 1 : 0;
	/* No price can be found for work that nobody knows. */
	resource->driver = resource->size ? backtest_driver(&keeper->backtest) : DRIVER_REACTIVE;
	set_name(resource->hold, keeper->held ? "paused" : "");
}

static void fill_job(const struct keeper *keeper, struct job *job)
{
	set_name(job->resource, keeper->how.name);
	set_name(job->tier, the_place);
	job->started_ns = keeper->job.seen.started_s * NS_PER_SEC;
	job->done = keeper_progress(keeper);
}

static void add_device(struct facts *facts, struct arena *arena, const struct keeper *keeper)
{
	for (size_t i = 0; i < facts->device_count; i++)
		if (strcmp(facts->devices[i].name, keeper->device->name) == 0)
			return;
	fill_device(keeper, arena, &facts->devices[facts->device_count++]);
}

int think(const struct keeper *const *keepers, size_t count, int64_t now_ns, struct arena *arena,
	struct thought *ret)
{
	int64_t now_s = now_ns / NS_PER_SEC;
	const struct device *first = count ? keepers[0]->device : NULL;
	struct facts *facts = &ret->facts;
	*ret = (struct thought){0};
	facts->now_ns = now_ns;
	facts->zone_ns = first && first->local ? (first->local(now_s) - now_s) * NS_PER_SEC : 0;
	facts->devices = arena_take(arena, count, sizeof(*facts->devices));
	facts->tiers = arena_take(arena, 1, sizeof(*facts->tiers));
	facts->policies = arena_take(arena, count, sizeof(*facts->policies));
	facts->resources = arena_take(arena, count, sizeof(*facts->resources));
	facts->jobs = arena_take(arena, count, sizeof(*facts->jobs));
	if (arena_error(arena))
		return -ENOMEM;
	fill_tier(&facts->tiers[facts->tier_count++]);
	for (size_t i = 0; i < count; i++) {
		add_device(facts, arena, keepers[i]);
		fill_policy(keepers[i], &facts->policies[facts->policy_count++]);
		fill_resource(keepers[i], &facts->resources[facts->resource_count++]);
		if (keepers[i]->job.proc)
			fill_job(keepers[i], &facts->jobs[facts->job_count++]);
	}
	return arena_error(arena) ? -ENOMEM : plan_decide(facts, arena, &ret->plan);
}
