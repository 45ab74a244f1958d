/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop and an aio for tests of the engine over any disk: what was submitted takes effect in an
 * order that dice choose, when it is submitted, when it completes, or at once. For tests only.
 *
 * One thread.
 */
#ifndef EBB_VOL_PUMP_TEST_H
#define EBB_VOL_PUMP_TEST_H

#include <stdbool.h>

#include "base/rng.h"
#include "os/aio.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/world.h"

enum { PUMP_MAX = 512 };

struct pump_item {
	struct aio_request *request; /* or */
	struct task *task;
	bool worked;
	bool slow; /* comes last, for the most part */
	bool held; /* waits for pump_let_go() */
};

struct pump {
	struct world world; /* its loop, aio and clock are the pump's */
	struct loop loop;
	struct aio aio;
	struct clock clock;
	struct rng rng;
	int64_t now_ns;
	bool hold_reads, hold_writes; /* those that are submitted now have to wait */
	bool at_once;                 /* all I/O is done at once where that may be */
	struct pump_item items[PUMP_MAX];
	size_t count;
	struct timer *timers[PUMP_MAX];
	size_t timer_count;
};

void pump_init(struct pump *pump, const struct world *world, uint64_t seed);

/* One thing happens; timers come when there is nothing else. False: nothing is left. */
bool pump_step(struct pump *pump);

/* What was held is held no more. */
void pump_let_go(struct pump *pump);

/* Until nothing but timers is left. */
void pump_settle(struct pump *pump);

#endif
