/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine's counters as sums over hours of a weekly shape. The rate within an hour is constant,
 * so that the sum up to any moment is the whole hours before it and a part of the last one.
 */
#include "sim/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/container.h"
#include "base/hash.h"
#include "base/units.h"
#include "base/why.h"
#include "sim/parts.h"

enum { PERMILLE = 1000, IO_BYTES = 16384, IO_NS = 400000 };
enum { READ_PERMILLE = 700, BUSY_PERMILLE = 650 };

/* A working day in thousandths of its busiest hour, UTC; what `night_permille` leaves is below it.
 */
static const uint16_t day_shape[24] = {0, 0, 0, 0, 0, 20, 80, 250, 550, 850, 1000, 980, 700, 780,
	950, 930, 850, 650, 400, 250, 180, 120, 60, 20};

/* Loads by number: the CPUs, each nic, each disk; each has noise of its own. */
enum { LOAD_CPU, LOAD_NIC, LOAD_DISK = LOAD_NIC + HOST_NICS };
_Static_assert(LOAD_DISK + HOST_DISKS == HOST_LOADS, "one sum for each load");

/* Thousandths of the peak in an hour since the start of virtual time, which is a Monday. */
static uint64_t level(const struct node_host *host, unsigned load, int64_t hour)
{
	const struct sim_host_script *script = &host->script;
	int64_t of_day = hour % 24;
	uint64_t now = day_shape[of_day];
	now = script->night_permille + now * (PERMILLE - script->night_permille) / PERMILLE;
	if (hour / 24 % 7 >= 5)
		now = now * script->weekend_permille / PERMILLE;
	uint64_t draw = hash_fold(hash_fold(host->seed, load), (uint64_t)hour);
	now = now * (PERMILLE - draw % (script->noise_permille + 1)) / PERMILLE;
	int64_t since_backup = (of_day - script->backup_hour + 24) % 24;
	if (load >= LOAD_DISK && since_backup < script->backup_hours)
		now = PERMILLE;
	return now;
}

/* Brings the sums up to the last whole hour; a level times microseconds is ns at the peak. */
static void advance(struct node_host *host, int64_t now_ns)
{
	unsigned last = LOAD_DISK + host->script.disks;
	for (;;) {
		int64_t hour = host->summed_ns / NS_PER_HOUR;
		int64_t next_ns = (hour + 1) * NS_PER_HOUR;
		if (next_ns > now_ns)
			return;
		uint64_t us = (uint64_t)(next_ns - host->summed_ns) / NS_PER_US;
		for (unsigned load = 0; load < last; load++)
			host->sums[load] += us * level(host, load, hour);
		host->summed_ns = next_ns;
	}
}

/* Nanoseconds at the peak since boot that would have been the same load. */
static uint64_t peak_ns(const struct node_host *host, unsigned load)
{
	int64_t hour = host->summed_ns / NS_PER_HOUR;
	uint64_t us = (uint64_t)(host->node->sim->now_ns - host->summed_ns) / NS_PER_US;
	return host->sums[load] + us * level(host, load, hour);
}

static uint64_t times(uint64_t ns, uint64_t per_second)
{
	return (uint64_t)((unsigned __int128)ns * per_second / NS_PER_SEC);
}

static struct host_disk read_disk(const struct node_host *host, uint32_t i)
{
	uint64_t ns = peak_ns(host, LOAD_DISK + i);
	uint64_t requests = times(ns, host->script.peak_iops);
	struct host_disk disk = {
		.reads = requests * READ_PERMILLE / PERMILLE,
		.busy_ns = ns / PERMILLE * BUSY_PERMILLE,
		.queue_ns = requests * IO_NS,
	};
	disk.writes = requests - disk.reads;
	disk.read_ns = disk.reads * IO_NS;
	disk.write_ns = disk.queue_ns - disk.read_ns;
	disk.read_bytes = disk.reads * IO_BYTES;
	disk.write_bytes = disk.writes * IO_BYTES;
	char first = (char)('a' + i / 26 - 1), last = (char)('a' + i % 26);
	if (i < 26)
		snprintf(disk.name, sizeof(disk.name), "vd%c", last);
	else
		snprintf(disk.name, sizeof(disk.name), "vd%c%c", first, last);
	return disk;
}

static struct host_nic read_nic(const struct node_host *host, uint32_t i)
{
	uint64_t bytes = times(peak_ns(host, LOAD_NIC + i), host->script.peak_nic_bytes);
	struct host_nic nic = {.rx_bytes = bytes, .tx_bytes = bytes / 2};
	snprintf(nic.name, sizeof(nic.name), "eth%u", i);
	return nic;
}

