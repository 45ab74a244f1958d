/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an image costs: 64 MiB of data in sparse images of 1 GiB to 1 TiB, then a fixed change of
 * 256 blocks of 4 KiB, saved with and without a map of changes. Cost should grow with the change.
 *
 * usage: bench_image [FOLDER]
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/container.h"
#include "base/rng.h"
#include "base/why.h"
#include "chunk/test_world.h"
#include "os/disk.h"
#include "os/files.h"
#include "os/linux/crew.h"
#include "os/linux/disk.h"
#include "os/linux/files.h"
#include "place/dir.h"
#include "place/place.h"
#include "repo/repo.h"
#include "ship/changed.h"
#include "ship/image.h"

enum { DATA_CHUNKS = 256, CHANGES = 256 };

struct bench {
	char folder[256], path[300];
	struct folder *in;
	struct file *file;
	struct image_ranges data;
	struct repo_world world;
	struct test_dice dice;
	struct test_clock clock;
	struct linux_disk disk;
	struct linux_crew *crew;
	uint8_t secret[SECRET_SIZE];
	struct why why;
	uint64_t size;
	struct rng rng;
};

static void fail(const char *what, const struct why *why)
{
	fprintf(stderr, "bench_image: %s: %s\n", what, why ? why->text : strerror(errno));
	exit(1);
}

static int next_data(struct image_ranges *ranges, uint64_t at, uint64_t *from, uint64_t *to)
{
	struct bench *b = container_of(ranges, struct bench, data);
	return folder_data_after(b->in, b->file, at, from, to);
}

/* Half of a block compresses. */
static void write_some(struct bench *b, uint64_t at, size_t len)
{
	static uint8_t bytes[MAP_CHUNK];
	for (size_t i = 0; i < len; i += MAP_BLOCK) {
		rng_fill(&b->rng, bytes + i, MAP_BLOCK / 2);
		memset(bytes + i + MAP_BLOCK / 2, 'x', MAP_BLOCK / 2);
	}
	if (file_write_full(b->file, bytes, len, at))
		fail("writing the image", NULL);
}

static double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void save(struct bench *b, const char *what, struct image_ranges *changed)
{
	struct repo *repo;
	struct point point;
	struct image_result result;
	struct image_options how = {.file = b->file,
		.size = b->size,
		.data = &b->data,
		.changed = changed,
		.resource = "image/bench",
		.host = "",
		.path = b->path,
		.writer = ""};
	double before = cpu_seconds();
	if (repo_open(&b->world, b->secret, 0, &repo, &b->why) ||
		backup_image(repo, &b->clock.clock, &how, &point, &result, &b->why))
		fail(what, &b->why);
	repo_close(repo);
	printf("%6" PRIu64 " GiB  %-12s %7.3f CPU s  %9.2f MiB read  %8.3f MiB written\n",
		b->size >> 30, what, cpu_seconds() - before, (double)point.read_bytes / 1048576,
		(double)point.written_bytes / 1048576);
	fflush(stdout);
}

static int by_offset(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Changes blocks of the data, and says where. */
static void change(struct bench *b, const uint64_t *chunks, struct changed *ret_changed)
{
	static char text[CHANGES * 32];
	uint64_t at[CHANGES], last = UINT64_MAX;
	size_t len = 0;
	for (int i = 0; i < CHANGES; i++)
		at[i] = chunks[rng_below(&b->rng, DATA_CHUNKS)] * MAP_CHUNK +
			rng_below(&b->rng, MAP_BLOCKS) * MAP_BLOCK;
	qsort(at, CHANGES, sizeof(at[0]), by_offset);
	for (int i = 0; i < CHANGES; i++) {
		if (at[i] == last)
			continue;
		last = at[i];
		write_some(b, last, MAP_BLOCK);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%" PRIu64 ",4096\n", last);
	}
	if (changed_read(text, len, ret_changed, &b->why))
		fail("the map of changes", &b->why);
}

static void open_all(struct bench *b)
{
	static const struct repo_options options = {.parity_percent = 3};
	struct files files = linux_files();
	char store[300];
	test_world_init(&b->dice, &b->clock, 1);
	snprintf(store, sizeof(store), "%s/repo", b->folder);
	snprintf(b->path, sizeof(b->path), "%s/disk.img", b->folder);
	b->data.next = next_data;
	b->world.dice = &b->dice.dice;
	b->world.clock = &b->clock.clock;
	if (files_open(&files, b->folder, &b->in) ||
		folder_make_file(b->in, "disk.img", &b->file) || file_truncate(b->file, b->size))
		fail("making the image", NULL);
	if (linux_disk_init(&b->disk, store, &b->why) ||
		place_dir_open(&b->disk.base, &b->world.place) ||
		linux_crew_open(2, &b->crew, &b->why) ||
		repo_init(&b->world, &options, b->secret, &b->why))
		fail("making the repository", &b->why);
	b->world.crew = linux_crew(b->crew);
}

static void run(struct bench *b)
{
	static uint64_t chunks[DATA_CHUNKS];
	struct changed changed;
	rng_seed(&b->rng, 7);
	open_all(b);
	for (uint64_t i = 0; i < DATA_CHUNKS; i++) {
		chunks[i] = i * (map_chunks(b->size) / DATA_CHUNKS);
		write_some(b, chunks[i] * MAP_CHUNK, MAP_CHUNK);
	}
	save(b, "first", NULL);
	change(b, chunks, &changed);
	save(b, "with a map", &changed.ranges);
	changed_done(&changed);
	change(b, chunks, &changed);
	save(b, "without", NULL);
	changed_done(&changed);
	save(b, "no change", NULL);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int main(int argc, char **argv)
{
	static const uint64_t sizes[] = {1, 4, 16, 1024};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		static struct bench b;
		int status;
		struct rusage usage;
		b.size = sizes[i] << 30;
		snprintf(b.folder, sizeof(b.folder), "%.200s/ebb-bench-image-XXXXXX",
			argc > 1 ? argv[1] : "/tmp");
		if (!mkdtemp(b.folder))
			fail(b.folder, NULL);
		pid_t child = fork();
		if (child == 0) {
			run(&b);
			_exit(0);
		}
		bool waited = child > 0 && wait4(child, &status, 0, &usage) == child;
		nftw(b.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
		if (!waited || status)
			fail("the run", NULL);
		printf("%6" PRIu64 " GiB  peak memory %ld MiB\n", sizes[i], usage.ru_maxrss / 1024);
		fflush(stdout);
	}
	return 0;
}
