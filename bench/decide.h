/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replay of real days under different ways to decide when a backup runs.
 *
 * One thread.
 */
#ifndef EBB_BENCH_DECIDE_H
#define EBB_BENCH_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "plan/outlook.h"
#include "plan/pacer.h"

enum { TICKS = 30 }; /* of ten seconds, in a slot */

struct host {
	float *busy, *size; /* by slot */
};

struct site {
	size_t hosts;
	int64_t slots, first_s; /* local seconds of slot 0, a midnight */
	struct host *host;
};

struct world {
	const struct site *site;
	struct harm_device disk, disk_first;            /* one queue; users first */
	struct price_shares shares, shares_first, best; /* best: whatever the threshold says */
	double beta;                                    /* work of a job, in days of the device */
	double most;   /* the largest share of the device that a job takes */
	double noise;  /* of what is measured */
	double bursts; /* coefficient of variation of the load within a slot */
	int delay;     /* ticks until something measured or ordered arrives */
	uint64_t seed;
};

/* How much of what prices promise gets done: learnt on each host, from job to job. */
struct lag {
	double done, promised;
};

/* One job on one host on one day, as a way to decide sees it. */
struct job {
	const struct world *world;
	size_t host;
	int64_t start, due, slot;
	double left; /* work, in slots of the device */
	struct pacer_seen seen;
	struct pacer pacer;
	struct outlook outlook;
	double price;
	int64_t opens, closes; /* a window, where the way has one */
	bool running;
	double before, expected; /* work left a slot ago, and what the price promised for it */
	struct lag *lag;
	struct rng rng;
};

struct way {
	const char *name;
	void (*begin)(struct job *job);
	void (*slot)(struct job *job); /* once a slot */
	double (*share)(struct job *job);
	bool users_first;
	bool knows; /* measures without noise or delay */
};

struct outcome {
	double harm, requests, over; /* harm in slots; requests pushed over the floor, of all */
	double late;                 /* jobs that missed */
	double jobs;
};

extern const struct way ways[];
extern const size_t ways_count;

void score_table(const struct world *world);

#endif
