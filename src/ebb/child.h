/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One of our programs, kept running: started, asked until it answers, started again when it dies,
 * ended in order.
 *
 *     down --start--> looking --nobody answers there yet--> starting --answers--> up
 *                       ^                                        |               |
 *                       +------ time ------ resting <--dies------+---------------+
 *     looking --somebody does--> failed
 *     starting, never up before --dies, or silent for too long--> failed
 *     any --dies because another one holds its state--> failed
 *     starting, up --stop--> stopping --dies--> down;  looking, resting --stop--> down
 *
 * The loop's thread only.
 */
#ifndef EBB_EBB_CHILD_H
#define EBB_EBB_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "conf/conf.h"
#include "ebb/call.h"
#include "os/loop.h"

struct json_t;
struct proc;
struct talk_ask;
struct world;

enum child_state {
	CHILD_DOWN,
	CHILD_LOOKING,
	CHILD_STARTING,
	CHILD_UP,
	CHILD_RESTING,
	CHILD_STOPPING,
	CHILD_FAILED,
};

enum { CHILD_WORDS = 8 };

struct child {
	/* set by the owner before child_start(); borrowed */
	struct world *world;
	const char *name;
	const char *words[CHILD_WORDS]; /* its arguments; words[0] is for its own name */
	const char *const *environment;
	const char *log; /* the file that what it prints goes to; NULL: where ours goes */
	char program[CALL_PATH * 2];
	char address[CONF_SOCKET_MAX + sizeof("unix:")];
	/* Its state changed. `why`: what happened, when it died. It may stop any child. */
	void (*on_change)(struct child *child);
	void *arg;

	enum child_state state;
	int pid;
	int exit_code;         /* of its last end; 128 + the signal that ended it */
	struct why why;        /* of its last end */
	struct json_t *answer; /* its last status */
	int64_t rest_ns;       /* how long it rests before it is started again */
	int64_t started_ns;
	bool was_up;
	struct proc *proc;
	struct talk_ask *ask;
	struct timer timer;
};

/* From CHILD_DOWN. */
void child_start(struct child *child);

/* Ends it in order, and by force when it does not end; on_change tells unless it is down already.
 */
void child_stop(struct child *child);

/* By force, now. */
void child_kill(struct child *child);

/* From CHILD_DOWN, also where it was never started. */
void child_done(struct child *child);

#endif
