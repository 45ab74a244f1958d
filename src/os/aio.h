/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File I/O without waiting: requests go in, completions come back on the loop. For the data path;
 * everything else uses the blocking calls of disk.h from a worker.
 *
 * Order between requests in flight is free. A request is complete when its done() runs; AIO_SYNC
 * covers what was complete when it was submitted, under the rules of disk.h.
 *
 * The loop's thread only.
 */
#ifndef EBB_OS_AIO_H
#define EBB_OS_AIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct file;

struct aio {
	const struct aio_ops *ops;
};

enum aio_kind { AIO_READ, AIO_WRITE, AIO_SYNC };

/* Lies in its owner's memory, untouched until done(). */
struct aio_request {
	enum aio_kind kind;
	struct file *file; /* borrowed; opened by the disk of the same world */
	void *bytes;       /* read into, or written from */
	size_t len;
	uint64_t at;
	void (*done)(struct aio_request *request, ssize_t result); /* count or negative errno */
	/* the implementation's own */
	struct aio_request *next;
	ssize_t result;
};

struct aio_ops {
	int (*submit)(struct aio *aio, struct aio_request *request);
	ssize_t (*now)(struct aio *aio, struct aio_request *request);
	const char *(*name)(struct aio *aio);
};

/* 0, or -EAGAIN when too many are in flight; then done() is not called. */
static inline int aio_submit(struct aio *aio, struct aio_request *request)
{
	return aio->ops->submit(aio, request);
}

/*
 * Does the request before it returns, if nobody has to wait for that: what lies in memory is read
 * and written more cheaply so. Gives what done() would have been told, and does not call it.
 * -EAGAIN: not now, or not all of it; aio_submit() is the way. A sync is never done so.
 */
static inline ssize_t aio_now(struct aio *aio, struct aio_request *request)
{
	return aio->ops->now(aio, request);
}

/* "io_uring", "threads", "sim": for status pages and tests. */
static inline const char *aio_name(struct aio *aio)
{
	return aio->ops->name(aio);
}

#endif
