/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections: bytes to requests, requests to engines, answers to bytes.
 *
 * A request that can be done at once is, into or out of the connection's own bytes. Any other gets
 * a buffer and goes to the engine; its answer is put out when the engine tells. What was answered
 * in a turn of the loop goes out together before the loop waits.
 */
#include "ebb-vold/serve_inner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/units.h"
#include "ebb-vold/contexts.h"
#include "ebb-vold/fill.h"
#include "os/clock.h"
#include "os/linux/stream.h"
#include "os/net.h"
#include "os/world.h"
#include "vol/map.h"

enum {
	CLIENTS_MAX = 1000,
	PARTS = 64,
	TURNS = 16, /* of one client before others get theirs */
};

#define TURN_BYTES ((size_t)32 << 20) /* that it asked for, likewise */

#define HANDSHAKE_NS (30 * NS_PER_SEC)
#define STUCK_NS (NS_PER_SEC)

void serve_mark(struct client *client)
{
	if (client->dirty)
		return;
	client->dirty = true;
	client->next_dirty = client->server->dirty;
	client->server->dirty = client;
}

static void take_back(struct client *client)
{
	struct nbd_request *request;
	while ((request = nbd_released(client->nbd)))
		memory_give(&client->asked[request->slot]);
}

/* ---- requests ---- */

static struct served *served_of(const struct client *client)
{
	return export_of(nbd_in_use(client->nbd))->served;
}

static int64_t now_ns(const struct client *client)
{
	return clock_mono_ns(client->server->world->clock);
}

static enum trace_kind trace_kind(const struct nbd_request *request)
{
	switch (request->type) {
	case NBD_WRITE:
		return TRACE_WRITE;
	case NBD_TRIM:
	case NBD_ZERO:
		return TRACE_ZERO;
	case NBD_FLUSH:
		return TRACE_FLUSH;
	case NBD_READ:
	case NBD_CACHE:
	case NBD_STATUS:
	default:
		return TRACE_READ;
	}
}

static void note_end(struct asked *asked, int err)
{
	const struct nbd_request *request = asked->nbd;
	struct client *client = asked->client;
	struct served *served = served_of(client);
	struct trace_writer *trace = client->server->trace;
	enum trace_kind kind = trace_kind(request);
	int64_t ended_ns = now_ns(client), took_ns = ended_ns - asked->begun_ns;
	int error = err == -ECANCELED ? 0 : -err;
	client->server->ended_ns = ended_ns;
	/* A backup reads snapshots: what that takes is no user's time. */
	trace_count_end(served->place, kind, asked->request.view ? -1 : took_ns, error);
	if (served->own_place)
		return;
	unsigned flags = (request->flags & NBD_FUA ? TRACE_DURABLE : 0) |
		(asked->out ? 0 : TRACE_AT_ONCE) | (asked->request.view ? TRACE_SNAPSHOT : 0);
	const struct trace_record record = {
		.begun_ns = asked->begun_ns,
		.at = request->offset,
		.len = request->length < UINT32_MAX ? (uint32_t)request->length : UINT32_MAX,
		.took_ns = took_ns < UINT32_MAX ? (uint32_t)took_ns : UINT32_MAX,
		.place = trace_place_number(trace, served->place),
		.client = client->number,
		.life = served->place->life,
		.queue = asked->queue,
		.error = (uint16_t)error,
		.kind = (uint8_t)kind,
		.flags = (uint8_t)flags,
	};
	trace_put(trace, &record);
}

static void answer(struct asked *asked, int err)
{
	struct client *client = asked->client;
	struct nbd_request *request = asked->nbd;
	note_end(asked, err);
	if (err) {
		memory_give(asked);
		nbd_fail(client->nbd, request, err);
		return;
	}
	if (request->type != NBD_READ) {
		memory_give(asked);
		nbd_done(client->nbd, request);
		return;
	}
	struct nbd_part part = {asked->buffer, request->length};
	if (!nbd_read(client->nbd, request, &part, 1))
		memory_give(asked);
}

