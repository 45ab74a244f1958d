/* SPDX-License-Identifier: Apache-2.0 */
/* Which engine. */
#include "os/linux/aio.h"

#include <errno.h>

#include "os/linux/file.h"

#ifdef WITH_URING
static int try_uring(struct linux_loop *loop, struct linux_aio **ret_aio, struct why *why)
{
	return aio_uring_open(loop, ret_aio, why);
}
#else
static int try_uring(struct linux_loop *loop, struct linux_aio **ret_aio, struct why *why)
{
	(void)loop;
	(void)ret_aio;
	(void)why;
	return -ENOSYS;
}
#endif

/*
 * A container's filter answers EPERM or ENOSYS, the sysctl kernel.io_uring_disabled EPERM, a
 * security module EACCES. Anything else is a failure of its own.
 */
static bool is_forbidden(int err)
{
	return err == -EPERM || err == -EACCES || err == -ENOSYS;
}

int linux_aio_open(
	struct linux_loop *loop, bool no_uring, struct linux_aio **ret_aio, struct why *why)
{
	int err = no_uring ? -ENOSYS : try_uring(loop, ret_aio, why);
	return is_forbidden(err) ? aio_threads_open(loop, ret_aio, why) : err;
}

ssize_t aio_file_now(struct aio *aio, struct aio_request *request)
{
	(void)aio;
	if (request->kind == AIO_SYNC)
		return -EAGAIN;
	return linux_file_now(request->file, request->kind == AIO_WRITE, request->bytes,
		request->len, request->at);
}

void linux_aio_close(struct linux_aio *aio)
{
	if (aio)
		aio->close(aio);
}
