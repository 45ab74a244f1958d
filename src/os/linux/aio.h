/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two engines for file I/O without waiting: io_uring, and threads where io_uring is forbidden
 * or not built in. Both keep os/aio.h and pass the same tests.
 *
 * The loop's thread only.
 */
#ifndef EBB_OS_LINUX_AIO_H
#define EBB_OS_LINUX_AIO_H

#include <stdbool.h>

#include "os/aio.h"

struct linux_loop;
struct why;

/* Requests in flight, at most; the next one is answered with -EAGAIN. */
enum { AIO_MAX = 256 };

struct linux_aio {
	struct aio base;
	void (*close)(struct linux_aio *aio);
};

/*
 * Gives io_uring when it can be had and `no_uring` does not forbid it, else threads; aio_name()
 * tells which. Borrows the loop.
 */
int linux_aio_open(
	struct linux_loop *loop, bool no_uring, struct linux_aio **ret_aio, struct why *why);

/* aio_now() of both. */
ssize_t aio_file_now(struct aio *aio, struct aio_request *request);

/* Takes the engine; NULL is allowed. Returns when nobody touches a request or its bytes any more.
 */
void linux_aio_close(struct linux_aio *aio);

/* The engines themselves. -EPERM, -EACCES or -ENOSYS: this machine has no io_uring for us. */
int aio_uring_open(struct linux_loop *loop, struct linux_aio **ret_aio, struct why *why);
int aio_threads_open(struct linux_loop *loop, struct linux_aio **ret_aio, struct why *why);

#endif
