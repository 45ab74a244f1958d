/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image of a point as a network block device: the protocol of room nbd on sockets, its requests
 * answered out of the repository. One thread: a request that must be fetched lets others wait.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/container.h"
#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/snap_nbd.h"
#include "nbd/nbd.h"
#include "os/linux/signals.h"
#include "os/linux/world.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/world.h"
#include "ship/image_read.h"

enum {
	TURNS = 64, /* of one client before others get theirs */
	CACHE_AHEAD = IMAGE_CACHE / 3,
};

struct client {
	struct point_server *server;
	struct stream *stream;
	struct nbd *nbd;
	uint8_t *lent; /* bytes of an answer that is being sent */
	bool ended;    /* what waits is sent, then it is closed */
	struct client *next, **here;
};

struct point_server {
	struct loop *loop;
	struct image_reader reader;
	struct nbd_exports exports;
	struct nbd_export export;
	struct listener *listener;
	struct signals *signals;
	struct client *clients;
};

/* ---- the one export ---- */

static const struct nbd_export *get_export(struct nbd_exports *exports, const char *name)
{
	struct point_server *server = container_of(exports, struct point_server, exports);
	bool ours = !*name || strcmp(name, server->export.name) == 0;
	return ours ? &server->export : NULL;
}

static const struct nbd_export *nth_export(struct nbd_exports *exports, size_t index)
{
	return index == 0 ? get_export(exports, "") : NULL;
}

static void put_export(struct nbd_exports *exports, const struct nbd_export *export)
{
	(void)exports;
	(void)export;
}

static const struct nbd_exports_ops exports_ops = {get_export, nth_export, put_export};

static void client_close(struct client *client)
{
	*client->here = client->next;
	if (client->next)
		client->next->here = client->here;
	stream_close(client->stream);
	nbd_free(client->nbd);
	free(client->lent);
	free(client);
}

void point_server_close(struct point_server *server)
{
	if (!server)
		return;
	while (server->clients)
		client_close(server->clients);
	listener_close(server->listener);
	signals_close(server->signals);
	image_close(&server->reader);
	free(server);
}

struct image_reader *point_server_reader(struct point_server *server)
{
	return &server->reader;
}

/* ---- requests ---- */

/* Too long to be put together in the output: bytes of our own, lent until they were sent. */
static int lend_read(struct client *client, struct nbd_request *request, struct why *why)
{
	struct image_reader *reader = &client->server->reader;
	struct nbd_part parts[NBD_PARTS];
	uint64_t at = request->offset, end = at + request->length, to;
	uint8_t *bytes = client->lent = malloc(request->length);
	unsigned count = 0;
	int err = bytes ? 0 : -ENOMEM;
	for (; !err && at < end; at = to) {
		bool hole;
		err = image_extent(reader, at, end, &to, &hole, why);
		if (err)
			break;
		if (count == NBD_PARTS - 1) { /* the last one holds all that is left */
			to = end;
			hole = false;
		}
		parts[count++] = (struct nbd_part){hole ? NULL : bytes, to - at};
		if (!hole)
			err = image_read(reader, at, bytes, to - at, why);
		bytes += to - at;
	}
	if (err || !nbd_read(client->nbd, request, parts, count))
		free(TAKE(client->lent));
	return err;
}

static int answer_read(struct client *client, struct nbd_request *request, struct why *why)
{
	uint8_t *bytes = nbd_read_room(client->nbd, request);
	if (!bytes)
		return lend_read(client, request, why);
	int err = image_read(&client->server->reader, request->offset, bytes, request->length, why);
	if (!err)
		nbd_done(client->nbd, request);
	return err;
}

static int answer_status(struct client *client, struct nbd_request *request, struct why *why)
{
	uint64_t at = request->offset, end = at + request->length, to;
	bool hole, more = true;
	int err = 0;
	nbd_context(client->nbd, request, 0);
	for (; more && at < end; at = to) {
		err = image_extent(&client->server->reader, at, end, &to, &hole, why);
		if (err)
			return err;
		more = nbd_extent(client->nbd, request, to - at, hole ? NBD_HOLE | NBD_ZEROES : 0);
	}
	nbd_done(client->nbd, request);
	return 0;
}

