/* SPDX-License-Identifier: Apache-2.0 */
/* Days of jobs in virtual time: at low tide, in time, after failures, crashes and clocks gone
 * wrong. */
#include "act/act.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "act/ledger.h"
#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/test.h"
#include "base/units.h"
#include "base/vec.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/world.h"
#include "sim/disk.h"
#include "sim/fault.h"
#include "sim/host.h"
#include "sim/procs.h"
#include "sim/sim.h"

static const char program[] = "/usr/bin/ebb";

/* A machine whose ebb is a script: backups that take a while, proofs that take less. */
struct machine {
	struct sim *sim;
	struct sim_node *node;
	struct act *act;
	struct timer timer;
	struct conf_protects protects;
	int64_t tick_ns;
	int64_t ships_ns;
	uint8_t code; /* of backups */
	int ships, proves, volumes, servers;
	VEC(int64_t) begun, done; /* seconds of starts of jobs; of those that came to a point */
	int failed, troubles, news;
};

static int64_t wall_s(const struct machine *m)
{
	return clock_wall_ns(sim_node_world(m->node)->clock) / NS_PER_SEC;
}

static void script(struct machine *m, bool proves);

static void on_start(void *arg, struct sim_node *node, const struct proc_spec *spec)
{
	struct machine *m = arg;
	bool ships = strcmp(spec->argv[1], "verify") != 0;
	OWN(str_done) struct str text = {0};
	for (const char *const *word = spec->argv; *word; word++)
		str_addf(&text, "%s ", *word);
	m->volumes += str_starts(
		str_text(&text), "ebb protect vol/db --state /state --progress none --repo ");
	m->servers += str_starts(str_text(&text),
		"ebb backup --postgres host=/run --name pg --progress none --repo ");
	CHECK(node == m->node);
	m->ships += ships;
	m->proves += !ships;
	script(m, ships && m->code == 0);
}

/* What the next start of the program does. */
static void script(struct machine *m, bool proves)
{
	struct sim_program next = {.program = program,
		.runs_ns = proves ? NS_PER_SEC : m->ships_ns,
		.code = proves ? 0 : m->code,
		.bytes_per_second = 20 << 20,
		.on_start = on_start,
		.arg = m};
	CHECK_EQ(sim_program_add(m->sim, &next), 0);
}

static void on_event(void *arg, const struct act_event *event)
{
	struct machine *m = arg;
	if (event->news) {
		m->news++;
	} else if (event->trouble) {
		m->troubles++;
		script(m, false);
	} else if (!event->job->ended_s) {
		must(vec_push(&m->begun, event->job->started_s) == 0);
	} else if (event->job->state == JOB_DONE) {
		must(vec_push(&m->done, event->job->started_s) == 0);
	} else {
		m->failed++;
		script(m, false);
	}
}

static void on_tick(struct timer *timer)
{
	struct machine *m = container_of(timer, struct machine, timer);
	struct world *world = sim_node_world(m->node);
	act_turn(m->act, NULL);
	timer_set(world->loop, timer, clock_mono_ns(world->clock) + m->tick_ns);
}

static void start(struct machine *m)
{
	static const char *const env[] = {NULL};
	struct world *world = sim_node_world(m->node);
	const struct act_options options = {.world = world,
		.program = program,
		.state = "/state",
		.env = env,
		.arg = m,
		.on_event = on_event};
	CHECK_EQ(act_open(&options, &m->act), 0);
	CHECK_EQ(act_set(m->act, &m->protects), 0);
	script(m, false);
	m->timer = (struct timer){.fn = on_tick};
	timer_set(world->loop, &m->timer, clock_mono_ns(world->clock) + NS_PER_SEC);
}

static void on_death(void *arg, struct sim_node *node)
{
	struct machine *m = arg;
	CHECK(node == m->node);
	act_close(TAKE(m->act));
}

