/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of keys. */
#include "plan/section.h"

#include "base/must.h"
#include "base/units.h"
#include "plan/facts.h"

const char *const kind_words[] = {"incremental", "differential", "full", NULL};
const char *const condition_words[] = {"score", "keep", "size", "kind", NULL};
const char *const is_words[] = {"<", "<=", ">=", ">", NULL};
static const char *const driver_words[] = {"planner", "reactive", NULL};

#define AT(type, member) offsetof(struct type, member)

static const struct field device_fields[] = {
	{"speed", FIELD_SPEED, AT(facts_device, speed)},
	{"most", FIELD_SHARE, AT(facts_device, most), .min = 0.01, .max = 1},
	{"longer", FIELD_NUMBER, AT(facts_device, harm.size), .min = 0.01, .max = 1000},
	{"threshold", FIELD_SHARE, AT(facts_device, harm.threshold), .min = 0, .max = 100},
	{"floor", FIELD_NUMBER, AT(facts_device, harm.floor), .min = 1, .max = 1e6},
	{"users-first", FIELD_FLAG, AT(facts_device, harm.users_first)},
};

static const struct field tier_fields[] = {
	{"class", FIELD_COUNT, AT(tier, tier_class), .wanted = true, .max = TIER_CLASSES - 1},
	{"money", FIELD_NUMBER, AT(tier, money), .max = 1e6},
	{"fetch", FIELD_NUMBER, AT(tier, fetch), .max = 1e6},
	{"least", FIELD_DURATION, AT(tier, least_ns)},
	{"room", FIELD_SIZE, AT(tier, room), .wanted = true},
	{"writes", FIELD_SPEED, AT(tier, writes)},
	{"reads", FIELD_SPEED, AT(tier, reads)},
	{"wait", FIELD_DURATION, AT(tier, wait_ns)},
	{"open", FIELD_DURATION, AT(tier, open_ns)},
	{"disk", FIELD_NAME, AT(tier, busy)},
	{"chained", FIELD_FLAG, AT(tier, chained)},
	{"gone", FIELD_FLAG, AT(tier, gone)},
};

static const struct field policy_fields[] = {
	{"program", FIELD_NAME, AT(policy, program)},
	{"data", FIELD_NAME, AT(policy, data)},
	{"type", FIELD_NAME, AT(policy, type)},
	{"rpo", FIELD_DURATION, AT(policy, rpo_ns), .wanted = true},
	{"best", FIELD_DURATION, AT(policy, best_ns)},
	{"rto", FIELD_DURATION, AT(policy, rto_ns)},
	{"keep", FIELD_DURATION, AT(policy, keep_ns)},
	{"margin", FIELD_DURATION, AT(policy, margin_ns)},
	{"catch-up", FIELD_DURATION, AT(policy, catch_up_ns)},
	{"sure", FIELD_SHARE, AT(policy, sure), .min = 0.5, .max = 0.99},
	{"harm-money", FIELD_NUMBER, AT(policy, harm_money), .min = 1e-6, .max = 1e6},
};

static const struct field resource_fields[] = {
	{"device", FIELD_NAME, AT(resource, device), .wanted = true},
	{"program", FIELD_NAME, AT(resource, program)},
	{"data", FIELD_NAME, AT(resource, data)},
	{"type", FIELD_NAME, AT(resource, type)},
	{"size", FIELD_SIZE, AT(resource, size), .wanted = true},
	{"dirty", FIELD_SIZE, AT(resource, dirty)},
	{"since-full", FIELD_SIZE, AT(resource, since_full)},
	{"work-was", FIELD_NUMBER, AT(resource, work_was), .min = 0.1, .max = 10},
	{"restores", FIELD_NUMBER, AT(resource, restores), .max = 1000},
	{"verified", FIELD_TIME, AT(resource, verified_ns)},
	{"links", FIELD_COUNT, AT(resource, links), .max = 1e6},
	{"chain", FIELD_SIZE, AT(resource, chain)},
	{"base-until", FIELD_TIME, AT(resource, base_until_ns)},
	{"dead", FIELD_SHARE, AT(resource, dead), .max = 1},
	{"driver", FIELD_WORD, AT(resource, driver), .words = driver_words},
	{"asked", FIELD_FLAG, AT(resource, asked)},
	{"hold", FIELD_NAME, AT(resource, hold)},
	{"was", FIELD_NAME, AT(resource, was)},
};

static const struct field job_fields[] = {
	{"tier", FIELD_NAME, AT(job, tier), .wanted = true},
	{"kind", FIELD_WORD, AT(job, kind), .words = kind_words},
	{"started", FIELD_TIME, AT(job, started_ns), .wanted = true},
	{"done", FIELD_SHARE, AT(job, done), .max = 1},
};

#define FIELDS(table) table, sizeof(table) / sizeof((table)[0])

const struct section sections[SECTIONS] = {
	[SECTION_DEVICE] = {"device", FIELDS(device_fields), sizeof(struct facts_device),
		FACTS_DEVICES},
	[SECTION_TIER] = {"tier", FIELDS(tier_fields), sizeof(struct tier), FACTS_TIERS},
	[SECTION_POLICY] = {"policy", FIELDS(policy_fields), sizeof(struct policy), FACTS_POLICIES},
	[SECTION_RESOURCE] = {"resource", FIELDS(resource_fields), sizeof(struct resource),
		FACTS_RESOURCES},
	[SECTION_JOB] = {"job", FIELDS(job_fields), sizeof(struct job), FACTS_RESOURCES},
};

static const double disk_speed = 200e6, tier_speed = 100e6;

void section_default(enum section_id id, void *base)
{
	switch (id) {
	case SECTION_DEVICE:
		*(struct facts_device *)base = (struct facts_device){.speed = disk_speed,
			.most = 0.8,
			.harm = {.size = 4, .threshold = 0.1, .floor = 3}};
		return;
	case SECTION_TIER:
		*(struct tier *)base = (struct tier){
			.writes = tier_speed, .reads = tier_speed, .open_ns = 10 * NS_PER_MS};
		return;
	case SECTION_POLICY:
		policy_default(base);
		((struct policy *)base)->best_ns = 0;
		return;
	case SECTION_RESOURCE:
		*(struct resource *)base = (struct resource){.work_was = 1, .restores = 0.03};
		return;
	case SECTION_JOB:
		*(struct job *)base = (struct job){.kind = KIND_INCREMENTAL};
		return;
	case SECTIONS:
		break;
	}
	must(id != SECTIONS);
}

void **section_array(struct facts *facts, enum section_id id, size_t **ret_count)
{
	void *arrays[] = {
		&facts->devices, &facts->tiers, &facts->policies, &facts->resources, &facts->jobs};
	size_t *counts[] = {&facts->device_count, &facts->tier_count, &facts->policy_count,
		&facts->resource_count, &facts->job_count};
	*ret_count = counts[id];
	return arrays[id];
}
