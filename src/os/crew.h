/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads for programs that run no loop: whoever has much to compute gives tasks away and takes
 * them back when they are done. Tasks are those of os/loop.h without done(): work() sees nothing
 * but what its struct carries.
 *
 * One thread gives and takes; work() runs on others.
 */
#ifndef EBB_OS_CREW_H
#define EBB_OS_CREW_H

#include <stdbool.h>

struct task;

struct crew {
	const struct crew_ops *ops;
};

struct crew_ops {
	unsigned (*hands)(struct crew *crew);
	void (*give)(struct crew *crew, struct task *task);
	struct task *(*take)(struct crew *crew);
	bool (*ready)(struct crew *crew);
};

/* How many tasks run at once. */
static inline unsigned crew_hands(struct crew *crew)
{
	return crew->ops->hands(crew);
}

enum { CREW_GIVEN_MAX = 256 };

/* Borrows the task until it is taken. At most CREW_GIVEN_MAX are out at once. */
static inline void crew_give(struct crew *crew, struct task *task)
{
	crew->ops->give(crew, task);
}

/* Waits for a task whose work is done, in no order. One must be out. */
static inline struct task *crew_take(struct crew *crew)
{
	return crew->ops->take(crew);
}

/* Whether crew_take() would not wait. */
static inline bool crew_ready(struct crew *crew)
{
	return crew->ops->ready(crew);
}

#endif
