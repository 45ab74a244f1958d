/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answering side. A client's turn is a small loop: send what waits, answer the next whole line,
 * else read more. It leaves the loop when the transport has no more to give or take, or when it has
 * had its share and others wait for theirs. One that is leaving is only read, until it hangs up.
 */
#include "talk/server.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "base/str.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/world.h"
#include "talk/line.h"
#include "talk/reply.h"

enum {
	SHARE = 32,     /* steps of one client before the loop looks at the others */
	VERBS_MAX = 64, /* of one program */
	PLACES = TALK_CLIENTS + TALK_LEAVING,
};

struct client {
	struct talk_server *server;
	struct stream *stream;
	struct timer deadline;
	int64_t since_ns; /* when its exchange began */
	struct str reply;
	size_t sent;
	bool leaving; /* its reply is the last one; what else it says is not heard */
	size_t line_len;
	char line[TALK_LINE_MAX];
};

struct talk_server {
	struct world *world;
	struct listener *listener;
	struct talk_options options;
	struct client *clients[PLACES]; /* those turned away sit behind TALK_CLIENTS */
};

static void client_free(struct client *client)
{
	struct talk_server *server = client->server;
	for (size_t i = 0; i < PLACES; i++)
		if (server->clients[i] == client)
			server->clients[i] = NULL;
	timer_cancel(server->world->loop, &client->deadline);
	stream_close(client->stream);
	str_done(&client->reply);
	free(client);
}

static void on_deadline(struct timer *timer)
{
	client_free(container_of(timer, struct client, deadline));
}

static void begin_exchange(struct client *client)
{
	struct world *world = client->server->world;
	client->since_ns = clock_mono_ns(world->clock);
	timer_set(world->loop, &client->deadline,
		client->since_ns + (client->leaving ? TALK_GRACE_NS : TALK_EXCHANGE_NS));
}

static void verb_help(const struct talk_server *server, struct str *ret_reply)
{
	json_t *list = json_array();
	for (size_t i = 0; i < server->options.verb_count; i++) {
		const struct talk_verb *verb = &server->options.verbs[i];
		json_t *entry = json_pack("{s:s,s:s,s:s}", "name", verb->name, "arguments",
			verb->arguments, "help", verb->help);
		if (json_array_append_new(list, entry) != 0) {
			json_decref(list);
			list = NULL;
			break;
		}
	}
	talk_reply_ok(
		ret_reply, list ? json_pack("{s:s,s:o}", "type", "help", "verbs", list) : NULL);
}

static void refuse_verb(const struct talk_server *server, const char *word, struct str *ret_reply)
{
	const char *names[VERBS_MAX + 1] = {"help"};
	size_t count = 1;
	for (size_t i = 0; i < server->options.verb_count; i++)
		names[count++] = server->options.verbs[i].name;
	const char *nearest = str_nearest(word, names, count);
	if (nearest)
		talk_reply_refuse(ret_reply, TALK_USAGE, "no verb \"%.64s\": did you mean \"%s\"?",
			word, nearest);
	else
		talk_reply_refuse(ret_reply, TALK_USAGE,
			"no verb \"%.64s\": \"help\" lists those there are", word);
}

static void call_verb(
	const struct talk_server *server, const struct talk_words *words, struct str *ret_reply)
{
	const struct talk_options *options = &server->options;
	const char *word = words->at[0];
	if (strcmp(word, "help") == 0) {
		verb_help(server, ret_reply);
		return;
	}
	const struct talk_verb *verb = NULL;
	for (size_t i = 0; i < options->verb_count && !verb; i++)
		if (strcmp(word, options->verbs[i].name) == 0)
			verb = &options->verbs[i];
	if (!verb)
		refuse_verb(server, word, ret_reply);
	else if (words->count - 1 > verb->max_arguments)
		talk_reply_refuse(ret_reply, TALK_USAGE, "too many arguments; usage: %s%s%s",
			verb->name, *verb->arguments ? " " : "", verb->arguments);
	else
		verb->handler(options->arg, words->count, words->at, ret_reply);
}

static void answer(struct client *client, size_t line_len)
{
	struct talk_words words;
	struct why why;
	struct str *reply = &client->reply;
	if (talk_line_parse(client->line, line_len, &words, &why) != 0)
		talk_reply_refuse(reply, TALK_USAGE, "%s", why.text);
	else
		call_verb(client->server, &words, reply);
	must(reply->len || reply->failed);
	if (str_error(reply) || reply->len >= TALK_REPLY_MAX) {
		bool memory = str_error(reply) != 0;
		str_done(reply);
		talk_reply_refuse(reply, TALK_FAILED, "%s",
			memory ? "out of memory" : "the reply would be larger than 1 MiB");
	}
	str_add(reply, "\n");
}

