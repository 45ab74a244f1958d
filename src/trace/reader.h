/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the trace: what each volume was asked in the time since it was asked last, and the tail
 * of records. Rates and times come from counters, which miss nothing; working sets, dirty bytes and
 * bursts from records, of which some may be lost.
 *
 * Nothing that a writer does can harm a reader: what makes no sense is left out.
 *
 * One thread at a time for each struct.
 */
#ifndef EBB_TRACE_READER_H
#define EBB_TRACE_READER_H

#include <stdbool.h>

#include "trace/ring.h"

struct trace_reader;
struct why;

/* A volume in some time, a second as a rule. */
struct trace_second {
	char name[TRACE_NAME];
	double seconds;
	struct trace_counts total; /* since the volume was opened */
	uint64_t operations[TRACE_KINDS], bytes[TRACE_KINDS], errors; /* in that time */
	uint64_t queue;                  /* operations under way, now */
	double queue_depth;              /* in the mean */
	double read_share;               /* of reads and writes; 0 to 1 */
	double sequential_share;         /* of reads and writes */
	int64_t p50_ns, p99_ns, p999_ns; /* of reads, writes and zeros; 0: there were none */
	uint64_t records;                /* that the following figures are from */
	uint64_t lost;            /* of all volumes: were overwritten before they were read */
	double working_set_bytes; /* blocks of 4 KiB that were read or written; within some percent
				   */
	double dirty_bytes;       /* blocks that were written or zeroed */
	double burst;             /* the busiest tenth of a second over the mean one */
};

/* Borrows the memory, which no one may make smaller. -EBADMSG: it is no trace; -ENOMEM. */
int trace_reader_open(
	const void *memory, size_t len, struct trace_reader **ret_reader, struct why *why);
void trace_reader_close(struct trace_reader *reader);

/*
 * Takes in what was written since the last call: to be called before TRACE_RECORDS more operations
 * end, or some are lost.
 */
void trace_reader_step(struct trace_reader *reader);

/*
 * Tells of each volume since the last call, at monotonic time `now_ns`; of one that is new from the
 * next call on.
 */
typedef void trace_second_fn(void *arg, const struct trace_second *second);
void trace_reader_seconds(
	struct trace_reader *reader, int64_t now_ns, trace_second_fn *fn, void *arg);

/*
 * Tells of each volume how many requests of its users had ended since it was opened, and what they
 * took in all. Changes nothing of what the other functions tell.
 */
struct trace_total {
	char name[TRACE_NAME];
	uint64_t life; /* another number: opened anew */
	uint64_t requests, took_ns;
};
typedef void trace_total_fn(void *arg, const struct trace_total *total);
void trace_reader_totals(const struct trace_reader *reader, trace_total_fn *fn, void *arg);

/* The records that are still there, oldest first, with the volume's name. False ends the walk. */
typedef bool trace_record_fn(void *arg, const struct trace_record *record, const char *name);
void trace_reader_tail(struct trace_reader *reader, trace_record_fn *fn, void *arg);

#endif
