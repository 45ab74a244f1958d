/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store of series costs.
 *
 *     series [--quick] [many] [ingest] [week] [data]
 *
 * All of what follows, or the parts named, in a folder made anew below the current one; with
 * --quick fewer series and less time.
 *
 * many    100,000 series for an hour: memory, disk, CPU.
 * ingest  1,000 series for 25.5 hours at 10 s, synced each minute, tended each 10 s:
 *         flushed, merged, rolled up, on this disk.
 * week    a week at 10 s of one series, read at all levels.
 * data    bytes for each sample on the real metrics of EBB_DATA (layout: docs/FORECAST.md), in
 *         blocks as the store writes them, values and times; skipped by count when it is not set.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/container.h"
#include "base/must.h"
#include "base/rng.h"
#include "base/vec.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/linux/disk.h"
#include "os/world.h"
#include "series/block.h"
#include "series/name.h"
#include "series/series.h"

enum { COLUMNS = 4096, LINE = 1 << 20 };

static double cpu_seconds(void)
{
	struct rusage usage;
	must(getrusage(RUSAGE_SELF, &usage) == 0);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double peak_mib(void)
{
	struct rusage usage;
	must(getrusage(RUSAGE_SELF, &usage) == 0);
	return (double)usage.ru_maxrss / 1024;
}

static void must_ok(int err, const struct why *why)
{
	if (!err)
		return;
	fprintf(stderr, "series: %s\n", why->text);
	exit(1);
}

/* ---- 1. bytes for each sample ---- */

struct tally {
	double samples, bytes;
};

typedef VEC(struct sample) samples_vec;

static void add_line(samples_vec *columns, char *line, int64_t ms)
{
	size_t column = 0;
	for (char *at = line; at && column < COLUMNS; column++) {
		char *end, *next = strchr(at, ',');
		double value = strtod(at, &end);
		if (end != at && isfinite(value)) {
			const struct sample sample = {ms, value + 0.0};
			must(vec_push(&columns[column], sample) == 0);
		}
		at = next ? next + 1 : NULL;
	}
}

static void add_column(struct tally *tally, const samples_vec *column)
{
	static uint8_t bytes[BLOCK_MAX];
	static struct sample back[BLOCK_ROWS];
	for (size_t i = 0; i < column->len; i += BLOCK_ROWS) {
		size_t some = column->len - i < BLOCK_ROWS ? column->len - i : BLOCK_ROWS;
		struct block block = block_put_samples(1, column->at + i, some, bytes);
		must(block_samples(&block, bytes, back));
		must(memcmp(back, column->at + i, some * sizeof(*back)) == 0);
		tally->samples += (double)some;
		tally->bytes += block.length + 32; /* its entry in the index */
	}
}

/* Every column is a series, but for one that is the time. */
static void measure_file(struct tally *tally, const char *path, bool time_first)
{
	samples_vec *columns = calloc(COLUMNS, sizeof(*columns));
	char *line = malloc(LINE);
	gzFile file = gzopen(path, "r");
	must(columns && line);
	int64_t row = 0;
	while (file && gzgets(file, line, LINE))
		add_line(columns, line, INT64_C(1700000000000) + row++ * 10000);
	if (file)
		gzclose(file);
	for (size_t i = 0; i < COLUMNS; i++) {
		if (i || !time_first)
			add_column(tally, &columns[i]);
		vec_done(&columns[i]);
	}
	free(columns);
	free(line);
}

static double measure_set(
	const char *data, const char *name, const char *pattern, unsigned files, bool time_first)
{
	struct tally tally = {0};
	char path[1024], file[256];
	for (unsigned i = 0; i < files; i++) {
		int length = snprintf(file, sizeof(file), "%s", pattern);
		char *number = strchr(file, '%');
		if (number)
			snprintf(number, sizeof(file) - (size_t)(number - file), "%u%s", i,
				pattern + (number - file) + 1);
		must(length > 0);
		snprintf(path, sizeof(path), "%s/%s", data, file);
		measure_file(&tally, path, time_first);
	}
	if (tally.samples > 0)
		printf("%-44s %10.0f samples  %.3f bytes each\n", name, tally.samples,
			tally.bytes / tally.samples);
	return tally.bytes;
}

static void measure_data(void)
{
	static const char *const metrics[] = {
		"cpu_pct", "mem_kb", "rd_kbs", "wr_kbs", "rx_kbs", "tx_kbs"};
	const char *data = getenv("EBB_DATA");
	char pattern[64], name[64];
	if (!data) {
		printf("bytes for each sample: skipped, EBB_DATA is not set (1 skipped)\n");
		return;
	}
	printf("bytes for each sample, in blocks of %d, times, heads, checksums and index "
	       "included:\n",
		BLOCK_ROWS);
	for (size_t i = 0; i < sizeof(metrics) / sizeof(*metrics); i++) {
		snprintf(pattern, sizeof(pattern), "bitbrains/%s.csv.gz", metrics[i]);
		snprintf(name, sizeof(name), "Bitbrains %s", metrics[i]);
		measure_set(data, name, pattern, 1, true);
	}
	measure_set(data, "SMD machine-1-6", "smd/machine-1-6_train.csv.gz", 1, false);
	measure_set(data, "SMD machine-2-1", "smd/machine-2-1_train.csv.gz", 1, false);
	measure_set(data, "ASD omi-N", "asd/omi-%_train.csv.gz", 7, false);
	measure_set(data, "JumpStarter (means of ten digits)",
		"jumpstarter_Dataset2/train_service%.csv.gz", 30, false);
	measure_set(data, "ETTh1 (floats)", "ett/ETTh1.csv.gz", 1, true);
}

/* ---- the store on this disk ---- */

struct rig {
	struct linux_disk disk;
	struct clock clock;
	int64_t now_ms;
	struct world world;
	struct series *series;
	struct rng rng;
	uint32_t count;
	uint32_t *ids;
	double *last;
};

static int64_t rig_time(struct clock *clock)
{
	return container_of(clock, struct rig, clock)->now_ms * 1000000;
}

static void rig_open(struct rig *rig, const char *folder, uint32_t count, uint64_t memory, int days)
{
	static const struct clock_ops clock_ops = {.mono_ns = rig_time, .wall_ns = rig_time};
	struct why why = {""};
	rng_seed(&rig->rng, 1);
	rig->clock.ops = &clock_ops;
	rig->now_ms = INT64_C(1704067200000);
	must_ok(linux_disk_init(&rig->disk, folder, &why), &why);
	rig->world = (struct world){.disk = &rig->disk.base, .clock = &rig->clock};
	struct series_options options = {.world = &rig->world,
		.folder = "series",
		.identity = "a benchmark",
		.create = true,
		.series_max = count,
		.memory_max = memory,
		.keep_ms = {days * INT64_C(86400000)}};
	must_ok(series_open(&options, &rig->series, &why), &why);
	rig->count = count;
	rig->ids = calloc(count, sizeof(*rig->ids));
	rig->last = calloc(count, sizeof(*rig->last));
	must(rig->ids && rig->last);
	for (uint32_t i = 0; i < count; i++) {
		char text[128];
		struct name name;
		snprintf(text, sizeof(text), "ebb_unit_io_bytes_total{unit=\"service-%u\"}", i);
		must_ok(name_parse(text, &name, &why), &why);
		must_ok(series_make(rig->series, &name, i % 2 ? SERIES_COUNTER : SERIES_GAUGE,
				&rig->ids[i], &why),
			&why);
	}
}

static void rig_close(struct rig *rig)
{
	series_close(rig->series);
	linux_disk_done(&rig->disk);
	free(rig->ids);
	free(rig->last);
}

/* A gauge that wanders, to two digits; a counter of requests of 4 KiB that is idle at times. */
static double next_value(struct rig *rig, uint32_t i)
{
	uint64_t draw = rng_u64(&rig->rng);
	if (i % 2)
		return rig->last[i] += draw & 3 ? (double)((draw >> 8) % 200) * 4096 : 0;
	double value = rig->last[i] + (double)((draw >> 8) % 101) - 50;
	rig->last[i] = value < 0 ? 0 : value;
	return rig->last[i] / 100;
}

static void run(struct rig *rig, unsigned rounds)
{
	struct why why = {""};
	bool more;
	for (unsigned round = 0; round < rounds; round++) {
		rig->now_ms += 10000;
		for (uint32_t i = 0; i < rig->count; i++)
			must(series_put(rig->series, rig->ids[i], rig->now_ms,
				     next_value(rig, i)) == SERIES_KEPT);
		if (round % 6 == 5)
			must_ok(series_sync(rig->series, &why), &why);
		must_ok(series_tend(rig->series, 200000, &more, &why), &why);
	}
}

static void settle(struct rig *rig)
{
	struct why why = {""};
	bool more = true;
	while (more)
		must_ok(series_tend(rig->series, 1000000, &more, &why), &why);
}

static void print_facts(struct rig *rig)
{
	static const char *const names[LEVELS] = {"raw", "10 s", "5 min", "1 h"};
	struct series_facts facts = series_facts(rig->series);
	for (enum series_level level = 0; level < LEVELS; level++)
		if (facts.rows[level])
			printf("  %-6s %10" PRIu64 " rows  %6.2f bytes each  %3" PRIu64
			       " segments\n",
				names[level], facts.rows[level],
				(double)facts.bytes[level] / (double)facts.rows[level],
				facts.segments[level]);
	printf("  %" PRIu64 " flushes, %" PRIu64 " merges, log %.1f MiB\n", facts.flushes,
		facts.merges, (double)facts.log_bytes / 1048576);
}

/* The cost of making values, which is not the store's. */
static double values_cost(struct rig *rig, unsigned rounds)
{
	double before = cpu_seconds(), sum = 0;
	for (unsigned round = 0; round < rounds; round++)
		for (uint32_t i = 0; i < rig->count; i++)
			sum += next_value(rig, i);
	must(!isnan(sum));
	return cpu_seconds() - before;
}

static void measure_ingest(const char *folder, uint32_t count, unsigned rounds)
{
	struct rig rig = {0};
	rig_open(&rig, folder, count, 0, 3);
	double cpu = cpu_seconds();
	run(&rig, rounds);
	cpu = cpu_seconds() - cpu;
	cpu -= values_cost(&rig, rounds);
	double samples = (double)count * rounds;
	printf("ingest of %u series, %.1f hours at 10 s, synced each minute:\n"
	       "  %.2f M samples each CPU second, roll-ups and merges included; peak %.0f MiB\n",
		count, rounds / 360.0, samples / cpu / 1e6, peak_mib());
	print_facts(&rig);
	rig_close(&rig);
}

/* ---- a week ---- */

static double wall_ms(void)
{
	struct timespec now;
	must(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void read_week(struct rig *rig, const char *what)
{
	struct why why = {""};
	struct samples samples = {0};
	double best = 1e9, first = 0;
	for (int i = 0; i < 20; i++) {
		samples.len = 0;
		double before = wall_ms();
		must_ok(series_read(rig->series, rig->ids[7 % rig->count],
				rig->now_ms - 7 * INT64_C(86400000), rig->now_ms + 1, &samples,
				&why),
			&why);
		double took = wall_ms() - before;
		first = i ? first : took;
		best = took < best ? took : best;
	}
	printf("  %s: %zu samples in %.2f ms (first time %.2f)\n", what, samples.len, best, first);
	vec_done(&samples);
}

static void roll_week(struct rig *rig, enum series_level level, const char *what)
{
	struct why why = {""};
	const struct series_span span = {
		level, rig->now_ms - 7 * INT64_C(86400000), rig->now_ms + 1};
	double best = 1e9, first = 0;
	size_t rows = 0;
	for (int i = 0; i < 10; i++) {
		struct buckets buckets = {0};
		double before = wall_ms();
		must_ok(series_roll(rig->series, rig->ids[7 % rig->count], &span, &buckets, &why),
			&why);
		double took = wall_ms() - before;
		first = i ? first : took;
		best = took < best ? took : best;
		rows = buckets.rows.len;
		buckets_done(&buckets);
	}
	printf("  %s: %zu buckets in %.2f ms (first time %.2f)\n", what, rows, best, first);
}

static void measure_week(const char *folder, uint32_t count)
{
	struct rig rig = {0};
	rig_open(&rig, folder, count, 0, 8);
	struct series_facts facts;
	run(&rig, 7 * 8640);
	settle(&rig);
	facts = series_facts(rig.series);
	printf("a week at 10 s of one of %u series (raw ones are kept for 3 days, here 8):\n",
		count);
	read_week(&rig, "samples");
	roll_week(&rig, LEVEL_10S, "10 s");
	roll_week(&rig, LEVEL_5MIN, "5 min");
	roll_week(&rig, LEVEL_HOUR, "1 h");
	must(facts.put[SERIES_FULL] == 0);
	print_facts(&rig);
	rig_close(&rig);
}

static void measure_many(const char *folder, uint32_t count, unsigned rounds)
{
	struct rig rig = {0};
	double before = peak_mib();
	rig_open(&rig, folder, count, UINT64_C(64) << 20, 3);
	printf("%u series, samples kept in memory up to 64 MiB:\n  names: %.0f MiB\n", count,
		peak_mib() - before);
	double cpu = cpu_seconds();
	run(&rig, rounds);
	cpu = cpu_seconds() - cpu - values_cost(&rig, rounds);
	printf("  %.1f hours at 10 s: %.2f M samples each CPU second, %.1f %% of one CPU at that "
	       "pace; peak %.0f MiB\n",
		rounds / 360.0, (double)count * rounds / cpu / 1e6, cpu / rounds * 10,
		peak_mib() - before);
	print_facts(&rig);
	rig_close(&rig);
}

static bool is_wanted(int argc, char **argv, const char *part)
{
	bool any = false;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], part) == 0)
			return true;
		any |= argv[i][0] != '-';
	}
	return !any;
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	char folder[64], command[96];
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(folder, sizeof(folder), "bench-series-%d", (int)getpid());
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	/* The largest first: a process tells its peak of memory only once. */
	if (is_wanted(argc, argv, "many")) {
		measure_many(folder, quick ? 10000 : 100000, quick ? 180 : 360);
		must(system(command) == 0);
	}
	if (is_wanted(argc, argv, "ingest")) {
		measure_ingest(folder, quick ? 300 : 1000, 8640 + 540);
		must(system(command) == 0);
	}
	if (is_wanted(argc, argv, "week")) {
		measure_week(folder, quick ? 2 : 20);
		must(system(command) == 0);
	}
	if (is_wanted(argc, argv, "data"))
		measure_data();
	return 0;
}
