/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the map and the sums of a volume cost: finding a block among 0 to 1,000 snapshots, placing a
 * write, memory and time to open a volume of 1 TiB that is fully written, and a sum per block.
 *
 * usage: bench_map [FOLDER]   for the journal of that volume, 81 MiB; a new one in /tmp
 */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/linux/disk.h"
#include "store/journal.h"
#include "vol/record.h"
#include "vol/sums.h"
#include "vol/volume.h"

#define TIB (UINT64_C(1) << 40)

enum { FINDS = 2000000, PLACES = 200000, AT_ONCE = 200 };

static void fail(const char *what)
{
	fprintf(stderr, "bench_map: %s\n", what);
	exit(1);
}

static double cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double wall_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Memory of this process now, in MiB. */
static double resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long all = 0, here = 0;
	if (!file || fscanf(file, "%lu %lu", &all, &here) != 2)
		fail("/proc/self/statm");
	fclose(file);
	return (double)here * 4096 / (1 << 20);
}

static void write_block(struct vol_map *map, uint64_t block)
{
	uint32_t slot;
	if (map_place(map, (uint32_t)(block / VOL_EXTENT_BLOCKS), &slot))
		fail("map_place");
	map_wrote(map, slot, UINT64_C(1) << block % VOL_EXTENT_BLOCKS);
}

static double time_finds(const struct vol_map *map, uint32_t view, struct rng *rng)
{
	uint64_t blocks = map->size / VOL_BLOCK, sum = 0;
	double start = cpu_ns();
	for (unsigned i = 0; i < FINDS; i++)
		sum += map_find(map, view, rng_below(rng, blocks)).slot;
	double ns = (cpu_ns() - start) / FINDS;
	if (sum == 1)
		fail("unlikely");
	return ns;
}

/*
 * A volume that was fully written once; after each snapshot a block of every extent is written, so
 * that each extent has a slot more for each snapshot: the worst there is.
 */
static void find_with_snapshots(unsigned snapshots)
{
	enum { EXTENTS = 2048 };
	struct vol_map map;
	struct rng rng;
	char name[20];
	rng_seed(&rng, 1);
	double before = resident();
	if (map_begin(&map, (uint64_t)EXTENTS * VOL_EXTENT))
		fail("map_begin");
	for (uint64_t block = 0; block < EXTENTS * VOL_EXTENT_BLOCKS; block++)
		write_block(&map, block);
	for (unsigned i = 0; i < snapshots; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		if (map_cut(&map, name, 0))
			fail("map_cut");
		for (uint64_t extent = 0; extent < EXTENTS; extent++)
			write_block(&map, extent * VOL_EXTENT_BLOCKS + rng_below(&rng, 64));
	}
	double now = time_finds(&map, map.era, &rng);
	double old = time_finds(&map, map.era / 2 + 1, &rng), start = cpu_ns();
	for (unsigned i = 0; i < PLACES; i++)
		write_block(&map, rng_below(&rng, (uint64_t)EXTENTS * VOL_EXTENT_BLOCKS));
	double place = (cpu_ns() - start) / PLACES;
	printf("%5u snapshots: find %6.1f ns, in the snapshot in the middle %6.1f ns, "
	       "place and write %6.1f ns, %5.1f bytes a slot\n",
		snapshots, now, old, place,
		(resident() - before) * (1 << 20) / (double)map.slots.len);
	fflush(stdout);
	map_end(&map);
}

/* ---- 1 TiB ---- */

static int no_record(void *arg, const struct journal_record *record, struct why *why)
{
	(void)arg;
	(void)record;
	return why_set(why, -EEXIST, "a journal is there already");
}

