/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decision: a wanted state with its reasons. Deciding twice on the same facts changes nothing.
 *
 * Any thread: a plain value that borrows its texts from whoever decided.
 */
#ifndef EBB_CORE_DECISION_H
#define EBB_CORE_DECISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/resource.h"
#include "core/window.h"

enum decided {
	WANTED_WAIT,    /* no job is to run; `window` says when one is expected */
	WANTED_RUN,     /* a job is to run, at `price` */
	WANTED_PAUSE,   /* the job that is there is to rest */
	WANTED_HOLD,    /* the operator's word */
	WANTED_BLOCKED, /* nothing can be done before someone acts: `remedy` */
};

enum { DECISION_NOWHERE = -1, DECISION_REASONS = 12 };

struct decision {
	uint32_t resource; /* by number, in the facts */
	enum decided wanted;
	enum driver driver;
	bool pressed;   /* in time comes before harm */
	bool late;      /* the RPO is broken already, or there is no point at all */
	bool will_miss; /* and said beforehand: it will be, whatever is done */
	enum kind kind;
	int32_t tier;         /* by number, or DECISION_NOWHERE */
	uint64_t bytes;       /* to be read and stored */
	int64_t release_ns;   /* not before */
	int64_t due_ns;       /* done and verified by then, margin included */
	struct window window; /* in which it is expected to work */
	double share;         /* of its device, from now; 0 when it does not run */
	bool unknown;         /* nothing is remembered that a price could rest on */
	double price;         /* marginal harm that it may cost; INFINITY: any */
	double in_time;       /* share of remembered days on which that is enough */
	int binding;          /* age in days of the one that set it; 0: the last hour goes on */
	double harm;          /* expected */
	double score;         /* core/score.h, of the window */
	int64_t restore_ns;   /* predicted, of the point that comes */
	const char *because[DECISION_REASONS];
	size_t because_count;
	const char *otherwise; /* the runner-up; NULL: there was none */
	const char *changes;   /* what would change the choice; NULL: nothing known */
	const char *remedy;    /* what someone must do; NULL: nothing */
};

#endif
