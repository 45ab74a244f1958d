/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault rules: what goes wrong, where, when and how often. Code of the simulator passes *points*
 * (a disk operation, a burst on the net ...); every rule that matches a point counts it, and when
 * its turn and its chance have come, hits. Rules are asked in the order in which they were added;
 * the first that hits decides.
 *
 * A rule that never hit tests nothing: fault_list_unhit() names those.
 *
 * One thread.
 */
#ifndef EBB_SIM_FAULT_H
#define EBB_SIM_FAULT_H

#include <stddef.h>
#include <stdint.h>

struct sim;
struct sim_node;
struct str;

enum fault_point {
	FAULT_DISK,    /* an operation of enum sim_op; name: the file */
	FAULT_AIO,     /* a request is submitted; name: "read", "write" or "sync" */
	FAULT_CONNECT, /* a connection begins; name: the address */
	FAULT_SEND,    /* a burst leaves the node; name: the address it was connected by */
	FAULT_TIMER,   /* a timer of the node fires; name: "" */
	FAULT_TASK,    /* a task is started; name: "" */
	FAULT_PROC,    /* a child is started; name: the program */
};

enum fault_effect {
	/* value: a negative errno. DISK, AIO, CONNECT, TASK, PROC; on SEND the stream is reset. */
	FAULT_FAIL = 1,
	FAULT_SHORT, /* DISK reads and writes: at most `value` bytes */
	FAULT_LOSE,  /* SEND: this burst does not arrive and is sent again later */
	FAULT_DELAY, /* AIO, SEND, TASK, PROC: `value` ns more */
	/* at every point: */
	FAULT_CRASH, /* on the disk before or after the operation's effect, as the seed says */
	FAULT_KILL,
	FAULT_PAUSE, /* for `value` ns */
	FAULT_JUMP,  /* wall time jumps by `value` ns */
	FAULT_DRIFT, /* to `value` millionths */
};

enum { FAULT_ANY_OP = -1 };

struct fault {
	const char *label; /* for reports; texts are borrowed until sim_free() */
	enum fault_point point;
	int op;           /* FAULT_DISK: enum sim_op or FAULT_ANY_OP */
	const char *node; /* patterns with * and ?; NULL matches all */
	const char *name;
	int64_t from_ns, until_ns; /* virtual time; until 0: for ever */
	uint64_t after;            /* so many matches pass first */
	uint64_t count;            /* so many hits at most; 0: no limit */
	uint32_t per_million;      /* chance of each further match; 0: certain */
	enum fault_effect effect;
	int64_t value;
};

/* Copies the rule, gives its number. 0 or -ENOMEM. */
int fault_add(struct sim *sim, const struct fault *rule, size_t *ret_rule);

/* The rule hits no more; its counts stay. */
void fault_stop(struct sim *sim, size_t rule);
void fault_stop_all(struct sim *sim);

uint64_t fault_matches(const struct sim *sim, size_t rule);
uint64_t fault_hits(const struct sim *sim, size_t rule);

/* Appends the labels of all rules that never hit, one a line; answers how many. */
size_t fault_list_unhit(const struct sim *sim, struct str *names);

#endif
