/* SPDX-License-Identifier: Apache-2.0 */
/* The same tests for both engines; the ending of a name says which. */
#include "os/aio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "os/disk.h"
#include "os/linux/aio.h"
#include "os/linux/scratch_test.h"

enum { BLOCKS = 256, DEPTH = 32, STEPS = 4000 };

struct op {
	struct aio_request request;
	unsigned block, count;
	uint8_t *bytes;
	bool busy;
};

static struct {
	struct scratch scratch;
	struct rng rng;
	struct file *file;
	uint8_t *model;
	bool taken[BLOCKS]; /* by an operation in flight */
	struct op ops[AIO_MAX + 1];
	int started, completed, bad;
	int in_flight;
} fixture;

static void begin(bool no_uring)
{
	const struct linux_options options = {.no_uring = no_uring};
	memset(&fixture, 0, sizeof(fixture));
	scratch_open(&fixture.scratch, &options);
	const char *name = aio_name(fixture.scratch.world->aio);
	CHECK_STR(name, no_uring ? "threads" : "io_uring");
}

/* Where io_uring is forbidden or not built in there is nothing to test. */
static void begin_uring(void)
{
	const struct linux_options options = {0};
	struct scratch probe;
	scratch_open(&probe, &options);
	bool have = strcmp(aio_name(probe.world->aio), "io_uring") == 0;
	scratch_close(&probe);
	if (!have)
		test_skip("no io_uring here");
	begin(false);
}

static void begin_threads(void)
{
	begin(true);
}

static void end(void)
{
	file_close(fixture.file);
	scratch_close(&fixture.scratch);
	for (size_t i = 0; i < AIO_MAX + 1; i++)
		free(fixture.ops[i].bytes);
	free(fixture.model);
}

static uint8_t *blocks_new(size_t count)
{
	uint8_t *bytes = aligned_alloc(DISK_BLOCK, count * DISK_BLOCK);
	CHECK(bytes);
	memset(bytes, 0, count * DISK_BLOCK);
	return bytes;
}

static void start_one(struct op *op);

static void on_done(struct aio_request *request, ssize_t result)
{
	struct op *op = container_of(request, struct op, request);
	uint8_t *model = fixture.model + (size_t)op->block * DISK_BLOCK;
	size_t len = (size_t)op->count * DISK_BLOCK;
	if (request->kind == AIO_SYNC) {
		fixture.bad += result != 0;
	} else {
		fixture.bad += result != (ssize_t)len;
		fixture.bad += memcmp(op->bytes, model, len) != 0;
		memset(fixture.taken + op->block, 0, op->count);
	}
	fixture.completed++;
	if (fixture.started < STEPS)
		start_one(op);
	else if (fixture.completed == STEPS)
		loop_stop(fixture.scratch.world->loop);
}

/* A run of blocks that no operation in flight touches. */
static void choose_blocks(struct op *op)
{
	for (;;) {
		op->block = (unsigned)rng_below(&fixture.rng, BLOCKS);
		op->count = 1 + (unsigned)rng_below(&fixture.rng, 4);
		if (op->block + op->count > BLOCKS)
			continue;
		if (!memchr(fixture.taken + op->block, true, op->count))
			break;
	}
	memset(fixture.taken + op->block, true, op->count);
}

static void start_one(struct op *op)
{
	uint64_t kind = rng_below(&fixture.rng, 20);
	op->request = (struct aio_request){
		.kind = kind == 0   ? AIO_SYNC
			: kind < 10 ? AIO_READ
				    : AIO_WRITE,
		.file = fixture.file,
		.bytes = op->bytes,
		.done = on_done,
	};
	if (op->request.kind != AIO_SYNC) {
		choose_blocks(op);
		op->request.len = (size_t)op->count * DISK_BLOCK;
		op->request.at = (uint64_t)op->block * DISK_BLOCK;
	}
	if (op->request.kind == AIO_WRITE) {
		rng_fill(&fixture.rng, op->bytes, op->request.len);
		memcpy(fixture.model + op->request.at, op->bytes, op->request.len);
	}
	fixture.started++;
	/* Some are done at once, where that can be; not too many within each other. */
	ssize_t now = fixture.started % 8 ? aio_now(fixture.scratch.world->aio, &op->request)
					  : -EAGAIN;
	if (now != -EAGAIN)
		on_done(&op->request, now);
	else
		CHECK_EQ(aio_submit(fixture.scratch.world->aio, &op->request), 0);
}

