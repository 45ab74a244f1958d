/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every operation and every allocation fails in turn, once and for ever. Afterwards the promises
 * must hold on the disk as it stands, and after crashes that keep little, much and some; also when
 * the crash comes while the run goes on after the fault.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "sim/explore_inner.h"

/* Crashes that keep some; operations after the fault at which the run is crashed as well. */
enum { SAMPLED_CRASHES = 4, CRASHES_AFTER = 8 };

enum applies_to { TO_ALL, TO_GROWING, TO_TRANSFERS };

static const struct {
	const char *error;
	int once, for_ever; /* the hook's answers */
	enum applies_to to;
} kinds[] = {
	{"EIO", -EIO, -EIO, TO_ALL},
	{"ENOSPC", -ENOSPC, -ENOSPC, TO_GROWING},
	/* An odd length tears within sectors; one byte for ever would only take long. */
	{"short", 1, 101, TO_TRANSFERS},
};

static bool applies(enum applies_to to, enum sim_op op)
{
	bool transfer = op == SIM_READ || op == SIM_WRITE;
	bool grows = op == SIM_CREATE || op == SIM_WRITE || op == SIM_TRUNCATE ||
		op == SIM_RENAME || op == SIM_MKDIR;
	return to == TO_ALL || (to == TO_GROWING ? grows : transfer);
}

static enum applies_to applies_of(const struct fault *fault)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].error, fault->error) == 0)
			return kinds[i].to;
	return TO_ALL;
}

int fault_answer(struct level *level, enum sim_op op, const char *name)
{
	const struct fault *fault = &level->fault;
	bool now = level->op == fault->nth || (fault->for_ever && level->op > fault->nth);
	if (!now || !applies(applies_of(fault), op))
		return 0;
	if (!level->hit) {
		level->hit_op = op;
		snprintf(level->hit_file, sizeof(level->hit_file), "%s", name);
	}
	level->hit = true;
	return fault->answer;
}

/* Answers of a level that says that something failed, and nothing else. */
static bool refusal(int err)
{
	return err == -EIO || err == -ENOSPC || err == -ENOMEM;
}

static void crash_and_hold(
	struct level *level, sim_choose *choose, void *arg, const char *when, const char *keeps)
{
	struct level *below = level + 1;
	char where[160];
	if (explore_over(level->explorer))
		return;
	snprintf(where, sizeof(where), ", then a crash%s that keeps %s", when, keeps);
	int err = sim_disk_crash(level->disk, choose, arg, below->disk);
	if (err)
		level->explorer->err = err;
	else
		level_must_hold(below, LEVEL_PLAIN, where);
}

static void crash_few(struct level *level, const char *when)
{
	struct choices *choices = &level->choices;
	uint64_t seed = hash_fold(level->explorer->options.seed, level->fault.nth);
	crash_and_hold(level, choose_durable, NULL, when, "nothing");
	crash_and_hold(level, choose_latest, NULL, when, "all");
	choices_start(choices, false, UINT64_MAX, hash_fold(seed, level->op));
	choices->label.kind = 's';
	for (int i = 0; i < SAMPLED_CRASHES && choices_next(choices); i++)
		crash_and_hold(level, choices_answer, choices, when, "some");
}

void crash_after_fault(struct level *level)
{
	char when[120];
	if (level->explorer->options.faults_alone)
		return;
	if (level->depth || level->crashes == CRASHES_AFTER || explore_over(level->explorer))
		return;
	level->crashes++;
	snprintf(when, sizeof(when), " at operation %" PRIu64 " (%s %s)", level->op,
		sim_op_names[level->now_op], level->now_file);
	crash_few(level, when);
}

static void hold_after_fault(struct level *level)
{
	if (!level->explorer->options.faults_alone)
		crash_few(level, "");
	if (!explore_over(level->explorer))
		level_must_hold(level, LEVEL_PLAIN, ", then a restart");
}

/* One run of the level with its fault, and what must hold afterwards. False: it was not hit. */
static bool try_fault(struct level *level, enum level_mode mode)
{
	struct explorer *ex = level->explorer;
	struct why why = {""};
	bool is_short = level->fault.answer > 0;
	if (level->depth)
		state_again(level);
	else
		explore_fresh(ex);
	if (ex->err)
		return false;
	ex->faulty = level;
	int err = level->depth ? level_check(level, mode, !is_short, &why)
			       : level_run(level, mode, &why);
	bool hit = level->hit;
	if (!explore_over(ex) && is_short && err)
		violate(level, " (a short transfer is no failure)",
			why.text[0] ? why.text : strerror(-err));
	else if (!explore_over(ex) && level->depth && err && !refusal(err))
		violate(level, "", why.text[0] ? why.text : strerror(-err));
	if (hit && !explore_over(ex))
		hold_after_fault(level);
	ex->faulty = NULL;
	return hit;
}

static bool fault_wanted(const struct explorer *ex, const struct fault *fault)
{
	const struct fault *only = &ex->only.fault;
	return !ex->only.given ||
		(ex->only.has_fault && only->nth == fault->nth &&
			only->for_ever == fault->for_ever &&
			strcmp(only->error, fault->error) == 0);
}

static bool in_share(const struct explorer *ex, uint64_t number)
{
	uint64_t in = ex->options.one_fault_in;
	return ex->only.given || in < 2 || number % in == ex->options.which % in;
}

static void fail_operation(struct level *level, uint64_t nth, enum sim_op op)
{
	struct explorer *ex = level->explorer;
	for (size_t i = 0; i < 2 * sizeof(kinds) / sizeof(*kinds) && !explore_over(ex); i++) {
		bool for_ever = i % 2;
		int answer = for_ever ? kinds[i / 2].for_ever : kinds[i / 2].once;
		level->fault = (struct fault){kinds[i / 2].error, answer, for_ever, nth};
		if (!applies(kinds[i / 2].to, op) || !fault_wanted(ex, &level->fault) ||
			!in_share(ex, nth + i))
			continue;
		ex->report->faults++;
		if (!try_fault(level, LEVEL_FAULT) && !explore_over(ex))
			violate(level, "", "runs differ: the scenario is not deterministic");
	}
}

static void fail_operations(struct level *level)
{
	struct explorer *ex = level->explorer;
	struct why why = {""};
	if (level->depth) {
		state_again(level);
		if (!ex->err)
			level_check(level, LEVEL_TRACE, false, &why);
	}
	for (size_t i = 0; i < level->trace.len && !explore_over(ex); i++)
		fail_operation(level, i + 1, level->trace.at[i]);
}

static void fail_allocations(struct level *level)
{
	struct explorer *ex = level->explorer;
	bool hit = true;
	for (uint64_t nth = 1; hit && !explore_over(ex); nth++)
		for (int for_ever = 0; for_ever < 2 && hit && !explore_over(ex); for_ever++) {
			level->fault = (struct fault){"ENOMEM", 0, for_ever, nth};
			if (!fault_wanted(ex, &level->fault)) {
				hit = nth < ex->only.fault.nth || !for_ever;
				continue;
			}
			hit = try_fault(level, LEVEL_ALLOC);
			ex->report->allocations += hit;
		}
}

void explore_faults(struct level *level)
{
	const struct explorer *ex = level->explorer;
	const struct explore_case *only = &ex->only;
	if (only->given && (!only->has_fault || only->states != level->depth))
		return;
	bool allocation = only->given && strcmp(only->fault.error, "ENOMEM") == 0;
	if (!ex->options.no_faults && !allocation)
		fail_operations(level);
	if (ex->options.allocations && (allocation || !only->given))
		fail_allocations(level);
}
