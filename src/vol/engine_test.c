/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine against a model of sectors. Requests in flight never share a sector, but often a
 * block, so that what each sector holds is known although the order is drawn.
 */
#include "vol/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/test.h"
#include "base/units.h"
#include "os/disk.h"
#include "sim/disk.h"
#include "vol/map.h"
#include "vol/pump_test.h"
#include "vol/volume.h"

enum {
	SECTOR = 512,
	EXTENTS = 3,
	SECTORS = EXTENTS * VOL_EXTENT / SECTOR,
	LANES = 24,
	KEPT = 5,
	LONGEST = 300, /* sectors */
};

#define SIZE ((uint64_t)EXTENTS * VOL_EXTENT)

struct lane {
	struct engine_request request;
	struct bench *bench;
	unsigned sector, count;
	bool busy, view;
	uint8_t *bytes;
	uint16_t value;
};

struct kept {
	char name[16];
	uint32_t era; /* 0: none */
	bool going;
	uint16_t *before, *after; /* what each sector held when the cut began, or was to hold */
	bool *unknown;            /* written while the cut was under way */
};

struct bench {
	struct sim_disk *disk;
	struct pump pump;
	struct engine_pool *pool;
	struct engine *engine;
	struct rng rng;
	bool sums;
	struct lane lanes[LANES];
	bool taken[SECTORS];
	uint16_t now[SECTORS];  /* answered */
	uint16_t next[SECTORS]; /* with what is in flight */
	uint16_t value;
	struct kept kept[KEPT];
	struct engine_act act;
	struct kept *acting;
	bool act_busy;
	unsigned answered, shorts, merged;
};

static void put_value(uint8_t *bytes, uint16_t value)
{
	for (size_t i = 0; i < SECTOR; i += 2) {
		bytes[i] = (uint8_t)value;
		bytes[i + 1] = (uint8_t)(value >> 8);
	}
}

static bool has_value(const uint8_t *bytes, uint16_t value)
{
	for (size_t i = 0; i < SECTOR; i += 2)
		if ((bytes[i] | bytes[i + 1] << 8) != value)
			return false;
	return true;
}

/* Now and then fewer bytes than were asked for. */
static int cut_short(void *arg, enum sim_op op, const char *name, bool done)
{
	struct bench *bench = arg;
	bool is = strcmp(name, "data") == 0 || strcmp(name, "sums") == 0;
	if (done || !is || (op != SIM_READ && op != SIM_WRITE) || rng_below(&bench->rng, 30))
		return 0;
	bench->shorts++;
	return 1 + (int)rng_below(&bench->rng, 3000);
}

static void open_engine(struct bench *bench, bool make)
{
	struct volume_options options = {.disk = sim_disk_seam(bench->disk),
		.identity = "a volume of test",
		.make_size = make ? SIZE : 0,
		.no_sums = !bench->sums,
		.sums_pages = 1 + (size_t)rng_below(&bench->rng, 2)};
	struct volume *volume;
	struct why why;
	int err = volume_open(&options, &volume, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "%s", why.text);
	struct world world = {.disk = options.disk};
	pump_init(&bench->pump, &world, rng_u64(&bench->rng));
	bench->pump.at_once = rng_below(&bench->rng, 5) == 0;
	CHECK_EQ(engine_pool_new(&bench->pump.world, &bench->pool), 0);
	CHECK_EQ(engine_open(bench->pool, volume, &bench->engine), 0);
	engine_clean(bench->engine, NS_PER_MS);
	engine_scrub(bench->engine, rng_below(&bench->rng, 2) ? UINT64_C(1) << 30 : 0);
}

static void close_engine(struct bench *bench)
{
	engine_clean(bench->engine, 0);
	while (!engine_idle(bench->engine))
		CHECK(pump_step(&bench->pump));
	engine_free(TAKE(bench->engine));
	engine_pool_free(TAKE(bench->pool));
}

/* ---- requests ---- */

