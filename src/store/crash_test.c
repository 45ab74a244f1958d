/* SPDX-License-Identifier: Apache-2.0 */
/* Running crash scenarios, and the disk that stops when its process is killed. */
#include "store/crash_test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/container.h"
#include "base/rng.h"
#include "base/sanitized.h"

/* Where the first life of the exploration under way is killed, and whether it came so far. */
static unsigned kill_at, kill_half;
static bool was_killed, was_halved;
static bool thorough;

enum { SECTOR = 512 };

struct life_file {
	struct file file;
	struct file *real;
	struct life *life;
};

/* Before a change: whether the process still lives. */
static bool may_change(struct life *life)
{
	life->changes++;
	if (life->kill_at && life->changes >= life->kill_at)
		life->killed = was_killed = true;
	return !life->killed;
}

static struct life *life_of(struct disk *disk)
{
	return container_of(disk, struct life, disk);
}

static struct life_file *file_of(struct file *file)
{
	return container_of(file, struct life_file, file);
}

static ssize_t on_read(struct file *file, void *bytes, size_t len, uint64_t at)
{
	return file_read_at(file_of(file)->real, bytes, len, at);
}

static ssize_t on_write(struct file *file, const void *bytes, size_t len, uint64_t at)
{
	struct life *life = file_of(file)->life;
	struct file *real = file_of(file)->real;
	bool lived = !life->killed;
	if (may_change(life))
		return file_write_at(real, bytes, len, at);
	/* Halves that end on a sector's boundary, as all that reaches a disk. */
	uint64_t middle = (at + len / 2) / SECTOR * SECTOR;
	if (lived && life->half && middle > at) {
		was_halved = true;
		if (life->half == 1)
			(void)file_write_full(real, bytes, middle - at, at);
		else
			(void)file_write_full(real, (const char *)bytes + (middle - at),
				len - (middle - at), middle);
	}
	return -EIO;
}

static int on_sync(struct file *file)
{
	return may_change(file_of(file)->life) ? file_sync(file_of(file)->real) : -EIO;
}

static int on_truncate(struct file *file, uint64_t size)
{
	return may_change(file_of(file)->life) ? file_truncate(file_of(file)->real, size) : -EIO;
}

static int on_size(struct file *file, uint64_t *ret_size)
{
	return file_size(file_of(file)->real, ret_size);
}

static int on_lock(struct file *file)
{
	return file_lock(file_of(file)->real);
}

static void on_close(struct file *file)
{
	file_close(file_of(file)->real);
	free(file_of(file));
}

static int on_open(struct disk *disk, const char *name, unsigned flags, struct file **ret_file)
{
	static const struct file_ops ops = {.read_at = on_read,
		.write_at = on_write,
		.sync = on_sync,
		.truncate = on_truncate,
		.size = on_size,
		.lock = on_lock,
		.close = on_close};
	struct life *life = life_of(disk);
	if ((flags & FILE_CREATE) && !may_change(life))
		return -EIO;
	struct life_file *file = calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	int err = disk_open(life->real, name, flags, &file->real);
	if (err) {
		free(file);
		return err;
	}
	file->file.ops = &ops;
	file->life = life;
	*ret_file = &file->file;
	return 0;
}

static int on_rename(struct disk *disk, const char *from, const char *to)
{
	return may_change(life_of(disk)) ? disk_rename(life_of(disk)->real, from, to) : -EIO;
}

static int on_unlink(struct disk *disk, const char *name)
{
	return may_change(life_of(disk)) ? disk_unlink(life_of(disk)->real, name) : -EIO;
}

static int on_mkdir(struct disk *disk, const char *name)
{
	return may_change(life_of(disk)) ? disk_mkdir(life_of(disk)->real, name) : -EIO;
}

static int on_rmdir(struct disk *disk, const char *name)
{
	return may_change(life_of(disk)) ? disk_rmdir(life_of(disk)->real, name) : -EIO;
}

static int on_list(struct disk *disk, const char *dir, disk_list_fn *fn, void *arg)
{
	return disk_list(life_of(disk)->real, dir, fn, arg);
}

static int on_sync_dir(struct disk *disk, const char *dir)
{
	struct life *life = life_of(disk);
	if (!may_change(life))
		return -EIO;
	return disk_sync_dir(life->real, dir);
}

void life_begin(struct life *life, const struct world *world, unsigned number)
{
	static const struct disk_ops ops = {.open = on_open,
		.rename = on_rename,
		.unlink = on_unlink,
		.mkdir = on_mkdir,
		.rmdir = on_rmdir,
		.sync_dir = on_sync_dir,
		.list = on_list};
	*life = (struct life){.world = *world, .real = world->disk};
	life->disk.ops = &ops;
	life->world.disk = &life->disk;
	life->kill_at = number == 1 ? kill_at : 0;
	life->half = kill_half;
}

void crash_content(unsigned char *bytes, size_t len, unsigned step, unsigned life)
{
	struct rng rng;
	rng_seed(&rng, step * 1000u + life);
	rng_fill(&rng, bytes, len);
}

