/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was decided, what was done about it, and what came of it: ledger.db of the state folder
 * (docs/FORMATS.md, "The ledger"). A job is written down before it begins, and each of its states
 * before its first effect; so whoever starts after a crash knows what was under way.
 *
 * Calls block as a database does; one thread for each struct.
 */
#ifndef EBB_ACT_LEDGER_H
#define EBB_ACT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger;
struct why;
struct world;

enum { LEDGER_FACTS = 100 }; /* of so many jobs the facts are kept */

enum job_state {
	JOB_SHIPS = 1, /* the point is on its way to its place */
	JOB_PROVES,    /* what was written is read back */
	JOB_DONE,
	JOB_FAILED,
	JOB_LOST, /* ebbd ended under it */
	JOB_STATES
};

/* "ships", "proves", "done", "failed", "lost". */
const char *job_state_text(enum job_state state);

struct ledger_job {
	int64_t id;
	const char *resource; /* borrowed */
	enum job_state state;
	/* decided: seconds since 1970 UTC, and why */
	int64_t started_s, due_s; /* due_s 0: it had no deadline, being the first */
	double price;    /* < 0: none, as fast as users allow; infinite: the deadline pressed */
	double in_time;  /* share of remembered days on which that price is enough */
	int64_t binding; /* age in days of the day that set the price */
	double work_s;   /* device time expected; 0: nothing is known */
	const char
		*facts; /* of plan/facts.h, as text; borrowed; NULL or empty: they were not kept */
	/* come of it */
	int64_t ended_s;
	int64_t code;        /* the program's exit code, 128 + number of the signal */
	double took_s, harm; /* device time; summed harm to users, in their device time */
	uint64_t bytes;      /* to and from devices */
};

/* 0; as db_open(). The jobs that were under way are JOB_LOST now. */
int act_ledger_open(struct world *world, struct ledger **ret_ledger, struct why *why);

/* Takes it; NULL is allowed. */
void act_ledger_close(struct ledger *ledger);

/* Writes a new job down, durable; gives its number. */
int act_ledger_begin(
	struct ledger *ledger, const struct ledger_job *job, int64_t *ret_id, struct why *why);

/* Its state and all that came of it so far, durable. */
int act_ledger_note(struct ledger *ledger, const struct ledger_job *job, struct why *why);

/* What people hold; durable. */
int act_ledger_hold(struct ledger *ledger, const char *resource, bool held, struct why *why);
int act_ledger_held(struct ledger *ledger, const char *resource, bool *ret_held);

/* Newest first, at most `max`, of one resource or (NULL) of all, below number `below` (0: all). */
typedef bool ledger_fn(void *arg, const struct ledger_job *job);
struct ledger_ask {
	const char *resource;
	int64_t below;
	enum job_state state; /* 0: any */
	size_t max;
};
int act_ledger_each(struct ledger *ledger, const struct ledger_ask *ask, ledger_fn *fn, void *arg);

#endif
