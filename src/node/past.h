/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node remembers of its world: the store of series in the folder `series` of its state, fed
 * at each turn. It may fail without harm to the rest of the node: it then says why, and is opened
 * anew after a while.
 *
 * The loop's thread only; calls block.
 */
#ifndef EBB_NODE_PAST_H
#define EBB_NODE_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "store/head.h"
#include "watch/watch.h"

struct series;
struct world;

struct past {
	struct world *world; /* borrowed */
	uint8_t identity[IDENTITY_SIZE];
	struct series *series; /* NULL: it is not open */
	struct watch watch;
	void (*observe)(void *arg, struct watch *watch); /* puts more; NULL: nothing */
	void *arg;
	int64_t retry_ns;   /* monotonic: when to open it anew */
	struct why failure; /* "": it works */
};

void past_open(struct past *past, struct world *world, const uint8_t identity[IDENTITY_SIZE]);

/*
 * A turn: what is put into past->watch between the two is of this moment; the end makes it durable,
 * and does what is due. False: the store is not open, and there is no such turn.
 */
bool past_begin(struct past *past);
void past_end(struct past *past);

/* What was put by the last turn is durable already. */
void past_close(struct past *past);

#endif
