/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One small story that uses every part of the simulator, for 64 seeds; prints a line for each: the
 * seed, the number of events and the trace hash. tests/trace.txt holds what it prints, and
 * tests/determinism.sh compares, for other compilers too.
 *
 * Three nodes tick: they read the host, write a log with blocking calls and with requests, start
 * tasks and children, call each other and echo what they hear. The script changes the weather,
 * kills, crashes, pauses and restarts them, and rules make every part fail now and then.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "os/aio.h"
#include "os/clock.h"
#include "os/dice.h"
#include "os/disk.h"
#include "os/host.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/procs.h"
#include "os/world.h"
#include "sim/disk.h"
#include "sim/fault.h"
#include "sim/net.h"
#include "sim/procs.h"
#include "sim/sim.h"

enum { SEEDS = 64, NODES = 3, STREAMS = 64 };

struct player {
	struct story *story;
	struct sim_node *node;
	struct world *world;
	struct timer tick;
	struct task task;
	struct aio_request request;
	struct proc *proc;
	struct file *log;
	struct stream *streams[STREAMS];
	bool task_runs, request_runs;
	uint8_t block[600];
	uint64_t turns, size;
};

struct story {
	struct sim *sim;
	struct timer timer;
	struct player players[NODES];
	uint64_t turns;
};

static const char *const names[NODES] = {"left", "middle", "right"};
static const char *const doors[NODES] = {"sim:left/door", "sim:middle/door", "sim:right/door"};

static void note(struct player *player, int64_t value)
{
	sim_note(player->story->sim, (uint64_t)value);
}

static void on_stream(struct stream *stream, unsigned events)
{
	struct stream **place = stream->arg;
	uint8_t bytes[700];
	ssize_t n = events & STREAM_CAN_READ ? stream_read(stream, bytes, sizeof(bytes)) : -EAGAIN;
	if (n > 0 && n % 7 == 0)
		stream_write(stream, bytes, (size_t)n); /* as much as goes */
	if (n == 0 || events & STREAM_GONE || (n < 0 && n != -EAGAIN)) {
		stream_close(stream);
		*place = NULL;
		return;
	}
	stream_want(stream, STREAM_CAN_READ);
}

static void keep(struct player *player, struct stream *stream)
{
	for (size_t i = 0; i < STREAMS; i++) {
		if (player->streams[i])
			continue;
		player->streams[i] = stream;
		stream->arg = &player->streams[i];
		stream->on_event = on_stream;
		stream_want(stream, STREAM_CAN_READ | STREAM_CAN_WRITE);
		return;
	}
	stream_close(stream);
}

static void on_accept(struct listener *listener, struct stream *stream)
{
	keep(listener->arg, stream);
}

static void on_work(struct task *task)
{
	struct player *player = container_of(task, struct player, task);
	player->size = hash64(player->block, sizeof(player->block), player->size);
}

static void on_done(struct task *task)
{
	struct player *player = container_of(task, struct player, task);
	player->task_runs = false;
	note(player, (int64_t)player->size);
}

static void on_written(struct aio_request *request, ssize_t result)
{
	struct player *player = container_of(request, struct player, request);
	player->request_runs = false;
	note(player, result);
}

static void on_exit_(struct proc *proc, int status)
{
	struct player *player = proc->arg;
	note(player, status);
	proc_close(proc);
	player->proc = NULL;
}

static void use_disk(struct player *player)
{
	struct disk *disk = player->world->disk;
	char name[16];
	note(player, file_write_full(player->log, player->block, 100, player->turns % 50 * 100));
	if (player->turns % 3 == 0)
		note(player, file_sync(player->log));
	snprintf(name, sizeof(name), "dir%d", (int)(player->turns % 4));
	note(player, disk_mkdir(disk, name));
	note(player, disk_rename(disk, name, "moved"));
	note(player, disk_rmdir(disk, "moved"));
	if (player->turns % 5 == 0)
		note(player, disk_sync_dir(disk, "."));
	if (player->request_runs)
		return;
	player->request = (struct aio_request){.kind = player->turns % 4 ? AIO_WRITE : AIO_SYNC,
		.file = player->log,
		.bytes = player->block,
		.len = 512,
		.at = player->turns % 20 * 300,
		.done = on_written};
	player->request_runs = aio_submit(player->world->aio, &player->request) == 0;
}