static void match_model(unsigned flags)
{
	struct disk *disk = fixture.scratch.world->disk;
	rng_seed(&fixture.rng, test_seed());
	fixture.model = blocks_new(BLOCKS);
	CHECK_EQ(disk_open(disk, "data", FILE_READ | FILE_WRITE | FILE_CREATE, &fixture.file), 0);
	CHECK_EQ(file_truncate(fixture.file, (uint64_t)BLOCKS * DISK_BLOCK), 0);
	file_close(TAKE(fixture.file));
	int err = disk_open(disk, "data", FILE_READ | FILE_WRITE | flags, &fixture.file);
	if (err == -EINVAL && flags & FILE_DIRECT)
		test_skip("this file system has no O_DIRECT");
	CHECK_EQ(err, 0);
	for (int i = 0; i < DEPTH; i++) {
		fixture.ops[i].bytes = blocks_new(4);
		start_one(&fixture.ops[i]);
	}
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.completed, STEPS);
	CHECK_EQ(fixture.bad, 0);
	uint8_t *after = blocks_new(BLOCKS);
	CHECK_EQ(file_read_full(fixture.file, after, (size_t)BLOCKS * DISK_BLOCK, 0), 0);
	CHECK(memcmp(after, fixture.model, (size_t)BLOCKS * DISK_BLOCK) == 0);
	free(after);
	end();
}

TEST(random_requests_match_a_model_uring)
{
	begin_uring();
	match_model(0);
}

TEST(random_requests_match_a_model_threads)
{
	begin_threads();
	match_model(0);
}

TEST(random_direct_requests_match_a_model_uring)
{
	begin_uring();
	match_model(FILE_DIRECT);
}

TEST(random_direct_requests_match_a_model_threads)
{
	begin_threads();
	match_model(FILE_DIRECT);
}

static void count_down(struct aio_request *request, ssize_t result)
{
	struct op *op = container_of(request, struct op, request);
	fixture.bad += result != DISK_BLOCK;
	op->busy = false;
	if (--fixture.in_flight == 0)
		loop_stop(fixture.scratch.world->loop);
}

static int read_block(struct op *op)
{
	op->request = (struct aio_request){
		.kind = AIO_READ,
		.file = fixture.file,
		.bytes = op->bytes,
		.len = DISK_BLOCK,
		.at = 0,
		.done = count_down,
	};
	int err = aio_submit(fixture.scratch.world->aio, &op->request);
	op->busy = !err;
	fixture.in_flight += !err;
	return err;
}

/* As many reads as are allowed, and one that is not. */
static void fill(unsigned flags)
{
	struct disk *disk = fixture.scratch.world->disk;
	for (int i = 0; i <= AIO_MAX; i++)
		fixture.ops[i].bytes = blocks_new(1);
	CHECK_EQ(disk_open(disk, "data", FILE_READ | FILE_WRITE | FILE_CREATE, &fixture.file), 0);
	CHECK_EQ(file_write_full(fixture.file, fixture.ops[0].bytes, DISK_BLOCK, 0), 0);
	CHECK_EQ(file_sync(fixture.file), 0);
	if (flags) {
		file_close(TAKE(fixture.file));
		if (disk_open(disk, "data", FILE_READ | FILE_WRITE | flags, &fixture.file))
			test_skip("this file system has no O_DIRECT");
	}
	for (int i = 0; i < AIO_MAX; i++)
		CHECK_EQ(read_block(&fixture.ops[i]), 0);
	CHECK_EQ(read_block(&fixture.ops[AIO_MAX]), -EAGAIN);
}

