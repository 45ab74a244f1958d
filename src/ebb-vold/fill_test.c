/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients write to an extent while what the source had of it arrives: what they wrote stays. The
 * extents come from the test's hand, the engine is a real one, and its I/O is held where a race
 * wants it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"
#include "ebb-vold/fill_inner.h"
#include "os/net.h"
#include "sim/disk.h"
#include "vol/pump_test.h"
#include "vol/volume.h"

enum { EXTENTS = 2, OLD = 'o', NEW = 'n' };

struct bench {
	struct net net; /* leads nowhere */
	struct sim_disk *disk;
	struct world world;
	struct pump pump;
	struct engine_pool *pool;
	struct engine *engine;
	struct fill *fill;
};

struct asked {
	struct engine_request request;
	uint8_t *bytes;
	bool done;
	int err;
};

static int connect_nowhere(
	struct net *net, const char *address, struct stream **ret_stream, struct why *why)
{
	(void)net, (void)ret_stream;
	return why_set(why, -ECONNREFUSED, "%s: nobody is there", address);
}

static void begin(struct bench *bench)
{
	static const struct net_ops ops = {.connect = connect_nowhere};
	struct volume_options options = {.identity = "a volume to fill",
		.make_size = (uint64_t)EXTENTS * VOL_EXTENT,
		.no_sums = true};
	struct volume *volume;
	struct why why;
	*bench = (struct bench){.net = {&ops}, .disk = sim_disk_new()};
	CHECK(bench->disk);
	options.disk = sim_disk_seam(bench->disk);
	bench->world = (struct world){.disk = options.disk, .net = &bench->net};
	CHECK_EQ(volume_open(&options, &volume, &why), 0);
	pump_init(&bench->pump, &bench->world, test_seed());
	CHECK_EQ(engine_pool_new(&bench->pump.world, &bench->pool), 0);
	CHECK_EQ(engine_open(bench->pool, volume, &bench->engine), 0);
	CHECK_EQ(fill_note(options.disk, "unix:/nowhere", "v", &why), 0);
	const struct fill_parts parts = {
		.world = &bench->pump.world, .disk = options.disk, .engine = bench->engine};
	CHECK_EQ(fill_open(&parts, &bench->fill, &why), 0);
	CHECK(bench->fill);
}

static void end(struct bench *bench)
{
	pump_settle(&bench->pump);
	fill_stop(bench->fill);
	fill_close(bench->fill);
	while (!engine_idle(bench->engine))
		CHECK(pump_step(&bench->pump));
	engine_free(bench->engine);
	engine_pool_free(bench->pool);
	sim_disk_free(bench->disk);
}

static void steps(struct bench *bench, unsigned count)
{
	fill_kick(bench->fill);
	while (count-- > 0)
		pump_step(&bench->pump);
}

/* Extent 0 as the source had it. */
static struct fetch *arrive(struct bench *bench)
{
	struct fetch *fetch = bench->fill->fetches;
	CHECK_EQ(fetch->state, FETCH_FREE);
	memset(fetch->bytes, OLD, VOL_EXTENT);
	fetch->extent = 0;
	fetch->block = 0;
	fetch->state = FETCH_THERE;
	return fetch;
}

static void on_done(struct engine_request *request, int err)
{
	struct asked *asked = (struct asked *)(void *)request;
	asked->done = true;
	asked->err = err;
}

static void ask(struct bench *bench, struct asked *asked, enum engine_kind kind, uint64_t block)
{
	*asked = (struct asked){.request = {.kind = kind,
					.at = block * VOL_BLOCK,
					.len = VOL_BLOCK,
					.done = on_done},
		.bytes = malloc(VOL_BLOCK)};
	CHECK(asked->bytes);
	memset(asked->bytes, NEW, VOL_BLOCK);
	asked->request.bytes = asked->bytes;
	fill_submit(bench->fill, &asked->request);
}

static void wait(struct bench *bench, struct asked *asked)
{
	while (!asked->done)
		CHECK(pump_step(&bench->pump));
	CHECK_EQ(asked->err, 0);
}

static void reads(struct bench *bench, uint64_t block, int byte)
{
	struct asked asked;
	ask(bench, &asked, ENGINE_READ, block);
	wait(bench, &asked);
	CHECK_EQ(asked.bytes[0], byte);
	CHECK_EQ(asked.bytes[VOL_BLOCK - 1], byte);
	free(asked.bytes);
}

TEST(what_a_client_writes_is_not_filled_over)
{
	struct bench bench;
	struct asked write;
	begin(&bench);
	bench.pump.hold_writes = true;
	ask(&bench, &write, ENGINE_WRITE, 3);
	bench.pump.hold_writes = false;
	/* No block of it is there yet, so that all seem to be missing. */
	struct fetch *fetch = arrive(&bench);
	steps(&bench, 40);
	CHECK(!write.done);
	CHECK_EQ(fetch->state, FETCH_THERE);
	pump_let_go(&bench.pump);
	wait(&bench, &write);
	while (fetch->state != FETCH_FREE)
		CHECK(pump_step(&bench.pump));
	reads(&bench, 3, NEW);
	reads(&bench, 2, OLD);
	reads(&bench, 63, OLD);
	free(write.bytes);
	end(&bench);
}

/* The engine need not keep their order when it is short of pieces. */
TEST(a_client_writes_when_what_is_filled_is_written)
{
	struct bench bench;
	struct asked write;
	begin(&bench);
	struct fetch *fetch = arrive(&bench);
	bench.pump.hold_writes = true;
	while (fetch->state != FETCH_WRITES)
		steps(&bench, 1);
	bench.pump.hold_writes = false;
	ask(&bench, &write, ENGINE_WRITE, 3);
	steps(&bench, 40);
	CHECK_EQ(fetch->state, FETCH_WRITES);
	CHECK(bench.fill->gated && !bench.fill->gated->running && !write.done);
	pump_let_go(&bench.pump);
	wait(&bench, &write);
	reads(&bench, 3, NEW);
	reads(&bench, 4, OLD);
	free(write.bytes);
	end(&bench);
}

TEST_MAIN
