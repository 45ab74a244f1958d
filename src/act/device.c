/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of spans into slots, and slots out of the store of series. */
#include "act/device.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/units.h"
#include "series/name.h"
#include "series/series.h"

/* Before anything was measured: a small solid-state disk, or a good hard disk. */
static const double first_capacity = 200e6, least_capacity = 1e6, most_capacity = 20e9;
static const double lately = 0.1;
/* A share of ours from which on the device's speed shows. */
static const double shows = 0.02;
/* What is written is on its way to the device for so long; bytes a second that disturb nobody. */
static const double written_within_s = 60, quiet_bytes = 64 << 10;
/* What a request costs besides its bytes: a tenth of a millisecond of a disk of 1 GB/s, and less
 * than a seek. */
static const double request_bytes = 128 << 10;

static int64_t local_s(const struct device *device, int64_t wall_s)
{
	return device->local ? device->local(wall_s) : wall_s;
}

static int64_t slot_of(const struct device *device, int64_t wall_s)
{
	int64_t s = local_s(device, wall_s);
	return s / DEVICE_SLOT_S - (s % DEVICE_SLOT_S < 0);
}

static void forget(struct device *device)
{
	for (size_t i = 0; i < DEVICE_SLOTS; i++)
		device->busy[i] = device->size[i] = NAN;
}

/* All days but the last two are past, so that two more fit. */
static void begin_at(struct device *device, int64_t slot)
{
	int64_t day = slot / DAYS_DAY - (slot % DAYS_DAY < 0);
	device->first = (day - (DEVICE_DAYS - 2)) * DAYS_DAY;
	device->now = slot;
	device->slot_s = device->slot_busy_s = 0;
	forget(device);
}

void device_begin(struct device *device, const char *name, local_fn *local, int64_t wall_s)
{
	*device = (struct device){.local = local, .capacity = first_capacity};
	waits_begin(&device->waits);
	snprintf(device->name, sizeof(device->name), "%s", name);
	begin_at(device, slot_of(device, wall_s));
}

/* ---- from the store ---- */

struct recalling {
	struct device *device;
	struct series *series;
	const char *metric;
	bool take; /* it is our own work, which is taken off */
};

static void recall_row(
	const struct recalling *recalling, const struct bucket *row, struct device *device)
{
	int64_t slot = slot_of(device, row->ms / 1000) - device->first;
	if (slot < 0 || slot >= device->now - device->first)
		return;
	float *busy = &device->busy[slot];
	if (recalling->take)
		*busy = fmaxf(0, *busy - (float)row->mean); /* a gap stays one */
	else if (isnan(*busy) || *busy < (float)row->mean)
		*busy = fminf(1, (float)row->mean);
}

static bool recall_one(void *arg, const struct series_one *one)
{
	const struct recalling *recalling = arg;
	struct device *device = recalling->device;
	struct name name, pattern;
	bool all = strcmp(device->name, "auto") == 0 && !recalling->take;
	if (name_parse(one->name, &name, NULL) ||
		name_start(&pattern, recalling->metric, strlen(recalling->metric), NULL) ||
		(!all && name_label(&pattern, "device", device->name, NULL)) ||
		!name_matches(&name, &pattern))
		return true;
	OWN(buckets_done) struct buckets rows = {0};
	const int64_t step = DEVICE_SLOT_S, zone = INT64_C(86400);
	struct series_span span = {.level = LEVEL_5MIN,
		.from = (device->first * step - zone) * 1000,
		.to = (device->now * step + zone) * 1000};
	if (series_roll(recalling->series, one->id, &span, &rows, NULL) == 0)
		for (size_t i = 0; i < rows.rows.len; i++)
			recall_row(recalling, &rows.rows.at[i], device);
	return true;
}

