/* SPDX-License-Identifier: Apache-2.0 */
/* Time, timers, tasks, requests, and the lives of nodes. */
#include "sim/sim.h"

#include <errno.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/units.h"
#include "os/aio.h"
#include "os/clock.h"
#include "os/dice.h"
#include "os/disk.h"
#include "os/loop.h"
#include "os/world.h"
#include "sim/disk.h"

static struct sim_node *make_node(struct sim *sim, const char *name)
{
	struct sim_node *node;
	CHECK_EQ(sim_node_new(sim, name, &node), 0);
	return node;
}

/*
 * A crowd of timers that set, cancel and move each other from inside their callbacks, on a node and
 * in the script, held against a plain note of what should happen.
 */
enum { CROWD = 40 };

struct crowd_timer {
	struct timer timer;
	struct crowd *crowd;
	bool set;
	int64_t at_ns;
	uint64_t order;
};

struct crowd {
	struct rng rng;
	struct loop *loop;
	struct clock *clock; /* NULL: the script's, whose time is the sim's */
	struct sim *sim;
	struct crowd_timer timers[CROWD];
	int64_t last_ns;
	uint64_t order, fired, set, cancelled;
};

static int64_t crowd_now(const struct crowd *crowd)
{
	return crowd->clock ? clock_mono_ns(crowd->clock) : sim_now(crowd->sim);
}

static void crowd_act(struct crowd *crowd)
{
	struct crowd_timer *timer = &crowd->timers[rng_below(&crowd->rng, CROWD)];
	if (rng_below(&crowd->rng, 3) == 0) {
		timer_cancel(crowd->loop, &timer->timer);
		crowd->cancelled += timer->set;
		timer->set = false;
		return;
	}
	crowd->cancelled += timer->set;
	crowd->set++;
	timer->set = true;
	timer->order = crowd->order++;
	timer->at_ns = crowd_now(crowd) + 5000 + (int64_t)rng_below(&crowd->rng, 30) * 1000;
	timer_set(crowd->loop, &timer->timer, timer->at_ns);
}

static void on_crowd_timer(struct timer *base)
{
	struct crowd_timer *timer = container_of(base, struct crowd_timer, timer);
	struct crowd *crowd = timer->crowd;
	int64_t now_ns = crowd_now(crowd);
	CHECK(timer->set);
	CHECK(now_ns >= timer->at_ns && now_ns <= timer->at_ns + 1);
	CHECK(now_ns >= crowd->last_ns);
	for (int i = 0; i < CROWD; i++) { /* nobody was passed over */
		const struct crowd_timer *other = &crowd->timers[i];
		if (!other->set || other == timer)
			continue;
		CHECK(other->at_ns > timer->at_ns ||
			(other->at_ns == timer->at_ns && other->order > timer->order));
	}
	crowd->last_ns = now_ns;
	crowd->fired++;
	timer->set = false;
	for (uint64_t n = rng_below(&crowd->rng, 4); n; n--)
		crowd_act(crowd);
}

static void run_crowd(uint64_t seed, bool on_node)
{
	struct sim *sim = sim_new(seed);
	CHECK(sim);
	struct crowd crowd = {.sim = sim, .loop = sim_script(sim)};
	rng_seed(&crowd.rng, seed);
	if (on_node) {
		struct world *world = sim_node_world(make_node(sim, "a"));
		crowd.loop = world->loop;
		crowd.clock = world->clock;
	}
	for (int i = 0; i < CROWD; i++) {
		crowd.timers[i].timer.fn = on_crowd_timer;
		crowd.timers[i].crowd = &crowd;
	}
	for (int i = 0; i < 300; i++) {
		crowd_act(&crowd);
		sim_run(sim, sim_now(sim) + (int64_t)rng_below(&crowd.rng, 20000));
	}
	for (int i = 0; i < CROWD; i++)
		timer_cancel(crowd.loop, &crowd.timers[i].timer);
	uint64_t fired = crowd.fired;
	sim_run(sim, sim_now(sim) + NS_PER_SEC);
	CHECK_EQ(crowd.fired, fired);
	CHECK(fired > 200);
	sim_free(sim);
}

