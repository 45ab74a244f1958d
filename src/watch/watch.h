/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Observation: what the world says, put as samples into the store of series. Counters are kept as
 * counters, so that rates, resets and gaps are told apart later and nothing is lost by rounding.
 *
 * Nothing here fails for want of one thing: what cannot be read is a gap, what makes no sense is
 * refused and counted by the store (series/series.h).
 *
 * The loop's thread only; calls block as those of the store do.
 */
#ifndef EBB_WATCH_WATCH_H
#define EBB_WATCH_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "series/bucket.h"

struct host_reading;
struct name;
struct series;
struct trace_second;

struct watch {
	struct series *series; /* borrowed */
	int64_t ms;            /* of the samples that are put now */
	uint64_t put;
	uint64_t refused; /* samples and series that the store did not take */
};

/* Begins a turn: what is put from now on is of that time, in milliseconds since 1970 UTC. */
void watch_begin(struct watch *watch, struct series *series, int64_t ms);

/* One sample; the series is made when it is new. */
void watch_put(struct watch *watch, const struct name *name, enum series_kind kind, double value);

/*
 * A host's reading:
 *   ebb_host_cpus, _cpu_seconds_total, _memory_bytes, _memory_available_bytes
 *   ebb_host_pressure_seconds_total{resource=,share=}
 *   ebb_disk_reads_total{device=}, _writes_total, _read_bytes_total, _written_bytes_total,
 *   _busy_seconds_total, _queue_seconds_total
 *   ebb_nic_received_bytes_total{device=}, _sent_bytes_total
 *   ebb_host_devices_left_out
 */
void watch_host(struct watch *watch, const struct host_reading *reading);

/*
 * What a volume was asked in a second; all with {volume="vol/NAME"}:
 *   ebb_volume_reads_total, _read_bytes_total, _writes_total, _written_bytes_total,
 *   _flushes_total, _errors_total, _queue_seconds_total
 *   ebb_volume_p50_seconds, _p99_seconds, _p999_seconds, _read_share, _sequential_share,
 *   _working_set_bytes, _dirty_bytes, _burst_index: only where there is something to tell
 */
void watch_volume(struct watch *watch, const struct trace_second *second);

/* A place that points are saved to, as it was measured; negative: not known. */
struct watch_tier {
	const char *name;
	bool reached;
	double latency_s, writes, reads; /* bytes a second */
	double size_bytes, free_bytes;
};

/*
 * With {tier="NAME"}: ebb_tier_reached, and what is known of
 *   ebb_tier_latency_seconds, _write_bytes_per_second, _read_bytes_per_second, _size_bytes,
 *   _free_bytes
 */
void watch_tier(struct watch *watch, const struct watch_tier *tier);

/* What is kept, and the job that keeps it. */
struct watch_job {
	const char *resource;
	bool running;
	double bytes;       /* that the present job has read and written */
	double limit;       /* bytes a second it may move */
	double point_age_s; /* negative: there is no point */
	double failures;    /* in a row */
};

/*
 * With {resource="NAME"}: ebb_job_running, _failures_in_a_row; while one runs _bytes_total,
 * which begins anew with each, and _limit_bytes_per_second; ebb_point_age_seconds
 */
void watch_job(struct watch *watch, const struct watch_job *job);

#endif
