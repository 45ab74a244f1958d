/* SPDX-License-Identifier: Apache-2.0 */
/* File I/O on threads of its own: each request is a task that makes the blocking call. */
#include <errno.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/linux/aio.h"
#include "os/linux/workers.h"
#include "os/loop.h"

/* As many requests reach the device at once; each thread has another one at hand. */
enum { THREADS = 16, DEPTH = 2 };

struct slot {
	struct task task;
	struct aio_threads *owner;
	struct aio_request *request;
	struct slot *next; /* free */
};

struct aio_threads {
	struct linux_aio base;
	struct workers *workers;
	struct slot *free;
	struct slot slots[AIO_MAX];
};

static void work(struct task *task)
{
	struct aio_request *request = container_of(task, struct slot, task)->request;
	if (request->kind == AIO_READ)
		request->result = file_read_at(
			request->file, request->bytes, request->len, request->at);
	else if (request->kind == AIO_WRITE)
		request->result = file_write_at(
			request->file, request->bytes, request->len, request->at);
	else
		request->result = file_sync(request->file);
}

static void done(struct task *task)
{
	struct slot *slot = container_of(task, struct slot, task);
	struct aio_request *request = slot->request;
	slot->next = slot->owner->free;
	slot->owner->free = slot;
	request->done(request, request->result);
}

static int submit(struct aio *base, struct aio_request *request)
{
	struct aio_threads *aio = container_of(base, struct aio_threads, base.base);
	struct slot *slot = aio->free;
	if (!slot)
		return -EAGAIN;
	aio->free = slot->next;
	slot->request = request;
	must(workers_start(aio->workers, &slot->task) == 0); /* it has room for more than AIO_MAX */
	return 0;
}

static const char *name(struct aio *aio)
{
	(void)aio;
	return "threads";
}

static void close_threads(struct linux_aio *base)
{
	struct aio_threads *aio = container_of(base, struct aio_threads, base);
	workers_close(aio->workers);
	free(aio);
}

int aio_threads_open(struct linux_loop *loop, struct linux_aio **ret_aio, struct why *why)
{
	static const struct aio_ops ops = {.submit = submit, .now = aio_file_now, .name = name};
	OWN(own_free) struct aio_threads *aio = calloc(1, sizeof(*aio));
	if (!aio)
		return why_errno(why, -ENOMEM, "file I/O on threads");
	*aio = (struct aio_threads){.base = {.base.ops = &ops, .close = close_threads}};
	for (size_t i = AIO_MAX; i--;) {
		aio->slots[i].task = (struct task){.work = work, .done = done};
		aio->slots[i].owner = aio;
		aio->slots[i].next = aio->free;
		aio->free = &aio->slots[i];
	}
	int err = workers_open(loop, THREADS, DEPTH, &aio->workers, why);
	if (err)
		return err;
	*ret_aio = &TAKE(aio)->base;
	return 0;
}
