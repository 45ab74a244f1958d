/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elements per second through base/ring.h: from one thread to another, and within one thread (the
 * cost of the code alone). 64-byte elements, as a trace record is.
 */
#include "base/ring.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "base/must.h"

enum { CAPACITY = 4096, ELEMENTS = 50 * 1000 * 1000 };

struct element {
	uint64_t words[8];
};

static double seconds(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void *produce(void *arg)
{
	for (uint64_t i = 0; i < ELEMENTS; i++) {
		struct element element = {.words = {i}};
		while (!ring_push(arg, &element))
			sched_yield();
	}
	return NULL;
}

static void consume(struct ring *ring)
{
	for (uint64_t i = 0; i < ELEMENTS; i++) {
		struct element element;
		while (!ring_pop(ring, &element))
			sched_yield();
		must(element.words[0] == i);
	}
}

static void alone(struct ring *ring)
{
	struct element element = {0};
	for (uint64_t i = 0; i < ELEMENTS; i++) {
		element.words[0] = i;
		must(ring_push(ring, &element) && ring_pop(ring, &element));
	}
}

static void report(const char *what, double wall, double cpu)
{
	printf("ring %-11s %d elements  wall %.2f s  cpu %.2f s  %.1f M/s  %.1f ns each\n", what,
		ELEMENTS, wall, cpu, ELEMENTS / wall / 1e6, wall / ELEMENTS * 1e9);
}

int main(void)
{
	struct ring ring;
	pthread_t producer;
	must(ring_init(&ring, CAPACITY, sizeof(struct element)) == 0);
	double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	alone(&ring);
	report("one thread", seconds(CLOCK_MONOTONIC) - wall,
		seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
	wall = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	must(pthread_create(&producer, NULL, produce, &ring) == 0);
	consume(&ring);
	must(pthread_join(producer, NULL) == 0);
	report("two threads", seconds(CLOCK_MONOTONIC) - wall,
		seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
	ring_done(&ring);
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	printf("ring peak memory %ld KiB\n", usage.ru_maxrss);
	return 0;
}
