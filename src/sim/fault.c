/* SPDX-License-Identifier: Apache-2.0 */
/* Fault rules: finds the first that hits, and does what concerns the node as a whole. */
#include "sim/fault.h"

#include "base/must.h"
#include "base/str.h"
#include "sim/parts.h"

/* Shell patterns of * and ?. On a mismatch the last star swallows one more character. */
static bool pattern_fits(const char *pattern, const char *text)
{
	const char *star = NULL, *star_text = NULL;
	if (!pattern)
		return true;
	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			star_text = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++star_text;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static bool matches(const struct fault_rule *rule, const struct sim_node *node,
	enum fault_point point, int op, const char *name)
{
	const struct fault *fault = &rule->fault;
	int64_t now_ns = node->sim->now_ns;
	return !rule->stopped && fault->point == point &&
		(fault->op == FAULT_ANY_OP || point != FAULT_DISK || fault->op == op) &&
		now_ns >= fault->from_ns && (!fault->until_ns || now_ns < fault->until_ns) &&
		pattern_fits(fault->node, node->name) && pattern_fits(fault->name, name);
}

/* Counts the match; whether its turn and its chance have come. */
static bool hits(struct sim *sim, struct fault_rule *rule)
{
	const struct fault *fault = &rule->fault;
	if (rule->matches++ < fault->after)
		return false;
	if (fault->count && rule->hits == fault->count)
		return false;
	if (fault->per_million && !rng_chance(&sim->chance, fault->per_million))
		return false;
	rule->hits++;
	return true;
}

static void die(struct sim_node *node, enum fault_point point, enum node_end end)
{
	if (point == FAULT_DISK && rng_below(&node->sim->chance, 2))
		node->end = end; /* after the operation's effect */
	else
		node_die(node, end);
}

static struct verdict apply(
	struct sim_node *node, enum fault_point point, const struct fault *fault)
{
	switch (fault->effect) {
	case FAULT_FAIL:
	case FAULT_SHORT:
	case FAULT_LOSE:
	case FAULT_DELAY:
		return (struct verdict){fault->effect, fault->value};
	case FAULT_CRASH:
		die(node, point, END_CRASH);
		break;
	case FAULT_KILL:
		die(node, point, END_KILL);
		break;
	case FAULT_PAUSE:
		sim_node_pause(node, node->sim->now_ns + fault->value);
		break;
	case FAULT_JUMP:
		sim_node_jump(node, fault->value);
		break;
	case FAULT_DRIFT:
		sim_node_drift(node, (int32_t)fault->value);
		break;
	}
	return (struct verdict){0};
}

struct verdict fault_ask(struct sim_node *node, enum fault_point point, int op, const char *name)
{
	struct sim *sim = node->sim;
	if (!node_alive(node))
		return (struct verdict){0};
	for (size_t i = 0; i < sim->rules.len; i++) {
		struct fault_rule *rule = &sim->rules.at[i];
		if (!matches(rule, node, point, op, name) || !hits(sim, rule))
			continue;
		trace_fold(sim, i << 8 | point);
		return apply(node, point, &rule->fault);
	}
	return (struct verdict){0};
}

int fault_add(struct sim *sim, const struct fault *rule, size_t *ret_rule)
{
	must(rule->label && rule->effect);
	must(rule->effect != FAULT_FAIL || rule->value < 0);
	must(rule->effect != FAULT_SHORT || rule->value > 0);
	int err = vec_push(&sim->rules, ((struct fault_rule){.fault = *rule}));
	if (!err)
		*ret_rule = sim->rules.len - 1;
	return err;
}

static struct fault_rule *rule_at(const struct sim *sim, size_t rule)
{
	must(rule < sim->rules.len);
	return &sim->rules.at[rule];
}

void fault_stop(struct sim *sim, size_t rule)
{
	rule_at(sim, rule)->stopped = true;
}

void fault_stop_all(struct sim *sim)
{
	vec_each (rule, &sim->rules)
		rule->stopped = true;
}

uint64_t fault_matches(const struct sim *sim, size_t rule)
{
	return rule_at(sim, rule)->matches;
}

uint64_t fault_hits(const struct sim *sim, size_t rule)
{
	return rule_at(sim, rule)->hits;
}

size_t fault_list_unhit(const struct sim *sim, struct str *names)
{
	size_t count = 0;
	vec_each (rule, &sim->rules) {
		if (rule->hits)
			continue;
		str_addf(names, "%s\n", rule->fault.label);
		count++;
	}
	return count;
}