static void check_read(struct bench *bench, const struct lane *lane)
{
	for (unsigned i = 0; i < lane->count; i++) {
		unsigned at = lane->sector + i;
		const uint8_t *bytes = lane->bytes + (size_t)i * SECTOR;
		bool ok = has_value(bytes, bench->now[at]);
		for (size_t k = 0; lane->request.view && k < KEPT; k++)
			if (bench->kept[k].era == lane->request.view)
				ok = bench->kept[k].unknown[at] ||
					has_value(bytes, bench->kept[k].before[at]) ||
					has_value(bytes, bench->kept[k].after[at]);
		if (!ok)
			test_fail(__FILE__, __LINE__, "sector %u of era %u holds %u, not %u", at,
				lane->request.view, bytes[0] + 256U * bytes[1], bench->now[at]);
	}
}

static void on_done(struct engine_request *request, int err)
{
	struct lane *lane = container_of(request, struct lane, request);
	struct bench *bench = lane->bench;
	CHECK_EQ(err, 0);
	CHECK(lane->busy);
	lane->busy = false;
	bench->answered++;
	if (request->kind == ENGINE_READ)
		check_read(bench, lane);
	for (unsigned i = 0; i < lane->count && !lane->view; i++) {
		bench->taken[lane->sector + i] = false;
		bench->now[lane->sector + i] = bench->next[lane->sector + i];
	}
}

static bool take_range(struct bench *bench, struct lane *lane)
{
	lane->count = 1 +
		(unsigned)rng_below(&bench->rng, rng_below(&bench->rng, 3) ? 12 : LONGEST);
	lane->sector = (unsigned)rng_below(&bench->rng, SECTORS - lane->count);
	if (rng_below(&bench->rng, 2)) {
		lane->sector -= lane->sector % 8;
		lane->count += 7 - (lane->count + 7) % 8;
	}
	if (lane->sector + lane->count > SECTORS)
		return false;
	if (!lane->view && memchr(bench->taken + lane->sector, true, lane->count))
		return false;
	for (unsigned i = 0; i < lane->count && !lane->view; i++)
		bench->taken[lane->sector + i] = true;
	return true;
}

static void change(struct bench *bench, struct lane *lane)
{
	uint16_t value = lane->request.kind == ENGINE_ZERO ? 0 : ++bench->value;
	for (unsigned i = 0; i < lane->count; i++) {
		bench->next[lane->sector + i] = value;
		put_value(lane->bytes + (size_t)i * SECTOR, value);
		if (bench->act_busy)
			bench->acting->unknown[lane->sector + i] = true;
	}
}

static uint32_t some_view(struct bench *bench)
{
	const struct kept *kept = &bench->kept[rng_below(&bench->rng, KEPT)];
	return kept->going ? 0 : kept->era;
}

static void start_request(struct bench *bench)
{
	static const enum engine_kind kinds[] = {
		ENGINE_READ, ENGINE_WRITE, ENGINE_WRITE, ENGINE_WRITE, ENGINE_ZERO, ENGINE_FLUSH};
	struct lane *lane = &bench->lanes[rng_below(&bench->rng, LANES)];
	if (lane->busy)
		return;
	lane->bench = bench;
	lane->request = (struct engine_request){
		.kind = kinds[rng_below(&bench->rng, sizeof(kinds) / sizeof(*kinds))],
		.durable = rng_below(&bench->rng, 8) == 0,
		.allocate = rng_below(&bench->rng, 2),
		.bytes = lane->bytes,
		.done = on_done,
	};
	lane->view = false;
	lane->count = 0;
	if (lane->request.kind == ENGINE_READ && rng_below(&bench->rng, 2))
		lane->request.view = some_view(bench);
	lane->view = lane->request.view != 0;
	if (lane->request.kind != ENGINE_FLUSH && !take_range(bench, lane))
		return;
	lane->request.at = (uint64_t)lane->sector * SECTOR;
	lane->request.len = (uint64_t)lane->count * SECTOR;
	if (lane->request.kind == ENGINE_WRITE || lane->request.kind == ENGINE_ZERO)
		change(bench, lane);
	lane->busy = true;
	int now = rng_below(&bench->rng, 3) ? -EAGAIN : engine_now(bench->engine, &lane->request);
	if (now == -EAGAIN)
		engine_submit(bench->engine, &lane->request);
	else
		on_done(&lane->request, now);
}

