/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The volumes of a state folder: volumes/NAME/ for each, with its files (docs/FORMATS-VOLUME.md)
 * and `id`, the 32 hexadecimal digits of its identity. One that cannot be opened is there all the
 * same, and says why.
 *
 * What happens to each is counted in its place of the trace (trace/ring.h).
 *
 * The loop's thread only.
 */
#ifndef EBB_EBB_VOLD_VOLUMES_H
#define EBB_EBB_VOLD_VOLUMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "os/linux/disk.h"
#include "os/linux/share.h"
#include "trace/writer.h"
#include "vol/recent.h"

struct engine;
struct engine_pool;
struct volumes;
struct fill;
struct world;

enum { VOLUME_NAME_MAX = TRACE_NAME };

struct served {
	char name[VOLUME_NAME_MAX];
	struct served *next;
	struct linux_disk disk;
	bool has_disk;
	uint8_t identity[16]; /* of an open one */
	struct recent_memory
		recent; /* what a life that is killed leaves; without `share` nothing */
	struct share share;
	struct engine *engine; /* NULL: not open, and `why` says why */
	struct fill *fill;     /* NULL: it does not fill */
	struct volumes *volumes;
	struct why why;
	unsigned pace;  /* of work in the background, in steps a second; 0: it is paused */
	unsigned holds; /* of clients */
	struct trace_place *place; /* in shared memory, or its own where that is full */
	bool own_place;
	struct trace_ends ends;
};

/*
 * Opens those that are there. Borrows the world and the trace; `state` is the folder of the world's
 * disk.
 */
struct volumes_parts {
	struct world *world;
	const char *state;
	struct trace_writer *trace;
};
int volumes_open(const struct volumes_parts *parts, struct volumes **ret_volumes, struct why *why);

/* Each engine that is idle by then ends in order. NULL is allowed. */
void volumes_close(struct volumes *volumes);

/* Steps a second of work in the background, at most PACE_MAX; 0: none is begun. */
enum { PACE_MAX = 100000, PACE_USUAL = 500 };
void volumes_pace(struct served *served, unsigned steps);

/* Nothing is cleaned up from now on: the world ends soon. */
void volumes_still(struct volumes *volumes);

struct served *volumes_first(struct volumes *volumes);

/* NULL: there is none of that name. */
struct served *volumes_find(struct volumes *volumes, const char *name);

/* -EEXIST; -EINVAL for a name or size that cannot be ... */
int volumes_create(struct volumes *volumes, const char *name, uint64_t size, struct why *why);

/* Makes one that fills from another export, and is served at once: fill.h. */
struct volumes_source {
	const char *address, *name;
};
int volumes_fill(struct volumes *volumes, const char *name, uint64_t size,
	const struct volumes_source *source, struct why *why);

/* Durably. -EEXIST; -EBUSY: a client has it, or it fills. */
int volumes_rename(
	struct volumes *volumes, struct served *served, const char *name, struct why *why);

/* -EBUSY: a client has it. Opening one that is open is no error. */
int volumes_open_one(struct volumes *volumes, struct served *served, struct why *why);
int volumes_close_one(struct served *served, struct why *why);

/* Takes it with all its files. -EBUSY: it is open. */
int volumes_remove(struct volumes *volumes, struct served *served, struct why *why);

#endif