static void keep_the_bound(void)
{
	fill(0);
	scratch_run(&fixture.scratch);
	for (int i = 0; i < AIO_MAX; i++)
		CHECK(!fixture.ops[i].busy);
	CHECK_EQ(read_block(&fixture.ops[AIO_MAX]), 0);
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.bad, 0);
	end();
}

TEST(more_than_the_bound_are_told_to_come_again_uring)
{
	begin_uring();
	keep_the_bound();
}

TEST(more_than_the_bound_are_told_to_come_again_threads)
{
	begin_threads();
	keep_the_bound();
}

static void on_turn(struct timer *timer)
{
	(void)timer;
	loop_stop(fixture.scratch.world->loop);
}

/*
 * What the kernel or a thread still held when the world closed is the owner's afterwards: nobody
 * writes to it later, while others read the same blocks. Odd runs close before the kernel was told
 * of any request.
 */
static void close_in_flight(int run)
{
	struct timer timer = {.fn = on_turn};
	fill(FILE_DIRECT);
	if (run % 2 == 0) {
		timer_set(fixture.scratch.world->loop, &timer, 0);
		scratch_run(&fixture.scratch);
	}
	int left = fixture.in_flight;
	linux_world_close(TAKE(fixture.scratch.lw));
	CHECK_EQ(fixture.in_flight, left);
	for (int i = 0; i < AIO_MAX; i++)
		memset(fixture.ops[i].bytes, 0xaa, DISK_BLOCK);
	for (int i = 0; i < 50; i++)
		CHECK_EQ(
			file_read_full(fixture.file, fixture.ops[AIO_MAX].bytes, DISK_BLOCK, 0), 0);
	for (int i = 0; i < AIO_MAX; i++)
		for (size_t at = 0; at < DISK_BLOCK; at++)
			CHECK_EQ(fixture.ops[i].bytes[at], 0xaa);
	end();
}

TEST(a_world_closes_with_requests_in_flight_uring)
{
	for (int i = 0; i < 10; i++) {
		begin_uring();
		close_in_flight(i);
	}
}

TEST(a_world_closes_with_requests_in_flight_threads)
{
	for (int i = 0; i < 10; i++) {
		begin_threads();
		close_in_flight(i);
	}
}

static void keep_result(struct aio_request *request, ssize_t result)
{
	request->result = result;
	loop_stop(fixture.scratch.world->loop);
}

static ssize_t run_one(enum aio_kind kind, size_t len, uint64_t at)
{
	struct op *op = &fixture.ops[0];
	op->request = (struct aio_request){
		.kind = kind,
		.file = fixture.file,
		.bytes = op->bytes,
		.len = len,
		.at = at,
		.done = keep_result,
	};
	CHECK_EQ(aio_submit(fixture.scratch.world->aio, &op->request), 0);
	scratch_run(&fixture.scratch);
	return op->request.result;
}

static void answer_errors(void)
{
	struct disk *disk = fixture.scratch.world->disk;
	fixture.ops[0].bytes = blocks_new(1);
	CHECK_EQ(disk_open(disk, "data", FILE_WRITE | FILE_CREATE, &fixture.file), 0);
	CHECK_EQ(run_one(AIO_WRITE, 100, 0), 100);
	CHECK_EQ(run_one(AIO_SYNC, 0, 0), 0);
	CHECK_EQ(run_one(AIO_READ, 100, 0), -EBADF);
	CHECK(run_one(AIO_WRITE, 100, UINT64_MAX) < 0);
	file_close(TAKE(fixture.file));
	CHECK_EQ(disk_open(disk, "data", FILE_READ, &fixture.file), 0);
	CHECK_EQ(run_one(AIO_READ, DISK_BLOCK, 40), 60);
	CHECK_EQ(run_one(AIO_READ, DISK_BLOCK, 100), 0);
	CHECK_EQ(run_one(AIO_WRITE, 100, 0), -EBADF);
	end();
}

TEST(short_counts_and_errors_come_back_uring)
{
	begin_uring();
	answer_errors();
}

TEST(short_counts_and_errors_come_back_threads)
{
	begin_threads();
	answer_errors();
}

TEST_MAIN