TEST(timers_fire_once_in_order_and_cancel_works_inside_callbacks)
{
	uint64_t seed = test_seed();
	for (uint64_t i = 0; i < 30; i++) {
		run_crowd(seed + i, true);
		run_crowd(seed + i, false);
	}
}

struct probe {
	struct timer timer;
	struct task task;
	struct aio_request request;
	struct world *world;
	int fired, done, answered;
	int64_t mono_ns, at_ns;
};

static void on_probe(struct timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);
	probe->fired++;
	if (probe->world)
		probe->mono_ns = clock_mono_ns(probe->world->clock);
}

TEST(a_timer_waits_for_its_nodes_clock_through_drift_and_jump)
{
	struct sim *sim = sim_new(1);
	struct sim_node *node = make_node(sim, "a");
	struct world *world = sim_node_world(node);
	struct probe probe = {.timer.fn = on_probe, .world = world};
	int64_t start_ns = clock_mono_ns(world->clock), wall_ns = clock_wall_ns(world->clock);

	sim_node_drift(node, 100000); /* ten per cent fast */
	timer_set(world->loop, &probe.timer, start_ns + 11 * NS_PER_SEC);
	sim_run(sim, 5 * NS_PER_SEC);
	CHECK_EQ(clock_mono_ns(world->clock), start_ns + 5500 * NS_PER_MS);
	sim_node_drift(node, -100000); /* the other half takes longer */
	sim_node_jump(node, -NS_PER_HOUR);
	sim_run(sim, 11 * NS_PER_SEC);
	CHECK_EQ(probe.fired, 0);
	sim_run(sim, 12 * NS_PER_SEC);
	CHECK_EQ(probe.fired, 1);
	CHECK_EQ(probe.mono_ns, start_ns + 11 * NS_PER_SEC);
	CHECK_EQ(clock_wall_ns(world->clock) - wall_ns + NS_PER_HOUR,
		clock_mono_ns(world->clock) - start_ns);
	sim_free(sim);
}

TEST(a_paused_node_runs_late_and_in_order)
{
	struct sim *sim = sim_new(1);
	struct sim_node *node = make_node(sim, "a");
	struct world *world = sim_node_world(node);
	struct probe probe[3] = {0};
	int64_t now_ns = clock_mono_ns(world->clock);
	for (int i = 0; i < 3; i++) {
		probe[i] = (struct probe){.timer.fn = on_probe, .world = world};
		timer_set(world->loop, &probe[i].timer, now_ns + (3 - i) * NS_PER_SEC);
	}
	sim_node_pause(node, 10 * NS_PER_SEC);
	sim_run(sim, 5 * NS_PER_SEC);
	timer_cancel(world->loop, &probe[1].timer); /* although it was put off */
	sim_run(sim, 10 * NS_PER_SEC - 1);
	CHECK_EQ(probe[0].fired + probe[1].fired + probe[2].fired, 0);
	CHECK(sim_step(sim) && probe[2].fired && !probe[0].fired);
	CHECK(sim_step(sim) && probe[0].fired);
	CHECK_EQ(probe[1].fired, 0);
	CHECK_EQ(sim_now(sim), 10 * NS_PER_SEC);
	sim_free(sim);
}

TEST(loop_stop_ends_the_run_of_the_script_and_is_seen_of_a_node)
{
	struct sim *sim = sim_new(1);
	struct sim_node *node = make_node(sim, "a");
	CHECK(!sim_node_stopped(node));
	loop_stop(sim_node_world(node)->loop);
	CHECK(sim_node_stopped(node));
	sim_node_kill(node);
	CHECK_EQ(sim_node_restart(node), 0);
	CHECK(!sim_node_stopped(node));
	sim_run(sim, NS_PER_SEC);
	CHECK_EQ(sim_now(sim), NS_PER_SEC);
	sim_free(sim);
}

static void on_work(struct task *task)
{
	struct probe *probe = container_of(task, struct probe, task);
	CHECK_EQ(probe->fired, 0);
	probe->fired++;
}

struct finish {
	struct probe probes[50];
	int order[50], count;
};

static struct finish *finishing; /* of the one test that runs */

static void on_done(struct task *task)
{
	struct probe *probe = container_of(task, struct probe, task);
	CHECK_EQ(probe->fired, 1);
	CHECK_EQ(probe->done, 0);
	probe->done++;
	if (finishing)
		finishing->order[finishing->count++] = (int)(probe - finishing->probes);
}

