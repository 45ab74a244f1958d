/* SPDX-License-Identifier: Apache-2.0 */
/* The host's own numbers as series. */
#include <string.h>

#include "os/host.h"
#include "series/name.h"
#include "watch/watch.h"

/* To the microsecond: finer times cost bytes and say nothing. */
static double seconds(uint64_t ns)
{
	return (double)(ns / 1000) / 1e6;
}

/* Up to two labels; a device may have a name that no label takes, and is a gap then. */
static void put(struct watch *watch, const char *metric, const char *const labels[4],
	enum series_kind kind, double value)
{
	struct name name;
	bool ok = name_start(&name, metric, strlen(metric), NULL) == 0;
	for (int i = 0; ok && i < 4 && labels[i]; i += 2)
		ok = name_label(&name, labels[i], labels[i + 1], NULL) == 0;
	if (ok)
		watch_put(watch, &name, kind, value);
	else
		watch->refused++;
}

static void gauge(struct watch *watch, const char *metric, double value)
{
	static const char *const none[4] = {NULL};
	put(watch, metric, none, SERIES_GAUGE, value);
}

static void counter(struct watch *watch, const char *metric, const char *device, double value)
{
	const char *const labels[4] = {"device", device};
	put(watch, metric, labels, SERIES_COUNTER, value);
}

static void pressure(
	struct watch *watch, const char *resource, const struct host_pressure *pressure)
{
	const char *some[4] = {"resource", resource, "share", "some"};
	const char *full[4] = {"resource", resource, "share", "full"};
	if (!pressure->known)
		return;
	put(watch, "ebb_host_pressure_seconds_total", some, SERIES_COUNTER,
		seconds(pressure->some_ns));
	put(watch, "ebb_host_pressure_seconds_total", full, SERIES_COUNTER,
		seconds(pressure->full_ns));
}

static void put_disk(struct watch *watch, const struct host_disk *disk)
{
	counter(watch, "ebb_disk_reads_total", disk->name, (double)disk->reads);
	counter(watch, "ebb_disk_writes_total", disk->name, (double)disk->writes);
	counter(watch, "ebb_disk_read_bytes_total", disk->name, (double)disk->read_bytes);
	counter(watch, "ebb_disk_written_bytes_total", disk->name, (double)disk->write_bytes);
	counter(watch, "ebb_disk_busy_seconds_total", disk->name, seconds(disk->busy_ns));
	counter(watch, "ebb_disk_queue_seconds_total", disk->name, seconds(disk->queue_ns));
}

void watch_host(struct watch *watch, const struct host_reading *reading)
{
	static const char *const none[4] = {NULL};
	gauge(watch, "ebb_host_cpus", reading->cpus);
	put(watch, "ebb_host_cpu_seconds_total", none, SERIES_COUNTER,
		seconds(reading->cpu_busy_ns));
	gauge(watch, "ebb_host_memory_bytes", (double)reading->memory_bytes);
	gauge(watch, "ebb_host_memory_available_bytes", (double)reading->memory_available_bytes);
	pressure(watch, "cpu", &reading->cpu_pressure);
	pressure(watch, "memory", &reading->memory_pressure);
	pressure(watch, "io", &reading->io_pressure);
	for (size_t i = 0; i < reading->disk_count; i++)
		put_disk(watch, &reading->disks[i]);
	for (size_t i = 0; i < reading->nic_count; i++) {
		const struct host_nic *nic = &reading->nics[i];
		counter(watch, "ebb_nic_received_bytes_total", nic->name, (double)nic->rx_bytes);
		counter(watch, "ebb_nic_sent_bytes_total", nic->name, (double)nic->tx_bytes);
	}
	gauge(watch, "ebb_host_devices_left_out",
		(double)(reading->disks_left_out + reading->nics_left_out));
}
