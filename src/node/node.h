/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One running ebb, wired on one world: its state folder, its control address, its loop. Any world
 * does; several nodes may run in one process.
 *
 *     started --reload--> started --stop--> gone
 *        |
 *        +-- node.log cannot be written any more: degraded; serves on and tells why
 *
 * A node never logs. What its program must do for it, it asks through the options.
 *
 * The loop's thread only.
 */
#ifndef EBB_NODE_NODE_H
#define EBB_NODE_NODE_H

#include <stdint.h>

struct conf;
struct conf_watched;
struct act_answers;
struct act_event;
struct conf_notifies;
struct conf_protects;
struct node;
struct watch;
struct why;
struct world;

struct node_options {
	const char *version; /* texts here are borrowed until the node is gone */
	const char *address; /* where it listens, as in os/net.h */
	uint32_t uid;        /* who may talk to it besides root */

	void *arg; /* for the functions below */
	/* Reads the configuration anew and calls node_reload(). 0, or why it was refused. */
	int (*reload)(void *arg, struct why *why);
	/* Wants the program to end in order; returns first. */
	void (*stop)(void *arg);
	/* Puts what the program itself observes, in each turn; may be NULL. */
	void (*observe)(void *arg, struct watch *watch);
	/* A tick is over; may be NULL. */
	void (*on_tick)(void *arg);
	/* Local seconds of seconds in UTC, by which days begin; NULL: days of UTC. */
	int64_t (*local)(int64_t utc_s);
	const char *ebb;        /* the absolute path of the program; NULL: nothing is protected */
	const char *const *env; /* of programs that are run; NULL at the end */
	/* A job began or ended, or there is trouble with one; may be NULL. */
	void (*on_act)(void *arg, const struct act_event *event);
	/* Where the page is, "": nowhere; may be NULL. */
	const char *(*url)(void *arg);
	/* The node has just become degraded; may be NULL. */
	void (*on_degraded)(void *arg, const char *reason);
};

/* The configuration to run by. */
struct node_config {
	const struct conf *conf;              /* copied */
	const char *path;                     /* copied; "" when there is no file */
	uint64_t hash;                        /* of what was read */
	const struct conf_watched *watched;   /* what is needed of it is copied; NULL: nothing */
	const struct conf_protects *protects; /* copied; NULL: none */
	const struct conf_notifies *notifies; /* copied; NULL: nobody is told */
};

/*
 * Gives a node that has recorded its boot, listens and ticks. 0; -EWOULDBLOCK: another program has
 * the state folder; else why it cannot start. It then has changed nothing but, perhaps, the boot
 * number.
 */
int node_start(struct world *world, const struct node_options *options,
	const struct node_config *config, struct node **ret_node, struct why *why);

/* Goes on by another configuration. -EINVAL: it changes what only a restart can; nothing changed.
 */
int node_reload(struct node *node, const struct node_config *config, struct why *why);

/* Takes the node. 0, or why its orderly end could not be recorded; it is gone all the same. */
int node_stop(struct node *node, struct why *why);

/* What users of a volume were answered, as act/act.h has it; to be told each second. */
void node_volume(struct node *node, const char *volume, const struct act_answers *now);

/* What there is to say of it at its start. */
struct node_facts {
	uint64_t boot;
	const char *previous_close; /* "none" at the first boot, "orderly", "lost" */
	char id[33];
};

struct node_facts node_facts(const struct node *node);

#endif
