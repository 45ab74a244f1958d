/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared memory in which ebb-vold says what its volumes are asked: docs/FORMATS.md, "The trace
 * of volumes". One process writes it and looks at nothing that others do with it; any number of
 * others read it, and believe nothing.
 *
 *     a page            struct trace_head
 *     TRACE_PLACES pages  struct trace_place: a volume, with its counters since it was opened
 *     TRACE_RECORDS x 64  struct trace_record: the operations that ended last
 *
 * Any thread.
 */
#ifndef EBB_TRACE_RING_H
#define EBB_TRACE_RING_H

#include <stddef.h>
#include <stdint.h>

enum {
	TRACE_VERSION = 1,
	TRACE_PAGE = 4096,
	TRACE_PLACES = 4096,
	TRACE_RECORDS = 1 << 18, /* a second of what one thread serves */
	TRACE_NAME = 64,
	TRACE_STEPS = 256,
};

#define TRACE_MAGIC "ebbtrace"
#define TRACE_BYTES \
	((size_t)TRACE_PAGE * (1 + TRACE_PLACES) + TRACE_RECORDS * sizeof(struct trace_record))

enum trace_kind { TRACE_READ, TRACE_WRITE, TRACE_ZERO, TRACE_FLUSH, TRACE_KINDS };

enum {
	TRACE_DURABLE = 1,  /* it asked to be durable when it is answered */
	TRACE_AT_ONCE = 2,  /* done without waiting for a disk */
	TRACE_SNAPSHOT = 4, /* read from a snapshot */
};

struct trace_head {
	char magic[8];
	uint32_t version, places, place_size, record_size;
	uint64_t records;
	uint64_t places_used; /* those behind were never taken */
	uint8_t spare[24];
	uint64_t ended; /* operations, ever: the next record is number `ended` */
};

/* All only grow. */
struct trace_counts {
	uint64_t operations[TRACE_KINDS], bytes[TRACE_KINDS], errors;
	uint64_t sequential; /* reads and writes that began where another ended */
	uint64_t busy_ns;    /* the sum of all times below */
	/* Times of reads, writes and zeros: eight steps for each doubling from 256 ns on. */
	uint64_t latency[TRACE_STEPS];
};

struct trace_place {
	uint64_t life; /* odd: a volume has it; grows whenever that changes */
	char name[TRACE_NAME];
	uint64_t queue; /* operations under way */
	struct trace_counts counts;
};

struct trace_record {
	uint64_t number; /* its own + 1; 0 while it is being written */
	int64_t begun_ns;
	uint64_t at;
	uint32_t len;
	uint32_t took_ns; /* UINT32_MAX: that or more */
	uint32_t place;
	uint32_t client; /* which connection */
	uint64_t life;   /* of the place */
	uint16_t queue;  /* operations of the volume that were under way when it began */
	uint16_t error;  /* errno, 0 when it went well */
	uint8_t kind, flags;
	uint8_t spare[10];
};

_Static_assert(sizeof(struct trace_record) == 64, "a record is a cache line");
_Static_assert(sizeof(struct trace_place) <= TRACE_PAGE, "a place is a page");

/* Where a place and a record lie in the memory. */
static inline size_t trace_place_at(uint32_t place)
{
	return (size_t)TRACE_PAGE * (1 + place);
}

static inline size_t trace_record_at(uint64_t number)
{
	return (size_t)TRACE_PAGE * (1 + TRACE_PLACES) +
		(size_t)(number % TRACE_RECORDS) * sizeof(struct trace_record);
}

/* The longest time of a step. */
int64_t trace_step_ns(unsigned step);
unsigned trace_step_of(uint64_t ns);

/* The time that so many of a thousand do not exceed, between two readings; 0 without any. */
int64_t trace_latency(
	const struct trace_counts *before, const struct trace_counts *now, unsigned of_1000);

#endif
