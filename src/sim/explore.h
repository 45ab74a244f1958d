/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crash explorer: runs a scenario against the simulated disk, and at every operation tries the
 * states that a crash there may leave; each is recovered and compared with the scenario's model.
 * Also fails every operation in turn, once and for ever, and crashes and fails the recovery itself.
 *
 * A scenario promises to keep its model true at every moment: run() updates it *before* an
 * operation whose effect may survive a crash ("may be there") and again when it was acknowledged
 * ("must be there"). check() gets a disk as a crash left it, recovers with the real code, and
 * compares.
 *
 * Deterministic: the same scenario and options give the same report. One thread.
 */
#ifndef EBB_SIM_EXPLORE_H
#define EBB_SIM_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;
struct world;

struct scenario {
	const char *name;
	size_t state_size; /* bytes of the scenario's own state, zeroed before each run */

	/* The work. 0, or the error with which the code under test refused a failing disk. */
	int (*run)(void *state, struct world *world, struct why *why);

	/*
	 * Recovers and compares. 0: all promises kept; any error and its `why` is a violation.
	 * Called many times on one state, on different disks, and again on what its own crash left.
	 * When `faulty` the disk may fail under it: then -EIO, -ENOSPC or -ENOMEM is an answer that
	 * breaks nothing, but what it left must still recover.
	 * Both leave no file open.
	 */
	int (*check)(void *state, struct world *world, bool faulty, struct why *why);

	void (*done)(void *state); /* frees what run() put into the state; may be NULL */
};

/*
 * How allocations are made to fail; sim/alloc_fault.h has the one for test programs. While paused,
 * allocations succeed and are not counted.
 */
struct explore_allocations {
	/* The nth allocation from now on fails (0: none), once or from then on. */
	void (*arm)(uint64_t nth, bool for_ever);
	void (*pause)(bool paused);
	/* How many have failed since arm(). */
	uint64_t (*failed)(void);
};

struct explore_options {
	uint64_t seed;
	uint64_t exhaustive;      /* up to so many states a crash point is tried in full; 0: 4096 */
	uint64_t samples;         /* above that, so many are drawn beside the corners; 0: 256 */
	uint64_t recovery_points; /* states whose recovery is itself crashed and failed; 0: 64 */
	bool no_crashes;
	bool no_faults;
	bool faults_alone; /* after a failed operation a restart, and no crash besides */
	/* Set: one failing operation in so many is tried, and `which` picks the share: 0 and up. */
	uint64_t one_fault_in, which;
	const struct explore_allocations *allocations; /* set: allocations fail in turn too */
	const char *repeat; /* of a report: tries that one case alone; same seed, same scenario */
};

struct explore_report {
	uint64_t operations;   /* of the fault-free run */
	uint64_t crash_points; /* operations at which crashes were tried, recoveries included */
	uint64_t states;       /* images recovered and compared */
	uint64_t exhausted;    /* crash points of which every state was tried */
	uint64_t faults;       /* runs with a failing operation */
	uint64_t allocations;  /* runs with a failing allocation */
	bool violated;
	uint64_t states_until; /* states tried when the violation was found */
	char violation[1024];  /* what, at which operation, and how to repeat it */
	char repeat[128];      /* the case, for explore_options.repeat */
};

/*
 * 0: no violation; -EBADMSG: report->violation tells; -ENOMEM; -EINVAL: options->repeat is no case.
 */
int explore(const struct scenario *scenario, const struct explore_options *options,
	struct explore_report *ret_report);

#endif
