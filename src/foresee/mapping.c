/* SPDX-License-Identifier: Apache-2.0 */
/* One table. */
#include "foresee/mapping.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/why.h"
#include "series/name.h"

#define GAUGE \
	{ \
		INTAKE_GAUGE, false \
	}
#define COUNTER \
	{ \
		INTAKE_COUNTER, false \
	}
#define RATE \
	{ \
		INTAKE_RATE, false \
	}
#define CPU "ebb_host_cpu_seconds_total"
#define PRESSURE "ebb_host_pressure_seconds_total", NULL

static const struct mapping table[] = {
	/* node exporter */
	{"node_cpu_seconds_total", NULL, CPU, NULL, {NULL}, {INTAKE_COUNTER, true}, 1, 0, "mode",
		"idle|iowait|steal|guest|guest_nice"},
	{"node_memory_MemTotal_bytes", NULL, "ebb_host_memory_bytes", NULL, {NULL}, GAUGE, 1, 0,
		NULL, NULL},
	{"node_memory_MemAvailable_bytes", NULL, "ebb_host_memory_available_bytes", NULL, {NULL},
		GAUGE, 1, 0, NULL, NULL},
	{"node_disk_reads_completed_total", "device", "ebb_disk_reads_total", "device", {NULL},
		COUNTER, 1, 0, NULL, NULL},
	{"node_disk_writes_completed_total", "device", "ebb_disk_writes_total", "device", {NULL},
		COUNTER, 1, 0, NULL, NULL},
	{"node_disk_read_bytes_total", "device", "ebb_disk_read_bytes_total", "device", {NULL},
		COUNTER, 1, 0, NULL, NULL},
	{"node_disk_written_bytes_total", "device", "ebb_disk_written_bytes_total", "device",
		{NULL}, COUNTER, 1, 0, NULL, NULL},
	{"node_disk_io_time_seconds_total", "device", "ebb_disk_busy_seconds_total", "device",
		{NULL}, COUNTER, 1, 0, NULL, NULL},
	{"node_disk_io_time_weighted_seconds_total", "device", "ebb_disk_queue_seconds_total",
		"device", {NULL}, COUNTER, 1, 0, NULL, NULL},
	{"node_network_receive_bytes_total", "device", "ebb_nic_received_bytes_total", "device",
		{NULL}, COUNTER, 1, 0, "device", "lo"},
	{"node_network_transmit_bytes_total", "device", "ebb_nic_sent_bytes_total", "device",
		{NULL}, COUNTER, 1, 0, "device", "lo"},
	{"node_pressure_cpu_waiting_seconds_total", NULL, PRESSURE,
		{"resource", "cpu", "share", "some"}, COUNTER, 1, 0, NULL, NULL},
	{"node_pressure_memory_waiting_seconds_total", NULL, PRESSURE,
		{"resource", "memory", "share", "some"}, COUNTER, 1, 0, NULL, NULL},
	{"node_pressure_memory_stalled_seconds_total", NULL, PRESSURE,
		{"resource", "memory", "share", "full"}, COUNTER, 1, 0, NULL, NULL},
	{"node_pressure_io_waiting_seconds_total", NULL, PRESSURE,
		{"resource", "io", "share", "some"}, COUNTER, 1, 0, NULL, NULL},
	{"node_pressure_io_stalled_seconds_total", NULL, PRESSURE,
		{"resource", "io", "share", "full"}, COUNTER, 1, 0, NULL, NULL},
	/* telegraf; its times are milliseconds */
	{"cpu.usage_idle", NULL, CPU, NULL, {NULL}, {INTAKE_RATE, true}, -0.01, 1, "cpu",
		"cpu-total"},
	{"mem.total", NULL, "ebb_host_memory_bytes", NULL, {NULL}, GAUGE, 1, 0, NULL, NULL},
	{"mem.available", NULL, "ebb_host_memory_available_bytes", NULL, {NULL}, GAUGE, 1, 0, NULL,
		NULL},
	{"diskio.reads", "name", "ebb_disk_reads_total", "device", {NULL}, COUNTER, 1, 0, NULL,
		NULL},
	{"diskio.writes", "name", "ebb_disk_writes_total", "device", {NULL}, COUNTER, 1, 0, NULL,
		NULL},
	{"diskio.read_bytes", "name", "ebb_disk_read_bytes_total", "device", {NULL}, COUNTER, 1, 0,
		NULL, NULL},
	{"diskio.write_bytes", "name", "ebb_disk_written_bytes_total", "device", {NULL}, COUNTER, 1,
		0, NULL, NULL},
	{"diskio.io_time", "name", "ebb_disk_busy_seconds_total", "device", {NULL}, COUNTER, 1e-3,
		0, NULL, NULL},
	{"diskio.weighted_io_time", "name", "ebb_disk_queue_seconds_total", "device", {NULL},
		COUNTER, 1e-3, 0, NULL, NULL},
	{"net.bytes_recv", "interface", "ebb_nic_received_bytes_total", "device", {NULL}, COUNTER,
		1, 0, "interface", "lo|all"},
	{"net.bytes_sent", "interface", "ebb_nic_sent_bytes_total", "device", {NULL}, COUNTER, 1, 0,
		"interface", "lo|all"},
	/* sysstat: means over the interval; kB is 1024 bytes there */
	{"sar.cpu", NULL, CPU, NULL, {NULL}, RATE, 1, 0, NULL, NULL},
	{"sar.memory.avail", NULL, "ebb_host_memory_available_bytes", NULL, {NULL}, GAUGE, 1024, 0,
		NULL, NULL},
	{"sar.disk.rkB", "device", "ebb_disk_read_bytes_total", "device", {NULL}, RATE, 1024, 0,
		NULL, NULL},
	{"sar.disk.wkB", "device", "ebb_disk_written_bytes_total", "device", {NULL}, RATE, 1024, 0,
		NULL, NULL},
	{"sar.disk.util-percent", "device", "ebb_disk_busy_seconds_total", "device", {NULL}, RATE,
		0.01, 0, NULL, NULL},
	{"sar.disk.aqu-sz", "device", "ebb_disk_queue_seconds_total", "device", {NULL}, RATE, 1, 0,
		NULL, NULL},
	{"sar.net-dev.rxkB", "device", "ebb_nic_received_bytes_total", "device", {NULL}, RATE, 1024,
		0, "device", "lo"},
	{"sar.net-dev.txkB", "device", "ebb_nic_sent_bytes_total", "device", {NULL}, RATE, 1024, 0,
		"device", "lo"},
	{"sar.psi-cpu.some_avg", NULL, PRESSURE, {"resource", "cpu", "share", "some"}, RATE, 0.01,
		0, NULL, NULL},
	{"sar.psi-io.some_avg", NULL, PRESSURE, {"resource", "io", "share", "some"}, RATE, 0.01, 0,
		NULL, NULL},
	{"sar.psi-io.full_avg", NULL, PRESSURE, {"resource", "io", "share", "full"}, RATE, 0.01, 0,
		NULL, NULL},
	{"sar.psi-mem.some_avg", NULL, PRESSURE, {"resource", "memory", "share", "some"}, RATE,
		0.01, 0, NULL, NULL},
	{"sar.psi-mem.full_avg", NULL, PRESSURE, {"resource", "memory", "share", "full"}, RATE,
		0.01, 0, NULL, NULL},
};

