/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as text. */
#include <math.h>

#include "base/str.h"
#include "base/units.h"
#include "plan/decide.h"
#include "plan/section.h"

const char *plan_wanted_word(enum decided wanted)
{
	static const char *const words[] = {"wait", "run", "pause", "hold", "blocked"};
	return words[wanted];
}

static void add_moment(struct str *text, int64_t ns)
{
	char shown[UNITS_TEXT];
	units_show_time(ns, shown);
	str_addf(text, "%.16sZ", shown);
}

static void add_what(const struct facts *facts, const struct decision *decision, struct str *text)
{
	char size[UNITS_TEXT], restore[UNITS_TEXT];
	if (decision->tier == DECISION_NOWHERE)
		return;
	str_addf(text, "  %s, %s, to %s; a restore takes %s\n", kind_words[decision->kind],
		units_show_size(decision->bytes, size), facts->tiers[decision->tier].name,
		units_show_duration(
			(decision->restore_ns + NS_PER_SEC - 1) / NS_PER_SEC * NS_PER_SEC,
			restore));
	str_add(text, "  expected ");
	if (decision->window.from_ns < decision->window.until_ns) {
		add_moment(text, decision->window.from_ns);
		str_add(text, " to ");
		add_moment(text, decision->window.until_ns);
	} else {
		str_add(text, "beyond the day that is looked at");
	}
	str_add(text, ", due ");
	add_moment(text, decision->due_ns);
	str_addf(text, "\n  score %.0f, harm %.2g, price ", decision->score, decision->harm);
	if (decision->unknown)
		str_add(text, "unknown\n");
	else if (isinf(decision->price))
		str_add(text, "any\n");
	else
		str_addf(text, "%.2g\n", decision->price);
}

void plan_show_one(const struct facts *facts, const struct decision *decision, struct str *text)
{
	str_addf(text, "%s: %s%s%s%s%s\n", facts->resources[decision->resource].name,
		plan_wanted_word(decision->wanted),
		decision->pressed && decision->wanted == WANTED_RUN ? ", pressed" : "",
		decision->will_miss ? ", will miss" : "", decision->late ? ", late" : "",
		decision->driver == DRIVER_REACTIVE ? ", by feedback" : "");
	add_what(facts, decision, text);
	for (size_t i = 0; i < decision->because_count; i++)
		str_addf(text, "  - %s\n", decision->because[i]);
	if (decision->otherwise)
		str_addf(text, "  otherwise: %s\n", decision->otherwise);
	if (decision->changes)
		str_addf(text, "  changes: %s\n", decision->changes);
	if (decision->remedy)
		str_addf(text, "  to do: %s\n", decision->remedy);
}

void plan_show(const struct facts *facts, const struct plan *plan, struct str *text)
{
	char now[UNITS_TEXT];
	str_addf(text, "plan of %s\n", units_show_time(facts->now_ns, now));
	for (size_t i = 0; i < plan->count; i++) {
		str_add(text, "\n");
		plan_show_one(facts, &plan->decisions[i], text);
	}
}
