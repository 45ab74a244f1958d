/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crashes at every operation, and crashes of the recoveries from them.
 *
 * After a change the states contain all those from before it, and before a sync all those from
 * after it; the scenario's model stands still while an operation runs. So a change is followed by a
 * crash point, a sync is preceded by one, and the end of the run is one more.
 */
#include <errno.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/must.h"
#include "sim/explore_inner.h"

/* States of one crash point by level: those of recoveries are more often met, and tried less. */
static const struct {
	uint64_t exhaustive, samples;
} limits[LEVELS] = {{0, 0}, {64, 16}, {16, 4}, {0, 0}};

bool op_makes_point(enum sim_op op, bool done)
{
	switch (op) {
	case SIM_SYNC:
	case SIM_SYNC_DIR:
		return !done;
	case SIM_CREATE:
	case SIM_WRITE:
	case SIM_TRUNCATE:
	case SIM_RENAME:
	case SIM_UNLINK:
	case SIM_MKDIR:
	case SIM_RMDIR:
		return done;
	case SIM_OPEN:
	case SIM_READ:
	case SIM_LIST:
	case SIM_LOCK:
	case SIM_OPS:
		break;
	}
	return false;
}

/* Which of a point's states get their recovery explored as well. */
struct deep {
	uint64_t left, gap, next;
};

static struct deep plan_deep(struct level *level, uint64_t states)
{
	struct explorer *ex = level->explorer;
	struct deep deep = {0};
	if (level->depth == 0) {
		uint64_t budget = ex->options.recovery_points;
		deep.left = (ex->point + 1) * budget / ex->points - ex->point * budget / ex->points;
		ex->point++;
	} else if (level->depth == 1 && ex->deep_left && rng_below(&ex->rng, 4) == 0) {
		deep.left = 1;
		ex->deep_left--;
	}
	if (!deep.left)
		return deep;
	deep.gap = states / deep.left ? states / deep.left : 1;
	deep.next = rng_below(&ex->rng, deep.gap);
	return deep;
}

void state_again(struct level *level)
{
	struct level *above = level - 1;
	choices_again(&above->choices);
	int err = sim_disk_crash(above->disk, choices_answer, &above->choices, level->disk);
	if (err)
		level->explorer->err = err;
}

/* Recovers the state that stands on the level's disk; deep: also where that recovery is hit. */
static void try_state(struct level *level, bool deep)
{
	struct explorer *ex = level->explorer;
	level_must_hold(level, LEVEL_PLAIN, "");
	if (!deep || explore_over(ex))
		return;
	state_again(level);
	if (!explore_over(ex))
		level_must_hold(level, LEVEL_CRASH, "");
	try_crashes(level);
	if (level->depth == 1 && !explore_over(ex))
		explore_faults(level);
}

/* Is this the state that is to be repeated, and is there more behind it? */
static bool only_wanted(const struct level *level, bool *ret_deep)
{
	const struct explore_case *only = &level->explorer->only;
	const struct state_name *name = &only->state[level->depth];
	const struct state_label *label = &level->choices.label;
	*ret_deep = only->states > level->depth + 1 || only->has_fault;
	return name->label.kind == label->kind && name->label.index == label->index;
}

/* A label of the other kind than the point's limits make is looked for all the same. */
static bool only_exhaustive(const struct level *level, bool exhaustive)
{
	const struct explore_case *only = &level->explorer->only;
	return only->given ? only->state[level->depth].label.kind == 'x' : exhaustive;
}

static void name_state(struct level *level)
{
	struct level *below = level + 1;
	below->name = (struct state_name){level->op, level->choices.label};
	below->crash_op = level->now_op;
	snprintf(below->crash_file, sizeof(below->crash_file), "%s", level->now_file);
}

/* Goes on to the next image that was not tried at this point. */
static bool next_image(struct level *level)
{
	struct explorer *ex = level->explorer;
	struct level *below = level + 1;
	while (!ex->err && choices_next(&level->choices)) {
		int err = sim_disk_crash(level->disk, choices_answer, &level->choices, below->disk);
		if (level->choices.failed)
			err = -ENOMEM;
		int is_new = err ? err : choices_new(&level->choices, sim_disk_image(below->disk));
		if (is_new > 0)
			return true;
		if (is_new < 0)
			ex->err = is_new;
	}
	return false;
}

/* At the end of a run the operation's number is one more than the last. */
static void try_states(struct level *level)
{
	struct explorer *ex = level->explorer;
	struct level *below = level + 1;
	uint64_t limit = level->depth ? limits[level->depth].exhaustive : ex->options.exhaustive;
	uint64_t samples = level->depth ? limits[level->depth].samples : ex->options.samples;
	uint64_t ways = sim_disk_crash_count(level->disk, limit + 1, below->disk);
	bool exhaustive = only_exhaustive(level, ways <= limit);
	if (!ways) {
		ex->err = -ENOMEM;
		return;
	}
	struct deep deep = plan_deep(level, exhaustive || ways < samples ? ways : samples);
	uint64_t seed = hash_fold(hash_fold(ex->options.seed, level->op), level->depth);
	choices_start(&level->choices, exhaustive, samples, seed);
	ex->report->crash_points++;
	ex->report->exhausted += exhaustive;
	for (uint64_t i = 0; !explore_over(ex) && next_image(level); i++) {
		bool go_deep = deep.left && i >= deep.next;
		if (ex->only.given && !only_wanted(level, &go_deep))
			continue;
		if (go_deep && !ex->only.given) {
			deep.left--;
			deep.next += deep.gap;
		}
		name_state(level);
		try_state(below, go_deep);
	}
}

void try_crashes(struct level *level)
{
	struct explorer *ex = level->explorer;
	if (level->depth + 1 >= LEVELS || explore_over(ex))
		return;
	bool at_end = level->now_op == SIM_OPS;
	level->op += at_end;
	const struct explore_case *only = &ex->only;
	bool wanted = level->depth < only->states && only->state[level->depth].op == level->op;
	if (wanted || !only->given)
		try_states(level);
	level->op -= at_end;
}

void explore_crashes(struct explorer *ex)
{
	struct level *level = &ex->levels[0];
	struct why why = {""};
	if (!explore_fresh(ex))
		return;
	level_run(level, LEVEL_CRASH, &why);
	if (!explore_over(ex))
		try_crashes(level);
}
