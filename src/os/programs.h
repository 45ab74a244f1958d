/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs run to their end by a caller that waits for them: hooks, and programs whose output is
 * what is saved. A program file and its arguments, never a shell. For programs that run no loop;
 * those that do have os/procs.h.
 *
 * Calls block. One thread for each program.
 */
#ifndef EBB_OS_PROGRAMS_H
#define EBB_OS_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

struct file;
struct why;

struct programs {
	const struct programs_ops *ops;
};

struct program {
	const struct program_ops *ops;
};

enum program_output {
	PROGRAM_ASIDE, /* its standard output goes to our standard error */
	PROGRAM_GIVEN, /* program_output() gives it */
};

struct program_spec {
	const char *const *argv; /* argv[0] is the file; without a slash it is looked for in PATH */
	const char *const *env;  /* NULL at the end */
	enum program_output output;
	bool apart;        /* a terminal's Ctrl-C does not reach it */
	const char *input; /* NULL: empty */
};

struct program_ops {
	struct file *(*output)(struct program *program);
	int (*wait)(struct program *program, int64_t limit_ns, int *ret_status);
	void (*close)(struct program *program);
};

struct programs_ops {
	int (*start)(struct programs *programs, const struct program_spec *spec,
		struct program **ret_program, struct why *why);
};

/* Gives the program, running. */
static inline int program_start(struct programs *programs, const struct program_spec *spec,
	struct program **ret_program, struct why *why)
{
	return programs->ops->start(programs, spec, ret_program, why);
}

/* Borrowed: read from its start on, one byte after the other. NULL unless PROGRAM_GIVEN. */
static inline struct file *program_output(struct program *program)
{
	return program->ops->output(program);
}

enum { PROGRAM_FOR_EVER = -1 };

/* Waits for its end. -ETIMEDOUT: it still runs. `status` as of waitpid(2). */
static inline int program_wait(struct program *program, int64_t limit_ns, int *ret_status)
{
	return program->ops->wait(program, limit_ns, ret_status);
}

/* Takes the program; NULL is allowed. One that still runs is ended: asked first, then by force. */
static inline void program_close(struct program *program)
{
	if (program)
		program->ops->close(program);
}

/* For OWN(). */
static inline void program_close_own(struct program **program)
{
	program_close(*program);
}

#endif
