/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: where they match, when they hit, what they do, and that idle ones are seen. */
#include "sim/fault.h"

#include <errno.h>

#include "base/container.h"
#include "base/str.h"
#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "os/aio.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/procs.h"
#include "os/world.h"
#include "sim/disk.h"
#include "sim/procs.h"
#include "sim/sim.h"

struct scene {
	struct sim *sim;
	struct sim_node *node;
	struct world *world;
	struct file *file;
	struct timer timer;
	struct task task;
	int fired;
};

static void make_scene(struct scene *scene, uint64_t seed)
{
	*scene = (struct scene){.sim = sim_new(seed)};
	CHECK_EQ(sim_node_new(scene->sim, "alpha-1", &scene->node), 0);
	scene->world = sim_node_world(scene->node);
	CHECK_EQ(disk_open(scene->world->disk, "log", FILE_READ | FILE_WRITE | FILE_CREATE,
			 &scene->file),
		0);
}

static size_t add(struct scene *scene, struct fault fault)
{
	size_t rule;
	fault.label = fault.label ? fault.label : "it";
	CHECK_EQ(fault_add(scene->sim, &fault, &rule), 0);
	return rule;
}

static ssize_t write_log(struct scene *scene)
{
	return file_write_at(scene->file, "12345678", 8, 0);
}

TEST(a_rule_waits_its_turn_hits_so_often_and_is_counted)
{
	struct scene scene;
	make_scene(&scene, 1);
	size_t rule = add(&scene,
		(struct fault){.point = FAULT_DISK,
			.op = SIM_WRITE,
			.after = 3,
			.count = 2,
			.effect = FAULT_FAIL,
			.value = -EIO});
	for (int i = 0; i < 8; i++)
		CHECK_EQ(write_log(&scene), i == 3 || i == 4 ? -EIO : 8);
	CHECK_EQ(file_sync(scene.file), 0); /* another operation */
	CHECK_EQ(fault_matches(scene.sim, rule), 8);
	CHECK_EQ(fault_hits(scene.sim, rule), 2);
	sim_free(scene.sim);
}

TEST(patterns_and_times_bound_a_rule)
{
	static const struct {
		const char *node, *name;
		bool fits;
	} cases[] = {
		{NULL, NULL, true},
		{"alpha-1", "log", true},
		{"alpha-*", "*", true},
		{"*-1", "l?g", true},
		{"*a*-*1*", "*log", true},
		{"alpha-2", NULL, false},
		{"alpha", NULL, false},
		{"alpha-1?", NULL, false},
		{NULL, "", false},
		{NULL, "lo", false},
		{NULL, "log*x", false},
		{"*b*", NULL, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scene scene;
		make_scene(&scene, 1);
		add(&scene,
			(struct fault){.point = FAULT_DISK,
				.op = FAULT_ANY_OP,
				.node = cases[i].node,
				.name = cases[i].name,
				.from_ns = NS_PER_SEC,
				.until_ns = 2 * NS_PER_SEC,
				.effect = FAULT_FAIL,
				.value = -ENOSPC});
		CHECK_EQ(write_log(&scene), 8);
		sim_run(scene.sim, NS_PER_SEC);
		CHECK_EQ(write_log(&scene), cases[i].fits ? -ENOSPC : 8);
		sim_run(scene.sim, 2 * NS_PER_SEC);
		CHECK_EQ(write_log(&scene), 8);
		sim_free(scene.sim);
	}
}

TEST(chance_is_drawn_from_the_seed)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		uint64_t hits[2], pattern[2] = {0};
		for (int i = 0; i < 2; i++) {
			struct scene scene;
			make_scene(&scene, seed);
			size_t rule = add(&scene,
				(struct fault){.point = FAULT_DISK,
					.op = SIM_WRITE,
					.per_million = 200000,
					.effect = FAULT_FAIL,
					.value = -EIO});
			for (int n = 0; n < 1000; n++)
				pattern[i] = pattern[i] * 31 + (write_log(&scene) < 0);
			hits[i] = fault_hits(scene.sim, rule);
			sim_free(scene.sim);
		}
		CHECK(hits[0] > 120 && hits[0] < 280);
		CHECK(hits[0] == hits[1] && pattern[0] == pattern[1]);
	}
}

