/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changed in a volume since an era, as ebb-vold tells it, in ranges of bytes.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_CHANGES_H
#define EBB_EBB_CHANGES_H

#include <stdint.h>

#include "base/vec.h"
#include "ship/changed.h"
#include "ship/image.h"

struct vold;

struct changes {
	struct image_ranges ranges;
	struct vold *vold;  /* borrowed */
	const char *volume; /* borrowed */
	uint32_t since, upto;
	uint64_t from, to;               /* that was asked for last */
	VEC(struct changed_range) found; /* in there */
};

/* Eras above `since` up to `upto`; 0: the open one. */
void changes_init(struct changes *changes, struct vold *vold, const char *volume, uint32_t since,
	uint32_t upto);

/* For OWN(). */
void changes_done(struct changes *changes);

#endif
