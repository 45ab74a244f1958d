/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened last, for all who listen: a bounded row of events, each written once. Numbers rise
 * by one, and over restarts too: a boot has numbers of its own, above those of the boots before.
 *
 * One thread at a time for each struct. Pure.
 */
#ifndef EBB_WEB_EVENTS_H
#define EBB_WEB_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVENTS_MAX = 512, EVENTS_BYTES = 2 << 20, EVENTS_A_BOOT = 1000000000 };

/* As it goes out: its lines and the empty one behind them. */
struct event {
	uint64_t id;
	unsigned refs;
	size_t len;
	char text[];
};

struct events {
	uint64_t next; /* the number of the next one */
	size_t count, bytes;
	struct event *at[EVENTS_MAX]; /* by number, modulo their count */
};

void events_begin(struct events *events, uint64_t boot);
void events_done(struct events *events);

/* Adds one; the oldest make room. `data` is one line. 0 or -ENOMEM. */
int events_add(struct events *events, const char *type, const char *data);

/* What happens from now on is not told to those who were there before. */
void events_forget(struct events *events);

/* The oldest after that number, for event_unref(); NULL: there is none. */
struct event *events_after(const struct events *events, uint64_t id);
void event_unref(struct event *event);

/* Whether who has seen that one can go on without having missed any. */
bool events_follow(const struct events *events, uint64_t id);

/* Whether that number was given by a boot before this one. */
bool events_before_boot(const struct events *events, uint64_t id);

#endif
