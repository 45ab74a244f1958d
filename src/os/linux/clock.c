/* SPDX-License-Identifier: Apache-2.0 */
/* Both clocks are read in the vDSO, without a system call. */
#include "os/linux/clock.h"

#include <time.h>

#include "base/must.h"
#include "base/units.h"

static int64_t read_ns(clockid_t id)
{
	struct timespec now;
	must(clock_gettime(id, &now) == 0);
	return (int64_t)now.tv_sec * NS_PER_SEC + now.tv_nsec;
}

static int64_t linux_mono_ns(struct clock *clock)
{
	(void)clock;
	return read_ns(CLOCK_BOOTTIME);
}

static int64_t linux_wall_ns(struct clock *clock)
{
	(void)clock;
	return read_ns(CLOCK_REALTIME);
}

void linux_clock_init(struct clock *clock)
{
	static const struct clock_ops ops = {
		.mono_ns = linux_mono_ns,
		.wall_ns = linux_wall_ns,
	};
	clock->ops = &ops;
}