TEST(a_rule_that_never_hit_is_named)
{
	struct scene scene;
	struct str names = {0};
	make_scene(&scene, 1);
	add(&scene,
		(struct fault){.label = "hit",
			.point = FAULT_DISK,
			.op = SIM_WRITE,
			.effect = FAULT_FAIL,
			.value = -EIO});
	size_t stopped = add(&scene,
		(struct fault){.label = "stopped",
			.point = FAULT_DISK,
			.op = SIM_READ,
			.effect = FAULT_FAIL,
			.value = -EIO});
	add(&scene,
		(struct fault){.label = "elsewhere",
			.point = FAULT_DISK,
			.op = SIM_WRITE,
			.node = "beta",
			.effect = FAULT_FAIL,
			.value = -EIO});
	fault_stop(scene.sim, stopped);
	char byte;
	CHECK_EQ(file_read_at(scene.file, &byte, 1, 0), 0);
	CHECK_EQ(write_log(&scene), -EIO);
	CHECK_EQ(fault_list_unhit(scene.sim, &names), 2);
	CHECK_STR(str_text(&names), "stopped\nelsewhere\n");
	fault_stop_all(scene.sim);
	CHECK_EQ(write_log(&scene), 8);
	str_done(&names);
	sim_free(scene.sim);
}

/* The size of a log whose first sync failed, after a second one and a crash. */
static uint64_t size_after_failed_sync(uint64_t seed)
{
	struct scene scene;
	make_scene(&scene, seed);
	CHECK_EQ(disk_sync_dir(scene.world->disk, "."), 0);
	add(&scene,
		(struct fault){.point = FAULT_DISK,
			.op = SIM_WRITE,
			.count = 1,
			.effect = FAULT_SHORT,
			.value = 3});
	add(&scene,
		(struct fault){.point = FAULT_DISK,
			.op = SIM_SYNC,
			.count = 1,
			.effect = FAULT_FAIL,
			.value = -EIO});
	CHECK_EQ(write_log(&scene), 3);
	CHECK_EQ(write_log(&scene), 8);
	CHECK_EQ(file_sync(scene.file), -EIO);
	CHECK_EQ(file_sync(scene.file), 0); /* too late */
	sim_node_crash(scene.node);
	CHECK_EQ(sim_node_restart(scene.node), 0);
	struct file *file;
	uint64_t size = 1;
	CHECK_EQ(disk_open(scene.world->disk, "log", FILE_READ, &file), 0);
	CHECK_EQ(file_size(file, &size), 0);
	file_close(file);
	sim_free(scene.sim);
	return size;
}

TEST(the_disk_fails_cuts_short_and_may_lose_what_a_failed_sync_covered)
{
	int lost = 0, kept = 0;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		uint64_t size = size_after_failed_sync(seed);
		lost += size == 0;
		kept += size == 8;
	}
	CHECK(lost > 0 && kept > 0 && lost + kept < 40);
}

/* Before: the bytes are not there. After: they are, though the caller hears -EIO too. */
TEST(a_death_at_a_disk_operation_falls_before_or_after_its_effect)
{
	int after = 0;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct scene scene;
		make_scene(&scene, seed);
		add(&scene,
			(struct fault){.point = FAULT_DISK,
				.op = SIM_WRITE,
				.count = 1,
				.effect = FAULT_KILL});
		CHECK_EQ(write_log(&scene), -EIO);
		CHECK(!sim_node_up(scene.node));
		CHECK_EQ(file_sync(scene.file), -EIO);
		CHECK_EQ(sim_node_restart(scene.node), 0);
		char bytes[8];
		struct file *file;
		CHECK_EQ(disk_open(scene.world->disk, "log", FILE_READ, &file), 0);
		after += file_read_at(file, bytes, 8, 0) == 8;
		sim_free(scene.sim);
	}
	CHECK(after > 10 && after < 50);
}

static void on_scene_timer(struct timer *timer)
{
	container_of(timer, struct scene, timer)->fired++;
}

static void set_timer(struct scene *scene)
{
	scene->timer.fn = on_scene_timer;
	timer_set(scene->world->loop, &scene->timer, 0);
}

TEST(a_timer_can_be_the_last_moment_of_a_node)
{
	struct scene scene;
	make_scene(&scene, 1);
	add(&scene, (struct fault){.point = FAULT_TIMER, .count = 1, .effect = FAULT_CRASH});
	set_timer(&scene);
	CHECK(sim_step(scene.sim));
	CHECK(!scene.fired && !sim_node_up(scene.node));
	sim_free(scene.sim);
}

