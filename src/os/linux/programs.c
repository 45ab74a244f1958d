/* SPDX-License-Identifier: Apache-2.0 */
/* posix_spawn(3), a pidfd to wait on, and a pipe where the output is wanted. */
#include "os/linux/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/linux/fd.h"
#include "os/linux/pipe.h"

/* How long one that is asked to end may take before it is ended by force. */
#define GRACE_NS (10 * NS_PER_SEC)

struct linux_program {
	struct program base;
	struct file *output;
	pid_t pid;
	int fd; /* of the process; -1: it was waited for */
	int status;
	bool apart;
};

static struct linux_program *program_of(struct program *program)
{
	return container_of(program, struct linux_program, base);
}

static int64_t now_ns(void)
{
	struct timespec now;
	must(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
	return now.tv_sec * NS_PER_SEC + now.tv_nsec;
}

static struct file *output(struct program *program)
{
	return program_of(program)->output;
}

static int wait_for(struct program *base, int64_t limit_ns, int *ret_status)
{
	struct linux_program *program = program_of(base);
	int64_t end = now_ns() + limit_ns;
	while (program->fd >= 0) {
		struct pollfd on = {.fd = program->fd, .events = POLLIN};
		int64_t left = limit_ns < 0 ? 1 : end - now_ns();
		int64_t ms = left / NS_PER_MS + 1;
		int n = poll(&on, 1,
			limit_ns < 0         ? -1
				: left <= 0  ? 0
				: ms > 60000 ? 60000
					     : (int)ms);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			must(waitpid(program->pid, &program->status, 0) == program->pid);
			fd_close(&program->fd);
			program->fd = -1;
		} else if (n == 0 && left <= 0) {
			return -ETIMEDOUT;
		}
	}
	*ret_status = program->status;
	return 0;
}

/* One that is apart has a group of its own, and what it started with it. */
static void send(const struct linux_program *program, int signal)
{
	if (program->apart)
		kill(-program->pid, signal);
	else
		pidfd_send_signal(program->fd, signal, NULL, 0);
}

static void close_program(struct program *base)
{
	struct linux_program *program = program_of(base);
	int status;
	/* Who waits to write sees that nobody reads. */
	file_close(program->output);
	if (program->fd >= 0 && wait_for(base, 0, &status) == -ETIMEDOUT) {
		send(program, SIGTERM);
		if (wait_for(base, GRACE_NS, &status) == -ETIMEDOUT) {
			send(program, SIGKILL);
			wait_for(base, PROGRAM_FOR_EVER, &status);
		}
	}
	free(program);
}

static const struct program_ops program_ops = {
	.output = output, .wait = wait_for, .close = close_program};

/* No signal of ours is blocked or ignored in it; of our descriptors it gets two. */
static int describe(const struct program_spec *spec, const int ends[2],
	posix_spawnattr_t *attributes, posix_spawn_file_actions_t *files)
{
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
		(spec->apart ? POSIX_SPAWN_SETPGROUP : 0);
	int err = posix_spawnattr_setflags(attributes, (short)flags);
	if (!err)
		err = posix_spawnattr_setsigmask(attributes, &none);
	if (!err)
		err = posix_spawnattr_setsigdefault(attributes, &all);
	if (!err && ends[0] < 0)
		err = posix_spawn_file_actions_addopen(
			files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	else if (!err)
		err = posix_spawn_file_actions_adddup2(files, ends[0], STDIN_FILENO);
	if (!err)
		err = posix_spawn_file_actions_adddup2(files, ends[1], STDOUT_FILENO);
	if (!err)
		err = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	return -err;
}

/* posix_spawn(3) takes the arrays as char *const *, and changes nothing. */
static char *const *unconst(const char *const *list)
{
	union {
		const char *const *theirs;
		char *const *ours;
	} both = {.theirs = list};
	return both.ours;
}

/* `ends`: its input (-1: empty) and its output. */
static int spawn(const struct program_spec *spec, const int ends[2], pid_t *ret_pid)
{
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t files;
	int err = -posix_spawnattr_init(&attributes);
	if (err)
		return err;
	err = -posix_spawn_file_actions_init(&files);
	if (err) {
		posix_spawnattr_destroy(&attributes);
		return err;
	}
	err = describe(spec, ends, &attributes, &files);
	if (!err)
		err = -posix_spawnp(ret_pid, spec->argv[0], &files, &attributes,
			unconst(spec->argv), unconst(spec->env));
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return err;
}

/* The pipe's near end as a file, its far end for the program. */
static int open_output(struct linux_program *program, int *ret_far)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	int err = linux_pipe_file(ends[0], &program->output);
	if (err) {
		close(ends[1]);
		return err;
	}
	*ret_far = ends[1];
	return 0;
}

/* A file without a name, as long as anybody reads it: no pipe that could be full. */
static int open_input(const char *text, int *ret_fd)
{
	size_t len = strlen(text);
	OWN(fd_close) int fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (size_t at = 0; at < len;) {
		ssize_t wrote = pwrite(fd, text + at, len - at, (off_t)at);
		if (wrote < 0)
			return -errno;
		at += (size_t)wrote;
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

static void program_free(struct linux_program **program)
{
	if (*program)
		file_close((*program)->output);
	free(*program);
}

static int start(struct programs *programs, const struct program_spec *spec,
	struct program **ret_program, struct why *why)
{
	(void)programs;
	OWN(fd_close) int far = -1;
	OWN(fd_close) int in = -1;
	OWN(program_free) struct linux_program *program = calloc(1, sizeof(*program));
	if (!program)
		return -ENOMEM;
	*program = (struct linux_program){.base.ops = &program_ops, .apart = spec->apart};
	int err = spec->output == PROGRAM_GIVEN ? open_output(program, &far) : 0;
	if (!err && spec->input)
		err = open_input(spec->input, &in);
	if (!err)
		err = spawn(spec, (int[2]){in, far >= 0 ? far : STDERR_FILENO}, &program->pid);
	if (err)
		return why_errno(why, err, "%s: cannot be started", spec->argv[0]);
	program->fd = pidfd_open(program->pid, 0);
	if (program->fd < 0) {
		err = -errno;
		kill(program->pid, SIGKILL);
		waitpid(program->pid, NULL, 0);
		return why_errno(why, err, "%s: cannot be watched", spec->argv[0]);
	}
	*ret_program = &TAKE(program)->base;
	return 0;
}

struct programs linux_programs(void)
{
	static const struct programs_ops ops = {.start = start};
	return (struct programs){&ops};
}
