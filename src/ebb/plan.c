/* SPDX-License-Identifier: Apache-2.0 */
/* What is planned and why, from a file of facts: `plan`, `why` and `policy lint`. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "os/linux/textfile.h"
#include "plan/check.h"
#include "plan/decide.h"
#include "plan/facts.h"
#include "plan/lint.h"
#include "plan/section.h"

struct planned {
	struct arena arena;
	struct facts facts;
	struct plan plan;
};

static void planned_done(struct planned *planned)
{
	arena_done(&planned->arena);
}

static int read_facts(const struct call *call, struct planned *planned)
{
	const char *path = call->args.operands[0];
	OWN(own_free) char *text = NULL;
	struct why why;
	size_t len;
	int err = textfile_read(path, FACTS_TEXT, &text, &len, &why);
	if (err)
		return call_fail(err == -ENOENT ? EXIT_NO_OBJECT : EXIT_FAILED, "%s", why.text);
	err = facts_read(&planned->arena, path, text, len, &planned->facts, &why);
	return err ? call_fail(EXIT_FAILED, "%s", why.text) : EXIT_OK;
}

/* A plan that breaks a hard rule is not shown as one. */
static int decide(const struct call *call, struct planned *planned)
{
	struct check check;
	int code = read_facts(call, planned);
	if (code != EXIT_OK)
		return code;
	int err = plan_decide(&planned->facts, &planned->arena, &planned->plan);
	if (!err)
		err = plan_check(&planned->facts, &planned->plan, &planned->arena, &check);
	if (err == -EPERM)
		return call_fail(EXIT_GUARDED, "the plan breaks a hard rule: %s", check.first.text);
	return err ? call_fail(EXIT_FAILED, "no memory") : EXIT_OK;
}

/* ---- JSON ---- */