static void client_free(struct client *client);

void serve_done(struct engine_request *request, int err)
{
	struct asked *asked = container_of(request, struct asked, request);
	struct client *client = asked->client;
	client->out--;
	answer(asked, err);
	asked->out = false;
	if (!client->in_turn)
		serve_mark(client);
}

static enum engine_kind engine_kind(const struct nbd_request *request)
{
	switch (request->type) {
	case NBD_WRITE:
		return ENGINE_WRITE;
	case NBD_TRIM:
	case NBD_ZERO:
		return ENGINE_ZERO;
	case NBD_FLUSH:
		return ENGINE_FLUSH;
	case NBD_READ:
	case NBD_CACHE:
	case NBD_STATUS:
	default:
		return ENGINE_READ;
	}
}

/* Trims of parts of blocks are not worth writing: what is left of them may be anything. */
static void trim_inwards(struct engine_request *request)
{
	uint64_t end = request->at + request->len;
	uint64_t from = (request->at + VOL_BLOCK - 1) / VOL_BLOCK * VOL_BLOCK;
	end -= end % VOL_BLOCK;
	request->len = end > from ? end - from : 0;
	request->at = end > from ? from : 0;
}

/* True: it is answered. */
static bool begin_at_once(struct client *client, struct asked *asked)
{
	struct nbd_request *request = asked->nbd;
	struct served *served = served_of(client);
	uint8_t *room = NULL;
	if (request->type == NBD_READ) {
		room = nbd_read_room(client->nbd, request);
		asked->request.bytes = room;
	}
	if ((request->type != NBD_READ && request->type != NBD_WRITE) ||
		(request->type == NBD_READ && !room))
		return false;
	int err = engine_now(served->engine, &asked->request);
	if (err == -EAGAIN) {
		if (room)
			nbd_room_back(client->nbd, request);
		return false;
	}
	note_end(asked, err);
	memory_give(asked);
	if (err)
		nbd_fail(client->nbd, request, err);
	else
		nbd_done(client->nbd, request);
	return true;
}

static void fill_request(struct asked *asked, const struct export *export)
{
	const struct nbd_request *request = asked->nbd;
	asked->request = (struct engine_request){
		.kind = engine_kind(request),
		.durable = request->flags & NBD_FUA,
		.allocate = request->type == NBD_ZERO && request->flags & NBD_NO_HOLE,
		.view = export->era,
		.at = request->offset,
		.len = request->length,
		.bytes = request->data,
		.done = serve_done,
	};
	if (request->type == NBD_TRIM)
		trim_inwards(&asked->request);
}

void serve_submit(struct asked *asked)
{
	struct client *client = asked->client;
	asked->request.bytes = asked->buffer;
	client->server->ended_ns = 0;
	if (served_of(client)->fill)
		fill_submit(served_of(client)->fill, &asked->request);
	else
		engine_submit(served_of(client)->engine, &asked->request);
}

/* To the engine, or into the line of those that wait for memory. False: it can do neither. */
static bool begin_later(struct client *client, struct asked *asked)
{
	struct nbd_request *request = asked->nbd;
	client->out++;
	asked->out = true;
	if (request->type == NBD_READ && !memory_take(asked, request->length))
		return memory_wait(asked);
	if (request->type == NBD_WRITE && !asked->buffer) {
		/* It lies in the connection's input, which moves on. */
		if (!memory_take(asked, request->length))
			return false;
		memcpy(asked->buffer, request->data, request->length);
	}
	serve_submit(asked);
	return true;
}

