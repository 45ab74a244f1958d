/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast bytes may go: whoever moves them takes them from a pace first, and waits as long as that
 * takes. The rate may be changed at any time, by any thread and from a signal handler too; those
 * who wait go by the new one at once, or a twentieth of a second later.
 *
 * Any thread.
 */
#ifndef EBB_OS_PACE_H
#define EBB_OS_PACE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct pace {
	const struct pace_ops *ops;
	_Atomic uint64_t rate; /* bytes a second; 0: as fast as they go */
};

struct pace_ops {
	void (*take)(struct pace *pace, size_t bytes);
};

static inline void pace_set(struct pace *pace, uint64_t bytes_per_second)
{
	atomic_store(&pace->rate, bytes_per_second);
}

/* Waits until the bytes may go. Of several threads that share a pace all together keep it. */
static inline void pace_take(struct pace *pace, size_t bytes)
{
	if (pace && atomic_load_explicit(&pace->rate, memory_order_relaxed))
		pace->ops->take(pace, bytes);
}

#endif
