/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to what a volume is filled from. */
#include <errno.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb-vold/fill_inner.h"
#include "os/clock.h"
#include "os/net.h"
#include "os/world.h"

#define RETRY_NS (200 * NS_PER_MS)

enum { PARTS = 8 };

static void try_again(struct fill *fill)
{
	if (!fill->stopped)
		timer_set(fill->parts.world->loop, &fill->retry,
			clock_mono_ns(fill->parts.world->clock) + RETRY_NS);
}

static void cut_off(struct fill *fill)
{
	stream_close(TAKE(fill->stream));
	nbd_client_free(TAKE(fill->client));
	try_again(fill);
	fill_kick(fill);
}

/* Each: 1 to go on, 0 to wait for the socket, or an error. */

static int send_some(struct fill *fill)
{
	struct iovec parts[PARTS];
	unsigned count = nbd_client_waiting(fill->client, parts, PARTS);
	if (!count)
		return 0;
	ssize_t n = stream_write_parts(fill->stream, parts, count);
	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	nbd_client_sent(fill->client, (size_t)n);
	return 1;
}

static int receive_some(struct fill *fill)
{
	struct iovec room = nbd_client_room(fill->client);
	ssize_t n = stream_read(fill->stream, room.iov_base, room.iov_len);
	if (n <= 0)
		return n == -EAGAIN ? 0 : n ? (int)n : -EPIPE;
	nbd_client_came(fill->client, (size_t)n);
	return nbd_client_state(fill->client) == NBD_CLIENT_ENDED ? -EPIPE : 1;
}

void source_push(struct fill *fill)
{
	struct iovec part;
	int more = fill->stream ? 1 : 0;
	if (!more)
		return;
	while (more > 0)
		more = send_some(fill);
	if (more < 0) {
		cut_off(fill);
		return;
	}
	bool waits = nbd_client_waiting(fill->client, &part, 1);
	stream_want(fill->stream, STREAM_CAN_READ | (waits ? (unsigned)STREAM_CAN_WRITE : 0));
}

/* Answers come back as bytes of requests; what follows from them is for the step. */
static void on_event(struct stream *stream, unsigned events)
{
	enum { TURNS = 16 };
	struct fill *fill = stream->arg;
	int more = events & STREAM_GONE ? -EPIPE : 1;
	for (int i = 0; more > 0 && i < TURNS; i++)
		more = receive_some(fill);
	if (more < 0) {
		cut_off(fill);
		return;
	}
	source_push(fill);
	fill_kick(fill);
}

static void connect_source(struct fill *fill)
{
	const struct nbd_client_options options = {
		.name = fill->name, .contexts = {"base:allocation"}, .context_count = 1};
	struct why why;
	fill->client = nbd_client_new(&options);
	if (!fill->client ||
		net_connect(fill->parts.world->net, fill->address, &fill->stream, &why)) {
		nbd_client_free(TAKE(fill->client));
		try_again(fill);
		return;
	}
	fill->stream->arg = fill;
	fill->stream->on_event = on_event;
	stream_want(fill->stream, STREAM_CAN_READ | STREAM_CAN_WRITE);
}

static void on_retry(struct timer *timer)
{
	connect_source(container_of(timer, struct fill, retry));
}

void source_open(struct fill *fill)
{
	fill->retry.fn = on_retry;
	connect_source(fill);
}

void source_close(struct fill *fill)
{
	fill->stopped = true;
	timer_cancel(fill->parts.world->loop, &fill->retry);
	stream_close(TAKE(fill->stream));
	nbd_client_free(TAKE(fill->client));
}

bool source_ready(const struct fill *fill)
{
	return fill->client && nbd_client_state(fill->client) == NBD_CLIENT_READY;
}
