/* SPDX-License-Identifier: Apache-2.0 */
/* A trace whose head, first places and first records are any bytes, and change between readings. */
#include <math.h>
#include <string.h>

#include "base/must.h"
#include "base/why.h"
#include "trace/reader.h"
#include "trace/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_second(void *arg, const struct trace_second *second)
{
	(void)arg;
	must(second->name[0] && strlen(second->name) < TRACE_NAME);
	must(second->read_share >= 0 && second->read_share <= 1);
	must(second->sequential_share >= 0 && second->sequential_share <= 1);
	must(isfinite(second->working_set_bytes) && isfinite(second->dirty_bytes));
	must(second->burst >= 0 && second->burst <= 128 && second->p50_ns <= second->p99_ns);
}

static bool on_record(void *arg, const struct trace_record *record, const char *name)
{
	(void)arg;
	must(record->place < TRACE_PLACES && record->kind < TRACE_KINDS && name[0]);
	return true;
}

/* Bytes over some part of the memory; 4 of them say where. */
static size_t overlay(uint8_t *memory, const uint8_t *data, size_t size)
{
	uint32_t where;
	if (size < 8)
		return size;
	memcpy(&where, data, sizeof(where));
	size_t len = data[4] < size - 5 ? data[4] : size - 5;
	size_t at = where % 3 == 0 ? 40 + where / 3 % 64
		: where % 3 == 1   ? trace_place_at(where / 3 % 4) + where / 12 % 512
				   : trace_record_at(where / 3 % 64) + where / 192 % 64;
	memcpy(memory + at, data + 5, len);
	return len + 5;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t memory[TRACE_BYTES] __attribute__((aligned(TRACE_PAGE)));
	struct trace_writer writer;
	struct trace_reader *reader;
	struct why why;
	memset(memory, 0, trace_place_at(4));
	memset(memory + trace_record_at(0), 0, 65 * sizeof(struct trace_record));
	trace_begin(&writer, memory);
	must(trace_take(&writer, "v"));
	must(trace_reader_open(memory, TRACE_BYTES, &reader, &why) == 0);
	for (int64_t now_ns = 1000000000; size; now_ns += 500000000) {
		size_t used = overlay(memory, data, size);
		data += used;
		size -= used;
		struct trace_record record = {.len = 4096, .life = 1};
		trace_put(&writer, &record);
		/* Where it says that nearly all is there, reading it all takes too long here. */
		if (writer.head->ended > 64)
			writer.head->ended = 64;
		trace_reader_seconds(reader, now_ns, on_second, NULL);
	}
	trace_reader_tail(reader, on_record, NULL);
	trace_reader_close(reader);
	return 0;
}
