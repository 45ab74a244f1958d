/* SPDX-License-Identifier: Apache-2.0 */
/* Rates from counters: the plain case, and every way in which counters lie. */
#include "node/load.h"

#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "base/test.h"
#include "base/units.h"

static struct host_reading reading(int64_t seconds, uint64_t cpu_busy_seconds)
{
	return (struct host_reading){
		.mono_ns = seconds * NS_PER_SEC,
		.cpus = 4,
		.cpu_busy_ns = cpu_busy_seconds * (uint64_t)NS_PER_SEC,
		.memory_bytes = 1000,
		.memory_available_bytes = 400,
	};
}

static void add_disk(struct host_reading *to, const char *name, uint64_t busy_ms, uint64_t bytes)
{
	struct host_disk *disk = &to->disks[to->disk_count++];
	snprintf(disk->name, sizeof(disk->name), "%s", name);
	disk->busy_ns = busy_ms * (uint64_t)NS_PER_MS;
	disk->read_bytes = bytes;
	disk->write_bytes = 2 * bytes;
}

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

TEST(shares_are_of_the_time_between)
{
	struct host_reading before = reading(100, 50), after = reading(110, 60);
	before.io_pressure = (struct host_pressure){true, 0, 0};
	after.io_pressure = (struct host_pressure){
		true, 5 * (uint64_t)NS_PER_SEC, 1 * (uint64_t)NS_PER_SEC};
	struct load load = load_between(&before, &after);
	CHECK_EQ(load.span_ns, 10 * NS_PER_SEC);
	CHECK(near(load.cpu_share, 0.25));
	CHECK_EQ(load.memory_available_bytes, 400);
	CHECK(load.io.known && near(load.io.some, 0.5) && near(load.io.full, 0.1));
	CHECK(!load.cpu.known);
}

TEST(the_busiest_disk_is_found_whatever_the_order)
{
	struct host_reading before = reading(0, 0), after = reading(10, 0);
	add_disk(&before, "sda", 1000, 0);
	add_disk(&before, "sdb", 0, 1000);
	add_disk(&after, "sdb", 9000, 6000);
	add_disk(&after, "sda", 2000, 0);
	struct load load = load_between(&before, &after);
	CHECK_STR(load.busiest_disk, "sdb");
	CHECK(near(load.busiest_share, 0.9));
	CHECK(near(load.read_bytes_rate, 500));
	CHECK(near(load.write_bytes_rate, 1000));
}

TEST(a_disk_that_is_new_or_counts_anew_is_left_out)
{
	struct host_reading before = reading(0, 0), after = reading(10, 0);
	add_disk(&before, "sda", 5000, 5000);
	add_disk(&after, "sda", 10, 10);
	add_disk(&after, "sdb", 10000, 10);
	struct load load = load_between(&before, &after);
	CHECK_STR(load.busiest_disk, "");
	CHECK(near(load.read_bytes_rate, 0));
}

TEST(no_time_between_readings_tells_nothing)
{
	struct host_reading before = reading(10, 0), after = reading(10, 10);
	CHECK_EQ(load_between(&before, &after).span_ns, 0);
	after = reading(9, 10);
	CHECK_EQ(load_between(&before, &after).span_ns, 0);
}

/* Whatever two readings say, shares stay within 0..1 and rates are no negative numbers. */
TEST(any_two_readings_make_a_sane_load)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 2000; round++) {
		static struct host_reading r[2];
		for (int i = 0; i < 2; i++) {
			rng_fill(&rng, &r[i], sizeof(r[i]));
			r[i].mono_ns = (int64_t)rng_below(&rng, 4);
			r[i].cpus = (unsigned)rng_below(&rng, 3);
			r[i].disk_count = rng_below(&rng, 4);
			r[i].cpu_pressure.known = r[i].memory_pressure.known = true;
			r[i].io_pressure.known = rng_chance(&rng, 500000);
			for (size_t d = 0; d < r[i].disk_count; d++)
				snprintf(r[i].disks[d].name, HOST_NAME, "d%d",
					(int)rng_below(&rng, 3));
		}
		struct load load = load_between(&r[0], &r[1]);
		double shares[] = {load.cpu_share, load.busiest_share, load.cpu.some, load.cpu.full,
			load.io.some, load.memory.full};
		for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++)
			CHECK(shares[i] >= 0 && shares[i] <= 1);
		CHECK(load.read_bytes_rate >= 0 && isfinite(load.read_bytes_rate));
	}
}

TEST_MAIN
