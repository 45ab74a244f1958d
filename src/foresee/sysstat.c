/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of sadf, interval by interval. */
#include "foresee/sysstat.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/why.h"
#include "foresee/mapping.h"
#include "foresee/trace.h"

enum { METRIC = 64 };

struct reading {
	const char *file;
	struct intake *intake;
	struct intake_sample sample; /* of the interval at hand */
	double cpus;
	struct why *why;
};

static int take(struct reading *reading, const char *metric, const char *device, json_t *value)
{
	struct foreign foreign = {.metric = metric};
	struct intake_sample sample = reading->sample;
	if (!json_is_number(value)) {
		reading->intake->gaps += value != NULL;
		return 0;
	}
	if (device)
		foreign.labels[foreign.count++] = (struct foreign_label){"device", device};
	sample.value = json_number_value(value);
	return mapping_take(reading->intake, &foreign, false, &sample, reading->why);
}

/* All of an object's numbers as "sar.KIND.KEY", by the device that `named` names. */
static int take_object(struct reading *reading, const char *kind, json_t *object, const char *named)
{
	const char *key, *device = named ? json_string_value(json_object_get(object, named)) : NULL;
	json_t *value;
	int err = 0;
	if (named && !device)
		return 0;
	json_object_foreach (object, key, value) {
		char metric[METRIC];
		if (!json_is_number(value))
			continue;
		int len = snprintf(metric, sizeof(metric), "sar.%s.%s", kind, key);
		if (!err && len < METRIC)
			err = take(reading, metric, device, value);
	}
	return err;
}

static int take_list(struct reading *reading, const char *kind, json_t *list, const char *named)
{
	json_t *one;
	size_t i;
	int err = 0;
	json_array_foreach (list, i, one)
		if (!err)
			err = take_object(reading, kind, one, named);
	return err;
}

static double number(json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

/* CPU seconds a second of all CPUs: what is neither idle nor waiting nor stolen. */
static int take_cpu(struct reading *reading, json_t *list)
{
	json_t *one;
	size_t i;
	int err = 0;
	json_array_foreach (list, i, one) {
		const char *cpu = json_string_value(json_object_get(one, "cpu"));
		if (err || !cpu || strcmp(cpu, "all") != 0)
			continue;
		double busy = 100 - number(one, "idle") - number(one, "iowait") -
			number(one, "steal");
		json_t *value = json_real(reading->cpus * (busy > 0 ? busy : 0) / 100);
		err = take(reading, "sar.cpu", NULL, value);
		json_decref(value);
	}
	return err;
}

/* "2026-11-21", "17:04:37" in UTC, 600 seconds. */
static int read_moment(struct reading *reading, size_t index, json_t *stamp)
{
	char text[64];
	const char *date = json_string_value(json_object_get(stamp, "date"));
	const char *time = json_string_value(json_object_get(stamp, "time"));
	double interval = number(stamp, "interval");
	if (!date || !time)
		return why_set(reading->why, -EINVAL, "%.200s: interval %zu has no timestamp",
			reading->file, index + 1);
	if (!json_integer_value(json_object_get(stamp, "utc")))
		return why_set(reading->why, -EINVAL,
			"%.200s: interval %zu: times are not in UTC: call sadf without -t and -T",
			reading->file, index + 1);
	snprintf(text, sizeof(text), "%.20sT%.20sZ", date, time);
	if (!trace_moment(text, &reading->sample.ms))
		return why_set(reading->why, -EINVAL, "%.200s: interval %zu: '%.40s' is no moment",
			reading->file, index + 1, text);
	reading->sample.span_ms = interval > 0 && interval < 1e6 ? (int64_t)(interval * 1000) : 0;
	return 0;
}

static int take_interval(struct reading *reading, size_t index, json_t *one)
{
	static const char *const pressures[] = {"psi-cpu", "psi-io", "psi-mem"};
	int err = read_moment(reading, index, json_object_get(one, "timestamp"));
	if (err)
		return err;
	json_t *network = json_object_get(one, "network"), *psi = json_object_get(one, "psi");
	err = take_cpu(reading, json_object_get(one, "cpu-load"));
	if (!err)
		err = take_object(reading, "memory", json_object_get(one, "memory"), NULL);
	if (!err)
		err = take_list(reading, "disk", json_object_get(one, "disk"), "disk-device");
	if (!err)
		err = take_list(reading, "net-dev", json_object_get(network, "net-dev"), "iface");
	for (size_t i = 0; !err && i < 3; i++)
		err = take_object(reading, pressures[i], json_object_get(psi, pressures[i]), NULL);
	return err;
}

static int take_host(struct reading *reading, json_t *host)
{
	json_t *list = json_object_get(host, "statistics"), *one;
	size_t i;
	reading->cpus = number(host, "number-of-cpus");
	if (!json_is_array(list))
		return why_set(reading->why, -EINVAL, "%.200s: no statistics", reading->file);
	json_array_foreach (list, i, one) {
		int err = take_interval(reading, i, one);
		if (err)
			return err;
	}
	return 0;
}

static int choose(struct reading *reading, json_t *hosts, const char *host)
{
	json_t *one;
	size_t i;
	if (!json_array_size(hosts))
		return why_set(
			reading->why, -EINVAL, "%.200s: not what `sadf -j` prints", reading->file);
	if (!host && json_array_size(hosts) > 1)
		return why_set(reading->why, -EINVAL, "%.200s: %zu hosts: say by --host which one",
			reading->file, json_array_size(hosts));
	json_array_foreach (hosts, i, one) {
		const char *name = json_string_value(json_object_get(one, "nodename"));
		if (!host || (name && strcmp(name, host) == 0))
			return take_host(reading, one);
	}
	return why_set(
		reading->why, -ENOENT, "%.200s: nothing of host '%.100s'", reading->file, host);
}

int sysstat_read(const char *name, const char *text, size_t len, const char *host,
	struct intake *intake, struct why *why)
{
	struct reading reading = {.file = name, .intake = intake, .why = why};
	json_error_t error;
	json_t *all = json_loadb(text, len, 0, &error);
	if (!all)
		return why_set(why, -EINVAL, "%.200s:%d:%d: %.150s", name, error.line, error.column,
			error.text);
	int err = choose(&reading, json_object_get(json_object_get(all, "sysstat"), "hosts"), host);
	json_decref(all);
	return err;
}