/* Fetches the chunks, as many as the cache has room for beside others. */
static int answer_cache(struct client *client, struct nbd_request *request, struct why *why)
{
	uint64_t end = request->offset + request->length, at = request->offset;
	uint8_t byte;
	int err = 0;
	for (unsigned i = 0; !err && i < CACHE_AHEAD && at < end; i++) {
		err = image_read(&client->server->reader, at, &byte, 1, why);
		at = (at / MAP_CHUNK + 1) * MAP_CHUNK;
	}
	if (!err)
		nbd_done(client->nbd, request);
	return err;
}

static void answer(struct client *client, struct nbd_request *request)
{
	struct why why = {"no memory"};
	int err = 0;
	if (request->type == NBD_READ)
		err = answer_read(client, request, &why);
	else if (request->type == NBD_STATUS)
		err = answer_status(client, request, &why);
	else if (request->type == NBD_CACHE)
		err = answer_cache(client, request, &why);
	else
		nbd_done(client->nbd, request); /* a flush: nothing is ever written */
	if (!err)
		return;
	call_fail(0, "%" PRIu64 " bytes at byte %" PRIu64 ": %s", request->length, request->offset,
		why.text);
	nbd_fail(client->nbd, request, err);
}

/* ---- bytes ---- */

/* Each of these: 1 to go on, 0 to wait for the socket, or an error after which it is closed. */

static int send_waiting(struct client *client)
{
	struct iovec part;
	if (!nbd_waiting(client->nbd, &part, 1))
		return client->ended ? -EPIPE : 1;
	ssize_t n = stream_write(client->stream, part.iov_base, part.iov_len);
	if (n == -EAGAIN) {
		stream_want(client->stream, STREAM_CAN_WRITE);
		return 0;
	}
	if (n < 0)
		return (int)n;
	nbd_sent(client->nbd, (size_t)n);
	if (nbd_released(client->nbd))
		free(TAKE(client->lent));
	return 1;
}

static int receive(struct client *client)
{
	struct iovec room[NBD_ROOM];
	nbd_room(client->nbd, room);
	ssize_t n = stream_read(client->stream, room->iov_base, room->iov_len);
	if (n == -EAGAIN) {
		stream_want(client->stream, STREAM_CAN_READ);
		return 0;
	}
	if (n <= 0)
		return n ? (int)n : -EPIPE;
	nbd_came(client->nbd, (size_t)n);
	return 1;
}

/* One step: what waits goes out first, then one request is answered, else more is read. */
static int turn(struct client *client)
{
	struct nbd_request *request;
	int more = send_waiting(client);
	if (more <= 0 || nbd_waiting_bytes(client->nbd))
		return more;
	switch (nbd_next(client->nbd, &request)) {
	case NBD_REQUEST:
		answer(client, request);
		return 1;
	case NBD_HANG_UP:
		client->ended = true;
		return 1;
	case NBD_WANT_INPUT:
		/* Answers of the protocol's own may wait by now: they go out first. */
		return nbd_waiting_bytes(client->nbd) ? 1 : receive(client);
	case NBD_WANT_BUFFER: /* none writes to what is read-only */
	case NBD_BUSY:        /* what keeps it busy waits to be sent */
	default:
		return 1;
	}
}

static void on_event(struct stream *stream, unsigned events)
{
	struct client *client = stream->arg;
	int more = events & STREAM_GONE ? -EPIPE : 1;
	for (int i = 0; more > 0 && i < TURNS; i++)
		more = turn(client);
	if (more < 0)
		client_close(client);
	else if (more > 0)
		stream_want(stream, STREAM_CAN_READ | STREAM_CAN_WRITE);
}