/* ---- acts ---- */

static void on_act(struct engine_act *act, int err, const struct why *why)
{
	struct bench *bench = container_of(act, struct bench, act);
	struct kept *kept = bench->acting;
	if (err)
		test_fail(__FILE__, __LINE__, "%s", why->text);
	bench->act_busy = false;
	kept->era = act->kind == ENGINE_CUT
		? map_snapshot(engine_map(bench->engine), kept->name)->era
		: 0;
	kept->going = false;
}

static bool is_read(const struct bench *bench, uint32_t era)
{
	for (size_t i = 0; i < LANES; i++)
		if (bench->lanes[i].busy && bench->lanes[i].view &&
			bench->lanes[i].request.view == era)
			return true;
	return false;
}

static void start_act(struct bench *bench)
{
	struct kept *kept = &bench->kept[rng_below(&bench->rng, KEPT)];
	if (bench->act_busy || (kept->era && is_read(bench, kept->era)))
		return;
	bench->act = (struct engine_act){
		.kind = kept->era ? ENGINE_DROP : ENGINE_CUT, .name = kept->name, .done = on_act};
	if (!kept->era) {
		snprintf(kept->name, sizeof(kept->name), "s%u", ++bench->merged);
		memcpy(kept->before, bench->now, sizeof(bench->now));
		memcpy(kept->after, bench->next, sizeof(bench->next));
		memset(kept->unknown, 0, SECTORS);
	}
	kept->going = true;
	bench->acting = kept;
	bench->act_busy = true;
	engine_do(bench->engine, &bench->act);
}

static void settle_all(struct bench *bench)
{
	while (bench->act_busy || !engine_idle(bench->engine))
		CHECK(pump_step(&bench->pump));
}

static void read_all(struct bench *bench, uint32_t view)
{
	struct lane lane = {.bench = bench, .count = SECTORS, .busy = true, .view = true};
	lane.bytes = malloc(SIZE);
	CHECK(lane.bytes);
	lane.request = (struct engine_request){.kind = ENGINE_READ,
		.view = view,
		.len = SIZE,
		.bytes = lane.bytes,
		.done = on_done};
	engine_submit(bench->engine, &lane.request);
	while (lane.busy)
		CHECK(pump_step(&bench->pump));
	free(lane.bytes);
}

static void check_everything(struct bench *bench)
{
	settle_all(bench);
	read_all(bench, 0);
	for (size_t i = 0; i < KEPT; i++)
		if (bench->kept[i].era)
			read_all(bench, bench->kept[i].era);
}

static void one_life(uint64_t seed)
{
	OWN(own_free) struct bench *bench = calloc(1, sizeof(*bench));
	CHECK(bench);
	rng_seed(&bench->rng, seed);
	bench->sums = rng_below(&bench->rng, 3);
	bench->disk = sim_disk_new();
	CHECK(bench->disk);
	sim_disk_set_hook(bench->disk, cut_short, bench);
	for (size_t i = 0; i < LANES; i++)
		CHECK((bench->lanes[i].bytes = malloc((size_t)(LONGEST + 8) * SECTOR)));
	for (size_t i = 0; i < KEPT; i++) {
		CHECK((bench->kept[i].before = calloc(SECTORS, sizeof(uint16_t))));
		CHECK((bench->kept[i].after = calloc(SECTORS, sizeof(uint16_t))));
		CHECK((bench->kept[i].unknown = calloc(SECTORS, sizeof(bool))));
	}
	for (int life = 0; life < 3; life++) {
		open_engine(bench, life == 0);
		check_everything(bench);
		for (int i = 0; i < 1500; i++) {
			start_request(bench);
			for (uint64_t n = rng_below(&bench->rng, 4); n > 0; n--)
				pump_step(&bench->pump);
			if (rng_below(&bench->rng, 40) == 0)
				start_act(bench);
		}
		check_everything(bench);
		struct lane flush = {.bench = bench, .busy = true};
		flush.request = (struct engine_request){.kind = ENGINE_FLUSH, .done = on_done};
		engine_submit(bench->engine, &flush.request);
		settle_all(bench);
		close_engine(bench);
	}
	CHECK(bench->answered > 2000 && bench->shorts > 50);
	for (size_t i = 0; i < LANES; i++)
		free(bench->lanes[i].bytes);
	for (size_t i = 0; i < KEPT; i++) {
		free(bench->kept[i].before);
		free(bench->kept[i].after);
		free(bench->kept[i].unknown);
	}
	sim_disk_free(bench->disk);
}