static json_t *moment(int64_t ns)
{
	char shown[UNITS_TEXT];
	return json_string(units_show_time(ns, shown));
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *reasons(const struct decision *says)
{
	json_t *list = json_array();
	for (size_t i = 0; i < says->because_count; i++)
		json_array_append_new(list, json_string(says->because[i]));
	return list;
}

static json_t *decision_json(const struct facts *facts, const struct decision *says)
{
	bool goes = says->tier != DECISION_NOWHERE, window = false;
	json_t *one = json_pack("{s:s,s:s,s:b,s:b,s:b,s:s,s:o}", "resource",
		facts->resources[says->resource].name, "wanted", plan_wanted_word(says->wanted),
		"pressed", says->pressed && says->wanted == WANTED_RUN, "late", says->late,
		"will_miss", says->will_miss, "driver",
		says->driver == DRIVER_PLANNER ? "planner" : "feedback", "because", reasons(says));
	json_object_set_new(one, "otherwise", text_or_null(says->otherwise));
	json_object_set_new(one, "changes", text_or_null(says->changes));
	json_object_set_new(one, "remedy", text_or_null(says->remedy));
	if (!goes)
		return one;
	window = says->window.from_ns < says->window.until_ns;
	bool priced = isfinite(says->price) && !says->unknown;
	json_object_set_new(one, "tier", json_string(facts->tiers[says->tier].name));
	json_object_set_new(one, "kind", json_string(kind_words[says->kind]));
	json_object_set_new(one, "bytes", json_integer((json_int_t)says->bytes));
	json_object_set_new(one, "due", moment(says->due_ns));
	json_object_set_new(one, "from", window ? moment(says->window.from_ns) : json_null());
	json_object_set_new(one, "until", window ? moment(says->window.until_ns) : json_null());
	json_object_set_new(one, "price", priced ? json_real(says->price) : json_null());
	json_object_set_new(one, "share", json_real(says->share));
	json_object_set_new(one, "score", json_real(says->score));
	json_object_set_new(one, "harm", json_real(says->harm));
	json_object_set_new(
		one, "restore_s", json_integer((json_int_t)(says->restore_ns / NS_PER_SEC)));
	return one;
}

/* Those of `only`; all when it is below zero. */
static int print_json(const struct planned *planned, int64_t only)
{
	json_t *list = json_array();
	for (size_t i = 0; i < planned->plan.count; i++)
		if (only < 0 || i == (size_t)only)
			json_array_append_new(
				list, decision_json(&planned->facts, &planned->plan.decisions[i]));
	return call_print_json(
		json_pack("{s:o,s:o}", "now", moment(planned->facts.now_ns), "decisions", list));
}

/* ---- people ---- */

static void add_clock(struct str *text, int64_t ns)
{
	char shown[UNITS_TEXT];
	units_show_time(ns, shown);
	str_addf(text, "%.11s ", shown + 5);
}

static void add_row(const struct facts *facts, const struct decision *says, struct str *text)
{
	const char *more = says->wanted == WANTED_RUN && says->pressed ? ", pressed"
		: says->will_miss                                      ? ", will miss"
		: says->late                                           ? ", late"
								       : "";
	OWN(str_done) struct str state = {0};
	str_addf(&state, "%s%s", plan_wanted_word(says->wanted), more);
	str_addf(text, "%-24.24s %-16s ", facts->resources[says->resource].name, str_text(&state));
	if (says->tier == DECISION_NOWHERE) {
		str_addf(text, "%s\n", says->remedy ? says->remedy : "");
		return;
	}
	if (says->window.from_ns < says->window.until_ns)
		add_clock(text, says->window.from_ns);
	else
		str_addf(text, "%-12s", "-");
	add_clock(text, says->due_ns);
	str_addf(text, "%-13s %-12.12s %5.0f ", kind_words[says->kind],
		facts->tiers[says->tier].name, says->score);
	if (says->unknown || isinf(says->price))
		str_addf(text, "%8s\n", says->unknown ? "-" : "any");
	else
		str_addf(text, "%8.2g\n", says->price);
}

int call_plan(const struct call *call)
{
	OWN(planned_done) struct planned planned = {0};
	OWN(str_done) struct str text = {0};
	int code = decide(call, &planned);
	if (code != EXIT_OK)
		return code;
	if (args_given(&call->args, OPTION_JSON))
		return print_json(&planned, -1);
	str_addf(&text, "%-24s %-16s %-11s %-11s %-13s %-12s %5s %8s\n", "resource", "wanted",
		"from (UTC)", "due", "kind", "tier", "score", "price");
	for (size_t i = 0; i < planned.plan.count; i++)
		add_row(&planned.facts, &planned.plan.decisions[i], &text);
	return call_print(&text);
}

int call_why(const struct call *call)
{
	OWN(planned_done) struct planned planned = {0};
	OWN(str_done) struct str text = {0};
	const char *name = call->args.operand_count > 1 ? call->args.operands[1] : NULL;
	int64_t only = -1;
	int code = decide(call, &planned);
	if (code != EXIT_OK)
		return code;
	for (size_t i = 0; name && i < planned.facts.resource_count; i++)
		if (strcmp(planned.facts.resources[i].name, name) == 0)
			only = (int64_t)i;
	if (name && only < 0)
		return call_fail(
			EXIT_NO_OBJECT, "%s has no resource %.200s", call->args.operands[0], name);
	if (args_given(&call->args, OPTION_JSON))
		return print_json(&planned, only);
	if (name)
		plan_show_one(&planned.facts, &planned.plan.decisions[only], &text);
	else
		plan_show(&planned.facts, &planned.plan, &text);
	return call_print(&text);
}

int call_policy_lint(const struct call *call)
{
	OWN(planned_done) struct planned planned = {0};
	OWN(str_done) struct str text = {0};
	int code = read_facts(call, &planned);
	if (code != EXIT_OK)
		return code;
	size_t count = plan_lint(&planned.facts, &text);
	code = call_print(&text);
	return code == EXIT_OK && count ? EXIT_PARTIAL : code;
}
