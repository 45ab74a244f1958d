/* SPDX-License-Identifier: Apache-2.0 */
/* The explorer's frame: levels, their worlds, and the order of what is tried. */
#include "sim/explore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/hash.h"
#include "sim/explore_inner.h"

enum { DEFAULT_EXHAUSTIVE = 4096, DEFAULT_SAMPLES = 256, DEFAULT_RECOVERY_POINTS = 64 };

/* A moment in 2026: calendars in the code under test meet an ordinary date. */
#define START_NS INT64_C(1780000000000000000)

static int64_t tame_ns(struct clock *clock)
{
	struct tame_clock *tame = container_of(clock, struct tame_clock, clock);
	return tame->now_ns += 1000;
}

static const struct clock_ops clock_ops = {.mono_ns = tame_ns, .wall_ns = tame_ns};

static void tame_fill(struct dice *dice, void *bytes, size_t len)
{
	rng_fill(&container_of(dice, struct tame_dice, dice)->rng, bytes, len);
}

static const struct dice_ops dice_ops = {.fill = tame_fill};

/* A point at which the run may be crashed, before the operation under way or after it. */
static void on_point(struct level *level)
{
	const struct explore_allocations *allocations = level->explorer->options.allocations;
	if (level->mode == LEVEL_CRASH)
		try_crashes(level);
	if (level->mode == LEVEL_ALLOC)
		level->hit = allocations->failed() > 0;
	if (level->hit && (level->mode == LEVEL_FAULT || level->mode == LEVEL_ALLOC))
		crash_after_fault(level);
}

static int level_hook(void *arg, enum sim_op op, const char *name, bool done)
{
	struct level *level = arg;
	const struct explore_allocations *allocations = level->explorer->options.allocations;
	if (level->mode == LEVEL_ALLOC)
		allocations->pause(true);
	level->op += !done;
	level->now_op = op;
	level->now_file = name;
	if (level->mode == LEVEL_TRACE && !done && vec_push(&level->trace, (uint8_t)op))
		level->explorer->err = -ENOMEM;
	if (op_makes_point(op, done))
		on_point(level);
	if (level->mode == LEVEL_ALLOC && done)
		allocations->pause(false);
	return level->mode == LEVEL_FAULT && !done ? fault_answer(level, op, name) : 0;
}

static void level_start(struct level *level, enum level_mode mode)
{
	level->clock = (struct tame_clock){{&clock_ops}, START_NS};
	level->dice.dice.ops = &dice_ops;
	rng_seed(&level->dice.rng, level->explorer->options.seed);
	level->world = (struct world){.clock = &level->clock.clock,
		.dice = &level->dice.dice,
		.disk = sim_disk_seam(level->disk)};
	level->mode = mode;
	level->op = 0;
	level->hit = false;
	level->crashes = 0;
	if (mode == LEVEL_TRACE)
		level->trace.len = 0;
	sim_disk_set_hook(level->disk, mode == LEVEL_PLAIN ? NULL : level_hook, level);
	if (mode == LEVEL_ALLOC)
		level->explorer->options.allocations->arm(level->fault.nth, level->fault.for_ever);
}

static void level_stop(struct level *level)
{
	if (level->mode == LEVEL_ALLOC) {
		const struct explore_allocations *allocations = level->explorer->options
									.allocations;
		level->hit = allocations->failed() > 0;
		allocations->arm(0, false);
	}
	sim_disk_set_hook(level->disk, NULL, NULL);
	level->mode = LEVEL_PLAIN;
	level->now_op = SIM_OPS;
	level->now_file = "";
	if (sim_disk_open_files(level->disk) && !explore_over(level->explorer))
		violate(level, "", "a file was left open");
}

int level_run(struct level *level, enum level_mode mode, struct why *why)
{
	level_start(level, mode);
	int err = level->explorer->scenario->run(level->explorer->state, &level->world, why);
	level_stop(level);
	return err;
}

