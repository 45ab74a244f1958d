/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of events (HTML standard, "Server-sent events"). A reader costs nothing while nothing
 * happens: its connection is suspended. What it missed it gets as long as it is remembered; when it
 * is not, it is told to look anew. Now and then a line that says nothing shows whether it is there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "os/clock.h"
#include "os/world.h"
#include "web/inside.h"

#define BEAT_NS (15 * NS_PER_SEC)

enum { CHUNK = 4096, HELLO = 160 };

struct reader {
	struct client *client;
	struct MHD_Connection *connection;
	struct reader *next, **at; /* of all */
	uint64_t seen;             /* the number of the last event that was begun */
	struct event *event;       /* that is going out; NULL: none */
	size_t sent;               /* of it */
	char hello[HELLO];         /* goes out first */
	size_t hello_sent;
	bool beat; /* say that we are here */
	bool suspended;
};

/* It has missed some, or those of another life. */
static void start_anew(struct reader *reader, const char *reason)
{
	const struct events *events = &reader->client->web->events;
	reader->seen = events->next - 1;
	reader->hello_sent = 0;
	snprintf(reader->hello, HELLO,
		"id: %" PRIu64 "\nevent: reset\ndata: {\"reason\":\"%s\"}\n\n", reader->seen,
		reason);
}

static size_t put(char *to, size_t room, const char *text, size_t len, size_t *sent)
{
	size_t count = len - *sent < room ? len - *sent : room;
	memcpy(to, text + *sent, count);
	*sent += count;
	return count;
}

/* The next event, when there is one. */
static bool take_next(struct reader *reader)
{
	const struct events *events = &reader->client->web->events;
	if (!events_follow(events, reader->seen)) {
		start_anew(reader, "too much happened since");
		return true;
	}
	reader->event = events_after(events, reader->seen);
	reader->sent = 0;
	if (reader->event)
		reader->seen = reader->event->id;
	return reader->event != NULL;
}

static size_t fill(struct reader *reader, char *to, size_t room)
{
	size_t used = 0;
	do {
		size_t hello_len = strlen(reader->hello);
		used += put(to + used, room - used, reader->hello, hello_len, &reader->hello_sent);
		if (reader->hello_sent < hello_len)
			break;
		reader->hello[0] = '\0';
		reader->hello_sent = 0;
		if (!reader->event)
			continue;
		used += put(to + used, room - used, reader->event->text, reader->event->len,
			&reader->sent);
		if (reader->sent < reader->event->len)
			break;
		event_unref(reader->event);
		reader->event = NULL;
	} while (used < room && take_next(reader));
	return used;
}

static ssize_t read_more(void *arg, uint64_t at, char *to, size_t room)
{
	static const char beat[] = ":\n\n";
	struct reader *reader = arg;
	(void)at;
	size_t used = fill(reader, to, room);
	if (!used && reader->beat && room >= strlen(beat)) {
		used = strlen(beat);
		memcpy(to, beat, used);
	}
	reader->beat = false;
	/* Asked again only when all before was taken: who does not take it is hung up on. */
	client_expect(reader->client, WEB_TAKE_NS);
	if (!used) {
		MHD_suspend_connection(reader->connection);
		reader->suspended = true;
	}
	return (ssize_t)used;
}

static void reader_free(void *arg)
{
	struct reader *reader = arg;
	reader->client->reader = NULL;
	reader->client->web->reader_count--;
	*reader->at = reader->next;
	if (reader->next)
		reader->next->at = reader->at;
	event_unref(reader->event);
	free(reader);
}

static void begin(struct reader *reader, const char *last_id)
{
	struct events *events = &reader->client->web->events;
	uint64_t id = last_id ? strtoull(last_id, NULL, 10) : 0;
	reader->seen = events->next - 1;
	snprintf(reader->hello, HELLO, "retry: 1000\n\n");
	if (!last_id)
		return;
	if (events_before_boot(events, id))
		start_anew(reader, "ebbd was started anew");
	else if (!events_follow(events, id))
		start_anew(reader, "too much happened since");
	else
		reader->seen = id;
}

struct MHD_Response *stream_start(
	struct client *client, struct MHD_Connection *connection, const char *last_id)
{
	struct web *web = client->web;
	struct reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return NULL;
	*reader = (struct reader){.client = client,
		.connection = connection,
		.next = web->readers,
		.at = &web->readers};
	if (reader->next)
		reader->next->at = &reader->next;
	web->readers = reader;
	web->reader_count++;
	client->reader = reader;
	begin(reader, last_id);
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, CHUNK, read_more, reader, reader_free);
	if (!response)
		reader_free(reader);
	return response;
}

void stream_wake(struct reader *reader)
{
	if (!reader->suspended)
		return;
	reader->suspended = false;
	MHD_resume_connection(reader->connection);
	engine_wake(reader->client->engine);
}

void streams_wake(struct web *web)
{
	for (struct reader *reader = web->readers; reader; reader = reader->next)
		stream_wake(reader);
}

static void on_beat(struct timer *timer)
{
	struct web *web = container_of(timer, struct web, beat);
	for (struct reader *reader = web->readers; reader; reader = reader->next) {
		reader->beat = true;
		stream_wake(reader);
	}
	timer_set(web->world->loop, timer, clock_mono_ns(web->world->clock) + BEAT_NS);
}

void streams_begin(struct web *web)
{
	web->beat.fn = on_beat;
	timer_set(web->world->loop, &web->beat, clock_mono_ns(web->world->clock) + BEAT_NS);
}

void streams_end(struct web *web)
{
	timer_cancel(web->world->loop, &web->beat);
	streams_wake(web);
}
