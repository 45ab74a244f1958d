/* SPDX-License-Identifier: Apache-2.0 */
/* Places, and what is counted there. */
#include "trace/writer.h"

#include "base/must.h"

static struct trace_place *place_of(struct trace_writer *writer, uint32_t number)
{
	return (struct trace_place *)(void *)(writer->memory + trace_place_at(number));
}

void trace_begin(struct trace_writer *writer, void *memory)
{
	must((uintptr_t)memory % TRACE_PAGE == 0);
	*writer = (struct trace_writer){.memory = memory, .head = memory};
	writer->head->version = TRACE_VERSION;
	writer->head->places = TRACE_PLACES;
	writer->head->place_size = TRACE_PAGE;
	writer->head->record_size = sizeof(struct trace_record);
	writer->head->records = TRACE_RECORDS;
	/* Whoever sees the magic sees the rest. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(writer->head->magic, TRACE_MAGIC, sizeof(writer->head->magic));
}

/* The next one each time, so that records of a volume that went are not soon taken for another's.
 */
struct trace_place *trace_take(struct trace_writer *writer, const char *name)
{
	size_t len = strlen(name);
	must(len < TRACE_NAME);
	for (uint32_t tried = 0; tried < TRACE_PLACES; tried++) {
		struct trace_place *place = place_of(writer, writer->next_place);
		writer->next_place = (writer->next_place + 1) % TRACE_PLACES;
		if (place->life % 2)
			continue;
		if (trace_place_number(writer, place) >= writer->head->places_used)
			writer->head->places_used = trace_place_number(writer, place) + 1;
		memset(place->name, 0, TRACE_NAME);
		memcpy(place->name, name, len);
		place->queue = 0;
		place->counts = (struct trace_counts){0};
		__atomic_store_n(&place->life, place->life + 1, __ATOMIC_RELEASE);
		return place;
	}
	return NULL;
}

void trace_give(struct trace_place *place)
{
	if (place)
		__atomic_store_n(&place->life, place->life + 1, __ATOMIC_RELEASE);
}

uint32_t trace_place_number(const struct trace_writer *writer, const struct trace_place *place)
{
	return (uint32_t)((size_t)((const uint8_t *)place - writer->memory) / TRACE_PAGE) - 1;
}

void trace_count(struct trace_place *place, struct trace_ends *ends, enum trace_kind kind,
	uint64_t at, uint64_t len)
{
	enum { STREAMS = sizeof(ends->at) / sizeof(*ends->at) };
	struct trace_counts *counts = &place->counts;
	size_t i = 0;
	place->queue++;
	counts->operations[kind]++;
	counts->bytes[kind] += len;
	if (kind != TRACE_READ && kind != TRACE_WRITE)
		return;
	while (i < STREAMS && ends->at[i] != at)
		i++;
	counts->sequential += i < STREAMS;
	ends->at[i < STREAMS ? i : counts->operations[kind] % STREAMS] = at + len;
}

void trace_count_end(struct trace_place *place, enum trace_kind kind, int64_t took_ns, int err)
{
	uint64_t ns = took_ns > 0 ? (uint64_t)took_ns : 0;
	place->queue--;
	place->counts.errors += err != 0;
	if (kind == TRACE_FLUSH || took_ns < 0)
		return;
	place->counts.busy_ns += ns;
	place->counts.latency[trace_step_of(ns)]++;
}
