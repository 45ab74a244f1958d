/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two queues under one lock. Tasks are large (a chunk to compress takes milliseconds), so a lock
 * costs nothing that could be measured, and an idle thread takes the oldest task whoever gave it.
 */
#include "os/linux/crew.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "os/loop.h"

enum { HANDS_MAX = 64 };

/* NULL ends the thread that takes it. */
struct queue {
	struct task *tasks[CREW_GIVEN_MAX + HANDS_MAX];
	size_t first, count;
};

struct linux_crew {
	struct crew crew;
	pthread_mutex_t lock;
	pthread_cond_t given, done;
	struct queue todo, back;
	unsigned hands, out;
	pthread_t threads[HANDS_MAX];
};

static void queue_put(struct queue *queue, struct task *task)
{
	size_t room = sizeof(queue->tasks) / sizeof(queue->tasks[0]);
	must(queue->count < room);
	queue->tasks[(queue->first + queue->count++) % room] = task;
}

static struct task *queue_take(struct queue *queue)
{
	struct task *task = queue->tasks[queue->first];
	queue->first = (queue->first + 1) % (sizeof(queue->tasks) / sizeof(queue->tasks[0]));
	queue->count--;
	return task;
}

static void *hand_main(void *arg)
{
	struct linux_crew *crew = arg;
	pthread_mutex_lock(&crew->lock);
	for (;;) {
		while (!crew->todo.count)
			pthread_cond_wait(&crew->given, &crew->lock);
		struct task *task = queue_take(&crew->todo);
		if (!task)
			break;
		pthread_mutex_unlock(&crew->lock);
		task->work(task);
		pthread_mutex_lock(&crew->lock);
		queue_put(&crew->back, task);
		pthread_cond_signal(&crew->done);
	}
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

static struct linux_crew *crew_of(struct crew *crew)
{
	return container_of(crew, struct linux_crew, crew);
}

static unsigned hands(struct crew *crew)
{
	return crew_of(crew)->hands;
}

static void hand_out(struct linux_crew *crew, struct task *task)
{
	pthread_mutex_lock(&crew->lock);
	queue_put(&crew->todo, task);
	pthread_cond_signal(&crew->given);
	pthread_mutex_unlock(&crew->lock);
}

static void give(struct crew *crew, struct task *task)
{
	must(crew_of(crew)->out < CREW_GIVEN_MAX);
	crew_of(crew)->out++;
	hand_out(crew_of(crew), task);
}

static struct task *take(struct crew *base)
{
	struct linux_crew *crew = crew_of(base);
	must(crew->out);
	pthread_mutex_lock(&crew->lock);
	while (!crew->back.count)
		pthread_cond_wait(&crew->done, &crew->lock);
	struct task *task = queue_take(&crew->back);
	pthread_mutex_unlock(&crew->lock);
	crew->out--;
	return task;
}

static bool ready(struct crew *base)
{
	struct linux_crew *crew = crew_of(base);
	pthread_mutex_lock(&crew->lock);
	bool some = crew->back.count > 0;
	pthread_mutex_unlock(&crew->lock);
	return some;
}

static void crew_own(struct linux_crew **crew)
{
	linux_crew_close(*crew);
}

/* Signals are for the thread that has them handled. */
static int start_hand(struct linux_crew *crew)
{
	sigset_t all, before;
	sigfillset(&all);
	must(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	int err = pthread_create(&crew->threads[crew->hands], NULL, hand_main, crew);
	must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	if (!err)
		pthread_setname_np(crew->threads[crew->hands++], "ebb-crew");
	return -err;
}

static unsigned cpu_count(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

int linux_crew_open(unsigned count, struct linux_crew **ret_crew, struct why *why)
{
	static const struct crew_ops ops = {
		.hands = hands, .give = give, .take = take, .ready = ready};
	OWN(crew_own) struct linux_crew *crew = calloc(1, sizeof(*crew));
	if (!crew)
		return why_errno(why, -ENOMEM, "starting threads");
	crew->crew.ops = &ops;
	must(pthread_mutex_init(&crew->lock, NULL) == 0);
	must(pthread_cond_init(&crew->given, NULL) == 0);
	must(pthread_cond_init(&crew->done, NULL) == 0);
	if (!count)
		count = cpu_count();
	if (count > HANDS_MAX)
		count = HANDS_MAX;
	while (crew->hands < count) {
		int err = start_hand(crew);
		if (err)
			return why_errno(why, err, "starting threads");
	}
	*ret_crew = TAKE(crew);
	return 0;
}

struct crew *linux_crew(struct linux_crew *crew)
{
	return crew ? &crew->crew : NULL;
}

void linux_crew_close(struct linux_crew *crew)
{
	if (!crew)
		return;
	must(!crew->out);
	for (unsigned i = 0; i < crew->hands; i++)
		hand_out(crew, NULL);
	for (unsigned i = 0; i < crew->hands; i++)
		must(pthread_join(crew->threads[i], NULL) == 0);
	pthread_cond_destroy(&crew->done);
	pthread_cond_destroy(&crew->given);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
}
