/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs as series. Each turn all that are wanted are looked at, and those that use most are
 * kept, as many as the configuration allows:
 *
 *     ebb_program_cpu_seconds_total{program="unit/nginx.service"}
 *     ebb_program_memory_bytes
 *     ebb_program_read_bytes_total, ebb_program_written_bytes_total
 *     ebb_program_received_bytes_total, ebb_program_sent_bytes_total
 *
 * A program's counters go on over the ends of its processes, its restarts and those of its control
 * group: what is kept only grows, by what was really used. Short lives between two looks are in a
 * control group's counters, but not in those of processes.
 *
 * Who is kept: while there is room everybody, else those whose share of any resource was largest
 * over some hours; one is put out only by another that uses half as much again. Names that nobody
 * had before are taken up slowly, as many a day as may be kept (and one an hour), so that programs
 * with a new name at each start fill no store.
 *
 * The loop's thread only.
 */
#ifndef EBB_WATCH_PROGRAMS_H
#define EBB_WATCH_PROGRAMS_H

#include <stdint.h>

struct host_look;
struct host_program;
struct watch;
struct watch_programs;

enum { WATCH_PROGRAMS_MAX = 1000, WATCH_PROGRAMS_KNOWN = 4096, WATCH_PROGRAMS_PARTS = 16384 };

struct watch_programs_facts {
	uint64_t known, kept; /* now */
	uint64_t left_out;    /* at the last look: no room to know them, or the look was bounded */
	uint64_t waiting;     /* would be kept if names were not taken up slowly */
	uint64_t resets;      /* counters that went down within one life, since the start */
	uint64_t poisoned;    /* numbers that cannot be, since the start; looks back in time, too */
};

/* Gives it; NULL: no memory. At most `max` programs are kept. */
struct watch_programs *watch_programs_new(uint32_t max);
void watch_programs_free(struct watch_programs *programs);

void watch_programs_max(struct watch_programs *programs, uint32_t max);

/* A look begins at that monotonic time on a machine of so many CPUs (0: not known); then each
 * program is seen; then it is over, and what is kept is put. `see` is a host_program_fn. */
void watch_programs_begin(struct watch_programs *programs, int64_t mono_ns, unsigned cpus);
void watch_programs_see(void *programs, const struct host_program *program);
void watch_programs_end(
	struct watch_programs *programs, const struct host_look *look, struct watch *watch);

struct watch_programs_facts watch_programs_facts(const struct watch_programs *programs);

#endif