int level_check(struct level *level, enum level_mode mode, bool faulty, struct why *why)
{
	const struct explorer *ex = level->explorer;
	level_start(level, mode);
	int err = ex->scenario->check(ex->state, &level->world, faulty, why);
	level_stop(level);
	return err;
}

void level_must_hold(struct level *level, enum level_mode mode, const char *where)
{
	struct why why = {""};
	level->explorer->report->states++;
	int err = level_check(level, mode, false, &why);
	if (!err || explore_over(level->explorer))
		return;
	if (!why.text[0])
		why_set(&why, err, "%s", strerror(-err));
	violate(level, where, why.text);
}

bool explore_over(const struct explorer *ex)
{
	return ex->err || ex->report->violated;
}

static void drop_state(struct explorer *ex)
{
	if (ex->state && ex->scenario->done)
		ex->scenario->done(ex->state);
	free(ex->state);
	ex->state = NULL;
}

bool explore_fresh(struct explorer *ex)
{
	struct level *level = &ex->levels[0];
	drop_state(ex);
	sim_disk_free(level->disk);
	level->disk = sim_disk_new();
	ex->state = calloc(1, ex->scenario->state_size ? ex->scenario->state_size : 1);
	if (!level->disk || !ex->state)
		ex->err = -ENOMEM;
	return !ex->err;
}

/* A run without faults: how many operations and crash points there will be. */
static void explore_trace(struct explorer *ex)
{
	struct why why = {""};
	struct level *level = &ex->levels[0];
	if (!explore_fresh(ex))
		return;
	int err = level_run(level, LEVEL_TRACE, &why);
	ex->report->operations = level->op;
	ex->points = 1;
	vec_each (op, &level->trace)
		ex->points += op_makes_point(*op, true) || op_makes_point(*op, false);
	if (err && !explore_over(ex))
		violate(level, "without any fault", why.text[0] ? why.text : strerror(-err));
}

static int explore_init(struct explorer *ex, const struct explore_options *options)
{
	ex->options = *options;
	if (!ex->options.exhaustive)
		ex->options.exhaustive = DEFAULT_EXHAUSTIVE;
	if (!ex->options.samples)
		ex->options.samples = DEFAULT_SAMPLES;
	if (!ex->options.recovery_points)
		ex->options.recovery_points = DEFAULT_RECOVERY_POINTS;
	ex->deep_left = ex->options.recovery_points;
	rng_seed(&ex->rng, hash_fold(options->seed, 1));
	for (unsigned i = 0; i < LEVELS; i++) {
		ex->levels[i].explorer = ex;
		ex->levels[i].depth = i;
		ex->levels[i].now_op = SIM_OPS;
		ex->levels[i].now_file = "";
		ex->levels[i].disk = sim_disk_new();
		if (!ex->levels[i].disk)
			return -ENOMEM;
	}
	return options->repeat ? case_parse(options->repeat, &ex->only) : 0;
}

static void explore_done(struct explorer *ex)
{
	drop_state(ex);
	for (unsigned i = 0; i < LEVELS; i++) {
		sim_disk_free(ex->levels[i].disk);
		choices_done(&ex->levels[i].choices);
		vec_done(&ex->levels[i].trace);
	}
}

int explore(const struct scenario *scenario, const struct explore_options *options,
	struct explore_report *ret_report)
{
	struct explore_report report = {0};
	struct explorer *ex = calloc(1, sizeof(*ex));
	if (!ex)
		return -ENOMEM;
	ex->scenario = scenario;
	ex->report = &report;
	ex->err = explore_init(ex, options);
	bool states = !ex->only.given || ex->only.states;
	bool faults = !ex->only.given || (!ex->only.states && ex->only.has_fault);
	if (!ex->err)
		explore_trace(ex);
	if (states && !options->no_crashes && !explore_over(ex))
		explore_crashes(ex);
	if (faults && !explore_over(ex))
		explore_faults(&ex->levels[0]);
	int err = ex->err;
	explore_done(ex);
	free(ex);
	*ret_report = report;
	return err ? err : report.violated ? -EBADMSG : 0;
}
