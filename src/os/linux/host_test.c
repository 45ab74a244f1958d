/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of /proc, good and bad, and this machine itself. */
#include <errno.h>
#include <stdio.h>

#include "base/str.h"
#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/linux/host_parse.h"
#include "os/linux/scratch_test.h"

static struct host_reading reading;
static struct why why;

TEST(busy_time_leaves_out_idle_wait_and_steal)
{
	CHECK_EQ(host_parse_stat("cpu  1 2 4 1000 2000 8 16 4000 8000 9000\n"
				 "cpu0 1 2 4 1000 2000 8 16 4000 8000 9000\ncpu1 0 0 0 0\n"
				 "intr 7 0 1\n",
			 100, &reading, &why),
		0);
	CHECK_EQ(reading.cpus, 2);
	CHECK_EQ(reading.cpu_busy_ns, 31 * NS_PER_SEC / 100);
	CHECK_EQ(host_parse_stat("cpu  1 2 4 1000 2000 8\ncpu0\n", 100, &reading, &why), -EBADMSG);
	CHECK_STR(why.text, "/proc/stat: line 1 is not as proc(5) has it");
	CHECK_EQ(host_parse_stat("cpu0 1\nintr 7\n", 100, &reading, &why), -EBADMSG);
	CHECK_STR(why.text, "/proc/stat: no line of a cpu");
	CHECK_EQ(host_parse_stat(
			 "cpu  18446744073709551615 1 1 1 1 1 1\ncpu0\n", 100, &reading, &why),
		-EBADMSG);
}

TEST(memory_is_read_in_kilobytes)
{
	CHECK_EQ(host_parse_meminfo("MemTotal:  16384 kB\nMemFree: 1 kB\nMemAvailable: 4096 kB\n",
			 &reading, &why),
		0);
	CHECK_EQ(reading.memory_bytes, 16384 * 1024);
	CHECK_EQ(reading.memory_available_bytes, 4096 * 1024);
	CHECK_EQ(host_parse_meminfo("MemTotal: 16384 kB\n", &reading, &why), -EBADMSG);
	CHECK_STR(why.text, "/proc/meminfo: MemAvailable is missing");
	CHECK_EQ(host_parse_meminfo("MemFree: 1 kB\nMemTotal: much\n", &reading, &why), -EBADMSG);
	CHECK_STR(why.text, "/proc/meminfo: line 2 is not as proc(5) has it");
}

static int parse_disks(const char *text)
{
	return host_parse_diskstats(text, host_whole_by_name, NULL, &reading, &why);
}

TEST(disks_are_whole_and_counted_in_bytes)
{
	CHECK_EQ(parse_disks("   7       0 loop0 11 0 28 0 0 0 0 0 0 4 0 0\n"
			     " 259 0 nvme0n1 10 2 4 6 20 3 8 5 0 7452 19810 4836 59 331424\n"
			     " 259 1 nvme0n1p1 10 2 4 6 20 3 8 5 0 7452 19810\n"
			     " 8 0 sda 1 0 1 0 0 0 0 0 0 1 1\n"
			     " 8 1 sda1 1 0 1 0 0 0 0 0 0 1 1\n"
			     " 43 0 nbd0 0 0 0 0 0 0 0 0 0 0 0\n"),
		0);
	CHECK_EQ(reading.disk_count, 2);
	CHECK_EQ(reading.disks_left_out, 0);
	const struct host_disk *disk = &reading.disks[0];
	CHECK_STR(disk->name, "nvme0n1");
	CHECK_EQ(disk->reads, 10);
	CHECK_EQ(disk->writes, 20);
	CHECK_EQ(disk->read_bytes, 4 * 512);
	CHECK_EQ(disk->write_bytes, 8 * 512);
	CHECK_EQ(disk->busy_ns, 7452 * NS_PER_MS);
	CHECK_EQ(disk->queue_ns, 19810 * NS_PER_MS);
	CHECK(disk->read_ns < disk->queue_ns && disk->write_ns < disk->queue_ns);
	CHECK_STR(reading.disks[1].name, "sda");
	CHECK_EQ(parse_disks(" 8 0 sda 1 0 1 0 0 0 0 0 0 1 1\n 8 16 sdb 1 0 1\n"), -EBADMSG);
	CHECK_STR(why.text, "/proc/diskstats: line 2 is not as proc(5) has it");
}

