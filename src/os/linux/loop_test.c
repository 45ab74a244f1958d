/* SPDX-License-Identifier: Apache-2.0 */
/* The loop on its own: timers, stopping, watches that vanish, two worlds side by side. */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/container.h"
#include "base/must.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/dice.h"
#include "os/linux/loop.h"
#include "os/linux/scratch_test.h"

enum { MANY = 10000 };

struct alarm {
	struct timer timer;
	struct fixture *fixture;
	int64_t wanted_ns;
	int number;
};

struct fixture {
	struct scratch scratch;
	struct alarm alarms[MANY];
	int order[2 * MANY];
	int fired, until;
	bool early;
};

static struct fixture fixture;

static int64_t now_ns(void)
{
	return clock_mono_ns(fixture.scratch.world->clock);
}

static void on_alarm(struct timer *timer)
{
	struct alarm *alarm = container_of(timer, struct alarm, timer);
	fixture.early |= now_ns() < alarm->wanted_ns;
	fixture.order[fixture.fired++] = alarm->number;
	if (fixture.fired == fixture.until)
		loop_stop(fixture.scratch.world->loop);
}

static void set_alarm(int number, int64_t at_ns)
{
	struct alarm *alarm = &fixture.alarms[number];
	alarm->timer.fn = on_alarm;
	alarm->number = number;
	alarm->wanted_ns = at_ns;
	timer_set(fixture.scratch.world->loop, &alarm->timer, at_ns);
}

static void begin(void)
{
	fixture = (struct fixture){0};
	scratch_open(&fixture.scratch, NULL);
}

static void end(void)
{
	scratch_close(&fixture.scratch);
}

TEST(ten_thousand_timers_fire_in_order_and_not_early)
{
	struct rng rng;
	int left = MANY;
	rng_seed(&rng, test_seed());
	begin();
	int64_t start_ns = now_ns();
	for (int i = 0; i < MANY; i++)
		set_alarm(i, start_ns + (int64_t)rng_below(&rng, 200) * NS_PER_MS);
	/* Some are set anew, some cancelled: once, twice, or never set. */
	for (int i = 0; i < MANY; i += 7)
		set_alarm(i, start_ns + (int64_t)rng_below(&rng, 200) * NS_PER_MS);
	for (int i = 0; i < MANY; i += 5, left--) {
		timer_cancel(fixture.scratch.world->loop, &fixture.alarms[i].timer);
		timer_cancel(fixture.scratch.world->loop, &fixture.alarms[i].timer);
	}
	fixture.until = left;
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.fired, left);
	CHECK(!fixture.early);
	for (int i = 1; i < left; i++) {
		struct alarm *before = &fixture.alarms[fixture.order[i - 1]];
		struct alarm *after = &fixture.alarms[fixture.order[i]];
		CHECK(after->number % 5 != 0);
		CHECK(before->wanted_ns < after->wanted_ns ||
			(before->wanted_ns == after->wanted_ns &&
				before->timer.order < after->timer.order));
	}
	end();
}

static void cancel_the_rest(struct timer *timer)
{
	on_alarm(timer);
	timer_cancel(fixture.scratch.world->loop, &fixture.alarms[1].timer);
	timer_cancel(fixture.scratch.world->loop, &fixture.alarms[2].timer);
}

TEST(a_timer_cancelled_by_another_of_the_same_moment_does_not_fire)
{
	begin();
	int64_t at_ns = now_ns() - 1;
	for (int i = 0; i < 4; i++)
		set_alarm(i, at_ns);
	fixture.alarms[0].timer.fn = cancel_the_rest;
	fixture.until = 2;
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.order[0], 0);
	CHECK_EQ(fixture.order[1], 3);
	end();
}

/* Sets itself for the past again and again. */
static void on_greedy(struct timer *timer)
{
	timer_set(fixture.scratch.world->loop, timer, 0);
	fixture.alarms[0].number++;
}

TEST(a_timer_that_sets_itself_anew_keeps_back_no_other)
{
	begin();
	set_alarm(0, 0);
	fixture.alarms[0].timer.fn = on_greedy;
	set_alarm(1, now_ns() + 20 * NS_PER_MS);
	fixture.until = 1;
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.order[0], 1);
	CHECK(fixture.alarms[0].number > 1);
	end();
}

struct flag {
	struct watch watch;
	struct flag *other;
	int told;
};

