/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ebb-vold says of its volumes, read out of the memory that it shares: its records often, so
 * that few are lost, its figures in each turn. It may be gone, start anew, hang or lie: then there
 * are gaps, and nothing takes longer than a moment.
 *
 * The loop's thread only.
 */
#ifndef EBB_EBBD_VOLUMES_H
#define EBB_EBBD_VOLUMES_H

#include <stdbool.h>
#include <stdint.h>

#include "os/linux/share.h"
#include "os/loop.h"

struct node;
struct trace_reader;
struct watch;
struct world;

struct volumes {
	struct world *world; /* borrowed */
	const char *state;   /* borrowed: its state folder */
	struct node *node;   /* borrowed, set by the owner: it hears each second; NULL: nobody */
	struct timer step;
	bool odd;
	struct share share;
	struct trace_reader *reader; /* NULL: there is no ebb-vold */
	int64_t look_ns;             /* when to look next whether it is another one */
};

void volumes_init(struct volumes *volumes, struct world *world, const char *state);
void volumes_observe(struct volumes *volumes, struct watch *watch);
void volumes_done(struct volumes *volumes);

#endif
