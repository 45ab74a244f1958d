/* SPDX-License-Identifier: Apache-2.0 */
/* The default policy, and which one holds. */
#include "core/policy.h"

#include <string.h>

#include "base/units.h"
#include "core/resource.h"
#include "core/score.h"

enum { MILLION = 1000000 };

static const struct policy_rule bands[] = {
	{1 << 2 | 1 << 3, 1, {{POLICY_SCORE, POLICY_ABOVE, CONTENTION_HIGH *(int64_t)MILLION}}},
	{1 << 1, 1, {{POLICY_SCORE, POLICY_AT_LEAST, CONTENTION_LOW *(int64_t)MILLION}}},
	{1 << 0, 0, {{0}}},
};

void policy_default(struct policy *ret)
{
	*ret = (struct policy){.name = "default",
		.rpo_ns = NS_PER_DAY,
		.best_ns = NS_PER_DAY / 2,
		.keep_ns = 30 * NS_PER_DAY,
		.sure = 0.9,
		.harm_money = 0.01};
}

static bool matches(const char *wanted, const char *is)
{
	return !*wanted || strcmp(wanted, is) == 0;
}

const struct policy *policy_for(
	const struct policy *policies, size_t count, const struct resource *resource)
{
	for (size_t i = 0; i < count; i++)
		if (matches(policies[i].program, resource->program) &&
			matches(policies[i].data, resource->data) &&
			matches(policies[i].type, resource->type))
			return &policies[i];
	return NULL;
}

const struct policy_rule *policy_rules(const struct policy *policy, size_t *ret_count)
{
	*ret_count = policy->rule_count ? policy->rule_count : sizeof(bands) / sizeof(bands[0]);
	return policy->rule_count ? policy->rules : bands;
}