TEST(tasks_end_once_each_and_out_of_order)
{
	struct sim *sim = sim_new(test_seed());
	struct world *world = sim_node_world(make_node(sim, "a"));
	static struct finish finish;
	finish = (struct finish){0};
	finishing = &finish;
	for (int i = 0; i < 50; i++) {
		finish.probes[i].task = (struct task){on_work, on_done};
		CHECK_EQ(task_start(world->loop, &finish.probes[i].task), 0);
	}
	sim_run(sim, NS_PER_SEC);
	finishing = NULL;
	CHECK_EQ(finish.count, 50);
	int swapped = 0;
	for (int i = 1; i < 50; i++)
		swapped += finish.order[i] < finish.order[i - 1];
	CHECK(swapped > 5);
	sim_free(sim);
}

TEST(too_many_tasks_are_refused)
{
	struct sim *sim = sim_new(1);
	struct world *world = sim_node_world(make_node(sim, "a"));
	struct probe *probes = calloc(1000, sizeof(*probes));
	CHECK(probes);
	int started = 0, err = 0;
	while (!err) {
		probes[started].task = (struct task){on_work, on_done};
		err = task_start(world->loop, &probes[started].task);
		started += !err;
	}
	CHECK_EQ(err, -EAGAIN);
	sim_run(sim, NS_PER_SEC);
	for (int i = 0; i < started; i++)
		CHECK_EQ(probes[i].done, 1);
	CHECK_EQ(task_start(world->loop, &probes[started].task), 0);
	sim_run(sim, 2 * NS_PER_SEC);
	free(probes);
	sim_free(sim);
}

static void write_file(struct disk *disk, const char *name, const char *text, bool sync)
{
	struct file *file;
	CHECK_EQ(disk_open(disk, name, FILE_READ | FILE_WRITE | FILE_CREATE, &file), 0);
	CHECK_EQ(file_write_full(file, text, strlen(text), 0), 0);
	if (sync) {
		CHECK_EQ(file_sync(file), 0);
		CHECK_EQ(disk_sync_dir(disk, "."), 0);
	}
	file_close(file);
}

static bool reads_as(struct disk *disk, const char *name, const char *text)
{
	char bytes[64] = {0};
	struct file *file;
	uint64_t size = 0;
	if (disk_open(disk, name, FILE_READ, &file))
		return false;
	bool same = file_size(file, &size) == 0 && size == strlen(text) &&
		file_read_full(file, bytes, (size_t)size, 0) == 0 && !strcmp(bytes, text);
	file_close(file);
	return same;
}

TEST(a_kill_keeps_what_was_written_and_a_later_crash_may_still_lose_it)
{
	int lost = 0;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct sim *sim = sim_new(seed);
		struct sim_node *node = make_node(sim, "a");
		struct disk *disk = sim_node_world(node)->disk;
		write_file(disk, "safe", "synced", true);
		write_file(disk, "risky", "written", false);
		sim_node_kill(node);
		CHECK_EQ(sim_node_restart(node), 0);
		CHECK(reads_as(disk, "safe", "synced") && reads_as(disk, "risky", "written"));
		sim_node_crash(node);
		CHECK_EQ(sim_node_restart(node), 0);
		CHECK(reads_as(disk, "safe", "synced"));
		lost += !reads_as(disk, "risky", "written");
		sim_free(sim);
	}
	CHECK(lost > 5 && lost < 40);
}

TEST(a_boot_begins_monotonic_time_anew_and_wall_time_goes_on)
{
	struct sim *sim = sim_new(test_seed());
	struct sim_node *node = make_node(sim, "a");
	struct clock *clock = sim_node_world(node)->clock;
	sim_run(sim, NS_PER_DAY);
	int64_t mono_ns = clock_mono_ns(clock), wall_ns = clock_wall_ns(clock);
	CHECK(wall_ns - SIM_WALL_START_NS - NS_PER_DAY < 10 * NS_PER_SEC);
	sim_node_kill(node);
	CHECK_EQ(sim_node_restart(node), 0);
	CHECK_EQ(clock_mono_ns(clock), mono_ns);
	sim_node_crash(node);
	CHECK_EQ(sim_node_restart(node), 0);
	CHECK(clock_mono_ns(clock) < NS_PER_MIN);
	CHECK_EQ(clock_wall_ns(clock), wall_ns);
	sim_free(sim);
}

