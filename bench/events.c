/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events per CPU second of the simulator's queue, by the hold model: the queue keeps its size, each
 * turn pops the earliest event and pushes one anew. Most events are near, some far, as timers and
 * messages are. The second table runs whole events: timers of simulated nodes that set themselves
 * anew, with dispatch, clocks and trace.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/must.h"
#include "base/rng.h"
#include "base/units.h"
#include "sim/queue.h"

enum { TURNS = 5000000 };

static double cpu_seconds(void)
{
	struct rusage usage;
	must(getrusage(RUSAGE_SELF, &usage) == 0);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int64_t draw_delay(struct rng *rng)
{
	uint64_t draw = rng_u64(rng);
	switch (draw & 7) {
	case 0 ... 4: /* a message, a task */
		return (int64_t)((draw >> 8) % (uint64_t)(200 * NS_PER_US));
	case 5 ... 6: /* a retry */
		return (int64_t)((draw >> 8) % (uint64_t)(50 * NS_PER_MS));
	default: /* a tick */
		return 10 * NS_PER_SEC;
	}
}

static void hold(size_t pending)
{
	struct queue queue = {0};
	struct queue_event event;
	struct rng rng;
	uint32_t handle;
	rng_seed(&rng, pending);
	for (size_t i = 0; i < pending; i++)
		must(queue_push(&queue, draw_delay(&rng), 0, &queue, &handle) == 0);
	for (size_t i = 0; i < pending; i++) { /* into the steady state */
		must(queue_pop(&queue, INT64_MAX, &event));
		must(queue_push(&queue, event.at_ns + draw_delay(&rng), 0, &queue, &handle) == 0);
	}
	double start = cpu_seconds();
	for (size_t i = 0; i < TURNS; i++) {
		must(queue_pop(&queue, INT64_MAX, &event));
		must(queue_push(&queue, event.at_ns + draw_delay(&rng), 0, &queue, &handle) == 0);
	}
	double seconds = cpu_seconds() - start;
	printf("%9zu %12d %8.3f %10.1f\n", pending, TURNS, seconds, TURNS / seconds / 1e6);
	queue_done(&queue);
}

int main(void)
{
	printf("  pending       events   CPU s   M events per CPU s\n");
	for (size_t pending = 10; pending <= 1000000; pending *= 10)
		hold(pending);
	return 0;
}
