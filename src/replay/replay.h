/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Days that were, lived through once more under different ways to decide when a backup runs: one
 * job a day and device, released at midnight and due at the next. The planner is the one that
 * decides in earnest; measurements are noisy and late, and load jumps within each slot.
 *
 * Harm is in device slots (plan/harm.h). Slots are five minutes, counted from a midnight. The same
 * seed gives the same answer.
 *
 * Any thread, one at a time for each world.
 */
#ifndef EBB_REPLAY_REPLAY_H
#define EBB_REPLAY_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "plan/outlook.h"
#include "plan/pacer.h"

enum { REPLAY_TICKS = 30 }; /* of ten seconds, in a slot */

struct replay_host {
	float *busy, *size; /* by slot */
};

struct replay_site {
	size_t hosts;
	int64_t slots;
	struct replay_host *host;
};

struct replay_world {
	const struct replay_site *site;
	struct harm_device disk, disk_first;            /* one queue; users first */
	struct price_shares shares, shares_first, best; /* best: whatever the threshold says */
	double beta;                                    /* work of a job, in days of the device */
	double most;   /* the largest share of the device that a job takes */
	double noise;  /* of what is measured */
	double bursts; /* coefficient of variation of the load within a slot */
	int delay;     /* ticks until something measured or ordered arrives */
	uint64_t seed;
	int64_t from; /* the first slot of days that are judged, a midnight */
	/* Whether that day is judged; NULL: all whose load is known. */
	bool (*counts)(const struct replay_world *world, size_t host, int64_t start);
	void *arg;    /* of that function's owner */
	float *taken; /* by slot: what the first host's job took; NULL: nobody asks */
};

/* How much of what prices promise gets done: learnt on each host, from job to job. */
struct replay_lag {
	double done, promised;
};

/* One job on one host on one day, as a way to decide sees it. */
struct replay_job {
	const struct replay_world *world;
	size_t host;
	int64_t start, due, slot;
	double left; /* work, in slots of the device */
	struct pacer_seen seen;
	struct pacer pacer;
	struct outlook outlook, beyond; /* beyond: whatever the threshold says */
	bool pressed, looked_beyond;
	double price;
	int64_t opens, closes; /* a window, where the way has one */
	bool running;
	double before, expected; /* work left a slot ago, and what the price promised for it */
	struct replay_lag *lag;
	int64_t known; /* slots before `start` that may be looked at; 0 and below: all */
	bool blind;    /* nothing is known of the past at all */
	int64_t cut;   /* the outlook's slots count from here */
	struct rng rng;
};

struct replay_way {
	const char *name;
	void (*begin)(struct replay_job *job);
	void (*slot)(struct replay_job *job); /* once a slot */
	double (*share)(struct replay_job *job);
	bool users_first;
	bool knows; /* measures without noise or delay */
};

/* One job. */
struct replay_day {
	size_t host;
	int64_t start;
	double harm;           /* in slots */
	double requests, over; /* all, and those pushed over the floor */
	bool late;
};

extern const struct replay_way replay_ways[];
extern const size_t replay_way_count;

/* The way that knows each day before it comes, the one of feedback alone, and ours. */
extern const size_t replay_best, replay_feedback, replay_ours, replay_wrong;

/* Load as it was measured, in any unit, to a share of what the device can do: the busiest half
 * percent of its time is at four fifths of that. Changes `load`; NaN is a gap. 0 or -ENOMEM. */
int replay_scale(struct replay_host *host, double *load, size_t slots);
void replay_host_done(struct replay_host *host);

/* Sets the tables, from `disk`, or a usual one where its size is 0, and from `most`. */
void replay_prepare(struct replay_world *world);

/* Jobs that are judged at most; ret_days of replay_run() has room for them. */
size_t replay_days_max(const struct replay_world *world);

/* Lives through them; in the same order for each way. Returns how many there were. */
size_t replay_run(const struct replay_world *world, const struct replay_way *way,
	struct replay_day *ret_days);

/*
 * What comes of letting the better one of the last seven days drive each host (plan/gate.h); both
 * were run over the same days.
 */
void replay_gated(const struct replay_day *ours, const struct replay_day *feedback, size_t count,
	struct replay_day *ret_days);

#endif
