/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image of a point into a file or onto a device.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SHIP_IMAGE_RESTORE_H
#define EBB_SHIP_IMAGE_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "ship/image.h"

struct image_reader;

struct image_target {
	struct file *file;               /* borrowed; readable, too */
	struct image_ranges *data;       /* what is not a hole in it; NULL: everything */
	backup_progress_fn *on_progress; /* may be NULL */
	void *arg;
};

struct image_restored {
	uint64_t written_bytes, kept_bytes; /* kept: they were right already */
	uint64_t fetched_bytes;
};

/*
 * Makes the target hold the image. What it holds is compared by digest and written only where it
 * differs, so an earlier try that ended early is gone on with. Not durable yet.
 */
int image_restore(struct image_reader *reader, const struct image_target *target,
	struct image_restored *ret_restored, struct why *why);

/* Reads the target back and compares every block. -EIO: it does not hold what was written. */
int image_compare(struct image_reader *reader, const struct image_target *target, struct why *why);

#endif
