/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two engines for file I/O against each other, A B A B in one run: random reads of 4 KiB at
 * queue depths 1 and 32, past the page cache and from it, on a file in the current folder. CPU time
 * is that of the whole process, the engines' own threads included.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/why.h"
#include "os/aio.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/linux/world.h"
#include "os/loop.h"
#include "os/world.h"

enum { FILE_BLOCKS = 16384, DEPTH_MAX = 32, ROUNDS = 2 };

struct lane {
	struct aio_request request;
	struct run *run;
	void *bytes;
};

struct run {
	struct world *world;
	struct rng rng;
	uint64_t to_start, to_finish;
	struct lane lanes[DEPTH_MAX];
};

struct figures {
	double seconds, cpu_seconds;
};

static double cpu_seconds(void)
{
	struct rusage usage;
	must(getrusage(RUSAGE_SELF, &usage) == 0);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void start(struct lane *lane)
{
	struct run *run = lane->run;
	run->to_start--;
	lane->request.at = rng_below(&run->rng, FILE_BLOCKS) * DISK_BLOCK;
	must(aio_submit(run->world->aio, &lane->request) == 0);
}

static void on_done(struct aio_request *request, ssize_t result)
{
	struct lane *lane = container_of(request, struct lane, request);
	must(result == DISK_BLOCK);
	if (lane->run->to_start)
		start(lane);
	if (--lane->run->to_finish == 0)
		loop_stop(lane->run->world->loop);
}

static struct figures measure(
	struct linux_world *lw, struct file *file, unsigned depth, uint64_t ops)
{
	struct world *world = linux_world(lw);
	struct run run = {.world = world, .to_start = ops, .to_finish = ops};
	rng_seed(&run.rng, depth);
	for (unsigned i = 0; i < depth; i++) {
		struct lane *lane = &run.lanes[i];
		lane->run = &run;
		lane->bytes = aligned_alloc(DISK_BLOCK, DISK_BLOCK);
		must(lane->bytes);
		lane->request = (struct aio_request){
			.kind = AIO_READ,
			.file = file,
			.bytes = lane->bytes,
			.len = DISK_BLOCK,
			.done = on_done,
		};
	}
	double cpu = cpu_seconds();
	int64_t begin_ns = clock_mono_ns(world->clock);
	for (unsigned i = 0; i < depth; i++)
		start(&run.lanes[i]);
	linux_run(lw);
	struct figures figures = {
		.seconds = (double)(clock_mono_ns(world->clock) - begin_ns) / 1e9,
		.cpu_seconds = cpu_seconds() - cpu,
	};
	for (unsigned i = 0; i < depth; i++)
		free(run.lanes[i].bytes);
	return figures;
}

static void fill_file(struct disk *disk)
{
	OWN(file_close_own) struct file *file = NULL;
	char block[DISK_BLOCK];
	memset(block, 'x', sizeof(block));
	must(disk_open(disk, "data", FILE_READ | FILE_WRITE | FILE_CREATE, &file) == 0);
	for (uint64_t i = 0; i < FILE_BLOCKS; i++)
		must(file_write_full(file, block, sizeof(block), i * sizeof(block)) == 0);
	must(file_sync(file) == 0);
}

static void compare(
	struct linux_world *worlds[2], const char *label, unsigned flags, unsigned depth)
{
	struct figures best[2] = {{.seconds = 1e9}, {.seconds = 1e9}};
	uint64_t ops = depth == 1 ? 20000 : 100000;
	for (int i = 0; i < 2 * ROUNDS; i++) {
		OWN(file_close_own) struct file *file = NULL;
		struct world *world = linux_world(worlds[i % 2]);
		if (disk_open(world->disk, "data", FILE_READ | flags, &file)) {
			printf("%-7s not to be had on this file system\n", label);
			return;
		}
		struct figures now = measure(worlds[i % 2], file, depth, ops);
		printf("%-7s %3u %-9s %8" PRIu64 " %10.0f %10.2f\n", label, depth,
			aio_name(world->aio), ops, (double)ops / now.seconds,
			now.cpu_seconds * 1e6 / (double)ops);
		if (now.seconds < best[i % 2].seconds)
			best[i % 2] = now;
	}
	printf("%-7s %3u ratio              %10.2f %10.2f\n", label, depth,
		best[1].seconds / best[0].seconds, best[0].cpu_seconds / best[1].cpu_seconds);
}

static void run_all(const char *folder)
{
	struct linux_world *worlds[2];
	struct why why = {0};
	for (int i = 0; i < 2; i++) {
		const struct linux_options options = {.no_uring = i == 1};
		if (linux_world_open(folder, &options, &worlds[i], &why)) {
			fprintf(stderr, "bench_aio: %s\n", why.text);
			exit(1);
		}
	}
	fill_file(linux_world(worlds[0])->disk);
	printf("%-7s %3s %-9s %8s %10s %10s\n", "reads", "QD", "engine", "ops", "ops/s",
		"CPU us/op");
	compare(worlds, "direct", FILE_DIRECT, 1);
	compare(worlds, "direct", FILE_DIRECT, 32);
	compare(worlds, "cached", 0, 1);
	compare(worlds, "cached", 0, 32);
	must(disk_unlink(linux_world(worlds[0])->disk, "data") == 0);
	linux_world_close(worlds[0]);
	linux_world_close(worlds[1]);
}

int main(void)
{
	char folder[] = "bench-aio-XXXXXX";
	struct rusage usage;
	must(mkdtemp(folder));
	run_all(folder);
	must(rmdir(folder) == 0);
	must(getrusage(RUSAGE_SELF, &usage) == 0);
	printf("peak memory %ld KiB\n", usage.ru_maxrss);
	return 0;
}
