/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which states of one crash point are tried: every one when they are few; else the corners (all
 * durable, all latest, each single thing dropped, each single thing kept, all up to one thing and
 * all after it) and then samples drawn from a seed. A state has a label, a letter and a number,
 * that names it for ever: x of the full enumeration, c of the corners, s of the samples.
 *
 * One thread.
 */
#ifndef EBB_SIM_EXPLORE_CHOOSE_H
#define EBB_SIM_EXPLORE_CHOOSE_H

#include "base/rng.h"
#include "base/vec.h"
#include "sim/disk.h"

struct state_label {
	char kind;
	uint64_t index;
};

struct choice {
	uint64_t answer, options;
	enum sim_thing thing;
};

struct choices {
	/* the state that was asked for last */
	struct state_label label;
	VEC(struct choice) answers;
	/* its making */
	size_t asked;
	bool again;
	bool failed; /* no memory for the answers: the state is not the one that the label says */
	struct rng rng;
	uint32_t latest_per_million[3]; /* of a sample, by thing */
	/* the point */
	bool exhaustive;
	uint64_t seed, samples;
	size_t things; /* that the state with all latest asked for */
	/* images met at this point: a hash table whose entries count when their stamp is this one
	 */
	struct met {
		uint64_t image;
		uint64_t stamp;
	} * met;
	size_t met_slots, met_used;
	uint64_t stamp;
};

/* `ways`: sim_disk_crash_count() at the limit up to which all are tried, or that limit. */
void choices_start(struct choices *choices, bool exhaustive, uint64_t samples, uint64_t seed);
void choices_done(struct choices *choices);

/* Goes on to the next state: false when there is none. Then crash with choices_answer(). */
bool choices_next(struct choices *choices);

/* Makes the crash that follows repeat the last one. */
void choices_again(struct choices *choices);

/* A sim_choose; `arg` is the struct. */
uint64_t choices_answer(void *arg, enum sim_thing thing, uint64_t options);

/* Was this image met before at this point? Remembers it: 1 when new, 0 when not, -ENOMEM. */
int choices_new(struct choices *choices, uint64_t image);

/* Durable or latest in all. */
uint64_t choose_durable(void *arg, enum sim_thing thing, uint64_t options);
uint64_t choose_latest(void *arg, enum sim_thing thing, uint64_t options);

#endif