static void on_accept(struct listener *listener, struct stream *stream)
{
	struct point_server *server = listener->arg;
	struct client *client = calloc(1, sizeof(*client));
	struct nbd *nbd = nbd_new(&server->exports);
	if (!client || !nbd) {
		free(client);
		nbd_free(nbd);
		stream_close(stream);
		return;
	}
	*client = (struct client){.server = server,
		.stream = stream,
		.nbd = nbd,
		.next = server->clients,
		.here = &server->clients};
	if (server->clients)
		server->clients->here = &client->next;
	server->clients = client;
	stream->arg = client;
	stream->on_event = on_event;
	stream_want(stream, STREAM_CAN_WRITE);
}

/* ---- the command ---- */

static void on_signal(void *arg, int signal)
{
	struct point_server *server = arg;
	(void)signal;
	loop_stop(server->loop);
}

static int say_ready(const struct call *call, const struct point *point, const char *address)
{
	OWN(str_done) struct str text = {0};
	char hex[33];
	object_show_id(&point->id, hex);
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:s,s:s,s:I}", "type", "nbd", "point", hex,
			"address", address, "bytes", (json_int_t)point->source_bytes));
	str_addf(&text, "point %.8s is at %s, read-only, until Ctrl-C\n", hex, address);
	return call_print(&text);
}

/*
 * Root makes the socket as the user who is to reach it: to give it away afterwards would give away
 * whatever that user has put in its place.
 */
static int listen_for(
	const struct point_served *what, struct listener **ret_listener, struct why *why)
{
	struct stat about;
	bool given = what->reached_by && geteuid() == 0 && stat(what->reached_by, &about) == 0;
	if (given)
		setfsuid(about.st_uid);
	int err = net_listen(what->keep->world->net, what->address, ret_listener, why);
	if (given)
		setfsuid(0);
	return err;
}

int point_server_open(const struct point_served *what, struct point_server **ret_server)
{
	struct keep *keep = what->keep;
	struct point_server *server = calloc(1, sizeof(*server));
	struct why why = {"no memory"};
	if (!server)
		return call_fail(EXIT_FAILED, "%s", why.text);
	int err = image_open(keep->repo, &what->point->root, &server->reader, &why);
	if (err) {
		point_server_close(server);
		return keep_fail(keep, err, &why);
	}
	server->loop = keep->world->loop;
	server->exports.ops = &exports_ops;
	server->export = (struct nbd_export){.name = what->name,
		.description = "a recovery point",
		.size = image_size(&server->reader),
		.preferred = MAP_CHUNK,
		.read_only = true,
		.shared = true};
	if (signals_open(server->loop, on_signal, server, &server->signals, &why) ||
		listen_for(what, &server->listener, &why)) {
		point_server_close(server);
		return call_fail(EXIT_FAILED, "%s", why.text);
	}
	server->listener->arg = server;
	server->listener->on_accept = on_accept;
	*ret_server = server;
	return EXIT_OK;
}

static void server_done(struct point_server **server)
{
	point_server_close(*server);
}

int snap_nbd(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(server_done) struct point_server *server = NULL;
	struct point point;
	const char *address = call->args.values[OPTION_NBD];
	if (call->args.operand_count != 1)
		return call_fail(EXIT_USAGE, "with --nbd snap mount wants a POINT and no DIR");
	if (strncmp(address, "unix:", 5) != 0)
		return call_fail(EXIT_USAGE, "--nbd: '%.60s' is not unix:PATH", address);
	int code = keep_open(call, &keep);
	if (!code)
		code = keep_find_point(&keep, call->args.operands[0], &point);
	if (code)
		return code;
	if (point.source != POINT_IMAGE)
		return call_fail(EXIT_USAGE,
			"--nbd serves images, and this point is none; look into "
			"it with `ebb snap mount POINT DIR`");
	const struct point_served what = {&keep, &point, address, point.resource, NULL};
	code = point_server_open(&what, &server);
	if (!code)
		code = say_ready(call, &point, address);
	if (!code)
		linux_run(keep.lw);
	return code;
}
