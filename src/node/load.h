/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two readings of the host's counters to what went on between them.
 *
 * Any thread. Pure.
 */
#ifndef EBB_NODE_LOAD_H
#define EBB_NODE_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "os/host.h"

/* Shares of the time between the readings, 0..1. */
struct load_pressure {
	bool known;
	double some, full;
};

struct load {
	int64_t span_ns; /* between the readings; 0: nothing else is known */
	unsigned cpus;
	double cpu_share;
	uint64_t memory_bytes, memory_available_bytes; /* at the end */
	struct load_pressure cpu, memory, io;
	char busiest_disk[HOST_NAME]; /* "": no disk stands in both readings */
	double busiest_share;         /* of the time in which it had a request in flight */
	double read_bytes_rate, write_bytes_rate; /* all those disks together, a second */
};

/*
 * What went on from `before` to `after`. A counter that ran backwards belongs to another device or
 * another boot: what it would tell is left out. No time between them: a load with span_ns 0.
 */
struct load load_between(const struct host_reading *before, const struct host_reading *after);

#endif