static struct host_pressure pressure(uint64_t ns, uint32_t permille)
{
	uint64_t some_ns = ns / PERMILLE * permille;
	return (struct host_pressure){.known = true, .some_ns = some_ns, .full_ns = some_ns / 2};
}

static int node_read(struct host *base, struct host_reading *ret_reading, struct why *why)
{
	struct node_host *host = container_of(base, struct node_host, base);
	const struct sim_host_script *script = &host->script;
	struct sim_node *node = host->node;
	if (!node_alive(node))
		return why_set(why, -EIO, "the node is down");
	advance(host, node->sim->now_ns);
	uint64_t cpu_ns = peak_ns(host, LOAD_CPU);
	uint64_t used = 300 + level(host, LOAD_CPU, node->sim->now_ns / NS_PER_HOUR) / 2;
	struct host_reading *reading = ret_reading;
	memset(reading, 0, sizeof(*reading));
	reading->mono_ns = clock_mono_ns(&node->clock.base);
	reading->cpus = script->cpus;
	reading->cpu_busy_ns = cpu_ns / PERMILLE * script->peak_cpu_permille * script->cpus;
	reading->memory_bytes = script->memory_bytes;
	reading->memory_available_bytes = script->memory_bytes / PERMILLE * (PERMILLE - used);
	reading->cpu_pressure = pressure(cpu_ns, script->peak_cpu_permille / 10);
	reading->memory_pressure.known = true;
	reading->io_pressure = pressure(peak_ns(host, LOAD_DISK), script->pressure_permille);
	reading->disk_count = script->disks;
	for (uint32_t i = 0; i < script->disks; i++)
		reading->disks[i] = read_disk(host, i);
	reading->nic_count = script->nics;
	for (uint32_t i = 0; i < script->nics; i++)
		reading->nics[i] = read_nic(host, i);
	return 0;
}

static void tell_program(const struct node_host *host, const struct host_reading *reading,
	uint32_t i, host_program_fn *fn, void *arg)
{
	uint64_t share = host->script.programs;
	struct host_program program = {
		.kind = HOST_UNIT,
		.life = host->boot_ns / NS_PER_MS + i + 1,
		.age_ns = -1,
		.has = HOST_HAS_CPU | HOST_HAS_MEMORY | HOST_HAS_IO,
		.cpu_ns = reading->cpu_busy_ns / share,
		.memory_bytes = (reading->memory_bytes - reading->memory_available_bytes) / share,
	};
	for (size_t d = 0; d < reading->disk_count; d++) {
		program.read_bytes += reading->disks[d].read_bytes / share;
		program.write_bytes += reading->disks[d].write_bytes / share;
	}
	snprintf(program.name, sizeof(program.name), "app%u.service", i);
	fn(arg, &program);
}

static int node_programs(struct host *base, const struct wanted *wanted, host_program_fn *fn,
	void *arg, struct host_look *ret_look)
{
	struct node_host *host = container_of(base, struct node_host, base);
	struct host_reading reading;
	struct host_look look = {0};
	if (node_read(base, &reading, NULL) != 0)
		return -EIO;
	look.mono_ns = reading.mono_ns;
	for (uint32_t i = 0; i < host->script.programs; i++) {
		char name[HOST_PROGRAM];
		snprintf(name, sizeof(name), "app%u.service", i);
		if (!wanted_match(wanted, HOST_UNIT, name))
			continue;
		tell_program(host, &reading, i, fn, arg);
		look.told++;
	}
	*ret_look = look;
	return 0;
}

static const struct host_ops node_host_ops = {.read = node_read, .programs = node_programs};

void node_host_init(struct node_host *host, struct sim_node *node)
{
	struct rng rng;
	seed_rng(node->sim, &rng, USE_HOST, node->number);
	*host = (struct node_host){.base.ops = &node_host_ops, .node = node, .seed = rng_u64(&rng)};
	host->script = (struct sim_host_script){
		.cpus = 8,
		.memory_bytes = UINT64_C(32) << 30,
		.disks = 2,
		.nics = 1,
		.peak_iops = 4000,
		.peak_nic_bytes = 200 * 1000 * 1000,
		.peak_cpu_permille = 600,
		.night_permille = 120,
		.weekend_permille = 350,
		.noise_permille = 200,
		.pressure_permille = 150,
		.backup_hour = 2,
		.backup_hours = 1,
		.programs = 3,
	};
}

void node_host_boot(struct node_host *host)
{
	host->summed_ns = host->node->sim->now_ns;
	host->boot_ns = (uint64_t)host->summed_ns;
	memset(host->sums, 0, sizeof(host->sums));
}

struct sim_host_script *sim_node_host(struct sim_node *node)
{
	return &node->host.script;
}