/* Answers the next whole line. False: there is none yet. */
static bool answer_line(struct client *client)
{
	char *end = memchr(client->line, '\n', client->line_len);
	if (end) {
		size_t len = (size_t)(end - client->line);
		answer(client, len);
		client->line_len -= len + 1;
		memmove(client->line, end + 1, client->line_len);
		return true;
	}
	if (client->line_len < TALK_LINE_MAX)
		return false;
	/* Where the next line would begin is not known any more. */
	talk_reply_refuse(
		&client->reply, TALK_USAGE, "a request has at most %d bytes", TALK_LINE_MAX);
	str_add(&client->reply, "\n");
	client->leaving = true;
	return true;
}

/* 1: nothing is left to send; 0: the transport takes no more now; else it is over. */
static int send_reply(struct client *client)
{
	struct str *reply = &client->reply;
	if (str_error(reply))
		return -ENOMEM;
	if (!reply->len)
		return 1;
	while (client->sent < reply->len) {
		ssize_t n = stream_write(
			client->stream, reply->at + client->sent, reply->len - client->sent);
		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		client->sent += (size_t)n;
	}
	str_done(reply);
	client->sent = 0;
	begin_exchange(client);
	return 1;
}

/* Goes on as far as it can. What to wait for then; 0: the connection is over. */
static unsigned take_turn(struct client *client)
{
	for (int step = 0; step < SHARE; step++) {
		int sent = send_reply(client);
		if (sent <= 0)
			return sent == 0 ? STREAM_CAN_WRITE : 0;
		if (client->leaving)
			client->line_len = 0;
		else if (answer_line(client))
			continue;
		ssize_t n = stream_read(client->stream, client->line + client->line_len,
			TALK_LINE_MAX - client->line_len);
		if (n <= 0)
			return n == -EAGAIN ? STREAM_CAN_READ : 0;
		client->line_len += (size_t)n;
	}
	/* Its line buffer may hold requests of which no read will tell; a write can go on at once.
	 */
	return STREAM_CAN_WRITE;
}

static void on_event(struct stream *stream, unsigned events)
{
	struct client *client = stream->arg;
	unsigned wanted = events & STREAM_GONE ? 0 : take_turn(client);
	if (wanted)
		stream_want(stream, wanted);
	else
		client_free(client);
}

static bool may_talk(const struct talk_server *server, struct stream *stream)
{
	struct peer peer;
	int err = stream_peer(stream, &peer);
	if (err)
		return err == -ENOTSUP;
	return peer.uid == 0 || peer.uid == server->options.uid;
}

/* A free place, or that of the client with the oldest exchange; NULL: all are still fresh. */
static struct client **find_place(struct talk_server *server)
{
	struct client **oldest = &server->clients[0];
	for (size_t i = 0; i < TALK_CLIENTS; i++) {
		struct client **place = &server->clients[i];
		if (!*place)
			return place;
		if ((*place)->since_ns < (*oldest)->since_ns)
			oldest = place;
	}
	if (clock_mono_ns(server->world->clock) - (*oldest)->since_ns < TALK_GRACE_NS)
		return NULL;
	client_free(*oldest);
	return oldest;
}

/* Where one who is turned away may wait until he has read why. */
static struct client **find_place_to_leave(struct talk_server *server)
{
	for (size_t i = TALK_CLIENTS; i < PLACES; i++)
		if (!server->clients[i])
			return &server->clients[i];
	return NULL;
}

static void turn_away(struct client *client, bool welcome)
{
	if (welcome)
		talk_reply_busy(&client->reply);
	else
		talk_reply_refuse(&client->reply, TALK_GUARDED,
			"only user %u and root may talk here", client->server->options.uid);
	str_add(&client->reply, "\n");
	client->leaving = true;
}

static void on_accept(struct listener *listener, struct stream *stream)
{
	struct talk_server *server = listener->arg;
	bool welcome = may_talk(server, stream);
	struct client **place = welcome ? find_place(server) : NULL;
	bool stays = place != NULL;
	if (!place)
		place = find_place_to_leave(server);
	struct client *client = place ? calloc(1, sizeof(*client)) : NULL;
	if (!client) {
		stream_close(stream);
		return;
	}
	client->server = server;
	client->stream = stream;
	client->deadline.fn = on_deadline;
	stream->on_event = on_event;
	stream->arg = client;
	*place = client;
	if (!stays)
		turn_away(client, welcome);
	begin_exchange(client);
	stream_want(stream, stays ? STREAM_CAN_READ : STREAM_CAN_WRITE);
}

int talk_server_open(struct world *world, struct listener *listener,
	const struct talk_options *options, struct talk_server **ret_server)
{
	must(options->verb_count <= VERBS_MAX);
	struct talk_server *server = calloc(1, sizeof(*server));
	if (!server) {
		listener_close(listener);
		return -ENOMEM;
	}
	server->world = world;
	server->options = *options;
	server->listener = listener;
	listener->on_accept = on_accept;
	listener->arg = server;
	*ret_server = server;
	return 0;
}

void talk_server_close(struct talk_server *server)
{
	if (!server)
		return;
	listener_close(server->listener);
	for (size_t i = 0; i < PLACES; i++)
		if (server->clients[i])
			client_free(server->clients[i]);
	free(server);
}
