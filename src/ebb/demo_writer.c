/* SPDX-License-Identifier: Apache-2.0 */
/* A timer that asks for writes as the cycle goes, and the connection that carries them. */
#include "ebb/demo_writer.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/container.h"
#include "base/own.h"
#include "base/units.h"
#include "os/clock.h"
#include "os/net.h"
#include "os/world.h"

enum { PARTS = 4, WORDS = 64, DUE_MOST = 64 };

static const int64_t step_ns = 20 * NS_PER_MS, again_ns = 500 * NS_PER_MS;

uint64_t writer_place(uint64_t number, uint64_t blocks)
{
	return (uint32_t)(number * 2654435761U) % blocks;
}

/* SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t mixed(uint64_t state)
{
	uint64_t z = state + 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void writer_fill(uint64_t number, uint8_t ret_bytes[WRITER_BLOCK])
{
	enum { PART = WORDS * 8 };
	put_le64(ret_bytes, number);
	for (uint64_t i = 1; i < WORDS; i++)
		put_le64(ret_bytes + i * 8, mixed(number * WORDS + i));
	for (size_t at = PART; at < WRITER_BLOCK; at += PART)
		memcpy(ret_bytes + at, ret_bytes, PART);
}

/* ---- the connection ---- */

static void hang_up(struct writer *writer)
{
	stream_close(TAKE(writer->stream));
	nbd_client_free(TAKE(writer->client));
	writer->out = false;
}

/* 1 to go on, 0 when nothing goes now, or an error. */
static int send_some(struct writer *writer)
{
	struct iovec parts[PARTS];
	unsigned count = nbd_client_waiting(writer->client, parts, PARTS);
	if (!count)
		return 0;
	ssize_t n = stream_write_parts(writer->stream, parts, count);
	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	nbd_client_sent(writer->client, (size_t)n);
	return 1;
}

static int receive_some(struct writer *writer)
{
	struct iovec room = nbd_client_room(writer->client);
	ssize_t n = stream_read(writer->stream, room.iov_base, room.iov_len);
	if (n <= 0)
		return n == -EAGAIN ? 0 : n ? (int)n : -EPIPE;
	nbd_client_came(writer->client, (size_t)n);
	return 1;
}

static void on_done(struct nbd_asked *asked, int err)
{
	struct writer *writer = container_of(asked, struct writer, asked);
	writer->out = false;
	/* One that failed, or of which nobody knows, is written once more: it is the same bytes. */
	if (!err)
		writer->done = writer->begun;
}

static void write_next(struct writer *writer)
{
	if (writer->out || nbd_client_state(writer->client) != NBD_CLIENT_READY)
		return;
	if (writer->begun == writer->done) {
		if (writer->due < 1)
			return;
		writer->due--;
		writer->begun++;
		writer_fill(writer->begun, writer->bytes);
	}
	writer->asked = (struct nbd_asked){.type = NBD_WRITE,
		.offset = writer_place(writer->begun, writer->blocks) * WRITER_BLOCK,
		.length = WRITER_BLOCK,
		.bytes = writer->bytes,
		.done = on_done};
	writer->out = true;
	nbd_client_ask(writer->client, &writer->asked);
}

static void pump(struct writer *writer)
{
	struct iovec part;
	int more;
	do {
		write_next(writer);
		more = 1;
		while (more > 0)
			more = send_some(writer);
		if (!more)
			more = receive_some(writer);
	} while (more > 0 && nbd_client_state(writer->client) != NBD_CLIENT_ENDED);
	if (more < 0 || nbd_client_state(writer->client) == NBD_CLIENT_ENDED) {
		writer->lost++;
		hang_up(writer);
		return;
	}
	bool waits = nbd_client_waiting(writer->client, &part, 1);
	stream_want(writer->stream, STREAM_CAN_READ | (waits ? (unsigned)STREAM_CAN_WRITE : 0));
}

static void on_event(struct stream *stream, unsigned events)
{
	struct writer *writer = stream->arg;
	if (events & STREAM_GONE) {
		writer->lost++;
		hang_up(writer);
	} else {
		pump(writer);
	}
}

static void hang_on(struct writer *writer)
{
	const struct nbd_client_options options = {.name = writer->name};
	writer->client = nbd_client_new(&options);
	if (!writer->client ||
		net_connect(writer->world->net, writer->address, &writer->stream, NULL)) {
		hang_up(writer);
		return;
	}
	writer->stream->arg = writer;
	writer->stream->on_event = on_event;
	stream_want(writer->stream, STREAM_CAN_READ | STREAM_CAN_WRITE);
}

/* ---- the cycle ---- */

static void on_step(struct timer *timer)
{
	struct writer *writer = container_of(timer, struct writer, timer);
	int64_t now_ns = clock_mono_ns(writer->world->clock);
	double passed_s = (double)(now_ns - writer->last_ns) / (double)NS_PER_SEC;
	double wave = sin(M_PI * (double)now_ns / (double)NS_PER_SEC / writer->cycle_s);
	writer->last_ns = now_ns;
	/* What a busy machine did not let it write is not made up for. */
	writer->due = fmin(writer->due + writer->most * wave * wave * passed_s, DUE_MOST);
	if (!writer->stream)
		hang_on(writer);
	else
		pump(writer);
	timer_set(writer->world->loop, timer, now_ns + (writer->stream ? step_ns : again_ns));
}

void writer_start(struct writer *writer)
{
	writer->timer.fn = on_step;
	writer->last_ns = clock_mono_ns(writer->world->clock);
	timer_set(writer->world->loop, &writer->timer, writer->last_ns);
}

void writer_stop(struct writer *writer)
{
	if (!writer->world)
		return;
	timer_cancel(writer->world->loop, &writer->timer);
	hang_up(writer);
}
