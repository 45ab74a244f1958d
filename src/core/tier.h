/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tier: a named place for copies, what it costs, and how fast it was measured to be.
 *
 * Any thread: a plain value.
 */
#ifndef EBB_CORE_TIER_H
#define EBB_CORE_TIER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/name.h"

/* 0 hot, 1 warm, 2 cold, 3 offsite. */
enum { TIER_CLASSES = 4 };

struct tier {
	char name[CORE_NAME];
	uint32_t tier_class;
	double money;         /* for a GB and month */
	double fetch;         /* money for a GB read back */
	int64_t least_ns;     /* what goes earlier is paid until then */
	uint64_t room;        /* bytes that are free */
	double writes;        /* bytes a second */
	double reads;         /* bytes a second, in nine of ten restores at least */
	int64_t wait_ns;      /* until the first byte: a thaw, a mount */
	int64_t open_ns;      /* for each link of a chain */
	char busy[CORE_NAME]; /* the device that is its disk, "" none that others use */
	bool chained;         /* a point is read through those before it: tape, files of deltas */
	bool gone;            /* cannot be reached */
};

#endif
