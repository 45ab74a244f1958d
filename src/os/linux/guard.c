/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork(2) while there is one thread, a pidfd and a signalfd to wait on, and a pipe for what the
 * work has to tell. The child dies with its guard.
 */
#include "os/linux/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "os/linux/fd.h"

int linux_guard_begin(struct linux_guard *guard, struct why *why)
{
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	*guard = (struct linux_guard){0};
	guard->fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (guard->fd < 0)
		return why_errno(why, -errno, "waiting for signals");
	must(sigprocmask(SIG_BLOCK, &mask, &guard->before) == 0);
	return 0;
}

/* Takes one signal; the child gets it too, unless it has ended. */
static void take_signal(struct linux_guard *guard, int child)
{
	struct signalfd_siginfo info;
	if (read(guard->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (!guard->signal)
		guard->signal = (int)info.ssi_signo;
	if (child >= 0)
		pidfd_send_signal(child, (int)info.ssi_signo, NULL, 0);
}

int linux_guard_signal(struct linux_guard *guard)
{
	take_signal(guard, -1);
	return guard->signal;
}

/* Never returns. */
static void be_child(struct linux_guard *guard, pid_t parent, guard_work_fn *work, void *arg,
	const int ends[2], size_t len)
{
	OWN(own_free) void *tell = calloc(1, len);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || !tell)
		_exit(1);
	close(ends[0]);
	close(guard->fd);
	must(sigprocmask(SIG_SETMASK, &guard->before, NULL) == 0);
	int code = work(arg, tell);
	if (write(ends[1], tell, len) != (ssize_t)len)
		code = code ? code : 1;
	fflush(NULL);
	_exit(code);
}

static int wait_child(struct linux_guard *guard, int child, pid_t pid)
{
	int status;
	for (;;) {
		struct pollfd on[] = {
			{.fd = child, .events = POLLIN}, {.fd = guard->fd, .events = POLLIN}};
		if (poll(on, 2, -1) < 0)
			continue;
		if (on[1].revents)
			take_signal(guard, child);
		if (on[0].revents)
			break;
	}
	must(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int linux_guard_run(struct linux_guard *guard, guard_work_fn *work, void *arg,
	const struct linux_told *told, int *ret_code, struct why *why)
{
	int ends[2];
	fflush(NULL);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return why_errno(why, -errno, "starting the work");
	OWN(fd_close) int near = ends[0];
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		be_child(guard, parent, work, arg, ends, told->len);
	int err = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (err)
		return why_errno(why, err, "starting the work");
	OWN(fd_close) int child = pidfd_open(pid, 0);
	if (child < 0) {
		err = -errno;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return why_errno(why, err, "watching the work");
	}
	*ret_code = wait_child(guard, child, pid);
	/* Of one that was ended there is nothing to read, or nothing to believe. */
	OWN(own_free) void *bytes = malloc(told->len);
	if (bytes && read(near, bytes, told->len) == (ssize_t)told->len)
		memcpy(told->at, bytes, told->len);
	return 0;
}

void linux_guard_end(struct linux_guard *guard)
{
	fd_close(&guard->fd);
	must(sigprocmask(SIG_SETMASK, &guard->before, NULL) == 0);
}
