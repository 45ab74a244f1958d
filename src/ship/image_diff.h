/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bytes differ between two points of images. Only parts of their maps that differ are read,
 * and of the content hardly anything: sums tell.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SHIP_IMAGE_DIFF_H
#define EBB_SHIP_IMAGE_DIFF_H

#include <stdint.h>

struct point;
struct repo;
struct why;

struct image_diff_options {
	/* Each range of bytes that differs, in rising order, in whole blocks of 4 KiB but at the
	 * end of the larger image. */
	void (*on_range)(void *arg, uint64_t from, uint64_t to);
	void *arg;
};

struct image_diff_result {
	uint64_t size_before, size_after;
	uint64_t ranges, bytes; /* that differ; what is only in one image and no hole does */
	uint64_t zero_bytes;    /* of them, those that are zeros or behind the end afterwards */
};

/* -ENOTSUP: a point is not one of an image; -EBADMSG. */
int image_diff(struct repo *repo, const struct point *before, const struct point *after,
	const struct image_diff_options *options, struct image_diff_result *ret_result,
	struct why *why);

#endif
