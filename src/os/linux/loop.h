/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop on epoll, as the other files of this room see it: descriptors to watch, and a call
 * before each wait.
 *
 * Events are level-triggered: what a turn leaves undone is told again in the next one.
 *
 * The loop's thread only.
 */
#ifndef EBB_OS_LINUX_LOOP_H
#define EBB_OS_LINUX_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "os/linux/timers.h"
#include "os/loop.h"

struct clock;
struct why;
struct workers;

enum { LOOP_BATCH = 64 };

/* Lies in its owner's memory, which must stay until watch_remove(). */
struct watch {
	int fd;
	void (*fn)(struct watch *watch, uint32_t events); /* may remove any watch, its own too */
};

/* Called before each wait: whoever gathers work during a turn hands it on in one go. */
struct before_wait {
	void (*fn)(struct before_wait *hook);
	struct before_wait *next;
};

struct linux_loop {
	struct loop base;
	int epoll_fd;
	bool stopping;
	size_t watch_count;
	size_t event_count; /* of the turn under way */
	struct epoll_event events[LOOP_BATCH];
	struct before_wait *hooks;
	struct timers timers;
	struct workers *workers; /* borrowed; runs the tasks */
};

/* Borrows the clock. */
int linux_loop_init(struct linux_loop *loop, struct clock *clock, struct why *why);

/* Every watch is gone by then: a descriptor left behind is a bug of its owner. */
void linux_loop_done(struct linux_loop *loop);

/* Until loop_stop(); returns at once when that was called before. */
void linux_loop_run(struct linux_loop *loop);

/* The Linux loop behind a world's loop; it is a bug to ask another world's. */
struct linux_loop *linux_loop_of(struct loop *loop);

/* `events` as in epoll_ctl(2); EPOLLERR and EPOLLHUP are always told. 0 or negative errno. */
int watch_add(struct linux_loop *loop, struct watch *watch, uint32_t events);
void watch_change(struct linux_loop *loop, struct watch *watch, uint32_t events);

/* Before its descriptor is closed. An event of this turn not told yet is forgotten. */
void watch_remove(struct linux_loop *loop, struct watch *watch);

void before_wait_add(struct linux_loop *loop, struct before_wait *hook);
void before_wait_remove(struct linux_loop *loop, struct before_wait *hook);

#endif
