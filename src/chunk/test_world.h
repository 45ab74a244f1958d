/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of sealing need of a world: dice that repeat with a seed, and a clock that counts. For
 * test and bench files.
 *
 * One thread.
 */
#ifndef EBB_CHUNK_TEST_WORLD_H
#define EBB_CHUNK_TEST_WORLD_H

#include "base/container.h"
#include "base/rng.h"
#include "os/clock.h"
#include "os/dice.h"

struct test_dice {
	struct dice dice;
	struct rng rng;
};

struct test_clock {
	struct clock clock;
	int64_t now;
};

static inline void test_dice_fill(struct dice *dice, void *bytes, size_t len)
{
	rng_fill(&container_of(dice, struct test_dice, dice)->rng, bytes, len);
}

static inline int64_t test_clock_now(struct clock *clock)
{
	return container_of(clock, struct test_clock, clock)->now++;
}

static const struct dice_ops test_dice_ops = {.fill = test_dice_fill};
static const struct clock_ops test_clock_ops = {
	.mono_ns = test_clock_now, .wall_ns = test_clock_now};

static inline void test_world_init(struct test_dice *dice, struct test_clock *clock, uint64_t seed)
{
	dice->dice.ops = &test_dice_ops;
	rng_seed(&dice->rng, seed);
	clock->clock.ops = &test_clock_ops;
	clock->now = 0;
}

#endif
