/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known, as facts for the planner (plan/facts.h), and its answers. Facts are made anew each
 * time: the plan is a function of them alone, and whoever keeps their text can ask again.
 *
 * The loop's thread only.
 */
#ifndef EBB_ACT_THINK_H
#define EBB_ACT_THINK_H

#include <stddef.h>
#include <stdint.h>

#include "plan/decide.h"

struct arena;
struct keeper;

struct thought {
	struct facts facts;
	struct plan plan; /* a decision for each keeper, in their order */
};

/* All of it lies in the arena. 0 or -ENOMEM. */
int think(const struct keeper *const *keepers, size_t count, int64_t now_ns, struct arena *arena,
	struct thought *ret);

#endif
