/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far away a place is, and how fast: a few small calls, timed, and one long one each way.
 *
 * Calls block and come from any thread.
 */
#ifndef EBB_PLACE_PROBE_H
#define EBB_PLACE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct place;
struct why;

enum { PROBE_LONG = 1 << 20 };

struct place_probe {
	int64_t latency_ns;   /* median of what one small call took */
	double writes, reads; /* bytes a second; negative: not tried */
};

struct place_probe_how {
	struct clock *clock; /* borrowed */
	bool leave;          /* writes nothing: where objects cost, or cannot be removed */
	bool cold;           /* reads nothing either: where reading is thawing */
};

/*
 * Small calls write an object, or ask for one that is not there; the long ones write, and read what
 * lies there at most, PROBE_LONG bytes. What was written is removed; a prober that is killed leaves
 * one object, which the next probe replaces. 0, or what a call answered.
 */
int place_probe(struct place *place, const struct place_probe_how *how,
	struct place_probe *ret_probe, struct why *why);

#endif
