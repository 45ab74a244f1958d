/* SPDX-License-Identifier: Apache-2.0 */
/* A client of room nbd, and the stream that carries its bytes. */
#include "ebb/volume_link.h"

#include <errno.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/linux/stream.h"
#include "os/linux/world.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/world.h"

enum { PARTS = 8, ASK_MOST = 8 << 20 };

/* So much of it is asked for holes at once: what answers is busy with nothing else meanwhile. */
#define LOOK_AT_ONCE (UINT64_C(1) << 30)

#define PATIENCE_NS (5 * NS_PER_SEC)

/* ---- bytes ---- */

/* The loop is others', too: it is stopped only when it turns for us. */
static void turn(struct volume_link *link)
{
	link->turning = true;
	linux_run(link->lw);
	link->turning = false;
}

static void stop_turning(struct volume_link *link)
{
	if (link->turning)
		loop_stop(link->world->loop);
}

static void cut_off(struct volume_link *link, const char *why)
{
	stream_close(TAKE(link->stream));
	nbd_client_gone(link->client, why);
	stop_turning(link);
}

/* 1 to go on, 0 when the socket takes no more, or an error. */
static int send_some(struct volume_link *link)
{
	struct iovec parts[PARTS];
	unsigned count = nbd_client_waiting(link->client, parts, PARTS);
	if (!count)
		return 0;
	ssize_t n = stream_write_parts(link->stream, parts, count);
	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	nbd_client_sent(link->client, (size_t)n);
	return 1;
}

static int receive_some(struct volume_link *link)
{
	struct iovec room = nbd_client_room(link->client);
	ssize_t n = stream_read(link->stream, room.iov_base, room.iov_len);
	if (n <= 0)
		return n == -EAGAIN ? 0 : n ? (int)n : -EPIPE;
	nbd_client_came(link->client, (size_t)n);
	return 1;
}

static void pump(struct volume_link *link)
{
	struct iovec part;
	int more = 1;
	while (more > 0)
		more = send_some(link);
	if (!more)
		more = 1;
	while (more > 0 && nbd_client_state(link->client) != NBD_CLIENT_ENDED && !link->answered)
		more = receive_some(link);
	if (more < 0) {
		cut_off(link, "it hung up");
		return;
	}
	bool waits = nbd_client_waiting(link->client, &part, 1);
	stream_want(link->stream, STREAM_CAN_READ | (waits ? (unsigned)STREAM_CAN_WRITE : 0));
}

static void on_event(struct stream *stream, unsigned events)
{
	struct volume_link *link = stream->arg;
	if (events & STREAM_GONE)
		cut_off(link, "it hung up");
	else
		pump(link);
	/* Answered, ready, or over: whoever waits looks which. */
	stop_turning(link);
}

/* ---- requests ---- */

struct ask {
	struct nbd_asked asked;
	struct volume_link *link;
	uint64_t told; /* bytes whose holes are known by now */
};

static void on_done(struct nbd_asked *asked, int err)
{
	struct volume_link *link = container_of(asked, struct ask, asked)->link;
	link->answered = true;
	link->err = err;
}

static int ask(struct volume_link *link, struct ask *ask)
{
	ask->link = link;
	ask->asked.done = on_done;
	link->answered = false;
	if (!link->stream)
		return -EPIPE;
	nbd_client_ask(link->client, &ask->asked);
	if (!link->answered)
		pump(link);
	while (!link->answered)
		turn(link);
	return link->err;
}

static ssize_t read_at(struct file *file, void *bytes, size_t len, uint64_t at)
{
	struct volume_link *link = container_of(file, struct volume_link, file);
	if (at >= link->size)
		return 0;
	len = link->size - at < len ? (size_t)(link->size - at) : len;
	len = len < ASK_MOST ? len : ASK_MOST;
	struct ask asking = {.asked = {
				     .type = NBD_READ,
				     .offset = at,
				     .length = (uint32_t)len,
				     .bytes = bytes,
			     }};
	int err = len ? ask(link, &asking) : 0;
	return err ? err : (ssize_t)len;
}

static ssize_t write_at(struct file *file, const void *bytes, size_t len, uint64_t at)
{
	struct volume_link *link = container_of(file, struct volume_link, file);
	len = len < ASK_MOST ? len : ASK_MOST;
	struct ask asking = {.asked = {
				     .type = NBD_WRITE,
				     .offset = at,
				     .length = (uint32_t)len,
				     .bytes = (uint8_t *)(uintptr_t)bytes,
			     }};
	int err = len ? ask(link, &asking) : 0;
	link->looked_from = link->looked_to = 0;
	return err ? err : (ssize_t)len;
}

static int sync_link(struct file *file)
{
	struct volume_link *link = container_of(file, struct volume_link, file);
	struct ask asking = {.asked.type = NBD_FLUSH};
	return ask(link, &asking);
}

static int truncate_link(struct file *file, uint64_t size)
{
	(void)file, (void)size;
	return -EOPNOTSUPP;
}

