/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a disk: how busy its users kept it, slot by slot, for three weeks; how busy they
 * keep it now; and how many bytes of ours it moves in a second of its time. The work of our own
 * jobs is taken out: by what it goes, nobody is mistaken for a user of himself.
 *
 * What each did of a span's busy time is told by bytes and requests: the kernel counts a disk's
 * time for all of its users together.
 *
 * The loop's thread only.
 */
#ifndef EBB_ACT_DEVICE_H
#define EBB_ACT_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "act/waits.h"
#include "os/host.h"
#include "plan/days.h"

struct series;

/* What our jobs moved to and from the device. */
struct device_own {
	uint64_t read_bytes, write_bytes;
};

/* The largest share of it that a job may take. */
#define DEVICE_MOST 0.8

enum {
	DEVICE_SLOT_S = 300,
	DEVICE_DAYS = DAYS_BACK + 3,
	DEVICE_SLOTS = DEVICE_DAYS * DAYS_DAY,
};

/* Seconds of local time of seconds in UTC. */
typedef int64_t local_fn(int64_t utc_s);

struct device {
	char name[HOST_NAME]; /* "auto": of all disks the busiest at each moment */
	local_fn *local;      /* NULL: UTC */
	bool recalled;        /* device_remember() was called */
	bool missing;         /* the last reading had no disk of that name */
	int64_t first;        /* number of the slot busy[0], a midnight */
	int64_t now;          /* of the slot under way; all before are known or gaps */
	float busy[DEVICE_SLOTS], size[DEVICE_SLOTS];
	double slot_s, slot_busy_s; /* of the slot under way: seen, and busy for users */

	struct host_reading last; /* mono_ns 0: none */
	double users, own;        /* shares of the last span */
	double own_s;             /* device time that our jobs took since the start */
	double capacity;          /* bytes a second of the device's time */
	double unwritten; /* bytes of ours that the system has and the device has not seen yet */
	struct waits waits;
};

void device_begin(struct device *device, const char *name, local_fn *local, int64_t wall_s);

/* Takes over what the store of series has of it. What cannot be read stays a gap. */
void device_remember(struct device *device, struct series *series, int64_t wall_s);

/*
 * What happened since the last call, and what our jobs did of it. False: nothing can be said, as at
 * the first call and where there is no such disk.
 */
bool device_observe(struct device *device, const struct host_reading *reading, int64_t wall_s,
	const struct device_own *own);

/* As plan/ wants it: `now` is the first slot that is not known. */
struct days_past device_past(const struct device *device);
int64_t device_now(const struct device *device);

#endif