static void protect(struct machine *m, const char *name, int64_t rpo_ns, int64_t best_ns)
{
	struct conf_protect how;
	memset(&how, 0, sizeof(how));
	snprintf(how.name, sizeof(how.name), "%s", name);
	snprintf(how.path, sizeof(how.path), "/data/%s", name);
	snprintf(how.to, sizeof(how.to), "/backup");
	snprintf(how.disk, sizeof(how.disk), "auto");
	how.rpo_ns = rpo_ns;
	how.best_rpo_ns = best_ns;
	how.impact_percent = 10;
	must(vec_push(&m->protects.list, how) == 0);
}

static void begin(struct machine *m)
{
	*m = (struct machine){.sim = sim_new(test_seed()),
		.tick_ns = 10 * NS_PER_SEC,
		.ships_ns = 20 * NS_PER_SEC};
	CHECK_EQ(sim_node_new(m->sim, "a", &m->node), 0);
	sim_node_on_death(m->node, on_death, m);
}

static void end(struct machine *m)
{
	if (m->act)
		CHECK_EQ(act_refused(m->act), 0);
	sim_free(m->sim); /* which ends the node */
	conf_protects_done(&m->protects);
	vec_done(&m->begun);
	vec_done(&m->done);
}

static bool count_job(void *arg, const struct ledger_job *job)
{
	int *counts = arg;
	counts[job->state]++;
	return true;
}

TEST(a_point_is_made_read_back_and_written_down)
{
	struct machine m;
	int counts[JOB_STATES] = {0};
	begin(&m);
	protect(&m, "home", NS_PER_HOUR, 10 * NS_PER_MIN);
	start(&m);
	sim_run(m.sim, 5 * NS_PER_MIN);
	CHECK_EQ(m.ships, 1);
	CHECK_EQ(m.proves, 1);
	CHECK_EQ(m.done.len, 1);
	const struct keeper *home = act_find(m.act, "home");
	CHECK_EQ(home->last_s, m.done.at[0]);
	CHECK(home->work_s > 0);
	CHECK_EQ(act_ledger_each(
			 act_ledger(m.act), &(struct ledger_ask){.max = 9}, count_job, counts),
		0);
	CHECK_EQ(counts[JOB_DONE], 1);
	/* The clock runs from the start: the next one is not before its time. */
	sim_run(m.sim, 9 * NS_PER_MIN);
	CHECK_EQ(m.ships, 1);
	end(&m);
}

/* The simulated day: what a disk does at night is a tenth of its busiest hour. */
TEST(points_come_at_low_tide_and_never_too_late)
{
	struct machine m;
	begin(&m);
	struct sim_host_script *host = sim_node_host(m.node);
	host->peak_iops = 2000;
	host->night_permille = 20;
	host->weekend_permille = 1000;
	host->noise_permille = 50;
	host->backup_hours = 0;
	m.tick_ns = NS_PER_MIN;
	m.ships_ns = 10 * NS_PER_MIN;
	protect(&m, "home", NS_PER_DAY, 2 * NS_PER_HOUR);
	start(&m);
	sim_run(m.sim, 11 * NS_PER_DAY);
	int night = 0, day = 0;
	for (size_t i = 0; i < m.begun.len; i++) {
		int64_t hour = m.begun.at[i] / 3600 % 24;
		/* The first week is for looking. */
		if (m.begun.at[i] - m.begun.at[0] < 8 * 86400)
			continue;
		night += hour < 6 || hour >= 21;
		day += hour >= 9 && hour < 17;
	}
	test_note("%zu points, by night %d, in working hours %d", m.done.len, night, day);
	CHECK(night >= 3);
	CHECK_EQ(day, 0);
	for (size_t i = 1; i < m.done.len; i++)
		CHECK(m.done.at[i] - m.done.at[i - 1] <= 86400);
	CHECK(wall_s(&m) - m.done.at[m.done.len - 1] <= 86400);
	CHECK_EQ(m.failed, 0);
	end(&m);
}