void device_remember(struct device *device, struct series *series, int64_t wall_s)
{
	struct recalling recalling = {
		.device = device, .series = series, .metric = "ebb_disk_busy_seconds_total"};
	device->recalled = true;
	begin_at(device, slot_of(device, wall_s));
	series_each(series, recall_one, &recalling);
	recalling.metric = "ebb_job_disk_seconds_total";
	recalling.take = true;
	series_each(series, recall_one, &recalling);
	for (size_t i = 0; i < DEVICE_SLOTS; i++)
		device->size[i] = isnan(device->busy[i]) ? NAN : days_size(device->busy[i]);
}

/* ---- as time goes by ---- */

static void end_slot(struct device *device)
{
	int64_t at = device->now - device->first;
	/* A slot of which less than half was seen stays a gap. */
	if (at >= 0 && at < DEVICE_SLOTS && device->slot_s * 2 >= DEVICE_SLOT_S) {
		device->busy[at] = (float)fmin(1, device->slot_busy_s / device->slot_s);
		device->size[at] = days_size(device->busy[at]);
	}
	device->slot_s = device->slot_busy_s = 0;
}

static void shift_by_a_day(struct device *device)
{
	const size_t kept = DEVICE_SLOTS - DAYS_DAY;
	memmove(device->busy, device->busy + DAYS_DAY, kept * sizeof(*device->busy));
	memmove(device->size, device->size + DAYS_DAY, kept * sizeof(*device->size));
	for (size_t i = kept; i < DEVICE_SLOTS; i++)
		device->busy[i] = device->size[i] = NAN;
	device->first += DAYS_DAY;
}

/* A clock that went back, or years ahead, begins anew: other days are nothing to go by. */
static void move_on(struct device *device, int64_t slot)
{
	if (slot == device->now)
		return;
	end_slot(device);
	if (slot < device->now - DAYS_DAY / 12 || slot > device->now + DEVICE_SLOTS) {
		begin_at(device, slot);
		return;
	}
	if (slot < device->now)
		return; /* an hour that comes twice: what is known of it stays */
	device->now = slot;
	while (device->now - device->first >= DEVICE_SLOTS)
		shift_by_a_day(device);
}

struct way {
	double requests, bytes, seconds;
};

struct span {
	double s, busy_s;
	struct way all[WAITS_WAYS];     /* of every disk that counts */
	struct way busiest[WAITS_WAYS]; /* of the one that worked most */
};

static const struct host_disk *find(const struct host_reading *reading, const char *name)
{
	for (size_t i = 0; i < reading->disk_count; i++)
		if (strcmp(reading->disks[i].name, name) == 0)
			return &reading->disks[i];
	return NULL;
}

/* False: its counters began anew. */
static bool ways_of(
	const struct host_disk *was, const struct host_disk *disk, struct way ret[WAITS_WAYS])
{
	if (disk->reads < was->reads || disk->writes < was->writes ||
		disk->read_bytes < was->read_bytes || disk->write_bytes < was->write_bytes ||
		disk->read_ns < was->read_ns || disk->write_ns < was->write_ns ||
		disk->busy_ns < was->busy_ns)
		return false;
	ret[WAITS_READ] = (struct way){(double)(disk->reads - was->reads),
		(double)(disk->read_bytes - was->read_bytes),
		(double)(disk->read_ns - was->read_ns) / 1e9};
	ret[WAITS_WRITE] = (struct way){(double)(disk->writes - was->writes),
		(double)(disk->write_bytes - was->write_bytes),
		(double)(disk->write_ns - was->write_ns) / 1e9};
	return true;
}

/* Of the named disk, or of the one that was busiest, with the bytes of all. */
static bool span_of(
	const struct device *device, const struct host_reading *reading, struct span *ret_span)
{
	bool all = strcmp(device->name, "auto") == 0, found = false;
	*ret_span = (struct span){.s = (double)(reading->mono_ns - device->last.mono_ns) / 1e9};
	for (size_t i = 0; i < reading->disk_count; i++) {
		const struct host_disk *disk = &reading->disks[i];
		const struct host_disk *was = find(&device->last, disk->name);
		struct way ways[WAITS_WAYS];
		if ((!all && strcmp(disk->name, device->name) != 0) || !was ||
			!ways_of(was, disk, ways))
			continue;
		double busy_s = (double)(disk->busy_ns - was->busy_ns) / 1e9;
		if (!found || busy_s > ret_span->busy_s) {
			ret_span->busy_s = busy_s;
			memcpy(ret_span->busiest, ways, sizeof(ways));
		}
		for (int way = 0; way < WAITS_WAYS; way++) {
			ret_span->all[way].bytes += ways[way].bytes;
			ret_span->all[way].requests += ways[way].requests;
		}
		found = true;
	}
	return found && ret_span->s > 0;
}

