/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look at programs, as the files of this room share it; no other room includes it.
 *
 * The loop's thread only.
 */
#ifndef EBB_OS_LINUX_HOST_PROGRAMS_H
#define EBB_OS_LINUX_HOST_PROGRAMS_H

#include "os/host.h"
#include "os/linux/programs_parse.h"

struct linux_host;

/* A look is bounded: it takes tens of milliseconds at the most. */
enum { LOOK_GROUPS = 4096, LOOK_PROCESSES = 8192, LOOK_DEPTH = 16, LOOK_TEXT = 65536 };

struct look {
	const struct linux_host *host; /* all borrowed */
	const struct wanted *wanted;
	host_program_fn *fn;
	void *arg;
	struct host_look facts;
	int proc_fd;
	uint64_t own_net;  /* the inode of our own network's namespace; 0: not known */
	int64_t uptime_ns; /* -1: not known */
	struct cgroup_mounts mounts;
	uint32_t groups; /* visited */
	char text[LOOK_TEXT];
};

/* A small file into look->text. Its length, or a negative errno; -EFBIG: that is only a part. */
int look_read(struct look *look, int folder_fd, const char *name);

/* Tells of one; `has` says which of its numbers stand. */
void look_tell(struct look *look, const struct host_program *program);

/* Bytes of a process's network, when that is not ours too. */
void look_net(struct look *look, uint32_t pid, struct host_program *program);

/* host_cgroups.c, host_processes.c */
void look_groups(struct look *look);
void look_processes(struct look *look);

int linux_host_programs(struct host *base, const struct wanted *wanted, host_program_fn *fn,
	void *arg, struct host_look *ret_look);

#endif