static void write_journal(struct disk *disk, const uint8_t identity[16])
{
	struct journal_options how = {.disk = disk,
		.name = "map",
		.label = {.kind = "vmap", .version = 1},
		.create = true};
	struct journal *journal;
	struct why why;
	uint8_t record[AT_ONCE * RECORD_SLOT_SIZE];
	memcpy(how.label.identity, identity, 16);
	if (journal_open(&how, no_record, NULL, &journal, &why))
		fail(why.text);
	size_t len = record_put_made(record, TIB, true);
	int err = journal_append(journal, RECORD_MADE, record, len, &why);
	len = 0;
	for (uint32_t n = 0; !err && n < TIB / VOL_EXTENT; n++) {
		const struct map_slot slot = {.extent = n, .era = 1, .present = UINT64_MAX};
		record_put_slot(record + len, n, &slot);
		len += RECORD_SLOT_SIZE;
		if (len < sizeof(record) && n + 1 < TIB / VOL_EXTENT)
			continue;
		err = journal_append(journal, RECORD_SLOTS, record, len, &why);
		len = 0;
	}
	if (err || journal_sync(journal, &why))
		fail(why.text);
	printf("    1 TiB fully written: journal of %.1f MiB\n",
		(double)journal_facts(journal).size / (1 << 20));
	journal_close(journal);
}

static void touch(struct disk *disk, const char *name)
{
	struct file *file;
	if (disk_open(disk, name, FILE_WRITE | FILE_CREATE, &file))
		fail(name);
	file_close(file);
}

static void open_tebibyte(struct disk *disk, const uint8_t identity[16])
{
	struct volume_options options = {.disk = disk};
	struct volume *volume;
	struct why why;
	struct rng rng;
	rng_seed(&rng, 1);
	memcpy(options.identity, identity, 16);
	double before = resident(), start = wall_ms(), cpu = cpu_ns();
	if (volume_open(&options, &volume, &why))
		fail(why.text);
	printf("    opened in %.0f ms (%.0f ms of CPU), %.1f MiB of memory\n", wall_ms() - start,
		(cpu_ns() - cpu) / 1e6, resident() - before);
	printf("    find %.1f ns\n", time_finds(volume_map(volume), volume_map(volume)->era, &rng));
	volume_close(volume);
}

/* In a process of its own: what memory was used before does not count. */
static void in_child(void (*work)(struct disk *disk, const uint8_t identity[16]), struct disk *disk)
{
	static const uint8_t identity[16] = "a whole tebibyte";
	int status = 0;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		work(disk, identity);
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		fail("a child failed");
}

static void prepare(struct disk *disk, const uint8_t identity[16])
{
	write_journal(disk, identity);
	touch(disk, "data");
	touch(disk, "sums");
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
	(void)stat;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void time_sums(void)
{
	enum { SUMS = 200000, BLOCKS = 1024 };
	uint8_t *bytes = calloc(BLOCKS, VOL_BLOCK);
	struct sums sums;
	uint32_t all = 0;
	if (!bytes)
		fail("no memory");
	sums_begin(&sums, bytes, 1);
	double start = cpu_ns();
	for (uint32_t i = 0; i < SUMS; i++)
		all ^= sum_of_block(&sums, i, i % 64, bytes + (size_t)(i % BLOCKS) * VOL_BLOCK);
	double ns = (cpu_ns() - start) / SUMS;
	printf("    a sum of 4 KiB: %.0f ns, %.1f GB/s%s\n", ns, VOL_BLOCK / ns, all ? "" : " ");
	sums_end(&sums);
	free(bytes);
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/bench_map.XXXXXX";
	const char *root = argc > 1 ? argv[1] : mkdtemp(folder);
	static const unsigned counts[] = {0, 10, 100, 1000};
	struct linux_disk disk;
	struct why why;
	if (!root || linux_disk_init(&disk, root, &why))
		fail("no folder");
	in_child(prepare, &disk.base);
	for (int i = 0; i < 3; i++)
		in_child(open_tebibyte, &disk.base);
	for (size_t i = 0; i < 4; i++)
		find_with_snapshots(counts[i]);
	time_sums();
	linux_disk_done(&disk);
	return argc > 1 ? 0 : nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
