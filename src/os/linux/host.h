/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc says of this machine. host_parse.h reads its texts.
 *
 * The loop's thread only.
 */
#ifndef EBB_OS_LINUX_HOST_H
#define EBB_OS_LINUX_HOST_H

#include "os/host.h"
#include "os/linux/host_parse.h"

struct clock;

struct linux_host {
	struct host base;
	struct clock *clock; /* borrowed */
	const char *proc;    /* where /proc is mounted; borrowed */
	unsigned hz;
	uint64_t page; /* bytes */
	int block_fd;  /* /sys/block; -1: not to be seen here, names must do */
	struct host_wraps wraps;
};

void linux_host_init(struct linux_host *host, struct clock *clock);
void linux_host_done(struct linux_host *host);

#endif