static int size_of(struct file *file, uint64_t *ret_size)
{
	*ret_size = container_of(file, struct volume_link, file)->size;
	return 0;
}

static int lock_link(struct file *file)
{
	(void)file;
	return -EOPNOTSUPP;
}

static void close_file(struct file *file)
{
	(void)file; /* its owner closes the link */
}

static const struct file_ops file_ops = {.read_at = read_at,
	.write_at = write_at,
	.sync = sync_link,
	.truncate = truncate_link,
	.size = size_of,
	.lock = lock_link,
	.close = close_file};

/* ---- holes ---- */

static void on_extent(struct nbd_asked *asked, unsigned context, uint64_t len, uint32_t flags)
{
	struct ask *looking = container_of(asked, struct ask, asked);
	struct volume_link *link = looking->link;
	uint64_t from = asked->offset + looking->told, to = from + len;
	(void)context;
	looking->told += len;
	to = to < link->size ? to : link->size;
	if (flags & NBD_ZEROES || from >= to)
		return;
	size_t count = link->found.len;
	if (count && link->found.at[count - 1].to == from)
		link->found.at[count - 1].to = to;
	else if (vec_push(&link->found, ((struct changed_range){from, to})))
		asked->err = -ENOMEM;
}

/* Looks for holes from there on. */
static int look(struct volume_link *link, uint64_t at)
{
	uint64_t len = link->size - at < LOOK_AT_ONCE ? link->size - at : LOOK_AT_ONCE;
	struct ask asking = {.asked = {
				     .type = NBD_STATUS,
				     .offset = at,
				     .length = (uint32_t)len,
				     .on_extent = on_extent,
			     }};
	link->found.len = 0;
	int err = ask(link, &asking);
	if (!err && !asking.told)
		err = -EIO;
	link->looked_from = at;
	link->looked_to = err ? at : at + asking.told;
	return err;
}

static int next_data(struct image_ranges *ranges, uint64_t at, uint64_t *ret_from, uint64_t *ret_to)
{
	struct volume_link *link = container_of(ranges, struct volume_link, data);
	if (!(nbd_client_facts(link->client)->contexts & 1)) {
		*ret_from = at;
		*ret_to = link->size;
		return at < link->size ? 0 : -ENXIO;
	}
	while (at < link->size) {
		int err = at >= link->looked_from && at < link->looked_to ? 0 : look(link, at);
		if (err)
			return err;
		vec_each (range, &link->found) {
			if (range->to <= at)
				continue;
			*ret_from = range->from;
			*ret_to = range->to;
			return 0;
		}
		at = link->looked_to;
	}
	return -ENXIO;
}

/* ---- the connection ---- */

static int begin(struct volume_link *link, const char *address, struct why *why)
{
	int err = net_connect(link->world->net, address, &link->stream, why);
	if (err)
		return err;
	link->stream->arg = link;
	link->stream->on_event = on_event;
	linux_stream_large(link->stream);
	stream_want(link->stream, STREAM_CAN_READ | STREAM_CAN_WRITE);
	while (nbd_client_state(link->client) == NBD_CLIENT_BEGINS)
		turn(link);
	if (nbd_client_state(link->client) == NBD_CLIENT_ENDED)
		return why_set(why, -ECONNREFUSED, "%s: %s", address, nbd_client_why(link->client));
	link->size = nbd_client_facts(link->client)->size;
	return 0;
}

int volume_link_open(struct linux_world *lw, const char *address, const char *name,
	struct volume_link *ret_link, struct why *why)
{
	const struct nbd_client_options options = {
		.name = name, .contexts = {"base:allocation"}, .context_count = 1};
	*ret_link = (struct volume_link){.file.ops = &file_ops,
		.data.next = next_data,
		.lw = lw,
		.world = linux_world(lw),
		.client = nbd_client_new(&options)};
	if (!ret_link->client)
		return why_set(why, -ENOMEM, "no memory");
	return begin(ret_link, address, why);
}

static void on_patience(struct timer *timer)
{
	struct volume_link *link = container_of(timer, struct volume_link, patience);
	if (link->stream)
		cut_off(link, "it does not hang up");
}

/* Until the server has hung up, so that it knows when we return. */
static void say_farewell(struct volume_link *link)
{
	struct timer *patience = &link->patience;
	nbd_client_leave(link->client);
	link->answered = false;
	patience->fn = on_patience;
	timer_set(link->world->loop, patience, clock_mono_ns(link->world->clock) + PATIENCE_NS);
	pump(link);
	while (link->stream)
		turn(link);
	timer_cancel(link->world->loop, patience);
}

void volume_link_close(struct volume_link *link)
{
	if (link->stream && nbd_client_state(link->client) == NBD_CLIENT_READY)
		say_farewell(link);
	stream_close(link->stream);
	nbd_client_free(link->client);
	vec_done(&link->found);
	*link = (struct volume_link){0};
}
