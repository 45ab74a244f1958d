/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine costs for each 4 KiB that lies in the page cache: without and with sums, without
 * and with 1,000 snapshots; and what 1,000 open engines take. Processor time and, where the kernel
 * counts them for us, instructions of this program.
 *
 * usage: bench_engine [FOLDER]   a new one in /dev/shm
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/container.h"
#include "base/rng.h"
#include "base/units.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/linux/disk.h"
#include "os/linux/world.h"
#include "os/loop.h"
#include "os/world.h"
#include "vol/engine.h"
#include "vol/map.h"
#include "vol/volume.h"

enum { BLOCKS = 65536, ASKED = 200000, SNAPSHOTS = 1000, ENGINES = 1000 };

struct bench {
	struct linux_world *lw;
	struct world *world;
	struct engine_pool *pool;
	struct engine *engine;
	struct rng rng;
	int counter;
	int waits; /* answers */
	struct engine_request request;
	struct engine_act act;
	uint8_t bytes[VOL_BLOCK];
};

static void fail(const char *what, const struct why *why)
{
	fprintf(stderr, "bench_engine: %s: %s\n", what, why ? why->text : "");
	exit(1);
}

static int open_counter(void)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.exclude_kernel = 1};
	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static double instructions(const struct bench *bench)
{
	uint64_t count = 0;
	if (bench->counter < 0 || read(bench->counter, &count, sizeof(count)) != sizeof(count))
		return 0;
	return (double)count;
}

static double cpu_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long all = 0, here = 0;
	if (!file || fscanf(file, "%lu %lu", &all, &here) != 2)
		fail("/proc/self/statm", NULL);
	fclose(file);
	return (double)here * 4096 / (1 << 20);
}

/* ---- one volume ---- */

static void answered(struct bench *bench, int err)
{
	if (err)
		fail(strerror(-err), NULL);
	if (--bench->waits == 0)
		loop_stop(bench->world->loop);
}

static void on_request(struct engine_request *request, int err)
{
	answered(container_of(request, struct bench, request), err);
}

static void on_act(struct engine_act *act, int err, const struct why *why)
{
	if (err)
		fail("act", why);
	answered(container_of(act, struct bench, act), 0);
}

static void submit(struct bench *bench, enum engine_kind kind, uint64_t at, uint64_t len)
{
	bench->waits = 2;
	bench->request = (struct engine_request){.kind = kind,
		.allocate = true,
		.at = at,
		.len = len,
		.bytes = bench->bytes,
		.done = on_request};
	engine_submit(bench->engine, &bench->request);
	if (--bench->waits)
		linux_run(bench->lw);
}

static void act(struct bench *bench, enum engine_act_kind kind, const char *name)
{
	bench->waits = 2;
	bench->act = (struct engine_act){.kind = kind, .name = name, .done = on_act};
	engine_do(bench->engine, &bench->act);
	if (--bench->waits)
		linux_run(bench->lw);
}

/* At once where that is possible, as a server does it. */
static unsigned ask(struct bench *bench, enum engine_kind kind)
{
	uint64_t at = rng_below(&bench->rng, BLOCKS) * VOL_BLOCK;
	const struct engine_request request = {
		.kind = kind, .at = at, .len = VOL_BLOCK, .bytes = bench->bytes};
	int err = engine_now(bench->engine, &request);
	if (err && err != -EAGAIN)
		fail(strerror(-err), NULL);
	if (err)
		submit(bench, kind, at, VOL_BLOCK);
	return err != 0;
}

static void measure(struct bench *bench, enum engine_kind kind, const char *what)
{
	unsigned slow = 0;
	for (int i = 0; i < ASKED / 10; i++)
		(void)ask(bench, kind);
	double begin = instructions(bench), from = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
	for (int i = 0; i < ASKED; i++)
		slow += ask(bench, kind);
	double ns = cpu_ns(CLOCK_THREAD_CPUTIME_ID) - from, count = instructions(bench) - begin;
	printf("%-44s %7.0f ns, %6.0f instructions, %u not at once\n", what, ns / ASKED,
		count / ASKED, slow);
}

