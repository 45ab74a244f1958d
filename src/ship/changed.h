/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map of changed ranges as a file tells it: text, or binary.
 *
 * Text: lines `OFFSET,LENGTH` of decimal bytes, empty lines, lines that begin with #, and at most
 * one line `since ID` before the first range, which names the point that the map is about (32 hex
 * digits). Binary: `EBBCHG\r\n`, 16 bytes of that id or zeros, then pairs of u64 offset and length,
 * little-endian. Ranges rise and do not overlap.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_SHIP_CHANGED_H
#define EBB_SHIP_CHANGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "chunk/object.h"
#include "ship/image.h"

struct why;

struct changed_range {
	uint64_t from, to;
};

struct changed {
	struct image_ranges ranges; /* for image_options.changed */
	bool has_since;
	struct object_id since;
	VEC(struct changed_range) list;
};

/* Gives the ranges. -EINVAL: the text names the line, or the pair, and what is wrong with it. */
int changed_read(const void *bytes, size_t len, struct changed *ret_changed, struct why *why);
void changed_done(struct changed *changed);

#endif