static void learn_capacity(struct device *device, double own_s, double own_bytes)
{
	device->capacity += lately * (own_bytes / own_s - device->capacity);
	device->capacity = fmin(fmax(device->capacity, least_capacity), most_capacity);
}

/* What we wrote reaches the device later, or never: then it is forgotten. */
static void own_of(struct device *device, const struct span *span, const struct device_own *own,
	double ret_bytes[WAITS_WAYS])
{
	device->unwritten += (double)own->write_bytes;
	ret_bytes[WAITS_READ] = fmin((double)own->read_bytes, span->all[WAITS_READ].bytes);
	ret_bytes[WAITS_WRITE] = fmin(device->unwritten, span->all[WAITS_WRITE].bytes);
	device->unwritten -= ret_bytes[WAITS_WRITE];
	device->unwritten *= exp(-span->s / written_within_s);
}

/* Bytes of ours a second from which on a moment is not one without us. */
static bool shows_up(const double own[WAITS_WAYS], double s)
{
	return own[WAITS_READ] + own[WAITS_WRITE] > quiet_bytes * s;
}

/* Our part of a device's time: by bytes, and so many more for each request. */
static double own_part(
	const struct device *device, const struct span *span, const double own[WAITS_WAYS])
{
	double ours = 0, sum = 0;
	for (int i = 0; i < WAITS_WAYS; i++) {
		const struct way *way = &span->all[i];
		const struct waits_way of = {way->requests, way->bytes, way->seconds, own[i]};
		ours += own[i] + request_bytes * waits_own_requests(&device->waits, &of, i);
		sum += way->bytes + request_bytes * way->requests;
	}
	return sum > 0 ? fmin(1, ours / sum) : 0;
}

static void observe_waits(
	struct device *device, const struct span *span, const double own[WAITS_WAYS])
{
	struct waits_span of = {.s = span->s,
		.users_busy_s = device->users * span->s,
		.capacity = device->capacity,
		.ours = shows_up(own, span->s)};
	for (int i = 0; i < WAITS_WAYS; i++) {
		const struct way *way = &span->busiest[i];
		double part = span->all[i].bytes > 0 ? way->bytes / span->all[i].bytes : 0;
		of.ways[i] = (struct waits_way){
			way->requests, way->bytes, way->seconds, own[i] * part};
	}
	waits_observe(&device->waits, &of);
}

bool device_observe(struct device *device, const struct host_reading *reading, int64_t wall_s,
	const struct device_own *own)
{
	struct span span;
	double own_bytes[WAITS_WAYS];
	bool known = device->last.mono_ns && span_of(device, reading, &span);
	device->missing = strcmp(device->name, "auto") != 0 && !find(reading, device->name);
	device->last = *reading;
	move_on(device, slot_of(device, wall_s));
	if (!known)
		return false;
	own_of(device, &span, own, own_bytes);
	double busy_s = fmin(span.busy_s, span.s);
	double own_s = busy_s * own_part(device, &span, own_bytes);
	device->own = own_s / span.s;
	device->users = (busy_s - own_s) / span.s;
	device->own_s += own_s;
	device->slot_s += span.s;
	device->slot_busy_s += busy_s - own_s;
	if (device->own >= shows)
		learn_capacity(device, own_s, own_bytes[WAITS_READ] + own_bytes[WAITS_WRITE]);
	observe_waits(device, &span, own_bytes);
	return true;
}

struct days_past device_past(const struct device *device)
{
	return (struct days_past){.busy = device->busy, .size = device->size};
}

int64_t device_now(const struct device *device)
{
	return device->now - device->first;
}
