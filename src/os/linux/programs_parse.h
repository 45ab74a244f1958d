/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts in which the kernel tells of processes and control groups, read: proc(5),
 * Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/. Pure functions: text in, numbers out.
 *
 * Each answers false for what it does not wholly understand, and then may have filled a part.
 *
 * Any thread.
 */
#ifndef EBB_OS_LINUX_PROGRAMS_PARSE_H
#define EBB_OS_LINUX_PROGRAMS_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROCESS_NAME = 64 };

struct process_stat {
	char name[PROCESS_NAME];
	uint64_t cpu_ticks; /* user and system */
	uint64_t start_ticks;
	uint64_t pages; /* resident */
};

/* /proc/PID/stat. A name may hold blanks and parentheses. */
bool programs_parse_stat(const char *text, struct process_stat *ret);

/* /proc/PID/io: what reached disks; bytes that were written and truncated away are taken off. */
bool programs_parse_io(const char *text, uint64_t *ret_read, uint64_t *ret_written);

/* The number behind `key` at the beginning of a line: "usage_usec 123". */
bool programs_parse_keyed(const char *text, const char *key, uint64_t *ret);

/* A file of one number. */
bool programs_parse_number(const char *text, uint64_t *ret);

/* Is that device made of others, which are told of themselves? */
typedef bool programs_stacked_fn(void *arg, unsigned major, unsigned minor);

/* io.stat: "8:0 rbytes=1 wbytes=2 rios=3 ..." a line. */
bool programs_parse_io_stat(const char *text, programs_stacked_fn *stacked, void *arg,
	uint64_t *ret_read, uint64_t *ret_written);

/* blkio.throttle.io_service_bytes: "8:0 Read 1" a line. */
bool programs_parse_blkio(const char *text, programs_stacked_fn *stacked, void *arg,
	uint64_t *ret_read, uint64_t *ret_written);

/* Where control groups are mounted; "" where they are not. */
enum { CGROUP_PATH = 256 };
struct cgroup_mounts {
	char unified[CGROUP_PATH];
	char cpu[CGROUP_PATH], memory[CGROUP_PATH], io[CGROUP_PATH]; /* of version 1 */
};

/* /proc/PID/mountinfo; lines that are none are passed over. */
void programs_parse_mounts(const char *text, struct cgroup_mounts *ret);

#endif
