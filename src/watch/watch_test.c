/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated machine is watched for a day: what is kept is what it did. */
#include "watch/watch.h"

#include <math.h>

#include "base/test.h"
#include "base/units.h"
#include "base/vec.h"
#include "os/clock.h"
#include "os/host.h"
#include "os/world.h"
#include "series/name.h"
#include "series/series.h"
#include "sim/host.h"
#include "sim/sim.h"
#include "trace/reader.h"

struct machine {
	struct sim *sim;
	struct world *world;
	struct sim_node *node;
	struct series *series;
	struct watch watch;
};

static void machine_init(struct machine *machine, uint32_t series_max)
{
	*machine = (struct machine){.sim = sim_new(1)};
	CHECK(machine->sim);
	CHECK_EQ(sim_node_new(machine->sim, "a", &machine->node), 0);
	machine->world = sim_node_world(machine->node);
	const struct series_options options = {.world = machine->world,
		.folder = "series",
		.identity = "watched",
		.create = true,
		.series_max = series_max};
	CHECK_EQ(series_open(&options, &machine->series, NULL), 0);
}

static void machine_done(struct machine *machine)
{
	series_close(machine->series);
	sim_free(machine->sim);
}

static struct host_reading turn(struct machine *machine)
{
	struct host_reading reading;
	sim_run(machine->sim, sim_now(machine->sim) + 10 * NS_PER_SEC);
	CHECK_EQ(series_sync(machine->series, NULL), 0);
	CHECK_EQ(host_read(machine->world->host, &reading, NULL), 0);
	watch_begin(
		&machine->watch, machine->series, clock_wall_ns(machine->world->clock) / NS_PER_MS);
	watch_host(&machine->watch, &reading);
	return reading;
}

static uint32_t find(struct machine *machine, const char *text)
{
	struct name name;
	uint32_t id;
	CHECK_EQ(name_parse(text, &name, NULL), 0);
	CHECK_EQ(series_find(machine->series, &name, &id), 0);
	return id;
}

static bool is_there(struct machine *machine, const char *text)
{
	struct name name;
	uint32_t id;
	CHECK_EQ(name_parse(text, &name, NULL), 0);
	return series_find(machine->series, &name, &id) == 0;
}

TEST(a_day_of_a_machine_is_kept)
{
	struct machine machine;
	struct buckets hours = {0};
	struct host_reading first, last;
	machine_init(&machine, 0);
	first = turn(&machine);
	for (int i = 0; i < 8640; i++)
		last = turn(&machine);
	const struct series_span span = {LEVEL_HOUR, INT64_MIN / 2, INT64_MAX / 2};
	uint32_t id = find(&machine, "ebb_disk_written_bytes_total{device=\"vda\"}");
	CHECK_EQ(series_roll(machine.series, id, &span, &hours, NULL), 0);
	double sum = 0;
	for (size_t i = 0; i < hours.rows.len; i++)
		sum += hours.rows.at[i].mean * hours.rows.at[i].count * 10;
	double did = (double)(last.disks[0].write_bytes - first.disks[0].write_bytes);
	/* The node's clock drifts a little. */
	CHECK(fabs(sum - did) < 2e-4 * did);
	CHECK_EQ(machine.watch.refused, 0);
	CHECK_EQ(machine.watch.put, 8641 * 25);
	CHECK_EQ(series_facts(machine.series).series, 25);
	buckets_done(&hours);
	machine_done(&machine);
}

/* More devices than there is room for, and ones with names that are none, are counted. */
TEST(what_there_is_no_room_for_is_counted)
{
	struct machine machine;
	machine_init(&machine, 10);
	turn(&machine);
	CHECK_EQ(machine.watch.put, 10);
	CHECK_EQ(machine.watch.refused, 15);
	struct host_reading reading = {.nic_count = 1, .nics = {{.name = "a\xff"}}};
	watch_host(&machine.watch, &reading);
	CHECK_EQ(machine.watch.refused, 15 + 2 + 5);
	machine_done(&machine);
}

TEST(a_volume_is_kept_and_silence_is_a_gap)
{
	struct machine machine;
	struct trace_second second = {.name = "db",
		.seconds = 1,
		.total = {.operations = {700, 300}, .busy_ns = 5000000},
		.operations = {70, 30},
		.p50_ns = 9000,
		.p99_ns = 90000,
		.p999_ns = 900000,
		.read_share = 0.7,
		.records = 100,
		.dirty_bytes = 122880};
	struct trace_second silent = {.name = "quiet", .seconds = 1};
	machine_init(&machine, 0);
	watch_begin(
		&machine.watch, machine.series, clock_wall_ns(machine.world->clock) / NS_PER_MS);
	watch_volume(&machine.watch, &second);
	CHECK_EQ(machine.watch.put, 15);
	watch_volume(&machine.watch, &silent);
	CHECK_EQ(machine.watch.put, 15 + 7);
	CHECK_EQ(machine.watch.refused, 0);
	find(&machine, "ebb_volume_reads_total{volume=\"vol/db\"}");
	find(&machine, "ebb_volume_dirty_bytes{volume=\"vol/db\"}");
	find(&machine, "ebb_volume_queue_seconds_total{volume=\"vol/quiet\"}");
	machine_done(&machine);
}

/* What is not known of a place is no sample. */
TEST(places_and_jobs_are_told)
{
	struct machine machine;
	machine_init(&machine, 100);
	turn(&machine);
	const struct watch_tier away = {"nas", false, -1, -1, -1, -1, -1};
	const struct watch_tier there = {"s3://b/e", true, 0.25, -1, 3e6, -1, -1};
	const struct watch_job job = {"home", true, 4096, 1e6, -1, 2};
	watch_tier(&machine.watch, &away);
	watch_tier(&machine.watch, &there);
	watch_job(&machine.watch, &job);
	static const char *const kept[] = {"ebb_tier_reached{tier=\"nas\"}",
		"ebb_tier_reached{tier=\"s3://b/e\"}",
		"ebb_tier_latency_seconds{tier=\"s3://b/e\"}",
		"ebb_tier_read_bytes_per_second{tier=\"s3://b/e\"}",
		"ebb_job_running{resource=\"home\"}", "ebb_job_bytes_total{resource=\"home\"}",
		"ebb_job_limit_bytes_per_second{resource=\"home\"}",
		"ebb_job_failures_in_a_row{resource=\"home\"}"};
	static const char *const gaps[] = {"ebb_tier_latency_seconds{tier=\"nas\"}",
		"ebb_tier_write_bytes_per_second{tier=\"s3://b/e\"}",
		"ebb_tier_free_bytes{tier=\"s3://b/e\"}",
		"ebb_point_age_seconds{resource=\"home\"}"};
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		CHECK(is_there(&machine, kept[i]));
	for (size_t i = 0; i < sizeof(gaps) / sizeof(*gaps); i++)
		CHECK(!is_there(&machine, gaps[i]));
	machine_done(&machine);
}

TEST_MAIN
