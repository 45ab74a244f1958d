/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an index of so many chunks costs: `index FOLDER memory|disk MILLIONS`. In memory, or in a
 * run in the folder, which is made first, and opened again by a process of its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/why.h"
#include "os/dice.h"
#include "os/disk.h"
#include "os/linux/dice.h"
#include "os/linux/disk.h"
#include "repo/gather.h"

enum { PER_PACK = 16, LOOKS = 1 << 20 };

struct bench {
	struct linux_disk folder;
	struct dice dice;
	struct index_disk disk;
	uint64_t chunks;
};

static double cpu_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static long memory_kib(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static struct digest digest_number(uint64_t i)
{
	struct digest digest;
	struct rng rng;
	rng_seed(&rng, i);
	rng_fill(&rng, digest.b, sizeof(digest.b));
	return digest;
}

/* The index object that tells of the chunks from `first` on, as many as one may. */
static uint8_t *make_body(const struct bench *b, uint64_t first, size_t *ret_len)
{
	OWN(index_done) struct index index = {0};
	uint8_t *body;
	uint32_t pack = 0, next;
	for (uint64_t i = first; i < b->chunks && i < first + INDEX_OBJECT_ENTRIES; i++) {
		struct index_pack known = {.kind = OBJECT_DATA};
		memcpy(known.id.b, &i, sizeof(i));
		if (i % PER_PACK == 0)
			must(!index_add_pack(&index, &known, &pack));
		struct pack_entry at = {.digest = digest_number(i),
			.kind = CHUNK_CONTENT,
			.segment = i % PER_PACK,
			.offset = (uint32_t)(i % PER_PACK) << 20,
			.length = 1 << 20,
			.plain_length = 1 << 20};
		must(!index_add(&index, pack, &at));
	}
	must(!index_put(&index, 0, &body, ret_len, &next) && next == index.packs.len);
	return body;
}

static void look(const struct index *index, const char *what, uint64_t from, uint64_t below)
{
	struct digest *wanted = calloc(LOOKS, sizeof(*wanted));
	struct rng rng;
	size_t known = 0;
	must(wanted);
	rng_seed(&rng, 7);
	for (size_t i = 0; i < LOOKS; i++)
		wanted[i] = digest_number(from + rng_below(&rng, below));
	double start = cpu_seconds();
	for (size_t i = 0; i < LOOKS; i++) {
		struct index_entry entry;
		int found = index_find(index, &wanted[i], &entry);
		must(found >= 0);
		known += found == 1;
	}
	printf("%s: %.2f us CPU a look, %zu of %d known\n", what,
		(cpu_seconds() - start) / LOOKS * 1e6, known, LOOKS);
	free(wanted);
}

static void in_memory(const struct bench *b)
{
	OWN(index_done) struct index index = {0};
	double cpu = 0;
	for (uint64_t first = 0; first < b->chunks; first += INDEX_OBJECT_ENTRIES) {
		size_t len;
		uint8_t *body = make_body(b, first, &len);
		double start = cpu_seconds();
		must(!index_get(&index, body, len, NULL));
		cpu += cpu_seconds() - start;
		free(body);
	}
	printf("opening: %.3f s CPU, without fetching and decrypting the objects\n", cpu);
	printf("peak memory: %ld KiB\n", memory_kib());
	look(&index, "there", 0, b->chunks);
	look(&index, "not there", UINT64_C(1) << 40, b->chunks);
}

static void make_run(struct bench *b)
{
	OWN(gather_done) struct gather gather = {.disk = &b->disk};
	struct file *file;
	struct run *run;
	double cpu = 0, start;
	for (uint64_t first = 0; first < b->chunks; first += INDEX_OBJECT_ENTRIES) {
		struct head_index source = {0};
		size_t len;
		uint8_t *body = make_body(b, first, &len);
		memcpy(source.id.b, &first, sizeof(first));
		start = cpu_seconds();
		must(!gather_body(&gather, &source, body, len, NULL));
		cpu += cpu_seconds() - start;
		free(body);
	}
	start = cpu_seconds();
	must(!disk_open(&b->folder.base, "run", FILE_READ | FILE_WRITE | FILE_CREATE, &file));
	must(!gather_write(&gather, file, &run));
	cpu += cpu_seconds() - start;
	printf("making the run: %.3f s CPU, once; peak memory %ld KiB\n", cpu, memory_kib());
	run_free(run);
}

static void open_run(struct bench *b)
{
	OWN(index_done) struct index index = {.disk = &b->disk};
	struct file *file;
	struct run *run;
	uint64_t size;
	double start = cpu_seconds();
	must(!disk_open(&b->folder.base, "run", FILE_READ, &file));
	must(!run_open(file, &b->disk.key, &run) && !vec_push(&b->disk.runs, run));
	run->map = calloc(run->tables.packs.len + 1, sizeof(*run->map));
	must(run->map);
	for (size_t i = 0; i < run->tables.packs.len; i++) {
		struct index_pack pack = {.id = run->tables.packs.at[i].id};
		must(!index_add_pack(&index, &pack, &run->map[i]));
	}
	printf("opening: %.4f s CPU\n", cpu_seconds() - start);
	must(!file_size(file, &size));
	printf("file: %" PRIu64 " MiB; filter and fences %.1f bits a chunk\n", size >> 20,
		(run->lines * 64.0 + run->blocks * 8.0) * 8 / run->count);
	printf("peak memory: %ld KiB\n", memory_kib());
	look(&index, "there", 0, b->chunks);
	look(&index, "not there", UINT64_C(1) << 40, b->chunks);
}

/* In a process of its own, so that each tells its own memory. */
static void apart(void (*fn)(struct bench *), struct bench *b)
{
	int status;
	fflush(stdout);
	pid_t pid = fork();
	must(pid >= 0);
	if (!pid) {
		fn(b);
		fflush(stdout);
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct why why;
	if (argc != 4) {
		fputs("usage: index FOLDER memory|disk MILLIONS\n", stderr);
		return 2;
	}
	b.chunks = strtoull(argv[3], NULL, 10) * 1000000;
	if (linux_dice_init(&b.dice, &why) || linux_disk_init(&b.folder, argv[1], &why)) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	b.disk = (struct index_disk){.disk = &b.folder.base, .dice = &b.dice, .table = INDEX_TABLE};
	if (strcmp(argv[2], "memory") == 0) {
		in_memory(&b);
	} else {
		apart(make_run, &b);
		apart(open_run, &b);
		disk_unlink(&b.folder.base, "run");
	}
	linux_disk_done(&b.folder);
	return 0;
}
