/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node keeps beneath its state folder:
 *     node.lock  held while a program runs on this folder
 *     node.id    who it is: written once, at the first start (a whole file)
 *     node.log   its boots, accepted configurations and orderly ends (a journal)
 *
 * Invariants:
 *   1. A boot number is durable before anything else of that boot, and none is ever used twice.
 *   2. node.log is missing only before the first start was complete; node.id tells whether it was.
 *   3. After the first failure to write, nothing here is written again in this boot.
 *
 * Calls block. The loop's thread only.
 */
#ifndef EBB_NODE_STATE_H
#define EBB_NODE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "node/life.h"
#include "store/head.h"

struct file;
struct journal;
struct world;

enum { STATE_LOG_BOUND = 64 * 1024 }; /* node.log is rewritten when it has grown past it */

struct state {
	struct world *world;
	struct file *lock;
	struct journal *log;
	uint8_t identity[IDENTITY_SIZE];
	int64_t created_wall_ns;
	struct life before; /* as this boot found it */
	struct life life;
	bool failed;
	struct why failure;
};

/*
 * Takes the folder and records this boot. 0; -EWOULDBLOCK: another program has it; -EBADMSG,
 * -ENOTSUP: what is there is damaged, or from a newer program; else what the disk said.
 */
int state_open(struct world *world, const char *version, struct state *ret_state, struct why *why);

/* Records that a configuration was accepted, unless it is the one accepted last. */
int state_config(struct state *state, uint64_t hash);

/* Rewrites node.log when it has grown past its bound. */
int state_settle(struct state *state);

/* Records an orderly end and lets go of the folder. 0, or why the end could not be recorded. */
int state_close(struct state *state, struct why *why);

/* Lets go of the folder and records nothing. */
void state_drop(struct state *state);

#endif