TEST(every_sector_is_that_of_the_model)
{
	uint64_t seed = test_seed();
	for (uint64_t i = 0; i < 12; i++)
		one_life(seed + i);
}

/* ---- one thing at a time ---- */

struct wait {
	struct engine_request request;
	struct engine_act act;
	uint8_t bytes[VOL_BLOCK];
	bool done;
	int err;
};

static void request_done(struct engine_request *request, int err)
{
	struct wait *wait = container_of(request, struct wait, request);
	wait->done = true;
	wait->err = err;
}

static void act_done(struct engine_act *act, int err, const struct why *why)
{
	struct wait *wait = container_of(act, struct wait, act);
	(void)why;
	wait->done = true;
	wait->err = err;
}

static void begin_request(
	struct bench *bench, struct wait *wait, enum engine_kind kind, uint64_t at)
{
	wait->done = false;
	wait->request = (struct engine_request){.kind = kind,
		.at = at,
		.len = kind == ENGINE_FLUSH ? 0 : VOL_BLOCK,
		.bytes = wait->bytes,
		.done = request_done};
	engine_submit(bench->engine, &wait->request);
}

static int finish(struct bench *bench, struct wait *wait)
{
	while (!wait->done)
		CHECK(pump_step(&bench->pump));
	return wait->err;
}

static int write_block(struct bench *bench, uint64_t block, uint8_t value)
{
	struct wait wait;
	memset(wait.bytes, value, sizeof(wait.bytes));
	begin_request(bench, &wait, ENGINE_WRITE, block * VOL_BLOCK);
	return finish(bench, &wait);
}

static int flush_all(struct bench *bench)
{
	struct wait wait;
	begin_request(bench, &wait, ENGINE_FLUSH, 0);
	return finish(bench, &wait);
}

static int do_act(struct bench *bench, enum engine_act_kind kind, const char *name)
{
	struct wait wait = {.act = {.kind = kind, .name = name, .done = act_done}};
	engine_do(bench->engine, &wait.act);
	return finish(bench, &wait);
}

static struct bench *begin_bench(uint64_t seed)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	CHECK(bench);
	rng_seed(&bench->rng, seed);
	bench->disk = sim_disk_new();
	CHECK(bench->disk);
	open_engine(bench, true);
	bench->pump.at_once = false;
	return bench;
}

static void end_bench(struct bench *bench)
{
	close_engine(bench);
	sim_disk_free(bench->disk);
	free(bench);
}