/* A program with everything pending, that frees itself by ordinary calls when its node dies. */
struct victim {
	struct probe probe;
	struct file *file;
	struct sim *sim;
	int deaths;
};

static void on_request(struct aio_request *request, ssize_t result)
{
	(void)result;
	container_of(request, struct probe, request)->answered++;
}

static void on_victim_death(void *arg, struct sim_node *node)
{
	struct victim *victim = arg;
	struct world *world = sim_node_world(node);
	char byte = 1;
	victim->deaths++;
	CHECK(!sim_node_up(node));
	timer_cancel(world->loop, &victim->probe.timer);
	timer_set(world->loop, &victim->probe.timer, 0);
	CHECK_EQ(task_start(world->loop, &victim->probe.task), -EAGAIN);
	CHECK_EQ(file_write_at(victim->file, &byte, 1, 0), -EIO);
	CHECK_EQ(file_sync(victim->file), -EIO);
	CHECK_EQ(disk_unlink(world->disk, "file"), -EIO);
	CHECK_EQ(aio_submit(world->aio, &victim->probe.request), -EAGAIN);
	file_close(TAKE(victim->file));
	memset(&victim->probe, 0xee, sizeof(victim->probe)); /* the memory is its owner's again */
}

static void start_victim(struct victim *victim, struct sim_node *node)
{
	static char byte = 'x';
	struct world *world = sim_node_world(node);
	CHECK_EQ(
		disk_open(world->disk, "file", FILE_READ | FILE_WRITE | FILE_CREATE, &victim->file),
		0);
	victim->probe = (struct probe){
		.timer.fn = on_probe,
		.task = {on_work, on_done},
		.request = {AIO_WRITE, victim->file, &byte, 1, 0, on_request, NULL, 0},
	};
	timer_set(world->loop, &victim->probe.timer, clock_mono_ns(world->clock) + NS_PER_MS);
	CHECK_EQ(task_start(world->loop, &victim->probe.task), 0);
	CHECK_EQ(aio_submit(world->aio, &victim->probe.request), 0);
	/* One that nobody closes. */
	struct file *forgotten;
	CHECK_EQ(disk_open(world->disk, "forgotten", FILE_WRITE | FILE_CREATE, &forgotten), 0);
}

TEST(a_death_leaves_no_callback_to_the_dead)
{
	uint64_t seed = test_seed();
	for (uint64_t i = 0; i < 200; i++) {
		struct sim *sim = sim_new(seed + i);
		struct sim_node *node = make_node(sim, "a");
		struct victim victim = {.sim = sim};
		sim_node_on_death(node, on_victim_death, &victim);
		for (int life = 1; life <= 3; life++) {
			start_victim(&victim, node);
			sim_run(sim,
				sim_now(sim) + (int64_t)rng_below(sim_rng(sim), 400 * NS_PER_US));
			if (rng_below(sim_rng(sim), 2))
				sim_node_crash(node);
			else
				sim_node_kill(node);
			CHECK_EQ(victim.deaths, life);
			sim_run(sim, sim_now(sim) + NS_PER_SEC);
			CHECK(!sim_step(sim));
			CHECK_EQ(sim_node_restart(node), 0);
			CHECK_EQ(sim_disk_open_files(sim_node_disk(node)), 0);
		}
		start_victim(&victim, node);
		sim_free(sim);
		CHECK_EQ(victim.deaths, 4);
	}
}

struct suicide {
	struct timer timer;
	struct sim_node *node;
	bool returned, buried;
};

static void on_suicide_death(void *arg, struct sim_node *node)
{
	struct suicide *suicide = arg;
	(void)node;
	CHECK(suicide->returned);
	suicide->buried = true;
}

static void on_suicide(struct timer *timer)
{
	struct suicide *suicide = container_of(timer, struct suicide, timer);
	struct world *world = sim_node_world(suicide->node);
	sim_node_crash(suicide->node);
	CHECK(!sim_node_up(suicide->node) && !suicide->buried);
	CHECK_EQ(disk_mkdir(world->disk, "too-late"), -EIO);
	timer_set(world->loop, timer, 0);
	suicide->returned = true;
}