TEST(too_many_disks_and_too_long_names_are_counted)
{
	struct str text = {0};
	for (int i = 0; i < HOST_DISKS + 5; i++)
		str_addf(&text, "8 0 dm-%d 1 0 1 0 0 0 0 0 0 1 1\n", i);
	str_add(&text, "8 0 a-name-of-more-than-thirty-one-bytes 1 0 1 0 0 0 0 0 0 1 1\n");
	CHECK_EQ(parse_disks(str_text(&text)), 0);
	CHECK_EQ(reading.disk_count, HOST_DISKS);
	CHECK_EQ(reading.disks_left_out, 6);
	str_done(&text);
}

TEST(names_tell_whole_disks_from_partitions)
{
	static const char *const whole[] = {"sda", "sdaa", "vdb", "xvda", "nvme0n1", "mmcblk0",
		"md0", "md127", "dm-0", "nbd15", "dasda", "rbd1", "pmem0", "bcache0"};
	static const char *const parts[] = {"sda1", "sdaa12", "vdb3", "xvda1", "nvme0n1p1",
		"mmcblk0p2", "md127p1", "nbd15p1", "dasda1", "rbd1p1"};
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		CHECK_EQ(host_whole_by_name(NULL, whole[i]), true);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		CHECK_EQ(host_whole_by_name(NULL, parts[i]), false);
}

TEST(links_are_read_without_loopback)
{
	const char *head = "Inter-|   Receive\n face |bytes    packets\n";
	char text[400];
	snprintf(text, sizeof(text),
		"%s    lo: 9 8 7 6 5 4 3 2 1 0 0 0 0 0 0 0\n"
		"  eth0:30338005 7 0 0 0 0 0 0 36300 4 0 0 0 0 0 0\n",
		head);
	CHECK_EQ(host_parse_net_dev(text, &reading, &why), 0);
	CHECK_EQ(reading.nic_count, 1);
	CHECK_STR(reading.nics[0].name, "eth0");
	CHECK_EQ(reading.nics[0].rx_bytes, 30338005);
	CHECK_EQ(reading.nics[0].tx_bytes, 36300);
	snprintf(text, sizeof(text), "%s  eth0 1 2 3 4 5 6 7 8 9\n", head);
	CHECK_EQ(host_parse_net_dev(text, &reading, &why), -EBADMSG);
	CHECK_STR(why.text, "/proc/net/dev: line 3 is not as proc(5) has it");
}

TEST(pressure_is_read_in_microseconds)
{
	struct host_pressure pressure;
	CHECK_EQ(host_parse_pressure("some avg10=0.93 avg60=0.66 avg300=0.31 total=7450928\n"
				     "full avg10=0.00 avg60=0.00 avg300=0.00 total=12\n",
			 "io", &pressure, &why),
		0);
	CHECK(pressure.known);
	CHECK_EQ(pressure.some_ns, 7450928 * NS_PER_US);
	CHECK_EQ(pressure.full_ns, 12 * NS_PER_US);
	/* Kernels before 5.13 have no line "full" for the cpu. */
	CHECK_EQ(host_parse_pressure("some avg10=0.93 avg60=0.66 avg300=0.31 total=1\n", "cpu",
			 &pressure, &why),
		0);
	CHECK_EQ(pressure.full_ns, 0);
	CHECK_EQ(
		host_parse_pressure("some avg10=0.93 total=1\n", "cpu", &pressure, &why), -EBADMSG);
	CHECK_STR(why.text, "/proc/pressure/cpu: line 1 is not as the kernel's psi.rst has it");
	CHECK_EQ(host_parse_pressure("", "cpu", &pressure, &why), -EBADMSG);
	CHECK_STR(why.text, "/proc/pressure/cpu: no line of some");
}