TEST(a_slot_that_is_read_is_not_used_again)
{
	uint64_t seed = test_seed();
	for (uint64_t i = 0; i < 20; i++) {
		struct bench *bench = begin_bench(seed + i);
		CHECK_EQ(write_block(bench, 0, 1), 0);
		CHECK_EQ(write_block(bench, 1, 1), 0);
		CHECK_EQ(do_act(bench, ENGINE_CUT, "a"), 0);
		CHECK_EQ(write_block(bench, 0, 2), 0);
		CHECK_EQ(do_act(bench, ENGINE_CUT, "b"), 0);
		struct wait read;
		bench->pump.hold_reads = true;
		begin_request(bench, &read, ENGINE_READ, 0);
		bench->pump.hold_reads = false;
		CHECK_EQ(do_act(bench, ENGINE_DROP, "a"), 0);
		for (int n = 0; n < 200; n++)
			pump_step(&bench->pump);
		/* The merge is done, and its slot would be the first to be taken. */
		CHECK_EQ(write_block(bench, VOL_EXTENT_BLOCKS, 3), 0);
		pump_let_go(&bench->pump);
		CHECK_EQ(finish(bench, &read), 0);
		CHECK_EQ(read.bytes[0], 2);
		CHECK_EQ(read.bytes[VOL_BLOCK - 1], 2);
		end_bench(bench);
	}
}

/* ---- a disk that fails ---- */

static int fail_op(void *arg, enum sim_op op, const char *name, bool done)
{
	const int *what = arg;
	if (done || (int)op != what[0])
		return 0;
	return strcmp(name, "data") == 0 ? what[1] : 0;
}

TEST(a_write_that_fails_is_told_and_the_next_one_goes)
{
	struct bench *bench = begin_bench(1);
	int what[2] = {SIM_WRITE, -ENOSPC};
	CHECK_EQ(write_block(bench, 5, 1), 0);
	sim_disk_set_hook(bench->disk, fail_op, what);
	CHECK_EQ(write_block(bench, 6, 2), -ENOSPC);
	what[1] = -EIO;
	CHECK_EQ(write_block(bench, 5, 3), -EIO);
	what[0] = SIM_READ;
	struct wait wait;
	do
		begin_request(bench, &wait, ENGINE_READ, (uint64_t)5 * VOL_BLOCK);
	while (finish(bench, &wait) == 0);
	CHECK_EQ(wait.err, -EIO);
	sim_disk_set_hook(bench->disk, NULL, NULL);
	CHECK(!engine_stopped(bench->engine));
	CHECK_EQ(write_block(bench, 6, 4), 0);
	CHECK_EQ(flush_all(bench), 0);
	end_bench(bench);
}

TEST(a_sync_that_fails_stops_the_volume_until_it_is_opened_anew)
{
	struct bench *bench = begin_bench(2);
	int what[2] = {SIM_SYNC, -EIO};
	CHECK_EQ(write_block(bench, 5, 1), 0);
	CHECK_EQ(flush_all(bench), 0);
	CHECK_EQ(write_block(bench, 5, 2), 0);
	sim_disk_set_hook(bench->disk, fail_op, what);
	CHECK_EQ(flush_all(bench), -EIO);
	sim_disk_set_hook(bench->disk, NULL, NULL);
	CHECK(engine_stopped(bench->engine));
	CHECK_EQ(flush_all(bench), -EIO);
	CHECK_EQ(write_block(bench, 5, 3), -EIO);
	CHECK_EQ(do_act(bench, ENGINE_CUT, "x"), -EIO);
	close_engine(bench);
	open_engine(bench, false);
	CHECK_EQ(write_block(bench, 5, 4), 0);
	CHECK_EQ(flush_all(bench), 0);
	end_bench(bench);
}

TEST(what_is_beyond_the_volume_is_refused)
{
	struct bench *bench = begin_bench(3);
	CHECK_EQ(write_block(bench, SIZE / VOL_BLOCK, 1), -EINVAL);
	CHECK_EQ(write_block(bench, UINT64_MAX / VOL_BLOCK, 1), -EINVAL);
	CHECK_EQ(do_act(bench, ENGINE_DROP, "none"), -ENOENT);
	CHECK_EQ(do_act(bench, ENGINE_CUT, "a"), 0);
	CHECK_EQ(do_act(bench, ENGINE_CUT, "a"), -EEXIST);
	CHECK_EQ(do_act(bench, ENGINE_CUT, "a\n"), -EINVAL);
	end_bench(bench);
}