static void begin(struct client *client, struct nbd_request *request)
{
	const struct export *export = export_of(nbd_in_use(client->nbd));
	struct asked *asked = &client->asked[request->slot];
	struct served *served = export->served;
	bool slow_zero = request->type == NBD_ZERO && request->flags & NBD_FAST_ZERO &&
		(request->flags & NBD_NO_HOLE || (request->offset | request->length) % VOL_BLOCK);
	asked->client = client;
	asked->nbd = request;
	/* It begins when the one before it has ended, unless something came between. */
	asked->begun_ns = client->server->ended_ns ? client->server->ended_ns : now_ns(client);
	client->server->ended_ns = 0;
	if (!served->engine || slow_zero) {
		memory_give(asked);
		nbd_fail(client->nbd, request, slow_zero ? -EOPNOTSUPP : -EIO);
		return;
	}
	if (request->type == NBD_STATUS || request->type == NBD_CACHE) {
		if (request->type == NBD_STATUS)
			contexts_answer(export, client->nbd, request);
		else
			nbd_done(client->nbd, request);
		return;
	}
	trace_count(served->place, &served->ends, trace_kind(request), request->offset,
		request->length);
	asked->queue = served->place->queue < UINT16_MAX ? (uint16_t)served->place->queue
							 : UINT16_MAX;
	fill_request(asked, export);
	if (!served->fill && begin_at_once(client, asked))
		return;
	if (!begin_later(client, asked))
		serve_done(&asked->request, -ENOMEM);
}

/* ---- bytes ---- */

/* Each of these: 1 to go on, 0 to wait for the socket, or an error: the client is gone. */

static int send_waiting(struct client *client)
{
	struct iovec parts[PARTS];
	while (nbd_waiting_bytes(client->nbd)) {
		unsigned count = nbd_waiting(client->nbd, parts, PARTS);
		/* Without any part TLS is over, and nothing waits any more. */
		client->server->ended_ns = 0;
		ssize_t n = count ? stream_write_parts(client->stream, parts, count) : 0;
		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int)n;
		if (client->server->shut)
			client->took_ns = now_ns(client);
		nbd_sent(client->nbd, (size_t)n);
		take_back(client);
	}
	return 1;
}

static int receive(struct client *client)
{
	struct iovec room[NBD_ROOM];
	unsigned count = nbd_room(client->nbd, room);
	client->server->ended_ns = 0;
	ssize_t n = stream_read_parts(client->stream, room, count);
	if (n == -EAGAIN)
		return 0;
	if (n <= 0)
		return n ? (int)n : -EPIPE;
	nbd_came(client->nbd, (size_t)n);
	return 1;
}

static bool lend_buffer(struct client *client, struct nbd_request *request)
{
	struct asked *asked = &client->asked[request->slot];
	asked->client = client;
	if (!memory_take(asked, request->length)) {
		memory_hunger(client);
		return false;
	}
	nbd_buffer(client->nbd, request, asked->buffer);
	return true;
}

/* All requests that are there, or its share; then what comes next is bytes. */
static int parse(struct client *client, bool *ret_wants_input)
{
	struct nbd_request *request;
	*ret_wants_input = false;
	client->hungry = false;
	while (client->turn_bytes < TURN_BYTES) {
		if (!memory_ready(client))
			return 0;
		if (nbd_waiting_bytes(client->nbd) >= NBD_BATCH && send_waiting(client) < 0)
			return -EPIPE;
		switch (nbd_next(client->nbd, &request)) {
		case NBD_REQUEST:
			client->turn_bytes += request->length;
			client->begun++;
			begin(client, request);
			break;
		case NBD_WANT_BUFFER:
			if (!lend_buffer(client, request))
				return 0;
			break;
		case NBD_BUSY:
			return 0;
		case NBD_HANG_UP:
			client->ended = true;
			return 0;
		case NBD_WANT_INPUT:
		default:
			*ret_wants_input = true;
			return 1;
		}
	}
	return 1;
}

/* `more`: what has come is not all seen yet; a socket that can be written brings us back. */
static void want(struct client *client, bool input, bool more)
{
	unsigned events = input ? STREAM_CAN_READ : 0;
	if (more || nbd_waiting_bytes(client->nbd))
		events |= STREAM_CAN_WRITE;
	stream_want(client->stream, events);
}

