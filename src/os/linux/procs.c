/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child that ended is a zombie, and its number taken, until it is waited for; so a handle that
 * was closed before stays on the list and waits for its child silently.
 */
#include "os/linux/procs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "os/linux/fd.h"
#include "os/linux/loop.h"

struct linux_proc {
	struct proc base;
	struct linux_procs *procs;
	struct linux_proc *next, *prev;
	struct watch watch; /* the pidfd; -1: it has ended */
	pid_t pid;
	bool closed; /* by its owner */
};

static struct linux_proc *proc_of(struct proc *proc)
{
	return container_of(proc, struct linux_proc, base);
}

static void forget(struct linux_proc *proc)
{
	if (proc->prev)
		proc->prev->next = proc->next;
	else
		proc->procs->first = proc->next;
	if (proc->next)
		proc->next->prev = proc->prev;
	free(proc);
}

static void unwatch(struct linux_proc *proc)
{
	watch_remove(proc->procs->loop, &proc->watch);
	close(proc->watch.fd);
	proc->watch.fd = -1;
}

static void on_end(struct watch *watch, uint32_t events)
{
	struct linux_proc *proc = container_of(watch, struct linux_proc, watch);
	int status;
	(void)events;
	pid_t pid = waitpid(proc->pid, &status, WNOHANG);
	if (pid == 0)
		return;
	must(pid == proc->pid);
	unwatch(proc);
	if (proc->closed)
		forget(proc);
	else
		proc->base.on_exit(&proc->base, status);
}

static pid_t linux_proc_pid(struct proc *proc)
{
	return proc_of(proc)->pid;
}

static int linux_proc_signal(struct proc *base, int signal)
{
	struct linux_proc *proc = proc_of(base);
	if (proc->watch.fd < 0)
		return -ESRCH;
	return pidfd_send_signal(proc->watch.fd, signal, NULL, 0) < 0 ? -errno : 0;
}

/* The number after `key` in the text of /proc/PID/io. */
static uint64_t number_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* While it is watched it is ours to wait for, and nobody else gets its number. */
static int linux_proc_use(struct proc *base, struct proc_use *ret_use)
{
	struct linux_proc *proc = proc_of(base);
	char path[40], text[512];
	if (proc->watch.fd < 0)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/io", (int)proc->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t len = read(fd, text, sizeof(text) - 1);
	int err = len < 0 ? -errno : 0;
	fd_close(&fd);
	if (err)
		return err;
	text[len] = '\0';
	*ret_use = (struct proc_use){
		.asked_bytes = number_of(text, "rchar: ") + number_of(text, "wchar: "),
		.read_bytes = number_of(text, "\nread_bytes: "),
		.write_bytes = number_of(text, "\nwrite_bytes: "),
	};
	return 0;
}

static void linux_proc_close(struct proc *base)
{
	struct linux_proc *proc = proc_of(base);
	proc->closed = true;
	if (proc->watch.fd < 0)
		forget(proc);
}

static const struct proc_ops linux_proc_ops = {
	.pid = linux_proc_pid,
	.use = linux_proc_use,
	.signal = linux_proc_signal,
	.close = linux_proc_close,
};

/* Where SIGCHLD is ignored the kernel waits for children itself, and nobody learns how they ended.
 */
static bool children_are_forgotten(void)
{
	struct sigaction action;
	must(sigaction(SIGCHLD, NULL, &action) == 0);
	return action.sa_handler == SIG_IGN || action.sa_flags & SA_NOCLDWAIT;
}

/* No signal of ours is blocked or ignored in the child; the rest is as execve(2) has it. */
static int describe(const struct proc_spec *spec, posix_spawnattr_t *attributes,
	posix_spawn_file_actions_t *files)
{
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	if (spec->apart)
		flags |= POSIX_SPAWN_SETPGROUP; /* of its own, that being the default */
	int err = posix_spawnattr_setflags(attributes, (short)flags);
	if (!err)
		err = posix_spawnattr_setsigmask(attributes, &none);
	if (!err)
		err = posix_spawnattr_setsigdefault(attributes, &all);
	if (!err)
		err = posix_spawn_file_actions_addopen(
			files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!err && spec->output)
		err = posix_spawn_file_actions_addopen(
			files, STDOUT_FILENO, spec->output, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (!err && spec->errors)
		err = posix_spawn_file_actions_addopen(
			files, STDERR_FILENO, spec->errors, O_WRONLY | O_CREAT | O_APPEND, 0600);
	/* Not only ours are close-on-exec then, but what libraries and our parent left open. */
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

static int spawn(const struct proc_spec *spec, pid_t *ret_pid)
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
	err = describe(spec, &attributes, &files);
	if (!err)
		err = -posix_spawn(ret_pid, spec->program, &files, &attributes, unconst(spec->argv),
			unconst(spec->env));
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return err;
}

/* Puts the new child under watch, or ends it: what nobody can see must not run. */
static int watch_child(struct linux_proc *proc)
{
	int fd = pidfd_open(proc->pid, 0);
	int err = fd < 0 ? -errno : 0;
	proc->watch = (struct watch){.fd = fd, .fn = on_end};
	if (!err)
		err = watch_add(proc->procs->loop, &proc->watch, EPOLLIN);
	if (err) {
		fd_close(&fd);
		kill(proc->pid, SIGKILL);
		while (waitpid(proc->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	return err;
}

static int linux_start(
	struct procs *base, const struct proc_spec *spec, struct proc **ret_proc, struct why *why)
{
	struct linux_procs *procs = container_of(base, struct linux_procs, base);
	if (spec->program[0] != '/')
		return why_set(why, -EINVAL, "%s: not started: the path of a program begins with /",
			spec->program);
	if (children_are_forgotten())
		return why_set(why, -ECHILD,
			"%s: not started: SIGCHLD is ignored, nobody would learn how it ends",
			spec->program);
	OWN(own_free) struct linux_proc *proc = calloc(1, sizeof(*proc));
	int err = proc ? spawn(spec, &proc->pid) : -ENOMEM;
	if (err)
		return why_errno(why, err, "%s: cannot be started", spec->program);
	proc->base.ops = &linux_proc_ops;
	proc->procs = procs;
	err = watch_child(proc);
	if (err)
		return why_errno(
			why, err, "%s: ended at once, because it cannot be watched", spec->program);
	proc->next = procs->first;
	if (proc->next)
		proc->next->prev = proc;
	procs->first = proc;
	*ret_proc = &TAKE(proc)->base;
	return 0;
}

void linux_procs_init(struct linux_procs *procs, struct linux_loop *loop)
{
	static const struct procs_ops ops = {.start = linux_start};
	*procs = (struct linux_procs){.base.ops = &ops, .loop = loop};
}

void linux_procs_done(struct linux_procs *procs)
{
	while (procs->first) {
		must(procs->first->closed);
		unwatch(procs->first);
		forget(procs->first);
	}
}
