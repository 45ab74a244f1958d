/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share about a running node; no other room includes it.
 *
 * The loop's thread only.
 */
#ifndef EBB_NODE_INSIDE_H
#define EBB_NODE_INSIDE_H

#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "base/why.h"
#include "conf/conf.h"
#include "foresee/apps.h"
#include "foresee/learn.h"
#include "node/load.h"
#include "node/node.h"
#include "node/past.h"
#include "node/state.h"
#include "os/host.h"
#include "os/loop.h"
#include "os/procs.h"

struct act;
struct book;
struct talk_server;
struct watch_postgres;
struct watch_programs;

/* watching.c: what is observed besides the host */
struct watching {
	struct wanted wanted;
	struct watch_programs *programs; /* NULL: no memory; asked for anew at each reload */
	VEC(struct watch_postgres *) postgres;
	struct apps apps;
};

/* probing.c: the places that are saved to */
struct probing {
	struct proc *proc; /* NULL: none is under way */
	size_t next;       /* of what is kept: whose place comes next */
	int64_t began_ns, due_ns;
	char place[CONF_PATH_MAX + 1]; /* the last one that was begun */
	struct watch_tier tier;        /* what came of it */
	bool fresh;                    /* and is to be put */
};

struct node {
	struct world *world;
	struct node_options options;
	struct conf conf;
	char conf_path[CONF_PATH_MAX + 1];
	uint64_t conf_hash;
	struct state state;
	bool degraded_told;
	struct talk_server *server;
	int64_t started_mono_ns, started_wall_ns;

	/* the loop, tick.c */
	struct timer tick;
	int64_t due_ns; /* when the next turn is to begin */
	uint64_t ticks, skipped;
	int64_t last_tick_ns; /* how long the last one took */
	struct host_reading reading;
	struct load load;
	struct why load_failure; /* "": the last reading went well */
	struct past past;
	struct watching watching;

	struct probing probing;
	struct book *book;      /* noticing.c; NULL: there is no program to run */
	int64_t tiers_looked_s; /* when it was looked how places fill */

	struct act *act; /* acting.c; NULL: there is no program to run */

	/* learning.c */
	struct learn learn;
	struct timer learning;
	int64_t learnt_ns; /* spent on it since the start */
};

/* tick.c: the first turn comes as soon as the loop runs. */
void tick_begin(struct node *node);
/* After the period changed. */
void tick_again(struct node *node);

/* watching.c: after each configuration; each turn, while the past is open; at the end. */
void watching_adopt(struct node *node, const struct conf_watched *watched);
void watching_turn(struct node *node);
void watching_end(struct node *node);

/* probing.c: in a turn, while what was observed is put; after that; at the end. */
void probing_put(struct node *node);
void probing_turn(struct node *node);
void probing_end(struct node *node);

/* learning.c: begins to learn, soon after the start. 0 or -ENOMEM; learning_end() in any case. */
int learning_begin(struct node *node);
void learning_end(struct node *node);

/* verbs.c: the control address. 0, or why it cannot listen. */
int verbs_listen(struct node *node, struct why *why);

/* node.c: tells the program once, when the state cannot be written any more. */
void node_check_state(struct node *node);

#endif
