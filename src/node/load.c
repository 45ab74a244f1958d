/* SPDX-License-Identifier: Apache-2.0 */
/* Counters to shares and rates. */
#include "node/load.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* The growth of a counter as a share of `whole`; 0 where it ran backwards, at most 1. */
static double share(uint64_t before, uint64_t after, double whole)
{
	if (after < before || whole <= 0)
		return 0;
	double part = (double)(after - before) / whole;
	return part < 1 ? part : 1;
}

static struct load_pressure pressure(
	const struct host_pressure *before, const struct host_pressure *after, double span)
{
	if (!before->known || !after->known || after->some_ns < before->some_ns ||
		after->full_ns < before->full_ns)
		return (struct load_pressure){0};
	return (struct load_pressure){
		.known = true,
		.some = share(before->some_ns, after->some_ns, span),
		.full = share(before->full_ns, after->full_ns, span),
	};
}

/* The same disk in the earlier reading; NULL when it was not there or counts anew. */
static const struct host_disk *same_disk(
	const struct host_reading *before, const struct host_disk *disk)
{
	for (size_t i = 0; i < before->disk_count; i++) {
		const struct host_disk *was = &before->disks[i];
		if (strncmp(was->name, disk->name, HOST_NAME) == 0)
			return was->busy_ns <= disk->busy_ns &&
					was->read_bytes <= disk->read_bytes &&
					was->write_bytes <= disk->write_bytes
				? was
				: NULL;
	}
	return NULL;
}

static void add_disks(const struct host_reading *before, const struct host_reading *after,
	double span, struct load *load)
{
	double seconds = span / (double)NS_PER_SEC;
	for (size_t i = 0; i < after->disk_count; i++) {
		const struct host_disk *disk = &after->disks[i];
		const struct host_disk *was = same_disk(before, disk);
		if (!was)
			continue;
		double busy = share(was->busy_ns, disk->busy_ns, span);
		load->read_bytes_rate += (double)(disk->read_bytes - was->read_bytes) / seconds;
		load->write_bytes_rate += (double)(disk->write_bytes - was->write_bytes) / seconds;
		if (!load->busiest_disk[0] || busy > load->busiest_share) {
			snprintf(load->busiest_disk, sizeof(load->busiest_disk), "%s", disk->name);
			load->busiest_share = busy;
		}
	}
}

struct load load_between(const struct host_reading *before, const struct host_reading *after)
{
	struct load load = {0};
	if (after->mono_ns <= before->mono_ns)
		return load;
	double span = (double)(after->mono_ns - before->mono_ns);
	load.span_ns = after->mono_ns - before->mono_ns;
	load.cpus = after->cpus;
	load.cpu_share = share(before->cpu_busy_ns, after->cpu_busy_ns, span * after->cpus);
	load.memory_bytes = after->memory_bytes;
	load.memory_available_bytes = after->memory_available_bytes;
	load.cpu = pressure(&before->cpu_pressure, &after->cpu_pressure, span);
	load.memory = pressure(&before->memory_pressure, &after->memory_pressure, span);
	load.io = pressure(&before->io_pressure, &after->io_pressure, span);
	add_disks(before, after, span, &load);
	return load;
}