TEST(what_fails_is_tried_again_and_less_and_less_often)
{
	struct machine m;
	begin(&m);
	protect(&m, "home", NS_PER_DAY, NS_PER_HOUR);
	m.code = 1;
	start(&m);
	sim_run(m.sim, NS_PER_HOUR);
	CHECK(m.ships >= 4 && m.ships <= 8);
	CHECK_EQ(m.done.len, 0);
	CHECK_EQ(act_find(m.act, "home")->failures, m.failed);
	m.code = 0;
	script(&m, false);
	sim_run(m.sim, 3 * NS_PER_HOUR);
	CHECK(m.done.len >= 1);
	CHECK_EQ(act_find(m.act, "home")->failures, 0);
	end(&m);
}

/* Whatever a job was at when the machine went down, the next life makes a point of its own. */
TEST(a_crash_at_any_moment_costs_a_job_and_no_point)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 20; round++) {
		struct machine m;
		int counts[JOB_STATES] = {0};
		begin(&m);
		protect(&m, "home", NS_PER_HOUR, 10 * NS_PER_MIN);
		start(&m);
		sim_run(m.sim, NS_PER_SEC + (int64_t)rng_below(&rng, 60 * NS_PER_SEC));
		int64_t known = act_find(m.act, "home")->last_s;
		sim_node_crash(m.node);
		CHECK_EQ(sim_node_restart(m.node), 0);
		start(&m);
		sim_run(m.sim, sim_now(m.sim) + 30 * NS_PER_SEC);
		if (known)
			CHECK(act_find(m.act, "home")->last_s >= known);
		sim_run(m.sim, sim_now(m.sim) + NS_PER_HOUR);
		CHECK(act_find(m.act, "home")->last_s > known);
		struct ledger_ask ask = {.max = 99};
		CHECK_EQ(act_ledger_each(act_ledger(m.act), &ask, count_job, counts), 0);
		CHECK(counts[JOB_LOST] <= 1);
		CHECK(counts[JOB_DONE] >= 1);
		CHECK_EQ(counts[JOB_FAILED], 0);
		end(&m);
	}
}

TEST(another_configuration_keeps_what_it_keeps)
{
	struct machine m;
	begin(&m);
	m.ships_ns = NS_PER_HOUR;
	protect(&m, "home", NS_PER_DAY, NS_PER_HOUR);
	protect(&m, "db", NS_PER_DAY, NS_PER_HOUR);
	start(&m);
	sim_run(m.sim, 5 * NS_PER_MIN);
	CHECK(act_find(m.act, "home")->job.proc);
	struct proc *same = act_find(m.act, "home")->job.proc;
	m.protects.list.at[1].rpo_ns = 2 * NS_PER_DAY;
	CHECK_EQ(act_set(m.act, &m.protects), 0);
	CHECK(act_find(m.act, "home")->job.proc == same);
	CHECK_EQ(act_find(m.act, "db")->how.rpo_ns, 2 * NS_PER_DAY);
	m.protects.list.len = 1;
	CHECK_EQ(act_set(m.act, &m.protects), 0);
	CHECK(!act_find(m.act, "db"));
	CHECK_EQ(act_count(m.act), 1);
	m.protects.list.at[0].impact_percent++;
	CHECK_EQ(act_set(m.act, &m.protects), 0);
	CHECK(!act_find(m.act, "home")->job.proc);
	end(&m);
}

TEST(a_point_is_made_when_asked_for_and_ended_when_told)
{
	struct machine m;
	begin(&m);
	protect(&m, "home", NS_PER_DAY, 12 * NS_PER_HOUR);
	start(&m);
	sim_run(m.sim, 10 * NS_PER_MIN);
	CHECK_EQ(m.ships, 1);
	CHECK(!act_cancel(m.act, "home") && !act_now(m.act, "none"));
	CHECK(act_now(m.act, "home"));
	sim_run(m.sim, 10 * NS_PER_MIN + 15 * NS_PER_SEC);
	CHECK_EQ(m.ships, 2);
	CHECK(isinf(act_find(m.act, "home")->job.seen.price));
	CHECK(act_cancel(m.act, "home"));
	sim_run(m.sim, 11 * NS_PER_MIN);
	CHECK_EQ(m.failed, 1);
	end(&m);
}