enum { ROWS = sizeof(table) / sizeof(*table) };

const char *foreign_value(const struct foreign *foreign, const char *key)
{
	for (size_t i = 0; i < foreign->count; i++)
		if (strcmp(foreign->labels[i].key, key) == 0)
			return foreign->labels[i].value;
	return NULL;
}

/* Is `word` one of those with '|' between them? */
static bool one_of(const char *words, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = words; at; at = strchr(at, '|')) {
		at += *at == '|';
		if (strncmp(at, word, len) == 0 && (at[len] == '|' || !at[len]))
			return true;
	}
	return false;
}

const struct mapping *mapping_find(const struct foreign *foreign)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct mapping *row = &table[i];
		if (strcmp(row->from, foreign->metric) != 0)
			continue;
		const char *value = row->by ? foreign_value(foreign, row->by) : NULL;
		return value && one_of(row->values, value) ? NULL : row;
	}
	return NULL;
}

int mapping_name(const struct mapping *mapping, const struct foreign *foreign, struct name *ret,
	struct why *why)
{
	int err = name_start(ret, mapping->to, strlen(mapping->to), why);
	for (size_t i = 0; !err && i < 4 && mapping->fixed[i]; i += 2)
		err = name_label(ret, mapping->fixed[i], mapping->fixed[i + 1], why);
	const char *value = mapping->from_label ? foreign_value(foreign, mapping->from_label)
						: NULL;
	if (!err && value)
		err = name_label(ret, mapping->to_label, value, why);
	return err;
}

/* Ours, as another ebb or a Prometheus that watches one keeps them. */
static bool is_ours(const struct foreign *foreign)
{
	return str_starts(foreign->metric, "ebb_");
}

int mapping_own_name(const struct foreign *foreign, struct name *ret, struct why *why)
{
	char metric[NAME_WORD + 1];
	size_t len = strlen(foreign->metric);
	if (len > NAME_WORD)
		return why_set(
			why, -EINVAL, "'%.40s...': a name of %zu letters", foreign->metric, len);
	for (size_t i = 0; i <= len; i++) {
		unsigned char c = (unsigned char)foreign->metric[i];
		metric[i] = (char)(c && !isalnum(c) && c != ':' ? '_' : c);
	}
	int err = name_start(ret, metric, len, why);
	for (size_t i = 0; !err && i < foreign->count; i++) {
		const char *key = foreign->labels[i].key;
		bool scrape = strcmp(key, "job") == 0 ||
			(is_ours(foreign) && strcmp(key, "instance") == 0);
		if (!scrape)
			err = name_label(ret, key, foreign->labels[i].value, why);
	}
	return err;
}

void mapping_metrics(const char *start, struct str *out)
{
	const char *between = "";
	for (size_t i = 0; i < ROWS; i++)
		if (str_starts(table[i].from, start)) {
			str_addf(out, "%s%s", between, table[i].from + strlen(start));
			between = "|";
		}
}

int mapping_take(struct intake *intake, const struct foreign *foreign, bool all,
	const struct intake_sample *sample, struct why *why)
{
	const struct mapping *row = mapping_find(foreign);
	struct name name;
	struct intake_sample ours = *sample;
	struct intake_how how = {INTAKE_GAUGE, false};
	int err;
	if (row && !all) {
		err = mapping_name(row, foreign, &name, why);
		ours.value = ours.value * row->scale + row->add;
		how = row->how;
	} else if (all || is_ours(foreign)) {
		size_t len = strlen(foreign->metric);
		err = mapping_own_name(foreign, &name, why);
		if (len > 6 && strcmp(foreign->metric + len - 6, "_total") == 0)
			how.form = INTAKE_COUNTER;
	} else {
		intake->left_out++;
		return 0;
	}
	if (err == -EINVAL) {
		intake->left_out++;
		return 0;
	}
	return err ? err : intake_add(intake, &name, &how, &ours, why);
}
