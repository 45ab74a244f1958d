/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for what clients ask. When there is none left they wait, and are served in the order in
 * which they came:
 *
 *   - a read waits with its request; before it takes memory the request takes none
 *   - a large write waits before its payload is received
 *   - a small one lies in the connection's input: no request is taken out of there before any small
 *     write could be begun
 *
 * Some is kept for small requests, and a client may have a quarter of the rest, so that one alone
 * keeps nobody waiting. Several that take memory and then neither send their payloads nor take
 * their answers are cut off, when others wait and they have had their time.
 */
#include "base/container.h"
#include "base/own.h"
#include "base/units.h"
#include "ebb-vold/serve_inner.h"
#include "os/clock.h"
#include "os/world.h"

#define BUFFERS_OUT ((size_t)512 << 20)
#define BUFFERS_KEPT ((size_t)64 << 20)
#define FOR_SMALL ((size_t)64 << 20)
#define CLIENT_BYTES (BUFFERS_OUT / 4)
#define SMALL ((size_t)64 << 10) /* no longer than a connection's input */

#define HELD_NS (30 * NS_PER_SEC)
#define LOOK_NS NS_PER_SEC

static int64_t now_ns(const struct server *server)
{
	return clock_mono_ns(server->world->clock);
}

/* Somebody has to wait: from now on those that sit on memory are looked at. */
static void look_later(struct server *server)
{
	if (!server->looking)
		timer_set(server->world->loop, &server->starving, now_ns(server) + LOOK_NS);
	server->looking = true;
}

void memory_hunger(struct client *client)
{
	client->hungry = client->server->hungry = true;
	look_later(client->server);
}

bool memory_ready(struct client *client)
{
	const struct buffers *buffers = &client->server->buffers;
	bool ready = !nbd_in_use(client->nbd) || !buffers->out ||
		buffers->out + SMALL <= BUFFERS_OUT;
	if (!ready)
		memory_hunger(client);
	return ready;
}

static bool has_its_share(const struct client *client, size_t len)
{
	return client->held && client->held + len > CLIENT_BYTES;
}

static void *take(struct asked *asked, size_t len)
{
	struct client *client = asked->client;
	asked->buffer = buffers_take(
		&client->server->buffers, len, len > SMALL ? BUFFERS_OUT - FOR_SMALL : BUFFERS_OUT);
	if (asked->buffer) {
		asked->buffer_len = len;
		asked->lent_ns = now_ns(client->server);
		client->held += len;
	}
	return asked->buffer;
}

/* Those that wait come first, but for small ones, which the rest is kept for. */
void *memory_take(struct asked *asked, size_t len)
{
	const struct server *server = asked->client->server;
	if (len > SMALL && (server->waiting || has_its_share(asked->client, len)))
		return NULL;
	return take(asked, len);
}

void memory_give(struct asked *asked)
{
	struct client *client = asked->client;
	if (!asked->buffer)
		return;
	client->held -= asked->buffer_len;
	buffers_give(&client->server->buffers, TAKE(asked->buffer), asked->buffer_len);
	client->server->given = true;
}

bool memory_wait(struct asked *asked)
{
	struct server *server = asked->client->server;
	/* Nothing would ever come back. */
	if (!server->buffers.out && !server->waiting)
		return false;
	asked->waits = true;
	asked->next_waiting = NULL;
	*server->waiting_end = asked;
	server->waiting_end = &asked->next_waiting;
	look_later(server);
	return true;
}

static void unlink_at(struct server *server, struct asked **at)
{
	struct asked *asked = *at;
	*at = asked->next_waiting;
	if (!*at)
		server->waiting_end = at;
	asked->waits = false;
}

void memory_leave(struct asked *asked)
{
	struct server *server = asked->client->server;
	struct asked **at = &server->waiting;
	while (*at != asked)
		at = &(*at)->next_waiting;
	unlink_at(server, at);
	server->given = true;
}

/* The first one that may have memory and gets it; NULL: none now. */
static struct asked *next_fed(struct server *server)
{
	for (struct asked **at = &server->waiting; *at; at = &(*at)->next_waiting) {
		struct asked *asked = *at;
		if (has_its_share(asked->client, asked->nbd->length))
			continue;
		if (!take(asked, asked->nbd->length))
			return NULL;
		unlink_at(server, at);
		return asked;
	}
	return NULL;
}

void memory_feed(struct server *server)
{
	struct asked *asked;
	if (!server->given)
		return;
	server->given = false;
	while ((asked = next_fed(server)))
		serve_submit(asked);
	if (!server->hungry)
		return;
	server->hungry = false;
	for (struct client *client = server->clients; client; client = client->next)
		if (client->hungry)
			serve_mark(client);
}

/* Has memory that waits for the client, not for us, and has had its time. */
static bool sits_on_memory(const struct client *client, int64_t now_ns)
{
	for (size_t i = 0; client->held && i < NBD_IN_FLIGHT; i++) {
		const struct asked *asked = &client->asked[i];
		if (asked->buffer && !asked->out && now_ns - asked->lent_ns > HELD_NS)
			return true;
	}
	return false;
}

static void on_starving(struct timer *timer)
{
	struct server *server = container_of(timer, struct server, starving);
	int64_t now = now_ns(server);
	server->looking = false;
	struct client *next = server->clients;
	if (!server->waiting && !server->hungry)
		return;
	while (next) {
		struct client *client = next;
		next = client->next;
		if (client->stream && sits_on_memory(client, now))
			serve_cut_off(client);
	}
	look_later(server);
}

void memory_init(struct server *server)
{
	server->buffers.kept_max = BUFFERS_KEPT;
	server->waiting_end = &server->waiting;
	server->starving.fn = on_starving;
}

void memory_done(struct server *server)
{
	timer_cancel(server->world->loop, &server->starving);
	buffers_done(&server->buffers);
}
