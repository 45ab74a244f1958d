/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image (a file that is a disk, a block device, a volume) into a repository: one recovery point.
 *
 * Where a map of changed ranges is given, only those are read; else all that is not a hole is, and
 * sums of 4 KiB blocks tell what changed. Up to 24 changed blocks of a chunk are stored as blocks
 * over it; more, or too many from earlier runs, and the chunk is stored whole.
 *
 * Zeros are not told from holes: both come back as holes.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SHIP_IMAGE_H
#define EBB_SHIP_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/object.h"
#include "ship/map.h"
#include "ship/progress.h"

struct clock;
struct estimate;
struct file;
struct pace;
struct point;
struct repo;
struct why;

/* Ranges of bytes in rising order, without overlap. */
struct image_ranges {
	/* The first range that ends behind `at`. -ENXIO: there is none; else it is an error. */
	int (*next)(struct image_ranges *ranges, uint64_t at, uint64_t *ret_from, uint64_t *ret_to);
};

enum {
	IMAGE_BLOCKS_MAX = 24,   /* changed at once in a chunk that are stored one by one */
	IMAGE_OVERLAY_MAX = 32,  /* that may lie over a chunk */
	IMAGE_SOURCES_MAX = 8,   /* blocks chunks that reading a chunk may touch */
	IMAGE_ALIGN = MAP_BLOCK, /* of offsets, lengths and memory of reads: FILE_DIRECT is fine */
};

struct image_options {
	struct file *file; /* borrowed */
	uint64_t size;
	struct map_stamp stamp;        /* zeros where the kernel does not tell of changes */
	struct image_ranges *data;     /* what is not a hole; NULL: everything */
	struct image_ranges *changed;  /* since the parent; NULL: not known. May say too much */
	const struct object_id *since; /* the parent that `changed` is about; NULL: the newest */
	bool check_changed; /* read everything all the same, and count what `changed` misses */
	bool fold;          /* store every chunk whole that blocks of several runs lie over */
	bool full;          /* use nothing of the parent */
	bool differential; /* the parent is the newest full point; full without one. No `changed` */
	const char *resource, *host, *path, *writer;
	/*
	 * Nothing is stored and no point made: what would be read is sampled, and of that what
	 * differs from the parent. NULL: a real run.
	 */
	struct estimate *estimate;
	struct pace *pace; /* of reading the image; borrowed, NULL: none */
	void (*on_trouble)(void *arg, const char *path, const char *what);
	backup_progress_fn *on_progress; /* may be NULL */
	void *arg;
};

struct image_result {
	uint64_t changed_blocks; /* that differ from the parent */
	uint64_t whole_chunks;   /* that were stored or found known */
	uint64_t missed_blocks;  /* with check_changed: changed, and `changed` does not say so */
	bool read_all;           /* `changed` was not gone by: no parent, or a partial one */
};

/* The newest point of an image of that name, which a run builds on. False: there is none. */
bool image_newest(struct repo *repo, const char *resource, struct point *ret_point);

/*
 * Runs it and commits. 0 with a point; blocks that could not be read stay what they were in the
 * parent, zeros without one, are told and counted in `unreadable`, and make it partial. -ESTALE:
 * `since` is not the newest point of this resource. After an error no point exists.
 */
int backup_image(struct repo *repo, struct clock *clock, const struct image_options *options,
	struct point *ret_point, struct image_result *ret_result, struct why *why);

#endif
