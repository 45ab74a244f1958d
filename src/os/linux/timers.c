/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pairing heap: each timer fires before its children; `next` and `prev` link the children of one
 * timer, and the first child's `prev` is the parent.
 *
 * Invariants:
 *   1. no timer in the heap fires before its parent
 *   2. timer->place is 1 for the timers in the heap and 0 for all others
 *   3. between turns the timerfd is armed for the first timer or for an earlier moment
 */
#include "os/linux/timers.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/must.h"
#include "base/units.h"
#include "os/clock.h"
#include "os/loop.h"

static bool fires_before(const struct timer *a, const struct timer *b)
{
	return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order);
}

/* Two heaps become one; each may be NULL. */
static struct timer *meld(struct timer *a, struct timer *b)
{
	if (!a || !b)
		return a ? a : b;
	struct timer *first = fires_before(b, a) ? b : a;
	struct timer *other = first == a ? b : a;
	other->prev = first;
	other->next = first->child;
	if (first->child)
		first->child->prev = other;
	first->child = other;
	return first;
}

/* Melds siblings in pairs from left to right, then the pairs from right to left. */
static struct timer *meld_siblings(struct timer *first)
{
	struct timer *pairs = NULL, *all = NULL;
	while (first) {
		struct timer *a = first, *b = first->next;
		first = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b)
			b->next = b->prev = NULL;
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct timer *pair = pairs;
		pairs = pair->next;
		pair->next = NULL;
		all = meld(all, pair);
	}
	return all;
}

static void take_out(struct timers *timers, struct timer *timer)
{
	if (timer == timers->first) {
		timers->first = meld_siblings(timer->child);
	} else {
		if (timer->prev->child == timer)
			timer->prev->child = timer->next;
		else
			timer->prev->next = timer->next;
		if (timer->next)
			timer->next->prev = timer->prev;
		timers->first = meld(timers->first, meld_siblings(timer->child));
	}
	timer->child = timer->next = timer->prev = NULL;
	timer->place = 0;
}

int timers_init(struct timers *timers, struct clock *clock)
{
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	*timers = (struct timers){
		.clock = clock,
		.fd = fd,
		.armed_ns = INT64_MAX,
		.floor_ns = INT64_MIN,
	};
	return 0;
}

void timers_done(struct timers *timers)
{
	close(timers->fd);
}

void timers_set(struct timers *timers, struct timer *timer, int64_t at_ns)
{
	timers_cancel(timers, timer);
	timer->at_ns = at_ns > timers->floor_ns ? at_ns : timers->floor_ns;
	timer->order = ++timers->order;
	timer->place = 1;
	timers->first = meld(timers->first, timer);
}

void timers_cancel(struct timers *timers, struct timer *timer)
{
	if (timer->place)
		take_out(timers, timer);
}

void timers_arm(struct timers *timers)
{
	if (!timers->first || timers->first->at_ns >= timers->armed_ns)
		return;
	/* Zero would disarm it. */
	int64_t at_ns = timers->first->at_ns > 0 ? timers->first->at_ns : 1;
	struct itimerspec when = {
		.it_value = {.tv_sec = at_ns / NS_PER_SEC, .tv_nsec = at_ns % NS_PER_SEC},
	};
	must(timerfd_settime(timers->fd, TFD_TIMER_ABSTIME, &when, NULL) == 0);
	timers->armed_ns = timers->first->at_ns;
}

/*
 * A timer that sets itself anew for this moment waits for the next turn, so that it cannot keep the
 * loop from its descriptors; and it is set to no time before now, so that it cannot keep back
 * others.
 */
void timers_fire(struct timers *timers, const bool *stopping)
{
	uint64_t expirations, last = timers->order;
	int64_t now_ns = clock_mono_ns(timers->clock);
	/* Nothing to read when it was armed anew after it had expired. */
	must(read(timers->fd, &expirations, sizeof(expirations)) > 0 || errno == EAGAIN);
	timers->armed_ns = INT64_MAX;
	timers->floor_ns = now_ns;
	while (!*stopping) {
		struct timer *timer = timers->first;
		if (!timer || timer->at_ns > now_ns || timer->order > last)
			break;
		take_out(timers, timer);
		timer->fn(timer);
	}
	timers->floor_ns = INT64_MIN;
}
