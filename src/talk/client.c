/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The asking side: CONNECT -> SEND -> READ -> answered, with one deadline over all of it. A busy
 * program leads from READ back to CONNECT after a pause.
 */
#include "talk/client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/world.h"
#include "talk/line.h"

static const int64_t pause_ns = 50 * NS_PER_MS;

struct talk_ask {
	struct world *world;
	struct stream *stream;
	struct timer connect, deadline;
	int64_t timeout_ns;
	talk_answer_fn *on_answer;
	void *arg;
	struct str address, request, reply;
	size_t sent;
};

static void hang_up(struct talk_ask *ask)
{
	stream_close(ask->stream);
	ask->stream = NULL;
	timer_cancel(ask->world->loop, &ask->connect);
}

void talk_cancel(struct talk_ask *ask)
{
	if (!ask)
		return;
	hang_up(ask);
	timer_cancel(ask->world->loop, &ask->deadline);
	str_done(&ask->address);
	str_done(&ask->request);
	str_done(&ask->reply);
	free(ask);
}

/* Tells the answer; the ask is over. */
static void tell(struct talk_ask *ask, const struct talk_answer *answer)
{
	hang_up(ask);
	timer_cancel(ask->world->loop, &ask->deadline);
	ask->on_answer(ask->arg, answer);
	talk_cancel(ask);
}

static void fail(struct talk_ask *ask, int err, struct why *why)
{
	tell(ask, &(struct talk_answer){.err = err, .why = why});
}

static void on_deadline(struct timer *timer)
{
	struct talk_ask *ask = container_of(timer, struct talk_ask, deadline);
	struct why why;
	char text[UNITS_TEXT];
	fail(ask,
		why_set(&why, -ETIMEDOUT, "%s did not answer within %s", str_text(&ask->address),
			units_show_duration(ask->timeout_ns, text)),
		&why);
}

static void on_whole_line(struct talk_ask *ask, size_t len)
{
	struct why why;
	OWN(talk_reply_done) struct talk_reply reply = {0};
	ask->reply.at[len] = '\0';
	int err = talk_reply_parse(ask->reply.at, len, &reply, &why);
	if (err) {
		fail(ask, why_prefix(&why, err, "%s", str_text(&ask->address)), &why);
	} else if (reply.busy) {
		hang_up(ask);
		timer_set(ask->world->loop, &ask->connect,
			clock_mono_ns(ask->world->clock) + pause_ns);
	} else {
		tell(ask, &(struct talk_answer){.reply = &reply, .line = ask->reply.at});
	}
}

/* 0: more is to come; 1: the line is whole and was dealt with; else how it went wrong. */
static int read_reply(struct talk_ask *ask)
{
	char bytes[8192];
	for (;;) {
		ssize_t n = stream_read(ask->stream, bytes, sizeof(bytes));
		if (n == 0 || n == -ECONNRESET)
			return -EPIPE;
		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		const char *end = memchr(bytes, '\n', (size_t)n);
		size_t before = ask->reply.len;
		str_add_bytes(&ask->reply, bytes, (size_t)n);
		if (str_error(&ask->reply))
			return -ENOMEM;
		if (end) {
			on_whole_line(ask, before + (size_t)(end - bytes));
			return 1;
		}
		if (ask->reply.len >= TALK_REPLY_MAX)
			return -EMSGSIZE;
	}
}

static int send_request(struct talk_ask *ask)
{
	while (ask->sent < ask->request.len) {
		ssize_t n = stream_write(
			ask->stream, ask->request.at + ask->sent, ask->request.len - ask->sent);
		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		ask->sent += (size_t)n;
	}
	return 1;
}

static void on_event(struct stream *stream, unsigned events)
{
	struct talk_ask *ask = stream->arg;
	struct why why;
	/* A program may have answered and hung up before our request was sent: so read at any end.
	 */
	if (events & STREAM_CAN_WRITE && !(events & STREAM_GONE)) {
		int sent = send_request(ask);
		if (sent > 0)
			stream_want(stream, STREAM_CAN_READ);
		if (sent >= 0 && !(events & STREAM_CAN_READ))
			return;
	}
	int got = read_reply(ask);
	if (got == 0 && events & STREAM_GONE)
		got = -EPIPE;
	if (got >= 0)
		return;
	const char *address = str_text(&ask->address);
	if (got == -EPIPE)
		why_set(&why, got, "%s hung up before it answered", address);
	else if (got == -EMSGSIZE)
		why_set(&why, got, "%s answers more than 1 MiB", address);
	else
		why_errno(&why, got, "%s", address);
	fail(ask, got, &why);
}

static void on_connect(struct timer *timer)
{
	struct talk_ask *ask = container_of(timer, struct talk_ask, connect);
	struct why why;
	int err = net_connect(ask->world->net, str_text(&ask->address), &ask->stream, &why);
	if (err) {
		fail(ask, err, &why);
		return;
	}
	ask->sent = 0;
	str_clear(&ask->reply);
	ask->stream->on_event = on_event;
	ask->stream->arg = ask;
	stream_want(ask->stream, STREAM_CAN_READ | STREAM_CAN_WRITE);
}

int talk_ask(struct world *world, const struct talk_question *question, struct talk_ask **ret_ask,
	struct why *why)
{
	struct talk_ask *ask = calloc(1, sizeof(*ask));
	if (!ask)
		return why_set(why, -ENOMEM, "out of memory");
	ask->world = world;
	ask->timeout_ns = question->timeout_ns;
	ask->on_answer = question->on_answer;
	ask->arg = question->arg;
	ask->connect.fn = on_connect;
	ask->deadline.fn = on_deadline;
	str_add(&ask->address, question->address);
	int err = talk_line_make(question->words, question->word_count, &ask->request, why);
	if (!err && str_error(&ask->address))
		err = why_set(why, -ENOMEM, "out of memory");
	if (err) {
		talk_cancel(ask);
		return err;
	}
	int64_t now = clock_mono_ns(world->clock);
	timer_set(world->loop, &ask->connect, now);
	timer_set(world->loop, &ask->deadline, now + question->timeout_ns);
	*ret_ask = ask;
	return 0;
}
