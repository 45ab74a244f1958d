/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine says of itself, and of the programs on it: counters since they began and levels
 * now, read in one go.
 *
 * The loop's thread only.
 */
#ifndef EBB_OS_HOST_H
#define EBB_OS_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/wanted.h"

struct why;

enum { HOST_DISKS = 64, HOST_NICS = 32, HOST_NAME = 32 };

struct host_disk {
	char name[HOST_NAME];
	uint64_t reads, writes; /* requests completed */
	uint64_t read_bytes, write_bytes;
	uint64_t busy_ns, queue_ns; /* any request in flight; their summed time in flight */
	uint64_t read_ns, write_ns; /* what of queue_ns was reads and writes */
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

enum { HOST_PROGRAM = 256 };

/* What is told of a program: a bit each. */
enum { HOST_HAS_CPU = 1, HOST_HAS_MEMORY = 2, HOST_HAS_IO = 4, HOST_HAS_NET = 8 };

/* Counters since it began, and levels now. */
struct host_program {
	enum host_kind kind;
	char name[HOST_PROGRAM]; /* of the unit; path of the control group; name of the process */
	uint32_t pid;            /* 0: no process but a control group */
	uint64_t life;           /* another number: another one by the same name */
	int64_t age_ns;          /* since it began; -1: not told */
	unsigned has;
	uint64_t cpu_ns;
	uint64_t memory_bytes;            /* in use, without what the page cache could give back */
	uint64_t read_bytes, write_bytes; /* to and from disks */
	uint64_t rx_bytes, tx_bytes;      /* only of one that has a network of its own */
};

typedef void host_program_fn(void *arg, const struct host_program *program);

/* One look at the programs of a host. */
struct host_look {
	int64_t mono_ns; /* when it began */
	uint64_t told;
	uint64_t left_out; /* beyond what one look takes, or with a name too long */
	uint64_t strange;  /* what the kernel said of them made no sense */
};

struct host {
	const struct host_ops *ops;
};

struct host_ops {
	int (*read)(struct host *host, struct host_reading *ret_reading, struct why *why);
	int (*programs)(struct host *host, const struct wanted *wanted, host_program_fn *fn,
		void *arg, struct host_look *ret_look);
};

static inline int host_read(struct host *host, struct host_reading *ret_reading, struct why *why)
{
	return host->ops->read(host, ret_reading, why);
}

/*
 * Tells of each program that is wanted (os/wanted.h), each once: a control group as one, processes
 * each for itself. One that ends meanwhile is left out. 0, or -ENOMEM, -EIO: there was no look.
 */
static inline int host_programs(struct host *host, const struct wanted *wanted, host_program_fn *fn,
	void *arg, struct host_look *ret_look)
{
	return host->ops->programs(host, wanted, fn, arg, ret_look);
}

#endif
