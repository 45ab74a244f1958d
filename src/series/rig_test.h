/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of this room have in common: a world with a simulated disk and a clock that is set
 * by hand, and a store on it. For tests only; one thread.
 */
#ifndef EBB_SERIES_RIG_TEST_H
#define EBB_SERIES_RIG_TEST_H

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/world.h"
#include "series/name.h"
#include "series/series.h"
#include "sim/disk.h"

#define RIG_START_MS (INT64_C(1704067200) * 1000)
#define RIG_DAY_MS (INT64_C(86400) * 1000)

struct rig {
	struct sim_disk *sim;
	struct clock clock;
	int64_t now_ms;
	struct world world;
	struct series_options options;
	struct series *series;
};

static inline int64_t rig_time(struct clock *clock)
{
	return container_of(clock, struct rig, clock)->now_ms * 1000000;
}

static inline void rig_world(struct rig *rig, struct disk *disk)
{
	static const struct clock_ops clock_ops = {.mono_ns = rig_time, .wall_ns = rig_time};
	rig->clock.ops = &clock_ops;
	rig->now_ms = RIG_START_MS;
	rig->world = (struct world){.disk = disk, .clock = &rig->clock};
	rig->options = (struct series_options){.world = &rig->world,
		.folder = "series",
		.identity = "a node of a test",
		.create = true};
}

static inline int rig_name(const char *text, struct name *ret)
{
	return name_parse(text, ret, NULL);
}

/* Tends until nothing is due. */
static inline int rig_tend(struct rig *rig, struct why *why)
{
	bool more = true;
	int err = 0;
	while (!err && more)
		err = series_tend(rig->series, 1000, &more, why);
	return err;
}

#endif