/* Whichever is told first removes the other, whose event is already in the batch. */
static void on_flag(struct watch *watch, uint32_t events)
{
	struct flag *flag = container_of(watch, struct flag, watch);
	struct linux_loop *loop = linux_loop_of(fixture.scratch.world->loop);
	CHECK(events & EPOLLIN);
	flag->told++;
	watch_remove(loop, &flag->other->watch);
	watch_remove(loop, &flag->watch);
	set_alarm(0, 0);
}

TEST(a_watch_removed_in_the_same_turn_is_not_told)
{
	struct flag flags[2] = {0};
	begin();
	struct linux_loop *loop = linux_loop_of(fixture.scratch.world->loop);
	for (int i = 0; i < 2; i++) {
		flags[i].watch = (struct watch){.fd = eventfd(1, EFD_CLOEXEC), .fn = on_flag};
		flags[i].other = &flags[1 - i];
		CHECK_EQ(watch_add(loop, &flags[i].watch, EPOLLIN), 0);
	}
	fixture.until = 1;
	scratch_run(&fixture.scratch);
	CHECK_EQ(flags[0].told + flags[1].told, 1);
	close(flags[0].watch.fd);
	close(flags[1].watch.fd);
	end();
}

static void on_flag_stop(struct watch *watch, uint32_t events)
{
	(void)events;
	container_of(watch, struct flag, watch)->told++;
	watch_remove(linux_loop_of(fixture.scratch.world->loop), watch);
	loop_stop(fixture.scratch.world->loop);
}

TEST(a_stop_ends_the_turn_and_loses_no_event)
{
	struct flag flags[3] = {0};
	begin();
	struct linux_loop *loop = linux_loop_of(fixture.scratch.world->loop);
	for (int i = 0; i < 3; i++) {
		flags[i].watch = (struct watch){.fd = eventfd(1, EFD_CLOEXEC), .fn = on_flag_stop};
		CHECK_EQ(watch_add(loop, &flags[i].watch, EPOLLIN), 0);
	}
	for (int i = 0; i < 3; i++) {
		scratch_run(&fixture.scratch);
		CHECK_EQ(flags[0].told + flags[1].told + flags[2].told, i + 1);
	}
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(flags[i].told, 1);
		close(flags[i].watch.fd);
	}
	end();
}

TEST(a_stop_asked_before_running_is_not_lost)
{
	begin();
	loop_stop(fixture.scratch.world->loop);
	scratch_run(&fixture.scratch);
	set_alarm(0, 0);
	fixture.until = 1;
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.fired, 1);
	end();
}

TEST(two_worlds_share_nothing)
{
	struct scratch other;
	begin();
	scratch_open(&other, NULL);
	CHECK(other.world->loop != fixture.scratch.world->loop);
	set_alarm(0, now_ns() + 5 * NS_PER_MS);
	fixture.until = 1;
	/* The other's loop must not fire our timer, nor wake for it. */
	loop_stop(other.world->loop);
	scratch_run(&other);
	CHECK_EQ(fixture.fired, 0);
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.fired, 1);
	CHECK(dice_u64(other.world->dice) != dice_u64(fixture.scratch.world->dice));
	scratch_close(&other);
	end();
}

TEST(the_clocks_are_plausible)
{
	begin();
	struct clock *clock = fixture.scratch.world->clock;
	int64_t last = clock_mono_ns(clock);
	for (int i = 0; i < 100000; i++) {
		int64_t next = clock_mono_ns(clock);
		CHECK(next >= last);
		last = next;
	}
	CHECK(clock_wall_ns(clock) > INT64_C(1600000000) * NS_PER_SEC);
	end();
}

TEST(a_world_that_cannot_open_says_why)
{
	struct why why;
	struct linux_world *lw = NULL;
	const struct linux_options options = {0};
	CHECK_EQ(linux_world_open("/nowhere/at/all", &options, &lw, &why), -ENOENT);
	CHECK_STR(why.text, "/nowhere/at/all: the folder that it is to lie in is not there");
	CHECK_EQ(linux_world_open("/dev/null", &options, &lw, &why), -ENOTDIR);
	CHECK_STR(why.text, "/dev/null: this folder cannot be opened: Not a directory");
	CHECK_EQ(linux_world_open("/tmp", &options, &lw, &why), -EPERM);
	CHECK_STR(why.text,
		"/tmp: everybody may write to this folder: chmod o-w it, or name "
		"another");
	CHECK(!lw);
}

TEST_MAIN
