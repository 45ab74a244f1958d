/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of /proc, read. Pure functions: text in, numbers out; proc(5) and the kernel's
 * Documentation/admin-guide/iostats.rst and accounting/psi.rst say what stands there.
 *
 * Each answers 0, or -EBADMSG with the file and the line, and then may have filled a part.
 *
 * Any thread.
 */
#ifndef EBB_OS_LINUX_HOST_PARSE_H
#define EBB_OS_LINUX_HOST_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/host.h"

/* Is this block device a whole one, not a partition? */
typedef bool host_whole_fn(void *arg, const char *name);

/* /proc/stat: `cpus` and `cpu_busy_ns`; `hz` are its ticks in a second. */
int host_parse_stat(const char *text, unsigned hz, struct host_reading *reading, struct why *why);

/* /proc/meminfo: `memory_bytes`, `memory_available_bytes`. */
int host_parse_meminfo(const char *text, struct host_reading *reading, struct why *why);

/*
 * /proc/diskstats: `disks`. Left out are partitions, loop devices, memory disks, optical drives,
 * and what never had a request. `whole` is asked only of the others.
 */
int host_parse_diskstats(const char *text, host_whole_fn *whole, void *arg,
	struct host_reading *reading, struct why *why);

/* /proc/net/dev: `nics`, without the loopback device. */
int host_parse_net_dev(const char *text, struct host_reading *reading, struct why *why);

/* /proc/pressure/NAME. */
int host_parse_pressure(
	const char *text, const char *name, struct host_pressure *ret_pressure, struct why *why);

/* By the kernel's ways of naming: sda whole and sda1 not, nvme0n1 whole and nvme0n1p1 not. */
bool host_whole_by_name(void *arg, const char *name);

/* What a disk's two 32-bit counters of milliseconds said last, and how often they began anew. */
struct host_wraps {
	size_t count;
	struct host_wrap {
		char name[HOST_NAME];
		uint64_t busy_ns, queue_ns, read_ns, write_ns;
		uint64_t busy_added_ns, queue_added_ns, read_added_ns, write_added_ns;
	} at[HOST_DISKS];
};

/*
 * Corrects the times of disks, which the kernel keeps in 32 bits: 49 days of one request in
 * flight, 37 hours of 32. A disk seen first counts from there.
 */
void host_unwrap(struct host_wraps *wraps, struct host_reading *reading);

#endif
