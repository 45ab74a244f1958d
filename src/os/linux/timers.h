/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timers of a loop: a pairing heap of the timers themselves, so that setting one cannot fail,
 * and one timerfd. The timerfd counts suspend as CLOCK_BOOTTIME does; epoll's own timeout would
 * not.
 *
 * Fredman, Sedgewick, Sleator, Tarjan: The pairing heap (1986).
 *
 * The loop's thread only.
 */
#ifndef EBB_OS_LINUX_TIMERS_H
#define EBB_OS_LINUX_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct timer;

struct timers {
	struct clock *clock; /* borrowed */
	struct timer *first; /* the root of the heap */
	uint64_t order;      /* given to the timer set last */
	int fd;
	int64_t armed_ns; /* what the timerfd waits for; INT64_MAX: nothing */
	int64_t floor_ns; /* while timers fire: no timer is set to before this */
};

int timers_init(struct timers *timers, struct clock *clock);

/* Timers still set are forgotten. */
void timers_done(struct timers *timers);

void timers_set(struct timers *timers, struct timer *timer, int64_t at_ns);
void timers_cancel(struct timers *timers, struct timer *timer);

/* Before the loop waits: the timerfd will wake it for the first timer. */
void timers_arm(struct timers *timers);

/* When the timerfd woke the loop: runs the timers that are due, until `*stopping`. */
void timers_fire(struct timers *timers, const bool *stopping);

#endif