static int read_block(struct bench *bench, uint32_t view, uint64_t block, uint8_t *ret_value)
{
	struct wait wait = {.done = false};
	wait.request = (struct engine_request){.kind = ENGINE_READ,
		.view = view,
		.at = block * VOL_BLOCK,
		.len = VOL_BLOCK,
		.bytes = wait.bytes,
		.done = request_done};
	engine_submit(bench->engine, &wait.request);
	int err = finish(bench, &wait);
	*ret_value = wait.bytes[0];
	return err;
}

TEST(what_is_forsaken_and_not_begun_is_not_done)
{
	struct bench *bench = begin_bench(5);
	struct wait begun, gated, flush,
		cut = {.act = {.kind = ENGINE_CUT, .name = "a", .done = act_done}};
	uint8_t value = 0;
	CHECK_EQ(write_block(bench, 1, 1), 0);
	memset(begun.bytes, 2, sizeof(begun.bytes));
	memset(gated.bytes, 3, sizeof(gated.bytes));
	begin_request(bench, &begun, ENGINE_WRITE, 0);
	/* The cut waits for the write under way, and the next one for the cut. */
	engine_do(bench->engine, &cut.act);
	begin_request(bench, &gated, ENGINE_WRITE, VOL_BLOCK);
	begin_request(bench, &flush, ENGINE_FLUSH, 0);
	CHECK(!begun.done && !gated.done && !flush.done);
	engine_forsake(&begun.request);
	engine_forsake(&gated.request);
	engine_forsake(&flush.request);
	CHECK_EQ(finish(bench, &gated), -ECANCELED);
	CHECK_EQ(finish(bench, &begun), -ECANCELED);
	CHECK_EQ(finish(bench, &flush), 0);
	CHECK_EQ(finish(bench, &cut), 0);
	CHECK_EQ(read_block(bench, 0, 0, &value), 0);
	CHECK_EQ(value, 2);
	CHECK_EQ(read_block(bench, 0, 1, &value), 0);
	CHECK_EQ(value, 1);
	end_bench(bench);
}

static int resize(struct bench *bench, uint64_t size, bool force)
{
	struct wait wait = {
		.act = {.kind = ENGINE_RESIZE, .size = size, .force = force, .done = act_done}};
	engine_do(bench->engine, &wait.act);
	return finish(bench, &wait);
}

TEST(a_snapshot_keeps_its_size_when_the_volume_gets_another)
{
	enum { FEW = 3 * VOL_EXTENT_BLOCKS / 2 };
	struct bench *bench = begin_bench(4);
	const uint64_t last = SIZE / VOL_BLOCK - 1;
	uint8_t value = 0;
	CHECK_EQ(write_block(bench, last, 7), 0);
	CHECK_EQ(do_act(bench, ENGINE_CUT, "large"), 0);
	uint32_t large = map_snapshot(engine_map(bench->engine), "large")->era;
	CHECK_EQ(resize(bench, (uint64_t)FEW * VOL_BLOCK, false), -EBUSY);
	CHECK_EQ(resize(bench, (uint64_t)FEW * VOL_BLOCK, true), 0);
	CHECK_EQ(do_act(bench, ENGINE_CUT, "small"), 0);
	uint32_t small = map_snapshot(engine_map(bench->engine), "small")->era;
	CHECK_EQ(read_block(bench, large, last, &value), 0);
	CHECK_EQ(value, 7);
	CHECK_EQ(read_block(bench, large, last + 1, &value), -EINVAL);
	CHECK_EQ(read_block(bench, 0, FEW, &value), -EINVAL);
	CHECK_EQ(resize(bench, SIZE + 1, true), -EINVAL);
	CHECK_EQ(resize(bench, SIZE, false), 0);
	CHECK_EQ(read_block(bench, small, FEW - 1, &value), 0);
	CHECK_EQ(read_block(bench, small, FEW, &value), -EINVAL);
	CHECK_EQ(read_block(bench, large, last, &value), 0);
	CHECK_EQ(read_block(bench, 0, last, &value), 0);
	CHECK_EQ(value, 0);
	end_bench(bench);
}

