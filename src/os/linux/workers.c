/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a task: waiting (with the loop) -> todo (its worker's) -> work() -> back -> done().
 *
 * Invariants:
 *   1. worker->held is the number of its tasks in todo, in work or in back; it is at most depth,
 *      and both rings have room for that many (and todo for the order to leave), so that no push
 *      fails
 *   2. tasks wait with the loop only while every worker holds `depth` tasks
 *   3. when a task stands in a ring `back`, then told is set and the loop will look, or the loop
 *      has taken told back and looks already
 */
#include "os/linux/workers.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/ring.h"
#include "base/why.h"
#include "os/linux/loop.h"

struct worker {
	struct ring todo, back; /* struct task *; NULL in todo: leave */
	struct workers *pool;
	pthread_t thread;
	sem_t wake; /* its value: the elements of todo */
	unsigned held;
	bool running;
};

struct workers {
	struct linux_loop *loop;
	struct watch back; /* the eventfd */
	struct ring waiting;
	unsigned count, depth;
	_Atomic unsigned told;
	struct worker at[];
};

static void kick_loop(struct workers *pool)
{
	uint64_t one = 1;
	must(write(pool->back.fd, &one, sizeof(one)) == sizeof(one));
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	for (;;) {
		struct task *task;
		while (sem_wait(&worker->wake) < 0)
			must(errno == EINTR);
		must(ring_pop(&worker->todo, &task));
		if (!task)
			return NULL;
		task->work(task);
		must(ring_push(&worker->back, &task));
		if (!atomic_exchange_explicit(&worker->pool->told, 1, memory_order_acq_rel))
			kick_loop(worker->pool);
	}
}

static void hand(struct worker *worker, struct task *task)
{
	must(ring_push(&worker->todo, &task));
	must(sem_post(&worker->wake) == 0);
}

static struct worker *least_busy(struct workers *pool)
{
	struct worker *best = &pool->at[0];
	for (unsigned i = 1; i < pool->count && best->held; i++)
		if (pool->at[i].held < best->held)
			best = &pool->at[i];
	return best;
}

int workers_start(struct workers *pool, struct task *task)
{
	struct worker *worker = least_busy(pool);
	if (worker->held == pool->depth)
		return ring_push(&pool->waiting, &task) ? 0 : -EAGAIN;
	worker->held++;
	hand(worker, task);
	return 0;
}

/* Only as many as are held now: those that done() starts wait for the next turn. */
static void take_back(struct worker *worker)
{
	struct workers *pool = worker->pool;
	for (unsigned left = worker->held; left && !pool->loop->stopping; left--) {
		struct task *task, *next;
		if (!ring_pop(&worker->back, &task))
			return;
		if (ring_pop(&pool->waiting, &next))
			hand(worker, next);
		else
			worker->held--;
		task->done(task);
	}
}

static void on_back(struct watch *watch, uint32_t events)
{
	struct workers *pool = container_of(watch, struct workers, back);
	uint64_t kicks;
	(void)events;
	must(read(watch->fd, &kicks, sizeof(kicks)) == sizeof(kicks));
	/* From here on a worker that comes back kicks again; those before are seen below. */
	atomic_exchange_explicit(&pool->told, 0, memory_order_acq_rel);
	for (unsigned i = 0; i < pool->count; i++)
		take_back(&pool->at[i]);
	if (pool->loop->stopping)
		kick_loop(pool); /* what was left is told again when the loop runs again */
}

/* Signals are for the loop's thread. */
static int start_thread(struct worker *worker)
{
	sigset_t all, before;
	sigfillset(&all);
	must(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	int err = pthread_create(&worker->thread, NULL, worker_main, worker);
	must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	if (!err)
		pthread_setname_np(worker->thread, "ebb-worker");
	worker->running = !err;
	return -err;
}

static int start_worker(struct workers *pool, struct worker *worker)
{
	worker->pool = pool;
	must(sem_init(&worker->wake, 0, 0) == 0);
	int err = ring_init(&worker->todo, 2 * (size_t)pool->depth, sizeof(struct task *));
	if (!err)
		err = ring_init(&worker->back, pool->depth, sizeof(struct task *));
	return err ? err : start_thread(worker);
}

static void stop_worker(struct worker *worker)
{
	if (worker->running) {
		hand(worker, NULL);
		must(pthread_join(worker->thread, NULL) == 0);
	}
	ring_done(&worker->todo);
	ring_done(&worker->back);
}

void workers_close(struct workers *pool)
{
	if (!pool)
		return;
	for (unsigned i = 0; i < pool->count; i++)
		stop_worker(&pool->at[i]);
	if (pool->back.fd >= 0) {
		watch_remove(pool->loop, &pool->back);
		close(pool->back.fd);
	}
	ring_done(&pool->waiting);
	free(pool);
}

static void close_own(struct workers **pool)
{
	workers_close(*pool);
}

static int open_back(struct workers *pool)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	pool->back = (struct watch){.fd = fd, .fn = on_back};
	int err = watch_add(pool->loop, &pool->back, EPOLLIN);
	if (err) {
		close(fd);
		pool->back.fd = -1;
	}
	return err;
}

int workers_open(struct linux_loop *loop, unsigned count, unsigned depth,
	struct workers **ret_workers, struct why *why)
{
	must(count >= 1 && count <= WORKERS_MAX);
	/* Rings keep their two sides on cache lines of their own. */
	size_t size = sizeof(struct workers) + count * sizeof(struct worker);
	OWN(close_own) struct workers *pool = aligned_alloc(_Alignof(struct workers), size);
	if (!pool)
		return why_errno(why, -ENOMEM, "%u worker threads", count);
	memset(pool, 0, size);
	pool->loop = loop;
	pool->depth = depth;
	pool->back.fd = -1;
	int err = ring_init(&pool->waiting, WORKERS_WAITING, sizeof(struct task *));
	if (!err)
		err = open_back(pool);
	while (!err && pool->count < count)
		err = start_worker(pool, &pool->at[pool->count++]);
	if (err)
		return why_errno(why, err, "starting %u worker threads", count);
	*ret_workers = TAKE(pool);
	return 0;
}
