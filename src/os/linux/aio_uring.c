/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File I/O on io_uring: what a turn of the loop submits goes to the kernel in one call before the
 * loop waits, and the ring's own descriptor in epoll tells of completions.
 *
 * Invariants:
 *   1. in_flight is the number of requests whose done() is to be called; those of them that the
 *      kernel has not seen yet are the entries ready in the submission queue
 *   2. in_flight <= AIO_MAX, the size of the submission queue and half of the completion queue, so
 *      that neither can overflow
 */
#include <errno.h>
#include <liburing.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/linux/aio.h"
#include "os/linux/file.h"
#include "os/linux/loop.h"

/* What the kernel moves at most in one call; also keeps the length in 32 bits. */
enum { LEN_MAX = 0x7ffff000 };

struct aio_uring {
	struct linux_aio base;
	struct linux_loop *loop;
	struct watch watch; /* the ring */
	struct before_wait hook;
	struct timer again; /* set when the kernel had no room for new requests */
	struct io_uring ring;
	unsigned in_flight;
};

static void put(struct aio_uring *aio, struct aio_request *request)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&aio->ring);
	unsigned len = request->len < LEN_MAX ? (unsigned)request->len : LEN_MAX;
	int fd = linux_file_fd(request->file);
	/* All ones would mean the file's own position. */
	uint64_t at = request->at < INT64_MAX ? request->at : INT64_MAX;
	must(sqe);
	if (request->kind == AIO_READ)
		io_uring_prep_read(sqe, fd, request->bytes, len, at);
	else if (request->kind == AIO_WRITE)
		io_uring_prep_write(sqe, fd, request->bytes, len, at);
	else
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
	io_uring_sqe_set_data(sqe, request);
}

static int submit(struct aio *base, struct aio_request *request)
{
	struct aio_uring *aio = container_of(base, struct aio_uring, base.base);
	if (aio->in_flight == AIO_MAX)
		return -EAGAIN;
	aio->in_flight++;
	put(aio, request);
	return 0;
}

static const char *name(struct aio *aio)
{
	(void)aio;
	return "io_uring";
}

/* Short of memory the kernel takes fewer, or none: the rest waits for a millisecond. */
static void hand_over(struct aio_uring *aio)
{
	while (io_uring_sq_ready(&aio->ring)) {
		int taken = io_uring_submit(&aio->ring);
		if (taken > 0 || taken == -EINTR)
			continue;
		must(taken == 0 || taken == -EAGAIN || taken == -EBUSY);
		timer_set(&aio->loop->base, &aio->again,
			clock_mono_ns(aio->loop->timers.clock) + NS_PER_MS);
		return;
	}
}

static void before_wait(struct before_wait *hook)
{
	hand_over(container_of(hook, struct aio_uring, hook));
}

/* The hook does the work, in the turn that this brings. */
static void on_again(struct timer *timer)
{
	(void)timer;
}

static void complete(struct aio_uring *aio, struct aio_request *request, int result)
{
	/* Not a failure, but "ask again"; but for a sync, which is never repeated. */
	if ((result == -EINTR || result == -EAGAIN) && request->kind != AIO_SYNC) {
		put(aio, request);
		return;
	}
	aio->in_flight--;
	request->result = result;
	request->done(request, result);
}

/* Only as many as were in flight: what done() submits waits for the next turn. */
static void on_completions(struct watch *watch, uint32_t events)
{
	struct aio_uring *aio = container_of(watch, struct aio_uring, watch);
	(void)events;
	for (unsigned left = aio->in_flight; left && !aio->loop->stopping; left--) {
		struct io_uring_cqe *cqe;
		if (io_uring_peek_cqe(&aio->ring, &cqe))
			return;
		struct aio_request *request = io_uring_cqe_get_data(cqe);
		int result = cqe->res;
		io_uring_cqe_seen(&aio->ring, cqe);
		complete(aio, request, result);
	}
}

/* The kernel writes into the owners' memory until the last completion. */
static void close_uring(struct linux_aio *base)
{
	struct aio_uring *aio = container_of(base, struct aio_uring, base);
	unsigned kernels = aio->in_flight - io_uring_sq_ready(&aio->ring);
	while (kernels) {
		struct io_uring_cqe *cqe;
		int err = io_uring_wait_cqe(&aio->ring, &cqe);
		must(err == 0 || err == -EINTR);
		if (err == 0) {
			io_uring_cqe_seen(&aio->ring, cqe);
			kernels--;
		}
	}
	timer_cancel(&aio->loop->base, &aio->again);
	before_wait_remove(aio->loop, &aio->hook);
	watch_remove(aio->loop, &aio->watch);
	io_uring_queue_exit(&aio->ring);
	free(aio);
}

int aio_uring_open(struct linux_loop *loop, struct linux_aio **ret_aio, struct why *why)
{
	static const struct aio_ops ops = {.submit = submit, .now = aio_file_now, .name = name};
	OWN(own_free) struct aio_uring *aio = calloc(1, sizeof(*aio));
	if (!aio)
		return why_errno(why, -ENOMEM, "file I/O on io_uring");
	aio->base = (struct linux_aio){.base.ops = &ops, .close = close_uring};
	aio->loop = loop;
	aio->hook.fn = before_wait;
	aio->again.fn = on_again;
	int err = io_uring_queue_init(AIO_MAX, &aio->ring, 0);
	if (err)
		return why_errno(why, err, "io_uring_setup(2) for file I/O");
	aio->watch = (struct watch){.fd = aio->ring.ring_fd, .fn = on_completions};
	err = watch_add(loop, &aio->watch, EPOLLIN);
	if (err) {
		io_uring_queue_exit(&aio->ring);
		return why_errno(why, err, "file I/O on io_uring");
	}
	before_wait_add(loop, &aio->hook);
	*ret_aio = &TAKE(aio)->base;
	return 0;
}
