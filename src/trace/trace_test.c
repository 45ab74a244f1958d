/* SPDX-License-Identifier: Apache-2.0 */
/* What is written comes back as figures; what is lost is counted. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/must.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"
#include "trace/reader.h"
#include "trace/writer.h"

#define SECOND_NS INT64_C(1000000000)

struct bench {
	struct trace_writer writer;
	struct trace_reader *reader;
	struct trace_ends ends;
	uint8_t *memory;
	int64_t now_ns;
	unsigned told;
	struct trace_second last;
};

static void on_second(void *arg, const struct trace_second *second)
{
	struct bench *bench = arg;
	bench->told++;
	bench->last = *second;
}

static void begin(struct bench *bench)
{
	struct why why;
	*bench = (struct bench){.memory = aligned_alloc(TRACE_PAGE, TRACE_BYTES)};
	must(bench->memory);
	memset(bench->memory, 0, TRACE_BYTES);
	trace_begin(&bench->writer, bench->memory);
	must(trace_reader_open(bench->memory, TRACE_BYTES, &bench->reader, &why) == 0);
	bench->now_ns = 5 * SECOND_NS;
}

static void end(struct bench *bench)
{
	trace_reader_close(bench->reader);
	free(bench->memory);
}

static void seconds(struct bench *bench)
{
	bench->told = 0;
	trace_reader_seconds(bench->reader, bench->now_ns, on_second, bench);
	bench->now_ns += SECOND_NS;
}

static void operation(struct bench *bench, struct trace_place *place, enum trace_kind kind,
	uint64_t at, int64_t took_ns)
{
	trace_count(place, &bench->ends, kind, at, 4096);
	struct trace_record record = {.begun_ns = bench->now_ns,
		.at = at,
		.len = 4096,
		.took_ns = (uint32_t)took_ns,
		.place = trace_place_number(&bench->writer, place),
		.life = place->life,
		.kind = (uint8_t)kind};
	trace_put(&bench->writer, &record);
	trace_count_end(place, kind, took_ns, 0);
}

static bool near(double is, double wanted, double within)
{
	return fabs(is - wanted) <= wanted * within;
}

TEST(figures)
{
	struct bench bench;
	begin(&bench);
	struct trace_place *place = trace_take(&bench.writer, "db");
	seconds(&bench);
	CHECK_EQ(bench.told, 0);
	seconds(&bench);
	CHECK_EQ(bench.told, 1);
	CHECK_EQ(bench.last.operations[TRACE_READ], 0);
	/* 3000 reads of 1000 blocks at random, 1000 writes one after the other, to 250 blocks. */
	struct rng dice;
	rng_seed(&dice, test_seed());
	for (int i = 0; i < 3000; i++)
		operation(&bench, place, TRACE_READ, (1000 + rng_below(&dice, 1000)) * 8192, 10000);
	for (uint64_t i = 0; i < 1000; i++)
		operation(&bench, place, TRACE_WRITE, i % 250 * 4096, 90000);
	seconds(&bench);
	CHECK_EQ(bench.told, 1);
	CHECK_STR(bench.last.name, "db");
	CHECK_EQ(bench.last.operations[TRACE_READ], 3000);
	CHECK_EQ(bench.last.bytes[TRACE_WRITE], 4096000);
	CHECK(near(bench.last.read_share, 0.75, 1e-9));
	CHECK(near(bench.last.sequential_share, 0.25, 0.02));
	CHECK(near(bench.last.queue_depth, 0.12, 1e-9));
	CHECK(near((double)bench.last.p50_ns, 10000, 0.13));
	CHECK(near((double)bench.last.p99_ns, 90000, 0.13));
	CHECK(near(bench.last.dirty_bytes, 250 * 4096, 0.2));
	CHECK(near(bench.last.working_set_bytes, (250 + 950) * 4096, 0.25));
	CHECK(near(bench.last.burst, 10, 1e-9));
	CHECK_EQ(bench.last.records, 4000);
	CHECK_EQ(bench.last.lost, 0);
	end(&bench);
}

TEST(many_different_blocks)
{
	struct bench bench;
	begin(&bench);
	struct trace_place *place = trace_take(&bench.writer, "db");
	seconds(&bench);
	for (uint64_t i = 0; i < 200000; i++)
		operation(&bench, place, TRACE_WRITE, i * 4096 * 7, 1000);
	seconds(&bench);
	CHECK(near(bench.last.dirty_bytes, 200000.0 * 4096, 0.15));
	end(&bench);
}

TEST(lost)
{
	struct bench bench;
	begin(&bench);
	struct trace_place *place = trace_take(&bench.writer, "db");
	seconds(&bench);
	for (uint64_t i = 0; i < TRACE_RECORDS + 1000; i++)
		operation(&bench, place, TRACE_READ, i * 4096, 1000);
	seconds(&bench);
	CHECK_EQ(bench.last.lost, 1000);
	CHECK_EQ(bench.last.records, TRACE_RECORDS);
	CHECK_EQ(bench.last.operations[TRACE_READ], TRACE_RECORDS + 1000);
	operation(&bench, place, TRACE_READ, 0, 1000);
	seconds(&bench);
	CHECK_EQ(bench.last.lost, 0);
	CHECK_EQ(bench.last.records, 1);
	end(&bench);
}

TEST(places)
{
	struct bench bench;
	begin(&bench);
	struct trace_place *first = trace_take(&bench.writer, "a"), *place;
	for (int i = 1; i < TRACE_PLACES; i++)
		CHECK(trace_take(&bench.writer, "b"));
	CHECK(trace_take(&bench.writer, "c") == NULL);
	seconds(&bench);
	trace_give(first);
	place = trace_take(&bench.writer, "c");
	CHECK(place == first);
	/* Another's counters are not the difference of two. */
	operation(&bench, place, TRACE_READ, 0, 1000);
	seconds(&bench);
	CHECK_EQ(bench.told, TRACE_PLACES - 1);
	CHECK_STR(bench.last.name, "b");
	end(&bench);
}

static bool count_record(void *arg, const struct trace_record *record, const char *name)
{
	struct bench *bench = arg;
	CHECK_EQ(record->at, bench->told * 4096U);
	CHECK_STR(name, "db");
	return ++bench->told < 50;
}

TEST(tail)
{
	struct bench bench;
	begin(&bench);
	struct trace_place *place = trace_take(&bench.writer, "db");
	for (uint64_t i = 0; i < 100; i++)
		operation(&bench, place, TRACE_READ, i * 4096, 1000);
	trace_reader_tail(bench.reader, count_record, &bench);
	CHECK_EQ(bench.told, 50);
	end(&bench);
}

TEST(another_memory)
{
	struct bench bench;
	struct trace_reader *reader;
	struct why why;
	begin(&bench);
	CHECK_EQ(trace_reader_open(bench.memory, TRACE_BYTES - 1, &reader, &why), -EBADMSG);
	CHECK_STR(why.text, "the trace of volumes is too short");
	bench.writer.head->version++;
	CHECK_EQ(trace_reader_open(bench.memory, TRACE_BYTES, &reader, &why), -EBADMSG);
	CHECK(strstr(why.text, "of different versions"));
	end(&bench);
}

TEST(steps)
{
	for (uint64_t ns = 1; ns < UINT64_C(1) << 36; ns += ns / 5 + 1) {
		int64_t most = trace_step_ns(trace_step_of(ns));
		CHECK(most >= (int64_t)ns && most <= 256 + (int64_t)(ns + ns / 8 + 1));
	}
}

TEST_MAIN
