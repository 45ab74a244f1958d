/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine says of itself: counters since boot and levels now, read in one go.
 *
 * The loop's thread only.
 */
#ifndef EBB_OS_HOST_H
#define EBB_OS_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

enum { HOST_DISKS = 64, HOST_NICS = 32, HOST_NAME = 32 };

struct host_disk {
	char name[HOST_NAME];
	uint64_t reads, writes; /* requests completed */
	uint64_t read_bytes, write_bytes;
	uint64_t busy_ns, queue_ns; /* any request in flight; their summed time in flight */
};

struct host_nic {
	char name[HOST_NAME];
	uint64_t rx_bytes, tx_bytes;
};

/* Pressure stall information: time in which some, or all, tasks waited for the thing. */
struct host_pressure {
	bool known;
	uint64_t some_ns, full_ns;
};

struct host_reading {
	int64_t mono_ns; /* when it was read */
	unsigned cpus;
	uint64_t cpu_busy_ns; /* all CPUs together, steal and idle left out */
	uint64_t memory_bytes, memory_available_bytes;
	struct host_pressure cpu_pressure, memory_pressure, io_pressure;
	size_t disk_count, disks_left_out; /* whole disks; those beyond HOST_DISKS are counted */
	struct host_disk disks[HOST_DISKS];
	size_t nic_count, nics_left_out;
	struct host_nic nics[HOST_NICS];
};

struct host {
	const struct host_ops *ops;
};

struct host_ops {
	int (*read)(struct host *host, struct host_reading *ret_reading, struct why *why);
};

static inline int host_read(struct host *host, struct host_reading *ret_reading, struct why *why)
{
	return host->ops->read(host, ret_reading, why);
}

#endif
