/* SPDX-License-Identifier: Apache-2.0 */
/* One epoll descriptor, one batch of events a turn. */
#include "os/linux/loop.h"

#include <errno.h>
#include <unistd.h>

#include "base/container.h"
#include "base/must.h"
#include "base/why.h"
#include "os/linux/workers.h"

/* The timerfd stands in epoll without a watch of its own: NULL is its mark. */
static int add_timerfd(struct linux_loop *loop)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->timers.fd, &event) < 0 ? -errno : 0;
}

static void linux_timer_set(struct loop *loop, struct timer *timer, int64_t at_ns)
{
	timers_set(&linux_loop_of(loop)->timers, timer, at_ns);
}

static void linux_timer_cancel(struct loop *loop, struct timer *timer)
{
	timers_cancel(&linux_loop_of(loop)->timers, timer);
}

static int linux_task_start(struct loop *loop, struct task *task)
{
	return workers_start(linux_loop_of(loop)->workers, task);
}

static void linux_loop_stop(struct loop *loop)
{
	linux_loop_of(loop)->stopping = true;
}

static const struct loop_ops linux_loop_ops = {
	.timer_set = linux_timer_set,
	.timer_cancel = linux_timer_cancel,
	.task_start = linux_task_start,
	.stop = linux_loop_stop,
};

struct linux_loop *linux_loop_of(struct loop *loop)
{
	must(loop->ops == &linux_loop_ops);
	return container_of(loop, struct linux_loop, base);
}

int linux_loop_init(struct linux_loop *loop, struct clock *clock, struct why *why)
{
	*loop = (struct linux_loop){.base.ops = &linux_loop_ops};
	int err = timers_init(&loop->timers, clock);
	if (err)
		return why_errno(why, err, "timerfd_create(2) for the event loop");
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = loop->epoll_fd < 0 ? -errno : add_timerfd(loop);
	if (!err)
		return 0;
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	timers_done(&loop->timers);
	return why_errno(why, err, "epoll(7) for the event loop");
}

void linux_loop_done(struct linux_loop *loop)
{
	must(loop->watch_count == 0);
	close(loop->epoll_fd);
	timers_done(&loop->timers);
}

static void tell(struct linux_loop *loop, struct epoll_event event)
{
	struct watch *watch = event.data.ptr;
	if (!watch)
		timers_fire(&loop->timers, &loop->stopping);
	else
		watch->fn(watch, event.events);
}

static void turn(struct linux_loop *loop)
{
	for (struct before_wait *hook = loop->hooks; hook; hook = hook->next)
		hook->fn(hook);
	timers_arm(&loop->timers);
	int count = epoll_wait(loop->epoll_fd, loop->events, LOOP_BATCH, -1);
	must(count >= 0 || errno == EINTR);
	loop->event_count = count > 0 ? (size_t)count : 0;
	/* An event whose watch was removed meanwhile has no events left. */
	for (size_t i = 0; i < loop->event_count && !loop->stopping; i++)
		if (loop->events[i].events)
			tell(loop, loop->events[i]);
	loop->event_count = 0;
}

void linux_loop_run(struct linux_loop *loop)
{
	while (!loop->stopping)
		turn(loop);
	loop->stopping = false;
}

static int control(struct linux_loop *loop, int operation, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	return epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) < 0 ? -errno : 0;
}

int watch_add(struct linux_loop *loop, struct watch *watch, uint32_t events)
{
	int err = control(loop, EPOLL_CTL_ADD, watch, events);
	if (!err)
		loop->watch_count++;
	return err;
}

void watch_change(struct linux_loop *loop, struct watch *watch, uint32_t events)
{
	must(control(loop, EPOLL_CTL_MOD, watch, events) == 0);
}

void watch_remove(struct linux_loop *loop, struct watch *watch)
{
	must(control(loop, EPOLL_CTL_DEL, watch, 0) == 0);
	loop->watch_count--;
	for (size_t i = 0; i < loop->event_count; i++)
		if (loop->events[i].data.ptr == watch)
			loop->events[i].events = 0;
}

void before_wait_add(struct linux_loop *loop, struct before_wait *hook)
{
	hook->next = loop->hooks;
	loop->hooks = hook;
}

void before_wait_remove(struct linux_loop *loop, struct before_wait *hook)
{
	struct before_wait **at = &loop->hooks;
	while (*at != hook) {
		must(*at);
		at = &(*at)->next;
	}
	*at = hook->next;
}
