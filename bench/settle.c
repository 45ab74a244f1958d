/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settle [JOBS [HOSTS]]: a cold plan for a whole fleet, and one job that changed. 288 slots, four
 * tiers; a job may work for half a day up to a whole one.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/rng.h"
#include "plan/settle.h"

enum { TIERS = 4, CHANGES = 1000 };

static double cpu_now(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec + 1e-6 * (double)usage.ru_utime.tv_usec;
}

static float uniform(struct rng *rng)
{
	return (float)(rng_u64(rng) >> 40) * 0x1p-24f;
}

static void draw_device(struct settle_device *device, struct rng *rng)
{
	float phase = 2 * (float)M_PI * uniform(rng);
	*device = (struct settle_device){.size = 4};
	for (int i = 0; i < SETTLE_SLOTS; i++)
		device->busy[i] = 0.5f *
			(0.5f + 0.45f * sinf(2 * (float)M_PI * (float)i / SETTLE_SLOTS + phase)) *
			(0.7f + 0.3f * uniform(rng));
}

static void draw_job(struct settle_job *job, struct rng *rng, size_t hosts, size_t jobs)
{
	uint16_t release = (uint16_t)rng_below(rng, SETTLE_SLOTS / 2);
	float each = (float)jobs / (float)hosts; /* a third of what the hosts have, in all */
	*job = (struct settle_job){.host = (uint32_t)rng_below(rng, hosts),
		.release = release,
		.due = (uint16_t)(release + SETTLE_SLOTS / 2),
		.work = (0.5f + uniform(rng)) * SETTLE_SLOTS / 6 / each,
		.most = 0.3f};
	for (int tier = 0; tier < TIERS; tier++)
		job->width[tier] = TIERS / (float)hosts / 2;
}

int main(int argc, char **argv)
{
	size_t jobs = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	size_t hosts = argc > 2 ? strtoul(argv[2], NULL, 10) : 200;
	struct rng rng;
	rng_seed(&rng, 1);
	struct settle settle = {.hosts = calloc(hosts, sizeof(*settle.hosts)),
		.tiers = calloc(TIERS, sizeof(*settle.tiers)),
		.tier_count = TIERS,
		.jobs = calloc(jobs, sizeof(*settle.jobs)),
		.job_count = jobs,
		.order = calloc(jobs, sizeof(*settle.order))};
	if (!jobs || !hosts || !settle.hosts || !settle.tiers || !settle.jobs || !settle.order)
		return 1;
	for (size_t i = 0; i < hosts; i++)
		draw_device(&settle.hosts[i], &rng);
	for (size_t i = 0; i < TIERS; i++)
		draw_device(&settle.tiers[i], &rng);
	for (size_t i = 0; i < jobs; i++)
		draw_job(&settle.jobs[i], &rng, hosts, jobs);
	double start = cpu_now(), before = start;
	settle_order(&settle);
	for (int turn = 1; turn <= 3; turn++) {
		settle_turn(&settle);
		printf("turn %d: %.3f s CPU, cost %.2f\n", turn, cpu_now() - before,
			settle_cost(&settle));
		before = cpu_now();
	}
	printf("%zu jobs, %zu hosts, %d tiers: %.3f s CPU for a cold plan\n", jobs, hosts, TIERS,
		before - start);
	for (int i = 0; i < CHANGES; i++) {
		struct settle_job *job = &settle.jobs[rng_below(&rng, jobs)];
		settle_leave(&settle, job);
		job->work *= 1.1f;
		settle_job(&settle, job);
	}
	printf("a job that changed: %.1f us CPU\n", (cpu_now() - before) / CHANGES * 1e6);
	return 0;
}