/* Held: also past its time, a job under way rests, and another life knows it. */
TEST(what_is_paused_rests_until_it_is_resumed)
{
	struct machine m;
	struct why why;
	begin(&m);
	m.ships_ns = 20 * NS_PER_MIN;
	protect(&m, "home", NS_PER_HOUR, 10 * NS_PER_MIN);
	start(&m);
	sim_run(m.sim, 2 * NS_PER_MIN);
	const struct keeper *home = act_find(m.act, "home");
	CHECK(home->job.proc && home->job.pace > 4096);
	CHECK_EQ(act_hold(m.act, "none", true, &why), -ENOENT);
	CHECK_EQ(act_hold(m.act, "home", true, &why), 0);
	sim_run(m.sim, 3 * NS_PER_MIN);
	CHECK_EQ(home->job.pace, 4096);
	sim_node_crash(m.node);
	CHECK_EQ(sim_node_restart(m.node), 0);
	start(&m);
	sim_run(m.sim, 5 * NS_PER_HOUR);
	home = act_find(m.act, "home");
	CHECK_EQ(m.ships, 1);
	CHECK(home->held && home->plan.wanted == WANTED_HOLD);
	/* It is late by then: it is done at once. */
	CHECK_EQ(act_hold(m.act, "home", false, &why), 0);
	sim_run(m.sim, 6 * NS_PER_HOUR);
	CHECK(m.done.len >= 1 && home->last_s <= 5 * 3600 + m.begun.at[0] + 3600);
	end(&m);
}

/* Hours that the configuration bars are barred for whatever is due then. */
TEST(in_barred_hours_nothing_begins_and_what_runs_rests)
{
	struct machine m;
	begin(&m);
	m.tick_ns = NS_PER_MIN;
	m.ships_ns = 10 * NS_PER_MIN;
	protect(&m, "home", 4 * NS_PER_HOUR, NS_PER_HOUR);
	struct conf_protect *how = &m.protects.list.at[0];
	how->hours[how->hours_count++] = (struct conf_hours){
		.days = 0x7f, .from_min = 6 * 60, .until_min = 20 * 60};
	start(&m);
	sim_run(m.sim, 3 * NS_PER_DAY);
	CHECK(m.done.len >= 6);
	for (size_t i = 0; i < m.begun.len; i++) {
		int64_t hour = m.begun.at[i] / 3600 % 24;
		CHECK(hour < 6 || hour >= 20);
	}
	/* After the barred hours it is late, and caught up with. */
	int caught_up = 0;
	for (size_t i = 0; i < m.begun.len; i++)
		caught_up += m.begun.at[i] / 3600 % 24 == 20;
	CHECK(caught_up >= 2);
	end(&m);
}

TEST(volumes_and_servers_are_saved_by_their_own_verbs)
{
	struct machine m;
	begin(&m);
	m.ships_ns = 10 * NS_PER_MIN;
	protect(&m, "db", NS_PER_HOUR, 10 * NS_PER_MIN);
	protect(&m, "pg", NS_PER_HOUR, 10 * NS_PER_MIN);
	for (size_t i = 0; i < 2; i++)
		memset(m.protects.list.at[i].path, 0, sizeof(m.protects.list.at[i].path));
	snprintf(m.protects.list.at[0].volume, CONF_NAME_MAX, "db");
	snprintf(m.protects.list.at[1].postgres, CONF_DSN_MAX, "host=/run");
	start(&m);
	sim_run(m.sim, 5 * NS_PER_MIN);
	CHECK(act_find(m.act, "db")->job.proc);
	/* Nobody tells how much is read for them: it is what was granted, so that it may grow. */
	CHECK(act_find(m.act, "db")->pacer.share > 0.1);
	struct act_answers answers = {.life = 1};
	for (int i = 0; i < 60; i++) {
		answers.requests += 1000;
		answers.took_ns += 1000 * NS_PER_MS;
		act_volume(m.act, "db", &answers);
		sim_run(m.sim, sim_now(m.sim) + NS_PER_SEC);
	}
	CHECK(fabs(act_find(m.act, "db")->waits->now_s - 0.001) < 1e-6);
	CHECK(act_find(m.act, "pg")->waits != act_find(m.act, "db")->waits);
	sim_run(m.sim, NS_PER_HOUR);
	CHECK(m.volumes >= 1 && m.servers >= 1);
	CHECK_EQ(m.volumes + m.servers, m.ships);
	end(&m);
}

