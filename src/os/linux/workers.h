/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that run tasks for a loop. Each has two rings of its own, one each way; a semaphore wakes
 * the worker and one eventfd for all wakes the loop. No lock, no shared queue.
 *
 * A worker holds at most `depth` tasks; the others wait with the loop, so that a long task keeps
 * back at most depth - 1 others while a worker is free. Depth 1 for tasks of any length, more for
 * short ones of equal length, where the way back to the loop would cost more than the work.
 *
 * The loop's thread only; work() runs on the workers, with all signals blocked.
 */
#ifndef EBB_OS_LINUX_WORKERS_H
#define EBB_OS_LINUX_WORKERS_H

struct linux_loop;
struct task;
struct why;
struct workers;

enum { WORKERS_MAX = 64, WORKERS_WAITING = 1024 };

/* `depth` is a power of two. Gives the workers; borrows the loop. */
int workers_open(struct linux_loop *loop, unsigned count, unsigned depth,
	struct workers **ret_workers, struct why *why);

/* 0, or -EAGAIN when WORKERS_WAITING tasks wait for a worker. */
int workers_start(struct workers *workers, struct task *task);

/*
 * Takes the workers; NULL is allowed. Returns when none runs a task any more. Tasks whose done()
 * was not called by then will not hear of it; of those that had not begun, some never do.
 */
void workers_close(struct workers *workers);

#endif
