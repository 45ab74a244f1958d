/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the trace: places for volumes, counters, and a record for each operation that ended. What
 * readers do has no effect here; what is not read in time is lost to them.
 *
 * One thread.
 */
#ifndef EBB_TRACE_WRITER_H
#define EBB_TRACE_WRITER_H

#include <string.h>

#include "trace/ring.h"

struct trace_writer {
	uint8_t *memory; /* borrowed */
	struct trace_head *head;
	uint32_t next_place;
};

/* TRACE_BYTES of zeros, at the beginning of a page. */
void trace_begin(struct trace_writer *writer, void *memory);

/* NULL: all places are taken. */
struct trace_place *trace_take(struct trace_writer *writer, const char *name);

/* NULL is allowed. */
void trace_give(struct trace_place *place);

uint32_t trace_place_number(const struct trace_writer *writer, const struct trace_place *place);

/* The counters of an operation: when it begins, and when it ends. */
struct trace_ends {
	uint64_t at[4]; /* where the last reads and writes of a volume ended */
};
void trace_count(struct trace_place *place, struct trace_ends *ends, enum trace_kind kind,
	uint64_t at, uint64_t len);
/* `took_ns` < 0: it was none of the volume's users, and its time is not theirs. */
void trace_count_end(struct trace_place *place, enum trace_kind kind, int64_t took_ns, int err);

/* One more record; its number is set here. */
static inline void trace_put(struct trace_writer *writer, const struct trace_record *record)
{
	uint64_t number = writer->head->ended;
	struct trace_record *at = (struct trace_record *)(void *)(writer->memory +
		trace_record_at(number));
	__atomic_store_n(&at->number, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy((uint8_t *)at + sizeof(at->number), (const uint8_t *)record + sizeof(record->number),
		sizeof(*record) - sizeof(record->number));
	__atomic_store_n(&at->number, number + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&writer->head->ended, number + 1, __ATOMIC_RELEASE);
}

#endif
