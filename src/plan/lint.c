/* SPDX-License-Identifier: Apache-2.0 */
/* Findings on policies. */
#include "plan/lint.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "base/units.h"
#include "plan/facts.h"
#include "plan/kind.h"

enum { MILLION = 1000000 };

struct linting {
	const struct facts *facts;
	struct str *text;
	size_t count;
};

#define FOUND(...) \
	do { \
		linting->count++; \
		str_addf(linting->text, __VA_ARGS__); \
	} while (0)

/* ---- what is never reached ---- */

static bool wider(const char *a, const char *b)
{
	return !*a || strcmp(a, b) == 0;
}

static void lint_hidden(struct linting *linting, size_t number)
{
	const struct policy *all = linting->facts->policies, *policy = &all[number];
	for (size_t i = 0; i < number; i++)
		if (wider(all[i].program, policy->program) && wider(all[i].data, policy->data) &&
			wider(all[i].type, policy->type)) {
			FOUND("policy %s: never holds: whatever it matches, policy %s matches "
			      "first\n",
				policy->name, all[i].name);
			return;
		}
}

/* The values that a condition lets through, both ends included. */
struct range {
	int64_t low, high;
};

static struct range range_of(const struct policy_condition *condition)
{
	struct range range = {INT64_MIN, INT64_MAX};
	switch (condition->is) {
	case POLICY_BELOW:
		range.high = condition->value > INT64_MIN ? condition->value - 1 : INT64_MIN;
		break;
	case POLICY_AT_MOST:
		range.high = condition->value;
		break;
	case POLICY_AT_LEAST:
		range.low = condition->value;
		break;
	case POLICY_ABOVE:
		range.low = condition->value < INT64_MAX ? condition->value + 1 : INT64_MAX;
		break;
	case POLICY_IS:
		break;
	}
	return range;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t largest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* What a field can be at all under this policy, then what the rule leaves of it. */
static struct range reach(
	const struct policy *policy, const struct policy_rule *rule, enum policy_field field)
{
	struct range range = {0, INT64_MAX};
	if (field == POLICY_SCORE)
		range.high = 100 * (int64_t)MILLION;
	if (field == POLICY_KIND)
		range.high = KINDS - 1;
	if (field == POLICY_KEEP)
		range = (struct range){policy->keep_ns, policy->keep_ns};
	for (uint32_t i = 0; i < rule->count; i++) {
		if (rule->when[i].field != field)
			continue;
		struct range of = range_of(&rule->when[i]);
		range.low = largest(range.low, of.low);
		range.high = least(range.high, of.high);
	}
	return range;
}

/* Does the earlier rule take all that the later one could? */
static bool covers(const struct policy *policy, const struct policy_rule *earlier,
	const struct policy_rule *later)
{
	for (int field = 0; field < POLICY_FIELDS; field++) {
		struct range a = reach(policy, earlier, (enum policy_field)field);
		struct range b = reach(policy, later, (enum policy_field)field);
		if (b.low < a.low || b.high > a.high)
			return false;
	}
	return true;
}

static bool is_empty(const struct policy *policy, const struct policy_rule *rule)
{
	for (int field = 0; field < POLICY_FIELDS; field++) {
		struct range range = reach(policy, rule, (enum policy_field)field);
		if (range.low > range.high)
			return true;
	}
	return false;
}

static void lint_rules(struct linting *linting, const struct policy *policy)
{
	for (uint32_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		if (is_empty(policy, rule)) {
			FOUND("policy %s: rule %" PRIu32
			      " never holds: its conditions exclude each other, or what is kept "
			      "so long\n",
				policy->name, i + 1);
			continue;
		}
		for (uint32_t k = 0; k < i; k++)
			if (covers(policy, &policy->rules[k], rule)) {
				FOUND("policy %s: rule %" PRIu32 " is never reached: rule %" PRIu32
				      " holds before it\n",
					policy->name, i + 1, k + 1);
				break;
			}
	}
}

/* ---- what no tier can do ---- */

static bool is_for(
	const struct facts *facts, const struct policy *policy, const struct resource *resource)
{
	return policy_for(facts->policies, facts->policy_count, resource) == policy;
}

static void lint_classes(struct linting *linting, const struct policy *policy)
{
	const struct facts *facts = linting->facts;
	size_t count;
	const struct policy_rule *rules = policy_rules(policy, &count);
	for (size_t i = 0; policy->rule_count && i < count; i++) {
		bool any = false;
		for (size_t k = 0; k < facts->tier_count; k++)
			any = any || rules[i].classes >> facts->tiers[k].tier_class & 1;
		if (!any)
			FOUND("policy %s: rule %zu names classes of which there is no tier\n",
				policy->name, i + 1);
	}
}

/* A full one, read back: no kind restores faster. */
static void lint_rto(struct linting *linting, const struct policy *policy)
{
	const struct facts *facts = linting->facts;
	char rto[UNITS_TEXT], best_text[UNITS_TEXT];
	for (size_t i = 0; i < facts->resource_count && policy->rto_ns; i++) {
		const struct resource *resource = &facts->resources[i];
		int64_t best = INT64_MAX;
		const char *name = "";
		if (!is_for(facts, policy, resource))
			continue;
		for (size_t k = 0; k < facts->tier_count; k++) {
			struct kind_choice kind;
			kind_choose(&(struct kind_of){resource, policy, &facts->tiers[k],
					    facts->now_ns, 0},
				&kind);
			if (kind.restore_ns[KIND_FULL] >= best)
				continue;
			best = kind.restore_ns[KIND_FULL];
			name = facts->tiers[k].name;
		}
		if (best > policy->rto_ns && *name)
			FOUND("policy %s: no tier restores %s within %s: %s needs %s\n",
				policy->name, resource->name,
				units_show_duration(policy->rto_ns, rto), name,
				units_show_duration(best / NS_PER_SEC * NS_PER_SEC, best_text));
	}
}

/* ---- what is paid for nothing ---- */

static void lint_early(struct linting *linting, const struct policy *policy)
{
	const struct facts *facts = linting->facts;
	size_t count;
	const struct policy_rule *rules = policy_rules(policy, &count);
	char kept[UNITS_TEXT], paid[UNITS_TEXT];
	uint32_t classes = 0;
	for (size_t i = 0; policy->rule_count && i < count; i++)
		classes |= rules[i].classes;
	for (size_t k = 0; k < facts->tier_count; k++) {
		const struct tier *tier = &facts->tiers[k];
		if (!(classes >> tier->tier_class & 1) || tier->least_ns <= policy->keep_ns ||
			!(tier->money > 0))
			continue;
		FOUND("policy %s: points are kept for %s, and %s is paid for %s: %.0f %% of it "
		      "for nothing\n",
			policy->name, units_show_duration(policy->keep_ns, kept), tier->name,
			units_show_duration(tier->least_ns, paid),
			100 * (1 - (double)policy->keep_ns / (double)tier->least_ns));
	}
}

/* Hours that together leave none open. */
static void lint_hours(struct linting *linting, const struct policy *policy)
{
	uint32_t open = 0;
	for (uint32_t min = 0; min < 24 * 60; min++) {
		bool closed = false;
		for (uint32_t i = 0; i < policy->hours_count; i++) {
			const struct policy_hours *hours = &policy->hours[i];
			bool over = hours->until_min < hours->from_min;
			bool within = over ? min >= hours->from_min || min < hours->until_min
					   : min >= hours->from_min && min < hours->until_min;
			closed = closed ||
				(within && hours->days == POLICY_WEEK && !(hours->bytes_per_s > 0));
		}
		open += !closed;
	}
	if (!open)
		FOUND("policy %s: its forbidden hours leave no hour of any day\n", policy->name);
}

size_t plan_lint(const struct facts *facts, struct str *text)
{
	struct linting linting = {.facts = facts, .text = text};
	for (size_t i = 0; i < facts->policy_count; i++) {
		const struct policy *policy = &facts->policies[i];
		lint_hidden(&linting, i);
		lint_rules(&linting, policy);
		lint_classes(&linting, policy);
		lint_rto(&linting, policy);
		lint_early(&linting, policy);
		lint_hours(&linting, policy);
	}
	return linting.count;
}
