/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpredictable bytes: identities, keys, nonces, hash seeds. The kernel's generator on Linux, a
 * seeded one in the simulator.
 *
 * Any thread.
 */
#ifndef EBB_OS_DICE_H
#define EBB_OS_DICE_H

#include <stddef.h>
#include <stdint.h>

struct dice {
	const struct dice_ops *ops;
};

struct dice_ops {
	void (*fill)(struct dice *dice, void *bytes, size_t len);
};

/* Cannot fail: a world without randomness does not start. */
static inline void dice_fill(struct dice *dice, void *bytes, size_t len)
{
	dice->ops->fill(dice, bytes, len);
}

static inline uint64_t dice_u64(struct dice *dice)
{
	uint64_t value;
	dice_fill(dice, &value, sizeof(value));
	return value;
}

#endif
