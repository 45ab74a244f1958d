/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hand of the loop: everything that is declared to be protected is kept (keeper.h), at low
 * tide. Once a turn, and each second while a job runs, the host is read, devices are observed, and
 * jobs begin, speed up, slow down, pause.
 *
 * Nothing here harms the rest of a node: what fails is told (act_failure()), and tried again.
 *
 * The loop's thread only.
 */
#ifndef EBB_ACT_ACT_H
#define EBB_ACT_ACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "act/device.h"
#include "act/keeper.h"
#include "conf/protect.h"

struct act;
struct series;
struct str;
struct why;
struct world;

/* For the log of a program. */
struct act_event {
	const char *resource;
	const struct ledger_job *job; /* it begins when its ended_s is 0 */
	const char *trouble;          /* NULL: none; a sentence */
	const char *news;             /* likewise, of who decides; there is no job then */
};

struct act_options {
	struct world *world;    /* this and all below is borrowed */
	const char *program;    /* the absolute path of ebb */
	const char *state;      /* the absolute path of the state folder */
	const char *const *env; /* of the programs that are run; NULL at the end */
	local_fn *local;        /* NULL: days of UTC */
	void *arg;
	void (*on_event)(void *arg, const struct act_event *event); /* may be NULL */
};

/* Gives it, with nothing to keep yet. 0 or -ENOMEM. A ledger that cannot be opened is tried again.
 */
int act_open(const struct act_options *options, struct act **ret_act);

/* Takes it; jobs are told to end. NULL is allowed. */
void act_close(struct act *act);

/*
 * What is to be kept from now on; copied. Jobs of what is kept no longer, or otherwise, are told to
 * end. 0 or -ENOMEM, with everything as it was.
 */
int act_set(struct act *act, const struct conf_protects *protects);

/* A turn of the node's loop. `series` may be NULL; from it devices learn what was before. */
void act_turn(struct act *act, struct series *series);

/* All that is kept, in the order of the configuration. */
size_t act_count(const struct act *act);
const struct keeper *act_keeper(const struct act *act, size_t i);
const struct keeper *act_find(const struct act *act, const char *name);

/* A point now, whatever it costs; the end of what runs. False: there is nothing of that name, or
 * nothing of it runs. */
bool act_now(struct act *act, const char *name);
bool act_cancel(struct act *act, const char *name);

/*
 * Held, no job of it runs, not even past its time, and one that is under way rests; over restarts
 * too. 0; -ENOENT: there is nothing of that name; else the ledger cannot be written. Then nothing
 * changed.
 */
int act_hold(struct act *act, const char *name, bool held, struct why *why);

/*
 * What users of a volume were answered since it was opened: so many requests, and the sum of their
 * times. To be told each second; `life`: another number when it was opened anew.
 */
struct act_answers {
	uint64_t life, requests, took_ns;
};
void act_volume(struct act *act, const char *volume, const struct act_answers *now);

/* Adds what the last plan wants of it, and why; nothing when it was not planned. */
void act_why(const struct act *act, const char *name, struct str *text);

/*
 * The same of a job that was, from the facts that stand in the ledger: the planner is asked again.
 * -ENOENT: there is no such job, or its facts were not kept; -EBADMSG: they cannot be read.
 */
int act_why_job(const struct act *act, int64_t id, struct str *text, struct why *why);

/* Plans that broke a hard rule, and were not followed. */
uint64_t act_refused(const struct act *act);

/*
 * What would be planned of it if points had to be younger, or might be older: the planner is asked
 * with that one thing changed, and nothing comes of it. -ENOENT: there is nothing of that name;
 * -ENOMEM.
 */
int act_what_if(const struct act *act, const char *name, int64_t rpo_ns,
	struct keeper_plan *ret_plan, struct str *ret_why);

/* NULL: nothing is wrong. */
const char *act_failure(const struct act *act);

/* NULL when it is not open. */
struct ledger *act_ledger(const struct act *act);

/* Device time that jobs took since the start, of each device. False: there is no such device. */
bool act_device(const struct act *act, size_t i, const struct device **ret_device);

#endif