static void set_disk(const char *name, uint64_t busy_ms, uint64_t queue_ms)
{
	reading.disk_count = 1;
	snprintf(reading.disks[0].name, HOST_NAME, "%s", name);
	reading.disks[0].busy_ns = busy_ms * NS_PER_MS;
	reading.disks[0].queue_ns = queue_ms * NS_PER_MS;
}

TEST(times_go_on_where_the_kernels_counter_begins_anew)
{
	static struct host_wraps wraps;
	const uint64_t range_ms = UINT64_C(1) << 32;
	set_disk("sda", range_ms - 10, 1000);
	host_unwrap(&wraps, &reading);
	CHECK_EQ(reading.disks[0].busy_ns, (range_ms - 10) * NS_PER_MS);
	set_disk("sda", 20, 2000);
	host_unwrap(&wraps, &reading);
	CHECK_EQ(reading.disks[0].busy_ns, (range_ms + 20) * NS_PER_MS);
	CHECK_EQ(reading.disks[0].queue_ns, 2000 * NS_PER_MS);
	set_disk("sda", range_ms - 1, 2000);
	host_unwrap(&wraps, &reading);
	set_disk("sda", 0, 1999); /* the second one is no wrap: another disk came by this name */
	host_unwrap(&wraps, &reading);
	CHECK_EQ(reading.disks[0].busy_ns, 2 * range_ms * NS_PER_MS);
	CHECK_EQ(reading.disks[0].queue_ns, 1999 * NS_PER_MS);
	set_disk("sdb", 5, 5);
	host_unwrap(&wraps, &reading);
	CHECK_EQ(reading.disks[0].busy_ns, 5 * NS_PER_MS);
}

static void check_disk_grows(const struct host_disk *before, const struct host_reading *after)
{
	for (size_t i = 0; i < after->disk_count; i++) {
		const struct host_disk *disk = &after->disks[i];
		if (strcmp(disk->name, before->name) != 0)
			continue;
		CHECK(disk->reads >= before->reads && disk->writes >= before->writes);
		CHECK(disk->read_bytes >= before->read_bytes);
		CHECK(disk->write_bytes >= before->write_bytes);
		CHECK(disk->busy_ns >= before->busy_ns);
	}
}

TEST(this_machine_is_plausible_and_its_counters_grow)
{
	static struct host_reading first, second;
	struct scratch scratch;
	scratch_open(&scratch, NULL);
	struct host *host = scratch.world->host;
	int64_t before_ns = clock_mono_ns(scratch.world->clock);
	int err = host_read(host, &first, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "host_read: %s", why.text);
	CHECK_EQ(host_read(host, &second, &why), 0);
	CHECK(first.mono_ns >= before_ns && second.mono_ns > first.mono_ns);
	CHECK(first.cpus >= 1 && first.cpus == second.cpus);
	CHECK(second.cpu_busy_ns >= first.cpu_busy_ns);
	CHECK(first.cpu_busy_ns > 0);
	CHECK(first.memory_bytes > 16 << 20);
	CHECK(first.memory_available_bytes < first.memory_bytes);
	CHECK(second.io_pressure.some_ns >= first.io_pressure.some_ns);
	CHECK(first.io_pressure.some_ns >= first.io_pressure.full_ns);
	for (size_t i = 0; i < first.disk_count; i++)
		check_disk_grows(&first.disks[i], &second);
	test_note("%u cpus, %zu disks, %zu links, pressure %sknown", first.cpus, first.disk_count,
		first.nic_count, first.cpu_pressure.known ? "" : "un");
	scratch_close(&scratch);
}

TEST_MAIN
