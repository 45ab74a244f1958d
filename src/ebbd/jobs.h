/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the jobs of a node need of the program: which ebb they run, in which environment, and lines
 * in its log.
 *
 * The main thread.
 */
#ifndef EBB_EBBD_JOBS_H
#define EBB_EBBD_JOBS_H

struct act_event;
struct log;

enum { JOBS_ENV = 32, JOBS_PATH = 4096 };

struct jobs {
	char program[JOBS_PATH]; /* "": there is no ebb beside this program */
	const char *env[JOBS_ENV + 1];
};

/* Borrows the environment, of which jobs get what they may need and no more. */
void jobs_init(struct jobs *jobs, char *const *environment);

void jobs_say(struct log *log, const struct act_event *event);

#endif