/* Nobody waits for what is out with the engine. */
static void forsake(struct client *client)
{
	for (size_t i = 0; client->out && i < NBD_IN_FLIGHT; i++) {
		struct asked *asked = &client->asked[i];
		struct fill *fill = served_of(client)->fill;
		if (asked->waits) {
			memory_leave(asked);
			serve_done(&asked->request, -ECANCELED);
		} else if (asked->out && fill) {
			fill_forsake(fill, &asked->request);
		} else if (asked->out) {
			engine_forsake(&asked->request);
		}
	}
}

/* The socket is closed; what is out with engines comes back first. */
void serve_cut_off(struct client *client)
{
	if (client->stream) {
		stream_close(TAKE(client->stream));
		forsake(client);
		nbd_gone(client->nbd);
		take_back(client);
	}
	if (client->out == 0)
		client_free(client);
}

/*
 * Answers wait until what its socket holds is taken in: several requests came together, so that the
 * client has more to do than to wait for us, and is waked once for many answers.
 */
static bool may_hold(const struct client *client, int more, bool input)
{
	return more > 0 && input && client->begun > 1 && nbd_waiting_bytes(client->nbd) < NBD_BATCH;
}

/*
 * As each of those above; 1 or more: what has come is not all seen yet. Where room for answers was
 * all that was waited for, what was sent makes it: nobody would bring us back for that.
 */
static int take_turn(struct client *client, bool *ret_input)
{
	int more = 1;
	client->turn_bytes = 0;
	for (int i = 0; more > 0 && i < TURNS && client->turn_bytes < TURN_BYTES; i++) {
		client->begun = 0;
		more = parse(client, ret_input);
		bool for_room = more == 0 && nbd_waiting_bytes(client->nbd);
		bool hold = i < TURNS - 1 && may_hold(client, more, *ret_input);
		if (hold)
			more = receive(client);
		if (hold && more > 0)
			continue;
		int sent = more < 0 ? more : send_waiting(client);
		if (sent < 0 || (client->ended && sent > 0))
			return -EPIPE;
		if (more > 0 && *ret_input)
			more = receive(client);
		else if (for_room && sent > 0)
			more = 1;
	}
	return more;
}

static void go_on(struct client *client)
{
	bool input = false;
	client->in_turn = true;
	int more = take_turn(client, &input);
	client->in_turn = false;
	if (more < 0) {
		serve_cut_off(client);
		return;
	}
	if (nbd_in_use(client->nbd))
		timer_cancel(client->server->world->loop, &client->handshake);
	want(client, input, more > 0);
}

static void on_event(struct stream *stream, unsigned events)
{
	struct client *client = stream->arg;
	if (events & STREAM_GONE)
		serve_cut_off(client);
	else
		go_on(client);
}

/* ---- clients ---- */

static void client_free(struct client *client)
{
	struct server *server = client->server;
	for (struct client **at = &server->dirty; client->dirty && *at;) {
		if (*at == client)
			*at = client->next_dirty;
		else
			at = &(*at)->next_dirty;
	}
	*client->here = client->next;
	if (client->next)
		client->next->here = client->here;
	timer_cancel(server->world->loop, &client->handshake);
	stream_close(client->stream);
	for (size_t i = 0; i < NBD_IN_FLIGHT; i++)
		memory_give(&client->asked[i]);
	nbd_free(client->nbd);
	free(client);
	if (--server->client_count == 0 && server->ended && !server->shut)
		server->ended(server->arg);
}

static void on_handshake_over(struct timer *timer)
{
	serve_cut_off(container_of(timer, struct client, handshake));
}

/* False: this client may not come in. */
static bool may_come(const struct server_security *security, bool is_unix)
{
	return security->tls || (is_unix ? !security->unix_tls : security->tcp_plain);
}

static void secure(const struct server_security *security, struct nbd *nbd, bool is_unix)
{
	if (security->tls)
		nbd_secure(nbd, security->tls, is_unix ? security->unix_tls : !security->tcp_plain);
}

