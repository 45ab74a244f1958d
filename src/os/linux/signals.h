/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals as events on the loop: SIGTERM, SIGINT, SIGHUP and SIGUSR1. For programs: signals belong
 * to the whole process, so that at most one of these is open at a time.
 *
 * The loop's thread only; any other thread of the program that is not a worker blocks them itself.
 */
#ifndef EBB_OS_LINUX_SIGNALS_H
#define EBB_OS_LINUX_SIGNALS_H

struct loop;
struct signals;
struct why;

typedef void signal_fn(void *arg, int signal);

/*
 * Blocks the four and calls `fn` on the loop for each that arrives; those of one kind that arrive
 * together may be told once. From then on SIGPIPE and SIGXFSZ are ignored: their calls answer
 * -EPIPE and -EFBIG; and SIGCHLD is what children need it to be. Gives the signals; borrows the
 * loop, which is a Linux one.
 */
int signals_open(
	struct loop *loop, signal_fn *fn, void *arg, struct signals **ret_signals, struct why *why);

/* Takes the signals, NULL is allowed; puts back what signals_open() found. */
void signals_close(struct signals *signals);

#endif