/* Sums over the explorations of a case. */
struct tally {
	uint64_t operations, points, states, exhausted, faults, allocations;
	unsigned kills;
};

static void add(struct tally *tally, const struct explore_report *report)
{
	tally->operations += report->operations;
	tally->points += report->crash_points;
	tally->states += report->states;
	tally->exhausted += report->exhausted;
	tally->faults += report->faults;
	tally->allocations += report->allocations;
}

/*
 * Under a sanitizer an exploration looks for what the code does in each state, of which every few
 * are like all: the build without one has looked for what it loses.
 */
static struct explore_options options_of(const struct crash_case *one)
{
	struct explore_options options = kill_at ? one->killed : one->options;
	if (is_sanitized() && !thorough) {
		options.exhaustive = 1 + options.exhaustive / 8;
		options.samples = 1 + options.samples / 8;
		options.one_fault_in = 4;
		options.which = kill_at;
	}
	return options;
}

/* One exploration. True: a violation, which the report tells. */
static bool explore_once(
	const struct crash_case *one, struct tally *tally, struct explore_report *report)
{
	struct explore_options options = options_of(one);
	was_killed = was_halved = false;
	int err = explore(one->scenario, &options, report);
	add(tally, report);
	if (err == -ENOMEM)
		snprintf(report->violation, sizeof(report->violation), "no memory");
	return err != 0;
}

static bool explore_case(
	const struct crash_case *one, struct tally *tally, struct explore_report *report)
{
	*tally = (struct tally){0};
	unsigned stride = thorough ? 1 : is_sanitized() ? 3 * one->kills : one->kills;
	kill_at = kill_half = 0;
	if (explore_once(one, tally, report))
		return true;
	while (one->kills) {
		kill_at += stride;
		for (kill_half = 0; kill_half <= 2; kill_half++) {
			if (explore_once(one, tally, report))
				return true;
			if (!was_killed)
				return false;
			tally->kills++;
			if (kill_half && !was_halved)
				break;
		}
	}
	return false;
}

static double cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static bool explore_well(const struct crash_case *one)
{
	struct tally tally;
	struct explore_report report;
	double start = cpu_seconds();
	bool violated = explore_case(one, &tally, &report);
	double seconds = cpu_seconds() - start;
	printf("# %s: %" PRIu64 " operations, %" PRIu64 " crash points (%" PRIu64
	       " exhausted), %" PRIu64 " states, %" PRIu64 " failed operations, %" PRIu64
	       " failed allocations, %u kills; %.1f s, %.1f M states an hour\n",
		one->scenario->name, tally.operations, tally.points, tally.exhausted, tally.states,
		tally.faults, tally.allocations, tally.kills, seconds,
		(double)tally.states / (seconds + 1e-9) * 3600e-6);
	if (violated)
		printf("# %s\n# repeat: --repeat %s '%s' %u %u\n", report.violation,
			one->scenario->name, report.repeat, kill_at, kill_half);
	return !violated;
}

static bool explore_planted(const struct crash_case *one)
{
	struct tally tally;
	struct explore_report report;
	double start = cpu_seconds();
	bool violated = explore_case(one, &tally, &report);
	printf("# %s: %s after %" PRIu64 " states, %.2f s%s%s\n", one->scenario->name,
		violated ? "found" : "NOT found", tally.states, cpu_seconds() - start,
		violated ? ": " : "", violated ? report.violation : "");
	return violated;
}

static const struct crash_case *find_case(
	const struct crash_case *cases, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(cases[i].scenario->name, name) == 0)
			return &cases[i];
	fprintf(stderr, "no case %s\n", name);
	exit(2);
}

static int repeat(char **argv, const struct crash_case *one)
{
	struct explore_report report;
	kill_at = (unsigned)strtoul(argv[4], NULL, 10);
	kill_half = (unsigned)strtoul(argv[5], NULL, 10);
	struct explore_options options = options_of(one);
	options.repeat = argv[3];
	int err = explore(one->scenario, &options, &report);
	printf("%s\n", err ? report.violation : "no violation");
	return err != 0;
}

int crash_main(int argc, char **argv, const struct crash_case *cases, size_t count)
{
	int failed = 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 6 && strcmp(argv[1], "--repeat") == 0)
		return repeat(argv, find_case(cases, count, argv[2]));
	thorough = argc == 2 && strcmp(argv[1], "--thorough") == 0;
	printf("TAP version 13\n");
	if (argc >= 3 && strcmp(argv[1], "--planted") == 0) {
		bool found = false;
		for (int i = 2; i < argc && !found; i++)
			found = explore_planted(find_case(cases, count, argv[i]));
		printf("1..1\n%s 1 - the planted bug is found\n", found ? "ok" : "not ok");
		return !found;
	}
	size_t shown = 0;
	for (size_t i = 0; i < count; i++) {
		if (cases[i].for_planted)
			continue;
		bool ok = explore_well(&cases[i]);
		printf("%s %zu - %s\n", ok ? "ok" : "not ok", ++shown, cases[i].scenario->name);
		failed += !ok;
	}
	printf("1..%zu\n", shown);
	return failed != 0;
}
