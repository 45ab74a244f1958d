/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace of all volumes, in memory that whoever may connect to a socket can read: it is handed
 * over to each that comes, and nothing is heard from them.
 *
 * The loop's thread only.
 */
#ifndef EBB_EBB_VOLD_TRACED_H
#define EBB_EBB_VOLD_TRACED_H

#include "os/linux/share.h"
#include "trace/writer.h"

struct listener;

struct traced {
	struct share share;
	struct trace_writer writer;
	struct listener *listener;
};

int traced_open(struct traced *traced, struct why *why);

/* Takes the listener. */
void traced_listen(struct traced *traced, struct listener *listener);

/* Nobody comes any more. */
void traced_shut(struct traced *traced);
void traced_close(struct traced *traced);

#endif