/* The rest of a block that a smaller size cut through does not come back either. */
TEST(a_volume_that_shrank_within_a_block_grows_by_zeros)
{
	struct bench *bench = begin_bench(6);
	CHECK_EQ(write_block(bench, 1, 9), 0);
	CHECK_EQ(resize(bench, VOL_BLOCK + SECTOR, true), 0);
	CHECK_EQ(resize(bench, SIZE, false), 0);
	struct wait wait = {.done = false};
	begin_request(bench, &wait, ENGINE_READ, VOL_BLOCK);
	CHECK_EQ(finish(bench, &wait), 0);
	CHECK_EQ(wait.bytes[SECTOR - 1], 9);
	CHECK_EQ(wait.bytes[SECTOR], 0);
	CHECK_EQ(wait.bytes[VOL_BLOCK - 1], 0);
	end_bench(bench);
}

/* ---- sums ---- */

static struct bench *begin_sums(uint64_t seed)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	CHECK(bench);
	rng_seed(&bench->rng, seed);
	bench->sums = true;
	bench->disk = sim_disk_new();
	CHECK(bench->disk);
	open_engine(bench, true);
	engine_scrub(bench->engine, 0);
	return bench;
}

static void rest(struct bench *bench)
{
	CHECK_EQ(do_act(bench, ENGINE_REST, NULL), 0);
}

/* One bit of the block, which is in the first slot, behind the engine's back. */
static void flip(struct bench *bench, uint64_t block)
{
	struct file *file;
	uint8_t byte;
	uint64_t at = block * VOL_BLOCK + 77;
	CHECK_EQ(disk_open(sim_disk_seam(bench->disk), "data", FILE_READ | FILE_WRITE, &file), 0);
	CHECK_EQ(file_read_full(file, &byte, 1, at), 0);
	byte ^= 4;
	CHECK_EQ(file_write_full(file, &byte, 1, at), 0);
	file_close(file);
}

TEST(a_block_that_is_not_what_was_written_is_an_error_until_it_is)
{
	struct bench *bench = begin_sums(7);
	uint8_t value = 0;
	for (uint64_t block = 0; block < 4; block++)
		CHECK_EQ(write_block(bench, block, (uint8_t)(block + 1)), 0);
	rest(bench);
	flip(bench, 2);
	CHECK_EQ(read_block(bench, 0, 2, &value), -EIO);
	CHECK_EQ(read_block(bench, 0, 1, &value), 0);
	CHECK_EQ(value, 2);
	struct wait part = {.request = {.kind = ENGINE_WRITE,
				    .at = 2 * VOL_BLOCK + SECTOR,
				    .len = SECTOR,
				    .bytes = part.bytes,
				    .done = request_done}};
	engine_submit(bench->engine, &part.request);
	CHECK_EQ(finish(bench, &part), -EIO);
	CHECK_EQ(engine_sums(bench->engine)->bad, 1);
	/* A copy of it stays bad. */
	CHECK_EQ(do_act(bench, ENGINE_CUT, "a"), 0);
	CHECK_EQ(write_block(bench, 1, 8), 0);
	CHECK_EQ(do_act(bench, ENGINE_CUT, "b"), 0);
	CHECK_EQ(do_act(bench, ENGINE_DROP, "a"), 0);
	for (int n = 0; n < 300; n++)
		pump_step(&bench->pump);
	CHECK_EQ(read_block(bench, 0, 2, &value), -EIO);
	CHECK_EQ(write_block(bench, 2, 7), 0);
	CHECK_EQ(read_block(bench, 0, 2, &value), 0);
	CHECK_EQ(value, 7);
	CHECK(!engine_stopped(bench->engine));
	end_bench(bench);
}

