/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks on the worker threads. */
#include "os/linux/workers.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/test.h"
#include "os/linux/scratch_test.h"

enum { TASKS = 20000, AT_ONCE = 500 };

struct job {
	struct task task;
	uint64_t number, answer;
	int times_done;
	sem_t *wait; /* before the work */
	pthread_t ran_on;
};

static struct {
	struct scratch scratch;
	struct job *jobs;
	int count, started, done;
	bool wrong;
	sem_t gate;
} fixture;

static struct loop *loop(void)
{
	return fixture.scratch.world->loop;
}

static void begin(unsigned workers, int jobs)
{
	const struct linux_options options = {.workers = workers};
	memset(&fixture, 0, sizeof(fixture));
	fixture.count = jobs;
	fixture.jobs = calloc((size_t)jobs, sizeof(struct job));
	must(fixture.jobs && sem_init(&fixture.gate, 0, 0) == 0);
	scratch_open(&fixture.scratch, &options);
}

static void end(void)
{
	scratch_close(&fixture.scratch);
	free(fixture.jobs);
}

static void work(struct task *task)
{
	struct job *job = container_of(task, struct job, task);
	while (job->wait && sem_wait(job->wait) < 0)
		must(errno == EINTR);
	job->ran_on = pthread_self();
	job->answer = hash64(&job->number, sizeof(job->number), 0);
}

static int start_next(void (*done)(struct task *))
{
	struct job *job = &fixture.jobs[fixture.started];
	job->task = (struct task){.work = work, .done = done};
	job->number = (uint64_t)fixture.started;
	int err = task_start(loop(), &job->task);
	fixture.started += !err;
	return err;
}

static void on_done(struct task *task)
{
	struct job *job = container_of(task, struct job, task);
	job->times_done++;
	fixture.wrong |= job->answer != hash64(&job->number, sizeof(job->number), 0);
	fixture.wrong |= pthread_equal(job->ran_on, pthread_self()) != 0;
	fixture.done++;
	if (fixture.started < fixture.count)
		must(start_next(on_done) == 0);
	else if (fixture.done == fixture.count)
		loop_stop(loop());
}

static void all_are_done_once(unsigned workers)
{
	begin(workers, TASKS);
	for (int i = 0; i < AT_ONCE; i++)
		CHECK_EQ(start_next(on_done), 0);
	scratch_run(&fixture.scratch);
	CHECK(!fixture.wrong);
	for (int i = 0; i < TASKS; i++)
		CHECK_EQ(fixture.jobs[i].times_done, 1);
	end();
}

TEST(each_task_is_done_once_on_one_worker)
{
	all_are_done_once(1);
}

TEST(each_task_is_done_once_on_many_workers)
{
	all_are_done_once(7);
}

static void stop_each_time(struct task *task)
{
	(void)task;
	fixture.done++;
	loop_stop(loop());
}

TEST(a_stop_in_done_loses_no_other)
{
	begin(3, AT_ONCE);
	while (fixture.started < AT_ONCE)
		CHECK_EQ(start_next(stop_each_time), 0);
	for (int i = 0; i < AT_ONCE; i++) {
		scratch_run(&fixture.scratch);
		CHECK_EQ(fixture.done, i + 1);
	}
	end();
}

TEST(too_many_waiting_are_told_to_come_again)
{
	enum { HELD = 2 + WORKERS_WAITING };
	begin(2, HELD + 1);
	for (int i = 0; i < HELD; i++) {
		fixture.jobs[i].wait = &fixture.gate;
		CHECK_EQ(start_next(on_done), 0);
	}
	CHECK_EQ(start_next(on_done), -EAGAIN);
	for (int i = 0; i < HELD; i++)
		sem_post(&fixture.gate);
	scratch_run(&fixture.scratch); /* on_done() starts the refused one */
	CHECK_EQ(fixture.done, HELD + 1);
	end();
}

static void open_the_gate(struct task *task)
{
	(void)task;
	if (++fixture.done == 100)
		sem_post(&fixture.gate);
	if (fixture.done == 101)
		loop_stop(loop());
}

/* The first task ends only when all others are done: none may stand behind it. */
TEST(a_long_task_keeps_no_other_back)
{
	begin(2, 101);
	fixture.jobs[0].wait = &fixture.gate;
	for (int i = 0; i < 101; i++)
		CHECK_EQ(start_next(open_the_gate), 0);
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.done, 101);
	end();
}

TEST(a_world_closes_with_tasks_in_flight)
{
	for (int i = 0; i < 20; i++) {
		begin(4, AT_ONCE);
		while (fixture.started < AT_ONCE)
			CHECK_EQ(start_next(on_done), 0);
		end(); /* frees the jobs: a sanitizer sees a task that still runs */
		CHECK_EQ(fixture.done, 0);
	}
}

struct mask_job {
	struct task task;
	sigset_t mask;
};

static void read_mask(struct task *task)
{
	struct mask_job *job = container_of(task, struct mask_job, task);
	must(pthread_sigmask(SIG_SETMASK, NULL, &job->mask) == 0);
}

static void on_mask(struct task *task)
{
	(void)task;
	loop_stop(loop());
}

TEST(workers_leave_all_signals_to_the_loop)
{
	struct mask_job job = {.task = {.work = read_mask, .done = on_mask}};
	sigset_t mine;
	begin(1, 1);
	CHECK_EQ(task_start(loop(), &job.task), 0);
	scratch_run(&fixture.scratch);
	for (int i = 1; i < 32; i++)
		if (i != SIGKILL && i != SIGSTOP)
			CHECK_EQ(sigismember(&job.mask, i), 1);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &mine), 0);
	CHECK_EQ(sigismember(&mine, SIGTERM), 0);
	end();
}

TEST_MAIN
