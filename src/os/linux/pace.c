/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bucket of bytes that fills at the rate in force. It may be overdrawn: whoever does waits until
 * it is level again, and so does everybody after him. So large pieces need no large bucket.
 */
#include "os/linux/pace.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/container.h"
#include "base/must.h"
#include "base/units.h"

/* A new rate is met this soon; what was saved up in idle time lasts as long. */
enum { SLICE_NS = 50000000 };

/* A pace that nobody feels, which still asks now and then for another. */
static const uint64_t boundless = UINT64_C(1) << 60;

struct linux_pace {
	struct pace base;
	pthread_mutex_t lock;
	double level; /* bytes */
	int64_t at_ns;
	linux_pace_fn *ask; /* NULL: nobody */
	void *arg;
	int64_t asked_ns;
};

static int64_t now_ns(void)
{
	struct timespec t;
	must(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static void ask(struct linux_pace *pace)
{
	uint64_t rate = atomic_load(&pace->base.rate);
	rate = pace->ask(pace->arg, rate == boundless ? 0 : rate);
	atomic_store(&pace->base.rate, rate && rate < boundless ? rate : boundless);
}

/* Fills up to now and takes `bytes`. Returns how long it is until the bucket is level. */
static int64_t draw(struct linux_pace *pace, size_t bytes)
{
	pthread_mutex_lock(&pace->lock);
	int64_t now = now_ns();
	if (pace->ask && now - pace->asked_ns >= NS_PER_SEC) {
		pace->asked_ns = now;
		ask(pace);
	}
	double rate = (double)atomic_load(&pace->base.rate);
	pace->level += rate * (double)(now - pace->at_ns) / 1e9;
	pace->at_ns = now;
	double most = rate * SLICE_NS / 1e9;
	if (pace->level > most || rate <= 0)
		pace->level = rate <= 0 ? 0 : most;
	pace->level -= (double)bytes;
	double missing = -pace->level;
	pthread_mutex_unlock(&pace->lock);
	if (missing <= 0 || rate <= 0)
		return 0;
	double wait = missing / rate * 1e9;
	return wait < SLICE_NS ? (int64_t)wait + 1 : SLICE_NS;
}

static void take(struct pace *base, size_t bytes)
{
	struct linux_pace *pace = container_of(base, struct linux_pace, base);
	for (int64_t wait = draw(pace, bytes); wait; wait = draw(pace, 0)) {
		struct timespec t = {.tv_nsec = wait};
		clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	}
}

struct pace *linux_pace_new(uint64_t bytes_per_second)
{
	static const struct pace_ops ops = {.take = take};
	struct linux_pace *pace = calloc(1, sizeof(*pace));
	if (!pace)
		return NULL;
	pace->base.ops = &ops;
	atomic_init(&pace->base.rate, bytes_per_second);
	must(pthread_mutex_init(&pace->lock, NULL) == 0);
	pace->at_ns = now_ns();
	return &pace->base;
}

void linux_pace_ask(struct pace *base, linux_pace_fn *fn, void *arg)
{
	struct linux_pace *pace = container_of(base, struct linux_pace, base);
	pace->ask = fn;
	pace->arg = arg;
	pace->asked_ns = now_ns();
	ask(pace);
}

void linux_pace_free(struct pace *base)
{
	if (!base)
		return;
	struct linux_pace *pace = container_of(base, struct linux_pace, base);
	pthread_mutex_destroy(&pace->lock);
	free(pace);
}
