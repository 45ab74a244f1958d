/* SPDX-License-Identifier: Apache-2.0 */
/* What a volume was asked in a second, as series. */
#include <stdio.h>
#include <string.h>

#include "series/name.h"
#include "trace/reader.h"
#include "watch/watch.h"

static void put(struct watch *watch, const struct trace_second *second, const char *metric,
	enum series_kind kind, double value)
{
	struct name name;
	char volume[TRACE_NAME + sizeof("vol/")];
	snprintf(volume, sizeof(volume), "vol/%s", second->name);
	if (name_start(&name, metric, strlen(metric), NULL) == 0 &&
		name_label(&name, "volume", volume, NULL) == 0)
		watch_put(watch, &name, kind, value);
	else
		watch->refused++;
}

static void put_counters(struct watch *watch, const struct trace_second *second)
{
	const struct trace_counts *total = &second->total;
	const struct {
		const char *metric;
		uint64_t value;
	} counters[] = {
		{"ebb_volume_reads_total", total->operations[TRACE_READ]},
		{"ebb_volume_read_bytes_total", total->bytes[TRACE_READ]},
		{"ebb_volume_writes_total", total->operations[TRACE_WRITE]},
		{"ebb_volume_written_bytes_total", total->bytes[TRACE_WRITE]},
		{"ebb_volume_flushes_total", total->operations[TRACE_FLUSH]},
		{"ebb_volume_errors_total", total->errors},
	};
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		put(watch, second, counters[i].metric, SERIES_COUNTER, (double)counters[i].value);
	/* To the microsecond: finer times cost bytes and say nothing. */
	put(watch, second, "ebb_volume_queue_seconds_total", SERIES_COUNTER,
		(double)(total->busy_ns / 1000) / 1e6);
}

static double micro(int64_t ns)
{
	return (double)(ns / 1000) / 1e6;
}

void watch_volume(struct watch *watch, const struct trace_second *second)
{
	uint64_t moves = second->operations[TRACE_READ] + second->operations[TRACE_WRITE];
	put_counters(watch, second);
	if (second->p50_ns) {
		put(watch, second, "ebb_volume_p50_seconds", SERIES_GAUGE, micro(second->p50_ns));
		put(watch, second, "ebb_volume_p99_seconds", SERIES_GAUGE, micro(second->p99_ns));
		put(watch, second, "ebb_volume_p999_seconds", SERIES_GAUGE, micro(second->p999_ns));
	}
	if (moves) {
		put(watch, second, "ebb_volume_read_share", SERIES_GAUGE, second->read_share);
		put(watch, second, "ebb_volume_sequential_share", SERIES_GAUGE,
			second->sequential_share);
	}
	if (second->records) {
		put(watch, second, "ebb_volume_working_set_bytes", SERIES_GAUGE,
			second->working_set_bytes);
		put(watch, second, "ebb_volume_dirty_bytes", SERIES_GAUGE, second->dirty_bytes);
		put(watch, second, "ebb_volume_burst_index", SERIES_GAUGE, second->burst);
	}
}
