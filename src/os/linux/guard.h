/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work in a process of its own, watched by one that outlives it: what has to happen afterwards
 * happens whether the work ends, fails, crashes or is killed. While a guard stands, SIGINT, SIGTERM
 * and SIGHUP end the work and not the guard.
 *
 * The main thread only, of a process that has no other.
 */
#ifndef EBB_OS_LINUX_GUARD_H
#define EBB_OS_LINUX_GUARD_H

#include <signal.h>
#include <stddef.h>

struct why;

struct linux_guard {
	sigset_t before;
	int fd;     /* where signals are read */
	int signal; /* the first that came */
};

/* What the work has to tell: plain bytes. */
struct linux_told {
	void *at;
	size_t len;
};

/* An exit code; what it writes to `told` the guard gets. */
typedef int guard_work_fn(void *arg, void *told);

int linux_guard_begin(struct linux_guard *guard, struct why *why);

/* The first signal that came since the guard began, 0 for none. */
int linux_guard_signal(struct linux_guard *guard);

/*
 * Runs the work in a child. 0 with its exit code (128 and the signal when one ended it) and, when
 * it ended by itself, what it told; else negative errno, and nothing ran.
 */
int linux_guard_run(struct linux_guard *guard, guard_work_fn *work, void *arg,
	const struct linux_told *told, int *ret_code, struct why *why);

void linux_guard_end(struct linux_guard *guard);

#endif
