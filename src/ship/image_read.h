/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the image of a point, any bytes in any order, through a bounded cache of chunks.
 *
 * Calls block. One thread for each struct.
 */
#ifndef EBB_SHIP_IMAGE_READ_H
#define EBB_SHIP_IMAGE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ship/map.h"

struct repo;
struct why;

/* Chunks of 256 KiB that are kept. */
enum { IMAGE_CACHE = 48 };

struct image_reader {
	struct repo *repo; /* borrowed */
	struct map_reader map;
	struct image_cached {
		struct digest digest;
		uint8_t *bytes; /* NULL: free */
		size_t len;
		uint64_t used;
	} cache[IMAGE_CACHE];
	uint64_t uses;
	uint64_t fetched; /* bytes of chunks that came from the repository */
};

/* `root`: of a point with source POINT_IMAGE. Filled for image_close() in any case. */
int image_open(struct repo *repo, const struct digest *root, struct image_reader *ret_reader,
	struct why *why);
void image_close(struct image_reader *reader);

static inline uint64_t image_size(const struct image_reader *reader)
{
	return reader->map.root.size;
}

/* Exactly these bytes; what lies behind the end reads as zeros. */
int image_read(struct image_reader *reader, uint64_t at, void *bytes, size_t len, struct why *why);

/* Whether the image has a hole at `at`, and where that ends, at most at `limit`. */
int image_extent(struct image_reader *reader, uint64_t at, uint64_t limit, uint64_t *ret_end,
	bool *ret_hole, struct why *why);

#endif
