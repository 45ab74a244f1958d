/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time it is. Monotonic time (CLOCK_BOOTTIME on Linux: it counts suspend) for intervals,
 * deadlines and leases; wall time only for what people read and for calendars: it may jump.
 *
 * Any thread.
 */
#ifndef EBB_OS_CLOCK_H
#define EBB_OS_CLOCK_H

#include <stdint.h>

struct clock {
	const struct clock_ops *ops;
};

struct clock_ops {
	int64_t (*mono_ns)(struct clock *clock);
	int64_t (*wall_ns)(struct clock *clock);
};

static inline int64_t clock_mono_ns(struct clock *clock)
{
	return clock->ops->mono_ns(clock);
}

/* Nanoseconds since 1970-01-01 UTC. */
static inline int64_t clock_wall_ns(struct clock *clock)
{
	return clock->ops->wall_ns(clock);
}

#endif
