/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events per CPU second of the simulator's queue, by the hold model: the queue keeps its size, each
 * turn pops the earliest event and pushes one anew. Most events are near, some far, as timers and
 * messages are. The second table runs whole events: timers of simulated nodes that set themselves
 * anew, with dispatch, clocks and trace.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/container.h"
#include "base/must.h"
#include "base/rng.h"
#include "base/units.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/world.h"
#include "sim/queue.h"
#include "sim/sim.h"

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

struct ticker {
	struct timer timer;
	struct world *world;
	struct rng rng;
	uint64_t fired;
};

static void on_ticker(struct timer *timer)
{
	struct ticker *ticker = container_of(timer, struct ticker, timer);
	ticker->fired++;
	timer_set(ticker->world->loop, timer,
		clock_mono_ns(ticker->world->clock) + draw_delay(&ticker->rng));
}

static void run_nodes(unsigned nodes, size_t timers)
{
	struct sim *sim = sim_new(nodes);
	struct ticker *tickers = calloc(timers, sizeof(*tickers));
	struct world *worlds[SIM_NODES];
	must(sim && tickers && nodes <= SIM_NODES);
	for (unsigned i = 0; i < nodes; i++) {
		struct sim_node *node;
		char name[SIM_NAME];
		snprintf(name, sizeof(name), "n%u", i);
		must(sim_node_new(sim, name, &node) == 0);
		worlds[i] = sim_node_world(node);
	}
	for (size_t i = 0; i < timers; i++) {
		tickers[i].timer.fn = on_ticker;
		tickers[i].world = worlds[i % nodes];
		rng_seed(&tickers[i].rng, i);
		on_ticker(&tickers[i].timer);
	}
	double start = cpu_seconds();
	for (size_t i = 0; i < TURNS; i++)
		must(sim_step(sim));
	double seconds = cpu_seconds() - start;
	printf("%6u %8zu %12d %8.3f %10.1f\n", nodes, timers, TURNS, seconds,
		TURNS / seconds / 1e6);
	sim_free(sim);
	free(tickers);
}

int main(void)
{
	printf("  pending       events   CPU s   M events per CPU s\n");
	for (size_t pending = 10; pending <= 1000000; pending *= 10)
		hold(pending);
	printf("\n nodes   timers       events   CPU s   M events per CPU s\n");
	run_nodes(1, 10);
	run_nodes(3, 1000);
	run_nodes(100, 10000);
	return 0;
}
