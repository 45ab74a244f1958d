/* SPDX-License-Identifier: Apache-2.0 */
/* A node's two clocks: virtual time at a rate of its own, from bases that jumps and boots move. */
#include "base/container.h"
#include "base/must.h"
#include "sim/parts.h"

enum { PPM_MAX = 100000 };

static struct node_clock *of(struct clock *clock)
{
	return container_of(clock, struct node_clock, base);
}

/* Rounded down, so that it never goes back; 128 bits because days of ns times a million are 80. */
static int64_t gone(const struct node_clock *clock, int64_t at_ns)
{
	__int128 rate = 1000000 + clock->ppm;
	return (int64_t)((__int128)(at_ns - clock->since_ns) * rate / 1000000);
}

static int64_t node_mono_ns(struct clock *base)
{
	struct node_clock *clock = of(base);
	return clock->mono_ns + gone(clock, clock->sim->now_ns);
}

static int64_t node_wall_ns(struct clock *base)
{
	struct node_clock *clock = of(base);
	return clock->wall_ns + gone(clock, clock->sim->now_ns);
}

static const struct clock_ops node_clock_ops = {
	.mono_ns = node_mono_ns,
	.wall_ns = node_wall_ns,
};

void node_clock_init(struct node_clock *clock, struct sim *sim)
{
	*clock = (struct node_clock){.base.ops = &node_clock_ops, .sim = sim};
}

void node_clock_set(struct node_clock *clock, int64_t mono_ns, int64_t wall_ns, int32_t ppm)
{
	must(ppm >= -PPM_MAX && ppm <= PPM_MAX);
	clock->since_ns = clock->sim->now_ns;
	clock->mono_ns = mono_ns;
	clock->wall_ns = wall_ns;
	clock->ppm = ppm;
}

int64_t node_clock_when(const struct node_clock *clock, int64_t mono_ns)
{
	__int128 rate = 1000000 + clock->ppm;
	__int128 wait = (__int128)mono_ns - clock->mono_ns;
	if (wait <= 0)
		return clock->since_ns;
	/* The least d with floor(d * rate / 10^6) >= wait. */
	__int128 at_ns = clock->since_ns + (wait * 1000000 + rate - 1) / rate;
	return at_ns < INT64_MAX ? (int64_t)at_ns : INT64_MAX;
}
