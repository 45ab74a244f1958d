/* SPDX-License-Identifier: Apache-2.0 */
/* Small calls and long ones, timed. */
#include "place/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "os/clock.h"
#include "place/place.h"

enum { TRIES = 5, SMALL = 4096, NAME = 96 };

/* Two probers at once replace each other's, and time is all they want. */
static const char own[] = "probe/ebb";

struct probing {
	struct place *place;
	const struct place_probe_how *how;
	uint8_t *bytes; /* PROBE_LONG */
	struct why *why;
};

static int64_t now(const struct probing *probing)
{
	return clock_mono_ns(probing->how->clock);
}

static int failed(const struct probing *probing, const char *what, int err)
{
	return why_errno(probing->why, err, "%s: cannot be %s", own, what);
}

/* One small call. */
static int touch(const struct probing *probing)
{
	uint64_t size;
	if (!probing->how->leave)
		return place_put(probing->place, own, probing->bytes, SMALL, probing->why);
	int err = place_size(probing->place, own, &size);
	return err && err != -ENOENT ? failed(probing, "asked for", err) : 0;
}

static int by_number(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
	return (one > other) - (one < other);
}

static int measure_latency(const struct probing *probing, int64_t *ret_ns)
{
	int64_t took[TRIES];
	for (size_t i = 0; i < TRIES; i++) {
		int64_t began = now(probing);
		int err = touch(probing);
		if (err)
			return err;
		took[i] = now(probing) - began;
	}
	qsort(took, TRIES, sizeof(*took), by_number);
	*ret_ns = took[TRIES / 2];
	return 0;
}

static double rate(size_t bytes, int64_t took_ns)
{
	return (double)bytes / (double)(took_ns > 0 ? took_ns : 1) * NS_PER_SEC;
}

static int measure_writes(const struct probing *probing, double *ret_writes)
{
	int64_t began = now(probing);
	if (probing->how->leave)
		return 0;
	int err = place_put(probing->place, own, probing->bytes, PROBE_LONG, probing->why);
	if (!err)
		*ret_writes = rate(PROBE_LONG, now(probing) - began);
	return err;
}

/* The longest object met so far; one that is long enough ends the walk. */
struct long_one {
	char name[NAME];
	uint64_t size;
};

static bool see(void *arg, const char *name, uint64_t size)
{
	struct long_one *longest = arg;
	if (size > longest->size && strlen(name) < NAME) {
		longest->size = size;
		snprintf(longest->name, NAME, "%s", name);
	}
	return longest->size < PROBE_LONG;
}

/* Of an object that is there: what was just written is still in somebody's memory. */
static int measure_reads(struct probing *probing, double *ret_reads)
{
	struct long_one longest = {.size = 0};
	if (probing->how->cold)
		return 0;
	int err = place_list(probing->place, "data", see, &longest);
	if (err || !longest.size)
		return err ? failed(probing, "listed", err) : 0;
	size_t len = longest.size < PROBE_LONG ? (size_t)longest.size : PROBE_LONG;
	int64_t began = now(probing);
	ssize_t got = place_get(probing->place, longest.name, 0, probing->bytes, len);
	if (got <= 0)
		return failed(probing, "read", got ? (int)got : -EIO);
	*ret_reads = rate((size_t)got, now(probing) - began);
	return 0;
}

int place_probe(struct place *place, const struct place_probe_how *how,
	struct place_probe *ret_probe, struct why *why)
{
	OWN(own_free) uint8_t *bytes = malloc(PROBE_LONG);
	struct probing probing = {.place = place, .how = how, .bytes = bytes, .why = why};
	struct place_probe probe = {.writes = -1, .reads = -1};
	if (!bytes)
		return why_set(why, -ENOMEM, "out of memory");
	/* Bytes that nothing makes smaller on their way. */
	uint32_t draw = 1;
	for (size_t i = 0; i < PROBE_LONG; i++)
		bytes[i] = (uint8_t)((draw = draw * 1664525 + 1013904223) >> 24);
	int err = measure_latency(&probing, &probe.latency_ns);
	if (!err)
		err = measure_writes(&probing, &probe.writes);
	if (!err)
		err = measure_reads(&probing, &probe.reads);
	if (!how->leave)
		(void)place_remove(place, own);
	if (!err)
		*ret_probe = probe;
	return err;
}
