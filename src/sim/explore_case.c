/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One case as text, to be read and to be repeated:
 *   crash 17/x230                  the state x230 that a crash at operation 17 leaves
 *   crash 17/x230 > crash 5/c2     and in its recovery a crash at operation 5
 *   crash 17/x230 > fail 5 EIO once
 *   fail 12 short ever             operation 12 of the run, and all after it
 *   fail 33 ENOMEM once            allocation 33
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/explore_inner.h"

static const char *const errors[] = {"EIO", "ENOSPC", "short", "ENOMEM"};

static int parse_crash(const char *text, struct explore_case *into)
{
	struct state_name name = {0};
	if (into->states == LEVELS - 1 || into->has_fault)
		return -EINVAL;
	if (sscanf(text, "%" SCNu64 "/%c%" SCNu64, &name.op, &name.label.kind, &name.label.index) !=
			3 ||
		!strchr("xcs", name.label.kind))
		return -EINVAL;
	into->state[into->states++] = name;
	return 0;
}

static int parse_fault(const char *text, struct explore_case *into)
{
	char error[8], often[8];
	if (into->has_fault ||
		sscanf(text, "%" SCNu64 " %7s %7s", &into->fault.nth, error, often) != 3)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (strcmp(error, errors[i]) == 0)
			into->fault.error = errors[i];
	into->fault.for_ever = strcmp(often, "ever") == 0;
	into->has_fault = true;
	return into->fault.error ? 0 : -EINVAL;
}

int case_parse(const char *text, struct explore_case *ret_case)
{
	struct explore_case parsed = {.given = true};
	for (const char *at = text; at;) {
		int err = -EINVAL;
		if (strncmp(at, "crash ", 6) == 0)
			err = parse_crash(at + 6, &parsed);
		else if (strncmp(at, "fail ", 5) == 0)
			err = parse_fault(at + 5, &parsed);
		if (err)
			return err;
		at = strstr(at, " > ");
		at = at ? at + 3 : NULL;
	}
	*ret_case = parsed;
	return 0;
}

/* The level at which the case ends: deeper ones only look at what it left. */
static unsigned case_depth(const struct level *level)
{
	const struct level *faulty = level->explorer->faulty;
	return faulty ? faulty->depth : level->depth;
}

static void say_case(const struct level *level, struct str *to)
{
	const struct explorer *ex = level->explorer;
	for (unsigned i = 1; i <= case_depth(level); i++) {
		const struct state_name *name = &ex->levels[i].name;
		str_addf(to, "%scrash %" PRIu64 "/%c%" PRIu64, i > 1 ? " > " : "", name->op,
			name->label.kind, name->label.index);
	}
	if (!ex->faulty)
		return;
	const struct fault *fault = &ex->faulty->fault;
	str_addf(to, "%sfail %" PRIu64 " %s %s", case_depth(level) ? " > " : "", fault->nth,
		fault->error, fault->for_ever ? "ever" : "once");
}

static bool same_choice(const struct choice *a, const struct choice *b)
{
	return a->answer == b->answer && a->options == b->options && a->thing == b->thing;
}

/* The answers that led to a state, equal ones that follow each other as one. */
static void say_choices(const struct choices *choices, struct str *to)
{
	str_add(to, " [");
	for (size_t i = 0; i < choices->answers.len && to->len < 600;) {
		const struct choice *choice = &choices->answers.at[i];
		size_t same = 1;
		while (i + same < choices->answers.len && same_choice(choice, choice + same))
			same++;
		static const char letters[] = {'n', 'z', 's'};
		str_addf(to, "%s%c%" PRIu64 "/%" PRIu64, i ? " " : "", letters[choice->thing],
			choice->answer, choice->options - 1);
		if (same > 1)
			str_addf(to, "*%zu", same);
		i += same;
	}
	str_add(to, "]");
}

static void say_place(const struct level *level, struct str *to)
{
	const struct explorer *ex = level->explorer;
	for (unsigned i = 1; i <= case_depth(level); i++) {
		const struct level *at = &ex->levels[i];
		str_addf(to, "%scrash at operation %" PRIu64, i > 1 ? ", in its recovery " : "",
			at->name.op);
		if (at->crash_op == SIM_OPS)
			str_add(to, " (the end)");
		else
			str_addf(to, " (%s %s)", sim_op_names[at->crash_op], at->crash_file);
		say_choices(&ex->levels[i - 1].choices, to);
	}
	const struct level *faulty = ex->faulty;
	if (!faulty)
		return;
	const struct fault *fault = &faulty->fault;
	const char *where = faulty->depth ? ", in its recovery " : "";
	const char *often = fault->for_ever ? " and all after it" : "";
	if (strcmp(fault->error, "ENOMEM") == 0)
		str_addf(to, "%sallocation %" PRIu64 "%s failed", where, fault->nth, often);
	else
		str_addf(to, "%soperation %" PRIu64 " (%s %s)%s failed with %s", where, fault->nth,
			faulty->hit ? sim_op_names[faulty->hit_op] : "not met", faulty->hit_file,
			often, fault->error);
}

void violate(struct level *level, const char *where, const char *what)
{
	struct explorer *ex = level->explorer;
	struct explore_report *report = ex->report;
	struct str place = {0}, name = {0};
	say_place(level, &place);
	say_case(level, &name);
	snprintf(report->repeat, sizeof(report->repeat), "%s", str_text(&name));
	snprintf(report->violation, sizeof(report->violation),
		"%s: %s%s%s%.400s; repeat with seed %" PRIu64 " and \"%s\"", ex->scenario->name,
		str_text(&place), where, place.len || where[0] ? ": " : "", what, ex->options.seed,
		report->repeat);
	report->violated = true;
	report->states_until = report->states;
	if (str_error(&place) || str_error(&name))
		ex->err = -ENOMEM;
	str_done(&place);
	str_done(&name);
}