TEST(a_node_that_dies_in_its_own_callback_is_buried_after_it)
{
	struct sim *sim = sim_new(1);
	struct suicide suicide = {.timer.fn = on_suicide, .node = make_node(sim, "a")};
	sim_node_on_death(suicide.node, on_suicide_death, &suicide);
	timer_set(sim_node_world(suicide.node)->loop, &suicide.timer, 0);
	CHECK(sim_step(sim));
	CHECK(suicide.buried);
	CHECK(!sim_step(sim));
	sim_free(sim);
}

TEST(an_old_timer_harms_no_new_life)
{
	struct sim *sim = sim_new(1);
	struct sim_node *node = make_node(sim, "a");
	struct loop *loop = sim_node_world(node)->loop;
	struct probe old = {.timer.fn = on_probe}, young = {.timer.fn = on_probe};
	timer_set(loop, &old.timer, INT64_MAX);
	sim_node_kill(node);
	CHECK_EQ(sim_node_restart(node), 0);
	timer_set(loop, &young.timer, 0); /* gets the old one's handle */
	CHECK_EQ(young.timer.place, old.timer.place);
	timer_cancel(loop, &old.timer);
	CHECK(sim_step(sim));
	CHECK_EQ(young.fired, 1);
	sim_free(sim);
}

TEST(requests_have_their_effect_once_and_in_any_order)
{
	struct sim *sim = sim_new(test_seed());
	struct world *world = sim_node_world(make_node(sim, "a"));
	struct probe probes[100] = {0};
	struct file *file;
	char text[100];
	CHECK_STR(aio_name(world->aio), "sim");
	CHECK_EQ(disk_open(world->disk, "f", FILE_READ | FILE_WRITE | FILE_CREATE, &file), 0);
	for (int i = 0; i < 100; i++) {
		text[i] = (char)(i + 1);
		probes[i].request = (struct aio_request){
			AIO_WRITE, file, &text[i], 1, (uint64_t)i, on_request, NULL, 0};
		CHECK_EQ(aio_submit(world->aio, &probes[i].request), 0);
	}
	sim_run(sim, NS_PER_SEC);
	char back[100] = {0};
	for (int i = 0; i < 100; i++)
		CHECK_EQ(probes[i].answered, 1);
	CHECK_EQ(file_read_full(file, back, sizeof(back), 0), 0);
	CHECK(!memcmp(text, back, sizeof(text)));
	file_close(file);
	sim_free(sim);
}

TEST(names_of_nodes_are_checked)
{
	struct sim *sim = sim_new(1);
	struct sim_node *node;
	make_node(sim, "a");
	CHECK_EQ(sim_node_new(sim, "a", &node), -EEXIST);
	CHECK_EQ(sim_node_new(sim, "", &node), -EINVAL);
	CHECK_EQ(sim_node_new(sim, "a/b", &node), -EINVAL);
	CHECK_EQ(sim_node_new(sim, "a23456789012345678901234567890-2", &node), -EINVAL);
	CHECK_EQ(sim_node_new(sim, "a23456789012345678901234567890-", &node), 0);
	sim_free(sim);
}

static uint64_t dice_of(uint64_t seed, const char *name, const char *before)
{
	struct sim *sim = sim_new(seed);
	if (before)
		make_node(sim, before);
	uint64_t value = dice_u64(sim_node_world(make_node(sim, name))->dice);
	sim_free(sim);
	return value;
}

TEST(dice_differ_by_seed_and_node_and_go_on_after_a_crash)
{
	CHECK(dice_of(1, "a", NULL) == dice_of(1, "a", NULL));
	CHECK(dice_of(1, "a", NULL) != dice_of(2, "a", NULL));
	CHECK(dice_of(1, "a", NULL) != dice_of(1, "a", "b"));
	struct sim *sim = sim_new(1);
	struct sim_node *node = make_node(sim, "a");
	uint64_t first = dice_u64(sim_node_world(node)->dice);
	sim_node_crash(node);
	CHECK_EQ(sim_node_restart(node), 0);
	CHECK(dice_u64(sim_node_world(node)->dice) != first);
	sim_free(sim);
}

TEST_MAIN