TEST(clocks_jump_and_drift_and_nodes_pause_by_rule)
{
	struct scene scene;
	make_scene(&scene, 1);
	struct clock *clock = scene.world->clock;
	sim_node_drift(scene.node, 0);
	int64_t wall_ns = clock_wall_ns(clock), mono_ns = clock_mono_ns(clock);
	add(&scene,
		(struct fault){.point = FAULT_TIMER,
			.count = 1,
			.effect = FAULT_JUMP,
			.value = -NS_PER_DAY});
	add(&scene,
		(struct fault){
			.point = FAULT_TIMER, .count = 1, .effect = FAULT_DRIFT, .value = 100000});
	add(&scene,
		(struct fault){.point = FAULT_TIMER,
			.count = 1,
			.effect = FAULT_PAUSE,
			.value = NS_PER_MIN});
	set_timer(&scene);
	CHECK(sim_step(scene.sim));
	CHECK(clock_wall_ns(clock) - wall_ns < -NS_PER_DAY + NS_PER_SEC);
	CHECK(clock_mono_ns(clock) - mono_ns < NS_PER_SEC);
	set_timer(&scene);
	CHECK(sim_step(scene.sim));
	sim_run(scene.sim, 10 * NS_PER_SEC);
	CHECK(clock_mono_ns(clock) - mono_ns > 10900 * NS_PER_MS);
	set_timer(&scene);
	sim_run(scene.sim, 11 * NS_PER_SEC);
	CHECK_EQ(scene.fired, 3);
	set_timer(&scene);
	sim_run(scene.sim, 69 * NS_PER_SEC);
	CHECK_EQ(scene.fired, 3);
	sim_run(scene.sim, 71 * NS_PER_SEC);
	CHECK_EQ(scene.fired, 4);
	sim_free(scene.sim);
}

static void on_nothing(struct task *task)
{
	(void)task;
}

TEST(tasks_children_connections_and_requests_fail_by_rule)
{
	struct scene scene;
	struct why why;
	struct stream *stream;
	struct proc *proc;
	make_scene(&scene, 1);
	const struct sim_program program = {.program = "/bin/tool", .runs_ns = NS_PER_SEC};
	CHECK_EQ(sim_program_add(scene.sim, &program), 0);
	add(&scene,
		(struct fault){
			.point = FAULT_TASK, .count = 1, .effect = FAULT_FAIL, .value = -EAGAIN});
	add(&scene,
		(struct fault){.point = FAULT_PROC,
			.name = "/bin/*",
			.count = 1,
			.effect = FAULT_FAIL,
			.value = -ENOMEM});
	add(&scene,
		(struct fault){.point = FAULT_CONNECT,
			.count = 1,
			.effect = FAULT_FAIL,
			.value = -EMFILE});
	scene.task = (struct task){on_nothing, on_nothing};
	CHECK_EQ(task_start(scene.world->loop, &scene.task), -EAGAIN);
	CHECK_EQ(task_start(scene.world->loop, &scene.task), 0);
	const struct proc_spec spec = {.program = "/bin/tool"};
	CHECK_EQ(procs_start(scene.world->procs, &spec, &proc, &why), -ENOMEM);
	CHECK_STR(why.text, "start /bin/tool: Cannot allocate memory");
	CHECK_EQ(net_connect(scene.world->net, "unix:x", &stream, &why), -EMFILE);
	CHECK_STR(why.text, "unix:x: cannot connect: Too many open files");
	sim_free(scene.sim);
}

struct answer {
	struct aio_request request;
	ssize_t result;
	int64_t at_ns;
	struct sim *sim;
};

static void on_answer(struct aio_request *request, ssize_t result)
{
	struct answer *answer = container_of(request, struct answer, request);
	answer->result = result;
	answer->at_ns = sim_now(answer->sim);
}

TEST(requests_fail_and_are_late_by_rule)
{
	struct scene scene;
	static char byte = 'x';
	make_scene(&scene, 1);
	add(&scene,
		(struct fault){.point = FAULT_AIO,
			.name = "write",
			.count = 1,
			.effect = FAULT_FAIL,
			.value = -EIO});
	add(&scene,
		(struct fault){.point = FAULT_AIO,
			.name = "write",
			.count = 1,
			.effect = FAULT_DELAY,
			.value = NS_PER_MIN});
	struct answer answers[2];
	for (int i = 0; i < 2; i++) {
		answers[i] = (struct answer){.sim = scene.sim,
			.request = {.kind = AIO_WRITE,
				.file = scene.file,
				.bytes = &byte,
				.len = 1,
				.done = on_answer}};
		CHECK_EQ(aio_submit(scene.world->aio, &answers[i].request), 0);
	}
	sim_run(scene.sim, NS_PER_HOUR);
	CHECK_EQ(answers[0].result, -EIO);
	CHECK_EQ(answers[1].result, 1);
	CHECK(answers[1].at_ns > NS_PER_MIN && answers[1].at_ns < 2 * NS_PER_MIN);
	sim_free(scene.sim);
}

TEST_MAIN
