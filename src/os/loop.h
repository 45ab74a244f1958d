/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: timers, and tasks that workers run. One thread owns a loop and everything on it;
 * callbacks run on that thread, one at a time. Linux runs it on epoll, the simulator on its queue
 * of events in virtual time.
 *
 * The loop's own thread only, unless a function says otherwise.
 */
#ifndef EBB_OS_LOOP_H
#define EBB_OS_LOOP_H

#include <stddef.h>
#include <stdint.h>

struct loop {
	const struct loop_ops *ops;
};

/* Lies in its owner's memory, which must stay until it fired or was cancelled. */
struct timer {
	void (*fn)(struct timer *timer); /* set by the owner; may set the timer anew */
	/* the loop's own */
	int64_t at_ns;
	uint64_t order; /* timers of one moment fire in the order in which they were set */
	size_t place;   /* 0: not set */
	struct timer *child, *next, *prev;
};

/*
 * Work for another thread. work() sees nothing but what its struct carries and touches no world;
 * done() runs later on the loop's thread.
 */
struct task {
	void (*work)(struct task *task);
	void (*done)(struct task *task);
};

struct loop_ops {
	void (*timer_set)(struct loop *loop, struct timer *timer, int64_t at_ns);
	void (*timer_cancel)(struct loop *loop, struct timer *timer);
	int (*task_start)(struct loop *loop, struct task *task);
	void (*stop)(struct loop *loop);
};

/* Fires once at monotonic time `at_ns`, or as soon as it can when that is past. */
static inline void timer_set(struct loop *loop, struct timer *timer, int64_t at_ns)
{
	loop->ops->timer_set(loop, timer, at_ns);
}

/* A timer that is not set is left as it is. */
static inline void timer_cancel(struct loop *loop, struct timer *timer)
{
	loop->ops->timer_cancel(loop, timer);
}

/* Borrows the task until its done() was called. 0, or -EAGAIN when too many wait. */
static inline int task_start(struct loop *loop, struct task *task)
{
	return loop->ops->task_start(loop, task);
}

/* The loop returns to whoever runs it, after the callback that called this. */
static inline void loop_stop(struct loop *loop)
{
	loop->ops->stop(loop);
}

#endif
