/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a simulated machine says of itself: counters that grow with the hours of a working week, so
 * that code which watches and forecasts has something to see. The rates are a pure function of the
 * script, the hour and the node's seed: reading more often changes nothing. Counters start anew at
 * each restart after a crash, as a boot does.
 *
 * One thread.
 */
#ifndef EBB_SIM_HOST_H
#define EBB_SIM_HOST_H

#include <stdint.h>

#include "os/host.h"

struct sim_node;

/* Peaks are reached at the busiest hour of a working day. */
struct sim_host_script {
	unsigned cpus;
	uint64_t memory_bytes;
	uint32_t disks, nics;    /* at most HOST_DISKS, HOST_NICS; named vda, vdb ..., eth0 ... */
	uint64_t peak_iops;      /* of each disk, reads and writes together */
	uint64_t peak_nic_bytes; /* a second, of each nic and direction */
	uint32_t peak_cpu_permille;        /* of all CPUs together */
	uint32_t night_permille;           /* of the peak that is left at night */
	uint32_t weekend_permille;         /* of a working day's load */
	uint32_t noise_permille;           /* each hour's load differs by up to so much */
	uint32_t pressure_permille;        /* of time stalled on I/O at the peak */
	int64_t backup_hour, backup_hours; /* UTC; disks run at their peak then; hours 0: none */
	uint32_t programs; /* units app0.service ...; each has the same share of all there is */
};

/* Borrowed, with values of a small server from the start; set it before the first reading. */
struct sim_host_script *sim_node_host(struct sim_node *node);

#endif
