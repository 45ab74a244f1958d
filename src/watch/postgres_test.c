/* SPDX-License-Identifier: Apache-2.0 */
/* What servers say, believed as far as it makes sense. A real one is met by `make check-postgres`.
 */
#include "watch/postgres.h"

#include <stdio.h>

#include "base/test.h"
#include "base/units.h"
#include "os/clock.h"
#include "os/world.h"
#include "series/name.h"
#include "series/series.h"
#include "sim/sim.h"
#include "watch/watch.h"

struct machine {
	struct sim *sim;
	struct world *world;
	struct series *series;
	struct watch watch;
};

static void machine_init(struct machine *machine)
{
	struct sim_node *node;
	*machine = (struct machine){.sim = sim_new(1)};
	CHECK(machine->sim);
	CHECK_EQ(sim_node_new(machine->sim, "a", &node), 0);
	machine->world = sim_node_world(node);
	const struct series_options options = {
		.world = machine->world, .folder = "series", .identity = "watched", .create = true};
	CHECK_EQ(series_open(&options, &machine->series, NULL), 0);
	watch_begin(
		&machine->watch, machine->series, clock_wall_ns(machine->world->clock) / NS_PER_MS);
}

static void machine_done(struct machine *machine)
{
	series_close(machine->series);
	sim_free(machine->sim);
}

TEST(columns_are_metrics)
{
	struct machine machine;
	static const char *const labels[2] = {"main", "shop"};
	struct name name;
	struct series_one one;
	uint32_t id;
	machine_init(&machine);
	CHECK(watch_postgres_value(&machine.watch, labels, "commits_total", "12"));
	CHECK(watch_postgres_value(&machine.watch, labels, "lag_seconds", "-0.5"));
	CHECK_EQ(name_parse("ebb_postgres_commits_total{database=\"shop\",server=\"main\"}", &name,
			 NULL),
		0);
	CHECK_EQ(series_find(machine.series, &name, &id), 0);
	CHECK(series_one(machine.series, id, &one) && one.kind == SERIES_COUNTER);
	CHECK_EQ((int)one.last_value, 12);
	machine_done(&machine);
}

TEST(what_is_no_number_is_refused)
{
	struct machine machine;
	static const char *const labels[2] = {"main", ""}, *const bad_name[2] = {"main", "a\xff"};
	static const char *const bad[] = {"", "NaN", "inf", "-Infinity", "1e999", "12 MB", "on"};
	machine_init(&machine);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!watch_postgres_value(&machine.watch, labels, "active", bad[i]));
	CHECK(!watch_postgres_value(&machine.watch, labels, "commits_total", "-1"));
	CHECK(!watch_postgres_value(&machine.watch, bad_name, "active", "1"));
	CHECK(!watch_postgres_value(&machine.watch, labels, "no metric", "1"));
	CHECK_EQ(machine.watch.put, 0);
	machine_done(&machine);
}

/* Nobody listens there: the failure is told, and a turn never waits for it. */
TEST(a_server_that_is_not_there_is_told)
{
	struct machine machine;
	machine_init(&machine);
	const struct watch_postgres_options options = {
		"main", "host=/nonexistent-folder user=a", NS_PER_SEC};
	struct watch_postgres *postgres = watch_postgres_new(machine.world, &options);
	CHECK(postgres);
	watch_postgres_turn(postgres, &machine.watch);
	sim_run(machine.sim, sim_now(machine.sim) + 10 * NS_PER_SEC);
	struct watch_postgres_facts facts = watch_postgres_facts(postgres);
	CHECK_EQ(facts.failures, 1);
	CHECK(!facts.up && facts.failure[0]);
	test_note("%s", facts.failure);
	watch_begin(
		&machine.watch, machine.series, clock_wall_ns(machine.world->clock) / NS_PER_MS);
	watch_postgres_turn(postgres, &machine.watch);
	CHECK_EQ(machine.watch.put, 1);
	CHECK_EQ(watch_postgres_facts(postgres).failures, 1); /* not before half a minute is over */
	sim_run(machine.sim, sim_now(machine.sim) + 30 * NS_PER_SEC);
	watch_postgres_turn(postgres, &machine.watch);
	sim_run(machine.sim, sim_now(machine.sim) + 10 * NS_PER_SEC);
	CHECK_EQ(watch_postgres_facts(postgres).failures, 2);
	watch_postgres_free(postgres);
	machine_done(&machine);
}

TEST_MAIN
