/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much may be on its way to a place at once. An object of which not every byte has arrived is
 * lost when its writer is killed, and sent again. So all of them together are never longer than the
 * longest object so far, which alone may always go: of packs that is a full one.
 *
 * All zeros is an empty one. Not locked.
 */
#ifndef EBB_PLACE_UNDER_WAY_H
#define EBB_PLACE_UNDER_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/plant.h"

struct under_way {
	uint64_t bytes;   /* of objects that are begun and have not arrived */
	uint64_t longest; /* object that was begun */
};

static inline bool under_way_fits(const struct under_way *way, uint64_t len)
{
	return !way->bytes || way->bytes + len <= way->longest || planted(PLACE_ALL_AT_ONCE);
}

static inline void under_way_begin(struct under_way *way, uint64_t len)
{
	way->bytes += len;
	if (len > way->longest)
		way->longest = len;
}

/* It arrived, or will not. */
static inline void under_way_end(struct under_way *way, uint64_t len)
{
	way->bytes -= len;
}

#endif
