/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the explorer share: the levels (explore.c), crashes and their recoveries
 * (explore_crash.c), failing operations and allocations (explore_faults.c), and the text that names
 * one case (explore_case.c). Nobody else includes this.
 *
 * One thread.
 *
 * A level is one disk with code that runs on it: level 0 is the scenario's run(), level 1 the
 * check() of a state that a crash of level 0 left, level 2 that of a crash of level 1.
 */
#ifndef EBB_SIM_EXPLORE_INNER_H
#define EBB_SIM_EXPLORE_INNER_H

#include "base/rng.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/dice.h"
#include "os/world.h"
#include "sim/disk.h"
#include "sim/explore.h"
#include "sim/explore_choose.h"

enum { LEVELS = 4 };

/* How one operation fails. */
struct fault {
	const char *error; /* "EIO", "ENOSPC", "short", "ENOMEM" for an allocation */
	int answer;        /* for the disk's hook */
	bool for_ever;
	uint64_t nth; /* operation or allocation, from 1 */
};

/* A state, as the crash that left it: in the run before it, at which operation, which choice. */
struct state_name {
	uint64_t op; /* one more than there are: at the end */
	struct state_label label;
};

/* One case: the states from level 1 on, and the fault that hits the last level. */
struct explore_case {
	bool given;
	unsigned states;
	struct state_name state[LEVELS - 1];
	bool has_fault;
	struct fault fault;
};

enum level_mode {
	LEVEL_PLAIN, /* count operations */
	LEVEL_TRACE, /* and remember their kinds */
	LEVEL_CRASH, /* and try crashes */
	LEVEL_FAULT, /* fail `fault` */
	LEVEL_ALLOC, /* allocations are armed: those of the disk do not count */
};

/* Every level has its own time and dice, which start anew with every run. */
struct tame_clock {
	struct clock clock;
	int64_t now_ns;
};

struct tame_dice {
	struct dice dice;
	struct rng rng;
};

struct level {
	struct explorer *explorer;
	unsigned depth;
	struct sim_disk *disk;
	struct choices choices; /* of the crash of this level's disk that is under way */
	struct state_name name; /* of the state this level started from */
	enum sim_op crash_op;   /* and the operation there; SIM_OPS: at the end */
	char crash_file[64];
	/* the run under way */
	struct world world;
	struct tame_clock clock;
	struct tame_dice dice;
	enum level_mode mode;
	uint64_t op;        /* operations so far */
	enum sim_op now_op; /* the one under way */
	const char *now_file;
	struct fault fault;
	bool hit;
	enum sim_op hit_op;
	char hit_file[64];
	unsigned crashes;   /* tried since it was hit */
	VEC(uint8_t) trace; /* kinds of operations of the last traced run */
};

struct explorer {
	const struct scenario *scenario;
	struct explore_options options;
	struct explore_report *report;
	struct explore_case only; /* the one case to repeat */
	void *state;
	struct level levels[LEVELS];
	uint64_t points;            /* of a run without faults: where crashes will be tried */
	uint64_t point;             /* of these, so far */
	uint64_t deep_left;         /* states whose recovery's recovery is still to be crashed */
	struct rng rng;             /* spreads the states whose recovery is explored */
	const struct level *faulty; /* where an operation or allocation fails, or failed before */
	int err;                    /* the explorer itself failed */
};

/* explore.c */

/* Nothing more is to be tried: a violation was found, or memory is gone. */
bool explore_over(const struct explorer *ex);

/* An empty disk and a fresh state for run(). False: no memory. */
bool explore_fresh(struct explorer *ex);

/* run() or check() on the level's disk, in the given mode. */
int level_run(struct level *level, enum level_mode mode, struct why *why);
int level_check(struct level *level, enum level_mode mode, bool faulty, struct why *why);

/* check() that must find all promises kept; a violation is recorded with `where`. */
void level_must_hold(struct level *level, enum level_mode mode, const char *where);

/* explore_crash.c */
bool op_makes_point(enum sim_op op, bool done);
void try_crashes(struct level *level);
void explore_crashes(struct explorer *ex);

/* The state of `level` that the crash above it left, made once more. */
void state_again(struct level *level);

/* explore_faults.c */
int fault_answer(struct level *level, enum sim_op op, const char *name);
void crash_after_fault(struct level *level);
void explore_faults(struct level *level);

/* explore_case.c: parse answers -EINVAL. */
int case_parse(const char *text, struct explore_case *ret_case);
void violate(struct level *level, const char *where, const char *what);

#endif