void server_connect(struct server *server, struct stream *stream)
{
	struct client *client = NULL;
	struct peer peer;
	bool is_unix = stream_peer(stream, &peer) == 0;
	if (!server->shut && server->client_count < CLIENTS_MAX &&
		may_come(&server->security, is_unix))
		client = calloc(1, sizeof(*client));
	struct nbd *nbd = client ? nbd_new(&server->exports.base) : NULL;
	if (!nbd) {
		free(client);
		stream_close(stream);
		return;
	}
	secure(&server->security, nbd, is_unix);
	linux_stream_large(stream);
	client->server = server;
	client->stream = stream;
	client->nbd = nbd;
	client->next = server->clients;
	client->here = &server->clients;
	for (size_t i = 0; i < NBD_IN_FLIGHT; i++)
		client->asked[i].client = client;
	if (client->next)
		client->next->here = &client->next;
	server->clients = client;
	server->client_count++;
	client->number = server->came++;
	client->handshake.fn = on_handshake_over;
	timer_set(server->world->loop, &client->handshake, now_ns(client) + HANDSHAKE_NS);
	stream->arg = client;
	stream->on_event = on_event;
	stream_want(stream, STREAM_CAN_READ | STREAM_CAN_WRITE);
}

static void on_accept(struct listener *listener, struct stream *stream)
{
	server_connect(listener->arg, stream);
}

/* Before each wait: what was answered meanwhile goes out. */
static void before_wait(struct before_wait *hook)
{
	struct server *server = container_of(hook, struct server, hook);
	memory_feed(server);
	while (server->dirty) {
		struct client *client = server->dirty;
		server->dirty = client->next_dirty;
		client->dirty = false;
		if (client->stream)
			go_on(client);
		else
			serve_cut_off(client);
		memory_feed(server);
	}
}

int server_open(struct world *world, struct volumes *volumes, struct trace_writer *trace,
	struct server **ret_server)
{
	struct server *server = calloc(1, sizeof(*server));
	if (!server)
		return -ENOMEM;
	server->world = world;
	server->trace = trace;
	exports_init(&server->exports, volumes);
	memory_init(server);
	server->hook.fn = before_wait;
	before_wait_add(linux_loop_of(world->loop), &server->hook);
	*ret_server = server;
	return 0;
}

void server_secure(struct server *server, const struct server_security *security)
{
	server->security = *security;
}

void server_listen(struct server *server, struct listener *listener)
{
	if (vec_push(&server->listeners, listener)) {
		listener_close(listener);
		return;
	}
	listener->arg = server;
	listener->on_accept = on_accept;
}

void server_end_with(struct server *server, void (*ended)(void *arg), void *arg)
{
	server->ended = ended;
	server->arg = arg;
}

bool server_uses(struct server *server, const char *volume, uint32_t era)
{
	for (struct client *client = server->clients; client; client = client->next) {
		const struct nbd_export *nbd = nbd_in_use(client->nbd);
		if (nbd && export_of(nbd)->era == era &&
			strcmp(export_of(nbd)->served->name, volume) == 0)
			return true;
	}
	return false;
}

void server_shut(struct server *server)
{
	server->shut = true;
	vec_each (listener, &server->listeners)
		listener_close(*listener);
	server->listeners.len = 0;
	for (struct client *client = server->clients; client; client = client->next) {
		nbd_shut(client->nbd);
		client->took_ns = now_ns(client);
		serve_mark(client);
	}
}

unsigned server_left(const struct server *server)
{
	unsigned left = 0;
	for (const struct client *client = server->clients; client; client = client->next)
		left += client->out ||
			(nbd_waiting_bytes(client->nbd) &&
				now_ns(client) - client->took_ns < STUCK_NS);
	return left;
}

void server_close(struct server *server)
{
	if (!server)
		return;
	if (!server->shut)
		server_shut(server);
	while (server->clients)
		client_free(server->clients);
	before_wait_remove(linux_loop_of(server->world->loop), &server->hook);
	vec_done(&server->listeners);
	memory_done(server);
	free(server);
}