static void use_net(struct player *player)
{
	struct why why;
	struct stream *stream;
	size_t other = dice_u64(player->world->dice) % NODES;
	int err = net_connect(player->world->net, doors[other], &stream, &why);
	note(player, err);
	if (!err)
		keep(player, stream);
	for (size_t i = 0; i < STREAMS; i++)
		if (player->streams[i])
			note(player, stream_write(player->streams[i], player->block, 600));
}

static void use_rest(struct player *player)
{
	static const struct proc_spec spec = {.program = "/bin/tool"};
	struct host_reading reading = {0};
	struct why why;
	if (!player->task_runs) {
		player->task = (struct task){on_work, on_done};
		player->task_runs = task_start(player->world->loop, &player->task) == 0;
	}
	if (!player->proc && !procs_start(player->world->procs, &spec, &player->proc, &why)) {
		player->proc->on_exit = on_exit_;
		player->proc->arg = player;
	} else if (player->proc && player->turns % 7 == 0) {
		note(player, proc_signal(player->proc, 15));
	}
	note(player, host_read(player->world->host, &reading, &why));
	note(player, (int64_t)reading.cpu_busy_ns);
	note(player, (int64_t)reading.disks[1].write_bytes);
	note(player, clock_wall_ns(player->world->clock));
}

static void on_tick(struct timer *timer)
{
	struct player *player = container_of(timer, struct player, tick);
	player->turns++;
	dice_fill(player->world->dice, player->block, sizeof(player->block));
	use_disk(player);
	use_net(player);
	use_rest(player);
	timer_set(
		player->world->loop, timer, clock_mono_ns(player->world->clock) + 500 * NS_PER_MS);
}

static void start(struct player *player)
{
	struct why why;
	struct listener *listener;
	struct world *world = player->world;
	int err = disk_open(world->disk, "log", FILE_READ | FILE_WRITE | FILE_CREATE, &player->log);
	if (!err)
		err = net_listen(
			world->net, doors[player - player->story->players], &listener, &why);
	note(player, err);
	if (err) {
		sim_node_kill(player->node);
		return;
	}
	listener->on_accept = on_accept;
	listener->arg = player;
	player->tick.fn = on_tick;
	timer_set(world->loop, &player->tick, 0);
}

/* All handles are left to the simulator. */
static void on_death(void *arg, struct sim_node *node)
{
	struct player *player = arg;
	struct player fresh = {.story = player->story, .node = node, .world = player->world};
	note(player, (int64_t)sim_disk_hash(sim_node_disk(node)));
	*player = fresh;
}

static void change_weather(struct story *story)
{
	struct rng *rng = sim_rng(story->sim);
	size_t a = rng_below(rng, NODES), b = (a + 1 + rng_below(rng, NODES - 1)) % NODES;
	struct sim_link *link = sim_net_link(story->players[a].node, story->players[b].node);
	link->loss_per_million = (uint32_t)rng_below(rng, 100000);
	link->jitter_ns = (int64_t)rng_below(rng, 50 * NS_PER_MS);
	link->bytes_per_sec = rng_below(rng, 2) ? 0 : 20000 + rng_below(rng, 1000000);
	link->cut = rng_below(rng, 6) == 0;
}

static void change_lives(struct story *story)
{
	struct rng *rng = sim_rng(story->sim);
	struct player *player = &story->players[rng_below(rng, NODES)];
	if (!sim_node_up(player->node)) {
		must(sim_node_restart(player->node) == 0);
		start(player);
		return;
	}
	switch (rng_below(rng, 12)) {
	case 0:
		sim_node_crash(player->node);
		break;
	case 1:
		sim_node_kill(player->node);
		break;
	case 2:
		sim_node_pause(player->node, sim_now(story->sim) + 3 * NS_PER_SEC);
		break;
	case 3:
		sim_node_jump(player->node, (int64_t)rng_below(rng, NS_PER_DAY) - NS_PER_DAY / 2);
		break;
	case 4:
		sim_node_drift(player->node, (int32_t)rng_below(rng, 200001) - 100000);
		break;
	case 5:
		sim_net_isolate(player->node, true);
		break;
	default:
		sim_net_heal(story->sim);
	}
}