TEST(clocks_that_jump_years_stop_nothing)
{
	static const int64_t years[] = {10, -10, -20};
	struct machine m;
	begin(&m);
	protect(&m, "home", NS_PER_HOUR, 10 * NS_PER_MIN);
	start(&m);
	sim_run(m.sim, NS_PER_HOUR);
	for (size_t i = 0; i < sizeof(years) / sizeof(*years); i++) {
		size_t before = m.done.len;
		sim_node_jump(m.node, years[i] * 365 * NS_PER_DAY);
		sim_run(m.sim, sim_now(m.sim) + 2 * NS_PER_HOUR);
		CHECK(m.done.len > before);
	}
	end(&m);
}

TEST(what_failed_before_a_clock_went_back_is_tried_again)
{
	struct machine m;
	begin(&m);
	protect(&m, "home", NS_PER_HOUR, 10 * NS_PER_MIN);
	m.code = 1;
	start(&m);
	sim_run(m.sim, NS_PER_HOUR);
	CHECK(m.failed > 0);
	m.code = 0;
	script(&m, false);
	sim_node_jump(m.node, -10 * 365 * NS_PER_DAY);
	sim_run(m.sim, 2 * NS_PER_HOUR);
	CHECK(m.done.len >= 1);
	end(&m);
}

TEST(a_disk_that_is_not_there_is_told_and_stops_nothing)
{
	struct machine m;
	begin(&m);
	protect(&m, "home", NS_PER_HOUR, 10 * NS_PER_MIN);
	protect(&m, "db", NS_PER_HOUR, 10 * NS_PER_MIN);
	snprintf(m.protects.list.at[1].disk, sizeof(m.protects.list.at[1].disk), "nosuch");
	start(&m);
	sim_run(m.sim, NS_PER_HOUR);
	CHECK(!act_find(m.act, "home")->device->missing);
	CHECK(act_find(m.act, "db")->device->missing);
	CHECK(act_find(m.act, "db")->last_s);
	end(&m);
}

TEST(a_ledger_that_cannot_be_written_is_told_and_opened_anew)
{
	struct machine m;
	begin(&m);
	protect(&m, "home", NS_PER_HOUR, 10 * NS_PER_MIN);
	struct fault rule = {.label = "ledger",
		.point = FAULT_DISK,
		.op = FAULT_ANY_OP,
		.name = "ledger*",
		.effect = FAULT_FAIL,
		.value = -EIO};
	size_t id;
	CHECK_EQ(fault_add(m.sim, &rule, &id), 0);
	start(&m);
	sim_run(m.sim, 10 * NS_PER_MIN);
	CHECK_EQ(m.ships, 0);
	CHECK(act_failure(m.act) && strstr(act_failure(m.act), "ledger"));
	fault_stop(m.sim, id);
	sim_run(m.sim, 20 * NS_PER_MIN);
	CHECK(!act_failure(m.act));
	CHECK(m.done.len >= 1);
	end(&m);
}

TEST(a_program_that_is_gone_is_told_and_harms_nothing)
{
	struct machine m;
	begin(&m);
	protect(&m, "home", NS_PER_HOUR, 10 * NS_PER_MIN);
	struct fault rule = {.label = "gone",
		.point = FAULT_PROC,
		.op = FAULT_ANY_OP,
		.effect = FAULT_FAIL,
		.value = -ENOENT};
	size_t id;
	start(&m);
	CHECK_EQ(fault_add(m.sim, &rule, &id), 0);
	sim_run(m.sim, 10 * NS_PER_MIN);
	CHECK(m.troubles >= 2 && m.done.len == 0);
	CHECK(act_failure(m.act) && strstr(act_failure(m.act), program));
	fault_stop(m.sim, id);
	sim_run(m.sim, NS_PER_HOUR);
	CHECK(m.done.len >= 1);
	end(&m);
}

TEST_MAIN
