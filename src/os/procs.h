/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes: a program file and its arguments, never a shell. A child gets exactly the
 * environment and the descriptors that its spec names.
 *
 * The loop's thread only.
 */
#ifndef EBB_OS_PROCS_H
#define EBB_OS_PROCS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct why;

struct procs {
	const struct procs_ops *ops;
};

struct proc {
	const struct proc_ops *ops;
	/* Set by the owner right after procs_start(). Called once; `status` as of waitpid(2). */
	void (*on_exit)(struct proc *proc, int status);
	void *arg;
};

struct proc_spec {
	const char *program;     /* absolute path */
	const char *const *argv; /* argv[0] included, NULL at the end */
	const char *const *env;  /* NULL at the end */
	bool apart;              /* a terminal's Ctrl-C does not reach it */
	/* Files that it adds what it prints to, made with mode 0600; NULL: where the caller does.
	 */
	const char *output, *errors;
};

/* What a child has used so far, its threads and those children it waited for together. */
struct proc_use {
	uint64_t asked_bytes; /* read and written, also where no device was needed for it */
	uint64_t read_bytes;  /* from devices */
	uint64_t write_bytes; /* for devices to store, which they do some time later */
};

struct proc_ops {
	pid_t (*pid)(struct proc *proc);
	int (*use)(struct proc *proc, struct proc_use *ret_use);
	int (*signal)(struct proc *proc, int signal);
	void (*close)(struct proc *proc);
};

struct procs_ops {
	int (*start)(struct procs *procs, const struct proc_spec *spec, struct proc **ret_proc,
		struct why *why);
};

/* Gives the handle. Its input is empty. */
static inline int procs_start(
	struct procs *procs, const struct proc_spec *spec, struct proc **ret_proc, struct why *why)
{
	return procs->ops->start(procs, spec, ret_proc, why);
}

static inline pid_t proc_pid(struct proc *proc)
{
	return proc->ops->pid(proc);
}

/* -ESRCH when it has ended; never hits another process that got its number. */
static inline int proc_signal(struct proc *proc, int signal)
{
	return proc->ops->signal(proc, signal);
}

/* -ESRCH when it has ended. */
static inline int proc_use(struct proc *proc, struct proc_use *ret_use)
{
	return proc->ops->use(proc, ret_use);
}

/* Takes the handle, not the process, which goes on; NULL is allowed. */
static inline void proc_close(struct proc *proc)
{
	if (proc)
		proc->ops->close(proc);
}

#endif