static void on_script(struct timer *timer)
{
	struct story *story = container_of(timer, struct story, timer);
	change_weather(story);
	change_lives(story);
	timer_set(sim_script(story->sim), timer, sim_now(story->sim) + NS_PER_SEC);
}

static const struct fault rules[] = {
	{.label = "open",
		.point = FAULT_DISK,
		.op = SIM_CREATE,
		.effect = FAULT_FAIL,
		.value = -ENOSPC,
		.per_million = 50000},
	{.label = "write",
		.point = FAULT_DISK,
		.op = SIM_WRITE,
		.effect = FAULT_FAIL,
		.value = -EIO,
		.per_million = 10000},
	{.label = "short",
		.point = FAULT_DISK,
		.op = SIM_WRITE,
		.effect = FAULT_SHORT,
		.value = 17,
		.per_million = 100000},
	{.label = "sync",
		.point = FAULT_DISK,
		.op = SIM_SYNC,
		.effect = FAULT_FAIL,
		.value = -EIO,
		.per_million = 20000},
	{.label = "death",
		.point = FAULT_DISK,
		.op = FAULT_ANY_OP,
		.effect = FAULT_CRASH,
		.per_million = 2000},
	{.label = "lost", .point = FAULT_SEND, .effect = FAULT_LOSE, .per_million = 20000},
	{.label = "late",
		.point = FAULT_SEND,
		.effect = FAULT_DELAY,
		.value = NS_PER_SEC,
		.per_million = 20000},
	{.label = "connect",
		.point = FAULT_CONNECT,
		.effect = FAULT_FAIL,
		.value = -EMFILE,
		.per_million = 50000},
	{.label = "request",
		.point = FAULT_AIO,
		.effect = FAULT_FAIL,
		.value = -EIO,
		.per_million = 50000},
	{.label = "task",
		.point = FAULT_TASK,
		.effect = FAULT_DELAY,
		.value = NS_PER_SEC,
		.per_million = 50000},
	{.label = "child",
		.point = FAULT_PROC,
		.effect = FAULT_FAIL,
		.value = -EAGAIN,
		.per_million = 50000},
	{.label = "timer",
		.point = FAULT_TIMER,
		.node = "*t",
		.effect = FAULT_PAUSE,
		.value = NS_PER_SEC,
		.per_million = 10000},
};
enum { RULES = sizeof(rules) / sizeof(*rules) };

static struct story *begin_story(struct story *story, uint64_t seed)
{
	static const struct sim_program tool = {.program = "/bin/tool",
		.runs_ns = NS_PER_SEC,
		.jitter_ns = 10 * NS_PER_SEC,
		.code = 2};
	size_t number;
	*story = (struct story){.sim = sim_new(seed), .timer.fn = on_script};
	must(story->sim && sim_program_add(story->sim, &tool) == 0);
	for (size_t i = 0; i < RULES; i++)
		must(fault_add(story->sim, &rules[i], &number) == 0);
	for (size_t i = 0; i < NODES; i++) {
		struct player *player = &story->players[i];
		player->story = story;
		must(sim_node_new(story->sim, names[i], &player->node) == 0);
		player->world = sim_node_world(player->node);
		sim_node_on_death(player->node, on_death, player);
		start(player);
	}
	timer_set(sim_script(story->sim), &story->timer, NS_PER_SEC);
	return story;
}

int main(void)
{
	static struct story story;
	uint64_t hits[RULES] = {0};
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct sim *sim = begin_story(&story, seed)->sim;
		sim_run(sim, 90 * NS_PER_SEC);
		for (size_t i = 0; i < NODES; i++)
			sim_note(sim, sim_disk_hash(sim_node_disk(story.players[i].node)));
		for (size_t i = 0; i < RULES; i++)
			hits[i] += fault_hits(sim, i);
		printf("%2" PRIu64 " %7" PRIu64 " %016" PRIx64 "\n", seed, sim_events(sim),
			sim_trace(sim));
		sim_free(sim);
	}
	for (size_t i = 0; i < RULES; i++)
		must(hits[i]); /* a rule that never hits tests nothing */
	return 0;
}