TEST(what_is_at_rest_is_read_back)
{
	struct bench *bench = begin_sums(8);
	for (uint64_t block = 0; block < 64; block += 3)
		CHECK_EQ(write_block(bench, block, 5), 0);
	rest(bench);
	flip(bench, 9);
	flip(bench, 30);
	engine_scrub(bench->engine, UINT64_C(1) << 30);
	for (int n = 0; n < 2000 && engine_sums(bench->engine)->bad < 2; n++)
		CHECK(pump_step(&bench->pump));
	CHECK_EQ(engine_sums(bench->engine)->bad, 2);
	end_bench(bench);
}

/* ---- what takes long, and what fails ---- */

TEST(a_long_request_lets_others_have_their_turn)
{
	struct bench *bench = begin_bench(9);
	struct wait all = {.done = false}, one;
	CHECK_EQ(resize(bench, UINT64_C(64) << 20, false), 0);
	bench->pump.at_once = true;
	all.request = (struct engine_request){.kind = ENGINE_ZERO,
		.allocate = true,
		.len = UINT64_C(64) << 20,
		.done = request_done};
	engine_submit(bench->engine, &all.request);
	CHECK(!all.done);
	begin_request(bench, &one, ENGINE_READ, 0);
	CHECK(one.done || finish(bench, &one) == 0);
	CHECK(!all.done);
	CHECK_EQ(finish(bench, &all), 0);
	end_bench(bench);
}

/* The nth operation and all after it, until they go again. */
struct failing {
	unsigned left;
	int err;
};

static int fail_from(void *arg, enum sim_op op, const char *name, bool done)
{
	struct failing *failing = arg;
	(void)op, (void)name;
	if (done || (failing->left && --failing->left))
		return 0;
	return failing->err;
}

/* 0, or the first error of what a client does. */
static int some_work(struct bench *bench, uint8_t value)
{
	uint8_t read = 0;
	int err = 0;
	for (uint64_t block = 0; !err && block < 3; block++)
		err = write_block(bench, block * VOL_EXTENT_BLOCKS, value);
	if (!err)
		err = flush_all(bench);
	if (!err)
		err = do_act(bench, ENGINE_CUT, value % 2 ? "odd" : "even");
	if (!err)
		err = write_block(bench, 0, value);
	if (!err)
		err = do_act(bench, ENGINE_REST, NULL);
	if (!err)
		err = read_block(bench, 0, 0, &read);
	if (!err)
		CHECK_EQ(read, value);
	return err;
}

/* What is answered is never zeros, and all is well again when the cause is gone. */
TEST(every_operation_that_fails_is_told_and_mended_when_the_cause_is_gone)
{
	for (unsigned n = 1; n < 60; n++) {
		struct bench *bench = begin_sums(n);
		struct failing failing = {.left = n, .err = n % 2 ? -EIO : -ENOSPC};
		CHECK_EQ(some_work(bench, 1), 0);
		sim_disk_set_hook(bench->disk, fail_from, &failing);
		int err = some_work(bench, 2);
		CHECK(!err || err == -EIO || err == -ENOSPC);
		uint8_t read = 1;
		CHECK(read_block(bench, 0, VOL_EXTENT_BLOCKS, &read) || read == 1 || read == 2);
		sim_disk_set_hook(bench->disk, NULL, NULL);
		if (engine_stopped(bench->engine)) {
			CHECK_EQ(read_block(bench, 0, 0, &read), -EIO);
			close_engine(bench);
			open_engine(bench, false);
		}
		CHECK_EQ(read_block(bench, 0, VOL_EXTENT_BLOCKS, &read), 0);
		CHECK(read == 1 || read == 2);
		/* A journal that failed behind what it made durable stops with the next commit. */
		for (int tries = 0; tries < 2; tries++) {
			if (map_snapshot(engine_map(bench->engine), "even"))
				(void)do_act(bench, ENGINE_DROP, "even");
			if (!engine_stopped(bench->engine))
				err = some_work(bench, 4);
			if (!engine_stopped(bench->engine))
				break;
			close_engine(bench);
			open_engine(bench, false);
		}
		CHECK_EQ(err, 0);
		end_bench(bench);
	}
}

TEST_MAIN
