/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections, and how long each may take. Where all places are taken, a newcomer gets that of the
 * one who has been idle or asking for longest; whoever hangs up is given to the library to notice.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/container.h"
#include "os/clock.h"
#include "os/linux/net.h"
#include "os/net.h"
#include "os/world.h"
#include "web/inside.h"

static int64_t now_of(const struct web *web)
{
	return clock_mono_ns(web->world->clock);
}

static void client_free(struct client *client)
{
	timer_cancel(client->web->world->loop, &client->deadline);
	*client->at = client->next;
	if (client->next)
		client->next->at = client->at;
	client->web->client_count--;
	free(client);
}

/* The library sees the end of it, and closes it. */
static void hang_up(struct client *client)
{
	shutdown(client->fd, SHUT_RDWR);
	if (client->reader)
		stream_wake(client->reader);
}

static void on_deadline(struct timer *timer)
{
	hang_up(container_of(timer, struct client, deadline));
}

void client_expect(struct client *client, int64_t ns)
{
	client->since_ns = now_of(client->web);
	timer_set(client->web->world->loop, &client->deadline, client->since_ns + ns);
}

/* Whom to hang up on for a newcomer; NULL: nobody has had his time. */
static struct client *find_oldest(struct web *web)
{
	struct client *oldest = NULL;
	for (struct client *client = web->clients; client; client = client->next)
		if (!oldest || client->since_ns < oldest->since_ns)
			oldest = client;
	return oldest && now_of(web) - oldest->since_ns >= WEB_GRACE_NS ? oldest : NULL;
}

/* Is there room, or will there be at once? */
static bool make_room(struct web *web)
{
	if (web->client_count < WEB_CLIENTS)
		return true;
	struct client *oldest = find_oldest(web);
	if (!oldest || web->client_count >= WEB_CLIENTS + WEB_LEAVING)
		return false;
	oldest->since_ns = INT64_MAX; /* it goes; the next newcomer takes another's place */
	hang_up(oldest);
	return true;
}

static uint64_t peer_of(const struct sockaddr_storage *from, const struct client *client)
{
	uint64_t family = (uint64_t)from->ss_family << 56, hash = 0xcbf29ce484222325;
	const struct sockaddr_in *in = (const void *)from;
	const struct sockaddr_in6 *in6 = (const void *)from;
	if (from->ss_family == AF_INET)
		return family | in->sin_addr.s_addr;
	if (from->ss_family != AF_INET6)
		return family | client->uid;
	/* Who has one address of IPv6 has all of its net. */
	for (int i = 0; i < 8; i++)
		hash = (hash ^ in6->sin6_addr.s6_addr[i]) * 0x100000001b3;
	return family | (hash >> 8);
}

static struct client *client_new(struct hall *hall)
{
	struct web *web = hall->web;
	struct client *client = calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	client->web = web;
	client->door = hall->door;
	client->engine = hall->engine;
	client->deadline.fn = on_deadline;
	client->next = web->clients;
	client->at = &web->clients;
	if (client->next)
		client->next->at = &client->next;
	web->clients = client;
	web->client_count++;
	return client;
}

void clients_accept(struct listener *listener, struct stream *stream)
{
	struct hall *hall = listener->arg;
	struct peer peer = {.uid = UINT32_MAX};
	struct sockaddr_storage from = {0};
	socklen_t len = sizeof(from);
	bool known = hall->door != DOOR_UNIX || stream_peer(stream, &peer) == 0;
	struct client *client = known && make_room(hall->web) ? client_new(hall) : NULL;
	if (!client) {
		stream_close(stream);
		return;
	}
	client->uid = peer.uid;
	client->fd = linux_net_release(stream);
	if (getpeername(client->fd, (struct sockaddr *)&from, &len) < 0)
		len = sizeof(sa_family_t);
	client->peer = peer_of(&from, client);
	client_expect(client, WEB_ASK_NS);
	/* On failure the library has closed it, and perhaps never told of it. */
	if (MHD_add_connection(hall->engine->daemon, client->fd, (struct sockaddr *)&from, len) !=
			MHD_YES &&
		!client->adopted)
		client_free(client);
	engine_wake(hall->engine);
}

/* The descriptor tells which of ours it is: the library gives no other word along. */
static struct client *find(struct web *web, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	for (struct client *client = web->clients; info && client; client = client->next)
		if (!client->adopted && client->fd == info->connect_fd)
			return client;
	return NULL;
}

void clients_notify(void *arg, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		struct client *client = find(arg, connection);
		if (client)
			client->adopted = true;
		*socket_context = client;
	} else if (*socket_context) {
		client_free(*socket_context);
		*socket_context = NULL;
	}
}
