/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine on the real loop and both kinds of aio, under load: clients that each own some blocks
 * write, read back and flush them, while snapshots come and go, slots are merged, regions come to
 * rest and all is read back. What threads share shows under TSan.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/container.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/units.h"
#include "os/disk.h"
#include "os/linux/world.h"
#include "os/loop.h"
#include "os/world.h"
#include "vol/engine.h"
#include "vol/map.h"
#include "vol/sums.h"
#include "vol/volume.h"

enum { CLIENTS = 24, BLOCKS = 40, OPERATIONS = 12000 };

struct client {
	struct engine_request request;
	struct load *load;
	unsigned block; /* of its own */
	uint8_t holds[BLOCKS];
	uint8_t next;
	uint8_t bytes[VOL_BLOCK];
};

struct load {
	struct world *world;
	struct engine_pool *pool;
	struct engine *engine;
	struct rng rng;
	struct client clients[CLIENTS];
	struct engine_act act;
	struct timer look;
	unsigned left, out, acts;
	bool acting;
};

static void next_request(struct client *client);

static void on_done(struct engine_request *request, int err)
{
	struct client *client = container_of(request, struct client, request);
	struct load *load = client->load;
	CHECK_EQ(err, 0);
	if (request->kind == ENGINE_WRITE)
		client->holds[client->block] = client->next;
	if (request->kind == ENGINE_READ) {
		CHECK_EQ(client->bytes[0], client->holds[client->block]);
		CHECK_EQ(client->bytes[VOL_BLOCK - 1], client->holds[client->block]);
	}
	load->out--;
	if (load->left)
		next_request(client);
}

static void next_request(struct client *client)
{
	static const enum engine_kind kinds[] = {
		ENGINE_READ, ENGINE_WRITE, ENGINE_READ, ENGINE_WRITE, ENGINE_WRITE, ENGINE_READ};
	struct load *load = client->load;
	enum engine_kind kind = rng_below(&load->rng, 40) ? kinds[rng_below(&load->rng, 6)]
							  : ENGINE_FLUSH;
	load->left--;
	load->out++;
	client->block = (unsigned)rng_below(&load->rng, BLOCKS);
	client->next = (uint8_t)rng_below(&load->rng, 255);
	if (kind == ENGINE_WRITE)
		memset(client->bytes, client->next, sizeof(client->bytes));
	uint64_t at = (uint64_t)client->block * CLIENTS + (uint64_t)(client - load->clients);
	client->request = (struct engine_request){.kind = kind,
		.durable = kind == ENGINE_WRITE && rng_below(&load->rng, 30) == 0,
		.at = kind == ENGINE_FLUSH ? 0 : at * VOL_BLOCK,
		.len = kind == ENGINE_FLUSH ? 0 : VOL_BLOCK,
		.bytes = client->bytes,
		.done = on_done};
	engine_submit(load->engine, &client->request);
}

static void on_act(struct engine_act *act, int err, const struct why *why)
{
	struct load *load = container_of(act, struct load, act);
	if (err)
		test_fail(__FILE__, __LINE__, "%s", why->text);
	load->acting = false;
	load->acts++;
}

/* Cuts two snapshots, drops them, and rests, over and over; and sees when all is over. */
static void on_look(struct timer *timer)
{
	static const struct {
		enum engine_act_kind kind;
		const char *name;
	} acts[] = {{ENGINE_CUT, "a"}, {ENGINE_REST, NULL}, {ENGINE_CUT, "b"}, {ENGINE_DROP, "a"},
		{ENGINE_DROP, "b"}};
	struct load *load = container_of(timer, struct load, look);
	size_t n = load->acts % (sizeof(acts) / sizeof(*acts));
	if (!load->left)
		engine_clean(load->engine, 0);
	if (!load->left && !load->out && engine_idle(load->engine)) {
		loop_stop(load->world->loop);
		return;
	}
	if (load->left && !load->acting) {
		load->acting = true;
		load->act = (struct engine_act){
			.kind = acts[n].kind, .name = acts[n].name, .done = on_act};
		engine_do(load->engine, &load->act);
	}
	timer_set(load->world->loop, timer, 0);
}

static void run(struct load *load, struct linux_world *lw, struct volume *volume)
{
	CHECK_EQ(engine_pool_new(load->world, &load->pool), 0);
	CHECK_EQ(engine_open(load->pool, volume, &load->engine), 0);
	engine_clean(load->engine, NS_PER_MS / 4);
	engine_scrub(load->engine, UINT64_C(1) << 30);
	load->left = OPERATIONS;
	load->look.fn = on_look;
	timer_set(load->world->loop, &load->look, 0);
	for (size_t i = 0; i < CLIENTS; i++) {
		load->clients[i].load = load;
		next_request(&load->clients[i]);
	}
	linux_run(lw);
	CHECK_EQ(engine_sums(load->engine)->bad, 0);
	CHECK(load->acts > 5);
}

static void under_load(bool no_uring)
{
	static const char *const files[] = {"data", "sums", "map", "map.lock", "map.new"};
	OWN(own_free) struct load *load = calloc(1, sizeof(*load));
	char folder[] = "/tmp/engine-load-XXXXXX";
	const struct linux_options options = {.no_uring = no_uring};
	struct linux_world *lw;
	struct volume *volume;
	struct why why = {""};
	CHECK(load && mkdtemp(folder));
	rng_seed(&load->rng, test_seed());
	CHECK_EQ(linux_world_open(folder, &options, &lw, &why), 0);
	load->world = linux_world(lw);
	const struct volume_options how = {.disk = load->world->disk,
		.identity = "a volume of load",
		.make_size = UINT64_C(8) << 20,
		.sums_pages = 2};
	CHECK_EQ(volume_open(&how, &volume, &why), 0);
	run(load, lw, volume);
	CHECK_EQ(engine_end(load->engine, &why), 0);
	engine_pool_free(load->pool);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		(void)disk_unlink(load->world->disk, files[i]);
	linux_world_close(lw);
	CHECK_EQ(rmdir(folder), 0);
}

TEST(an_engine_under_load_on_threads)
{
	under_load(true);
}

/* Where io_uring cannot be had these are threads once more. */
TEST(an_engine_under_load_as_this_machine_has_it)
{
	under_load(false);
}

TEST_MAIN