static void begin(struct bench *bench, const char *folder, bool no_sums)
{
	struct why why;
	if (linux_world_open(folder, &(struct linux_options){0}, &bench->lw, &why))
		fail(folder, &why);
	bench->world = linux_world(bench->lw);
	const struct volume_options how = {.disk = bench->world->disk,
		.identity = "a volume, timed",
		.make_size = (uint64_t)BLOCKS * VOL_BLOCK,
		.no_sums = no_sums};
	struct volume *volume;
	if (volume_open(&how, &volume, &why))
		fail("volume", &why);
	if (engine_pool_new(bench->world, &bench->pool) ||
		engine_open(bench->pool, volume, &bench->engine))
		fail("engine", NULL);
	submit(bench, ENGINE_ZERO, 0, (uint64_t)BLOCKS * VOL_BLOCK);
	submit(bench, ENGINE_FLUSH, 0, 0);
}

static void end(struct bench *bench)
{
	static const char *const files[] = {"data", "sums", "map", "map.lock", "map.new"};
	struct why why;
	if (engine_end(bench->engine, &why))
		fail("end", &why);
	engine_pool_free(bench->pool);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		(void)disk_unlink(bench->world->disk, files[i]);
	linux_world_close(bench->lw);
}

static void measure_volume(struct bench *bench, const char *folder, bool no_sums)
{
	char name[16];
	begin(bench, folder, no_sums);
	printf("%s\n", no_sums ? "without sums" : "with sums");
	measure(bench, ENGINE_READ, "  random read");
	measure(bench, ENGINE_WRITE, "  random write");
	for (int i = 0; i < SNAPSHOTS; i++) {
		for (int n = 0; n < 64; n++)
			(void)ask(bench, ENGINE_WRITE);
		snprintf(name, sizeof(name), "s%d", i);
		act(bench, ENGINE_CUT, name);
	}
	measure(bench, ENGINE_READ, "  random read, 1,000 snapshots");
	measure(bench, ENGINE_WRITE, "  random write, 1,000 snapshots");
	end(bench);
}

/* ---- many ---- */

static void measure_many(struct bench *bench, const char *folder)
{
	static struct engine *engines[ENGINES];
	static struct linux_disk disks[ENGINES];
	char path[300];
	struct why why;
	if (linux_world_open(folder, &(struct linux_options){0}, &bench->lw, &why))
		fail(folder, &why);
	bench->world = linux_world(bench->lw);
	if (engine_pool_new(bench->world, &bench->pool))
		fail("pool", NULL);
	double before = resident();
	for (int i = 0; i < ENGINES; i++) {
		struct volume *volume;
		snprintf(path, sizeof(path), "%s/%d", folder, i);
		if (mkdir(path, 0700) || linux_disk_init(&disks[i], path, &why))
			fail(path, &why);
		const struct volume_options how = {.disk = &disks[i].base,
			.identity = "one of so many",
			.make_size = UINT64_C(1) << 30};
		if (volume_open(&how, &volume, &why) ||
			engine_open(bench->pool, volume, &engines[i]))
			fail("open", &why);
		engine_clean(engines[i], 2 * NS_PER_MS);
		engine_scrub(engines[i], UINT64_C(8) << 20);
	}
	printf("%d engines of 1 GiB: %.1f KiB each\n", ENGINES,
		(resident() - before) * 1024 / ENGINES);
	for (int i = 0; i < ENGINES; i++) {
		bench->engine = engines[i];
		submit(bench, ENGINE_WRITE, 0, VOL_BLOCK);
	}
	double from = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
	for (int i = 0; i < ASKED; i++) {
		const struct engine_request request = {
			.kind = ENGINE_READ, .len = VOL_BLOCK, .bytes = bench->bytes};
		if (engine_now(engines[rng_below(&bench->rng, ENGINES)], &request))
			fail("read", NULL);
	}
	printf("  read of any of them %23.0f ns; %.1f KiB each by now\n",
		(cpu_ns(CLOCK_THREAD_CPUTIME_ID) - from) / ASKED,
		(resident() - before) * 1024 / ENGINES);
	linux_world_close(bench->lw);
}

int main(int argc, char **argv)
{
	static struct bench bench;
	char made[] = "/dev/shm/bench-engine-XXXXXX";
	const char *folder = argc > 1 ? argv[1] : mkdtemp(made);
	if (!folder)
		fail("/dev/shm", NULL);
	rng_seed(&bench.rng, 1);
	bench.counter = open_counter();
	measure_volume(&bench, folder, true);
	measure_volume(&bench, folder, false);
	measure_many(&bench, folder);
	printf("memory for 1 TiB that is fully written: bench_map\n");
	return 0;
}
