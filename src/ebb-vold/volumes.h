/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The volumes of a state folder: volumes/NAME/ for each, with its files (docs/FORMATS-VOLUME.md)
 * and `id`, the 32 hexadecimal digits of its identity. One that cannot be opened is there all the
 * same, and says why.
 *
 * What happened to each is counted: `struct volume_counts` grows for ever, and whoever wants rates
 * takes differences.
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

struct engine;
struct engine_pool;
struct volumes;
struct world;

enum { VOLUME_NAME_MAX = 64, LATENCY_STEPS = 256 };

enum count_kind { COUNT_READ, COUNT_WRITE, COUNT_ZERO, COUNT_FLUSH, COUNT_KINDS };

struct volume_counts {
	uint64_t operations[COUNT_KINDS], bytes[COUNT_KINDS], errors;
	uint64_t sequential; /* reads and writes that began where another ended */
	/* Latencies of reads, writes and zeros: eight steps for each doubling from 256 ns on. */
	uint64_t latency[LATENCY_STEPS];
};

struct served {
	char name[VOLUME_NAME_MAX];
	struct served *next;
	struct linux_disk disk;
	bool has_disk;
	uint8_t identity[16];  /* of an open one */
	struct engine *engine; /* NULL: not open, and `why` says why */
	struct why why;
	unsigned pace;  /* of work in the background, in steps a second; 0: it is paused */
	unsigned holds; /* of clients */
	unsigned queue; /* requests that are out */
	uint64_t last_end[4];
	struct volume_counts counts;
};

/* Opens those that are there. Borrows the world; `state` is the folder of the world's disk. */
int volumes_open(
	struct world *world, const char *state, struct volumes **ret_volumes, struct why *why);

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

/* -EBUSY: a client has it. Opening one that is open is no error. */
int volumes_open_one(struct volumes *volumes, struct served *served, struct why *why);
int volumes_close_one(struct served *served, struct why *why);

/* Grows it, or shrinks it: -EBUSY where data would be cut off, unless forced, or a client has it.
 */
int volumes_resize(
	struct volumes *volumes, struct served *served, uint64_t size, bool force, struct why *why);

/* Takes it with all its files. -EBUSY: it is open. */
int volumes_remove(struct volumes *volumes, struct served *served, struct why *why);

/* ---- counting ---- */

void served_count(struct served *served, enum count_kind kind, uint64_t at, uint64_t len);
void served_count_latency(struct served *served, int64_t ns);

/* The latency that so many of a thousand do not exceed, between two readings; 0 without any. */
int64_t counts_latency(
	const struct volume_counts *before, const struct volume_counts *now, unsigned of_1000);

#endif
