/* SPDX-License-Identifier: Apache-2.0 */
/* Readings: counters only grow, follow the week, and do not depend on how often one looks. */
#include "sim/host.h"

#include <errno.h>

#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "os/world.h"
#include "sim/sim.h"

static struct host_reading read_at(struct sim *sim, struct sim_node *node, int64_t at_ns)
{
	struct host_reading reading;
	struct why why;
	sim_run(sim, at_ns);
	CHECK_EQ(host_read(sim_node_world(node)->host, &reading, &why), 0);
	return reading;
}

static struct sim_node *make_node(struct sim *sim)
{
	struct sim_node *node;
	CHECK_EQ(sim_node_new(sim, "a", &node), 0);
	return node;
}

TEST(counters_grow_and_do_not_depend_on_the_reader)
{
	struct sim *often = sim_new(7), *rarely = sim_new(7);
	struct sim_node *a = make_node(often), *b = make_node(rarely);
	struct host_reading last = {0}, now = {0};
	for (int64_t at_ns = 0; at_ns <= 3 * NS_PER_DAY; at_ns += 7 * NS_PER_MIN) {
		now = read_at(often, a, at_ns);
		CHECK(now.cpu_busy_ns >= last.cpu_busy_ns);
		CHECK(now.disks[1].reads >= last.disks[1].reads);
		CHECK(now.nics[0].rx_bytes >= last.nics[0].rx_bytes);
		CHECK(now.memory_available_bytes < now.memory_bytes);
		last = now;
	}
	struct host_reading once = read_at(rarely, b, sim_now(often));
	CHECK(now.cpu_busy_ns == once.cpu_busy_ns && once.cpu_busy_ns > 0);
	CHECK(now.disks[0].write_bytes == once.disks[0].write_bytes);
	CHECK(now.disks[0].reads != now.disks[1].reads); /* each has its own noise */
	CHECK_STR(now.disks[1].name, "vdb");
	CHECK_STR(now.nics[0].name, "eth0");
	sim_free(often);
	sim_free(rarely);
}

static uint64_t cpu_between(struct sim *sim, struct sim_node *node, int64_t day, int64_t hour)
{
	int64_t at_ns = day * NS_PER_DAY + hour * NS_PER_HOUR;
	uint64_t before = read_at(sim, node, at_ns).cpu_busy_ns;
	return read_at(sim, node, at_ns + NS_PER_HOUR).cpu_busy_ns - before;
}

TEST(days_and_weeks_have_their_rhythm)
{
	struct sim *sim = sim_new(3);
	struct sim_node *node = make_node(sim);
	uint64_t night = cpu_between(sim, node, 1, 3), noon = cpu_between(sim, node, 1, 14);
	uint64_t saturday = cpu_between(sim, node, 5, 14);
	CHECK(noon > 4 * night);
	CHECK(noon > 2 * saturday);
	CHECK(noon <= 8 * (uint64_t)NS_PER_HOUR * 6 / 10);
	sim_free(sim);
}

TEST(a_boot_starts_the_counters_anew_and_a_dead_host_says_nothing)
{
	struct sim *sim = sim_new(3);
	struct sim_node *node = make_node(sim);
	struct host_reading reading = read_at(sim, node, NS_PER_DAY);
	struct why why;
	sim_node_kill(node);
	CHECK_EQ(host_read(sim_node_world(node)->host, &reading, &why), -EIO);
	CHECK_EQ(sim_node_restart(node), 0);
	CHECK(read_at(sim, node, NS_PER_DAY).cpu_busy_ns == reading.cpu_busy_ns);
	sim_node_crash(node);
	CHECK_EQ(sim_node_restart(node), 0);
	CHECK_EQ(read_at(sim, node, NS_PER_DAY).cpu_busy_ns, 0);
	sim_free(sim);
}

TEST(many_disks_have_different_names)
{
	struct sim *sim = sim_new(3);
	struct sim_node *node = make_node(sim);
	sim_node_host(node)->disks = HOST_DISKS;
	sim_node_host(node)->nics = HOST_NICS;
	struct host_reading reading = read_at(sim, node, NS_PER_HOUR);
	CHECK_EQ(reading.disk_count, HOST_DISKS);
	for (size_t i = 0; i < HOST_DISKS; i++)
		for (size_t j = 0; j < i; j++)
			CHECK(strcmp(reading.disks[i].name, reading.disks[j].name) != 0);
	sim_free(sim);
}

TEST_MAIN
