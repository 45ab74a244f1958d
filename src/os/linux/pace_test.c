/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes go no faster than they may, whoever takes them, and by a new rate at once. */
#include "os/linux/pace.h"

#include <pthread.h>

#include "base/test.h"
#include "base/units.h"
#include "os/clock.h"
#include "os/linux/clock.h"

enum { PIECE = 10000, THREADS = 3 };

static int64_t now_ns(void)
{
	struct clock clock;
	linux_clock_init(&clock);
	return clock_mono_ns(&clock);
}

static double seconds_since(int64_t start)
{
	return (double)(now_ns() - start) / 1e9;
}

static void *take_many(void *arg)
{
	for (int i = 0; i < 10; i++)
		pace_take(arg, PIECE);
	return NULL;
}

TEST(threads_together_keep_the_rate)
{
	pthread_t threads[THREADS];
	struct pace *pace = linux_pace_new(1000000);
	int64_t start = now_ns();
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, take_many, pace), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	/* 300,000 bytes, of which a twentieth of a second may have been saved up. */
	CHECK(seconds_since(start) > 0.24);
	linux_pace_free(pace);
}

TEST(without_a_rate_nobody_waits)
{
	struct pace *pace = linux_pace_new(0);
	int64_t start = now_ns();
	pace_take(NULL, SIZE_MAX);
	pace_take(pace, SIZE_MAX);
	CHECK(seconds_since(start) < 60);
	linux_pace_free(pace);
}

static void *take_long(void *arg)
{
	pace_take(arg, 1 << 20); /* years at the first rate */
	return NULL;
}

TEST(who_waits_goes_by_a_new_rate)
{
	pthread_t thread;
	struct pace *pace = linux_pace_new(1);
	CHECK_EQ(pthread_create(&thread, NULL, take_long, pace), 0);
	pace_set(pace, 100 << 20);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(pthread_create(&thread, NULL, take_long, pace), 0);
	pace_set(pace, 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	linux_pace_free(pace);
}

static uint64_t say(void *arg, uint64_t rate)
{
	uint64_t *told = arg;
	told[1] = rate;
	return told[0];
}

TEST(who_is_asked_sets_the_rate)
{
	uint64_t told[2] = {1, 7};
	pthread_t thread;
	struct pace *pace = linux_pace_new(5);
	linux_pace_ask(pace, say, told);
	CHECK_EQ(told[1], 5);
	CHECK_EQ(atomic_load(&pace->rate), 1);
	/* None is asked for again, too. */
	told[0] = 0;
	CHECK_EQ(pthread_create(&thread, NULL, take_long, pace), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(told[1], 1);
	told[1] = 7;
	for (int64_t start = now_ns(); seconds_since(start) < 1.1;)
		pace_take(pace, 1);
	CHECK_EQ(told[1], 0);
	linux_pace_free(pace);
}

TEST_MAIN
