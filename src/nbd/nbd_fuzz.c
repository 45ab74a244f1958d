/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes of a client: nothing breaks, every request lies within its export, requests that are
 * out stay bounded, and each is answered in whatever order. The first byte chooses how the rest is
 * cut into pieces; the second how requests are answered, how slowly the client takes answers, and
 * by its two highest bits whether all begins with the handshake or behind one of three.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/must.h"
#include "nbd/inner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const contexts[] = {"qemu:dirty-bitmap:a", "x-ebb:era"};
static const struct nbd_export served[] = {
	{.name = "a",
		.description = "first",
		.size = 1 << 20,
		.preferred = 4096,
		.shared = true,
		.fast_zero = true,
		.contexts = contexts,
		.context_count = 2},
	{.name = "b",
		.description = "",
		.size = UINT64_C(1) << 40,
		.preferred = 512,
		.read_only = true,
		.rotational = true},
};

struct server {
	struct nbd_exports exports;
	int held;
	unsigned choice;
	struct nbd *nbd;
	unsigned out;
	struct nbd_request *requests[NBD_IN_FLIGHT];
	unsigned lent;
};

/* All that is written and lent; what lies in it does not matter here. */
static uint8_t bytes[NBD_PAYLOAD_MAX];

/* Made anew for each input, in the same place: fresh pages cost more than all else. */
static struct nbd connection;

static const struct nbd_export *nth(struct nbd_exports *exports, size_t index)
{
	if (index >= 2)
		return NULL;
	((struct server *)(void *)exports)->held++;
	return &served[index];
}

static const struct nbd_export *get(struct nbd_exports *exports, const char *name)
{
	for (size_t i = 0; i < 2; i++)
		if (!*name || strcmp(name, served[i].name) == 0)
			return nth(exports, i);
	return NULL;
}

static void put(struct nbd_exports *exports, const struct nbd_export *export)
{
	must(export == &served[0] || export == &served[1]);
	((struct server *)(void *)exports)->held--;
}

static const struct nbd_exports_ops ops = {get, nth, put};

static void answer_read(struct server *server, struct nbd_request *request)
{
	uint64_t half = request->length / 2;
	struct nbd_part parts[] = {{NULL, half}, {bytes, request->length - half}};
	uint8_t *room = request->offset & 1 ? nbd_read_room(server->nbd, request) : NULL;
	must(request->length <= NBD_PAYLOAD_MAX);
	if (room) {
		memset(room, 1, request->length);
		if (request->offset & 2)
			nbd_fail(server->nbd, request, -EIO);
		else
			nbd_done(server->nbd, request);
	} else if (half && request->offset & 4) {
		server->lent += nbd_read(server->nbd, request, parts, 2);
	} else {
		parts[0] = (struct nbd_part){request->offset & 8 ? NULL : bytes, request->length};
		server->lent += nbd_read(server->nbd, request, parts, 1);
	}
}

static void answer_status(struct server *server, struct nbd_request *request)
{
	for (unsigned i = 0; i < NBD_CONTEXTS; i++) {
		if (!(request->contexts >> i & 1))
			continue;
		uint64_t left = nbd_in_use(server->nbd)->size - request->offset;
		uint64_t step = request->length / 4 + 1;
		unsigned n = 0;
		nbd_context(server->nbd, request, i);
		do {
			uint64_t len = step < left ? step : left;
			left -= len;
			if (!nbd_extent(server->nbd, request, len, n++ & server->choice))
				break;
		} while (left);
	}
	nbd_done(server->nbd, request);
}

static void check(const struct nbd *nbd, const struct nbd_request *request)
{
	const struct nbd_export *export = nbd_in_use(nbd);
	must(export && request->offset <= export->size);
	must(request->length <= export->size - request->offset);
	must(request->length || request->type == NBD_FLUSH);
	must(!export->read_only || request->type == NBD_READ || request->type == NBD_FLUSH ||
		request->type == NBD_CACHE || request->type == NBD_STATUS);
}

static void answer_one(struct server *server)
{
	unsigned i = server->choice & 1 ? 0 : server->out - 1;
	struct nbd_request *request = server->requests[i];
	server->requests[i] = server->requests[--server->out];
	if (request->type == NBD_READ)
		answer_read(server, request);
	else if (request->type == NBD_STATUS)
		answer_status(server, request);
	else if (request->offset % 5 == 4)
		nbd_fail(server->nbd, request, -ENOSPC);
	else
		nbd_done(server->nbd, request);
}

/* Sends some or all of what waits. */
static void drain(struct server *server, size_t most)
{
	struct iovec parts[8];
	size_t sum = 0;
	unsigned count = nbd_waiting(server->nbd, parts, 8);
	for (unsigned i = 0; i < count; i++)
		sum += parts[i].iov_len;
	must((sum != 0) == (nbd_waiting_bytes(server->nbd) != 0));
	nbd_sent(server->nbd, sum < most ? sum : most);
	while (nbd_released(server->nbd)) {
		must(server->lent);
		server->lent--;
	}
}

/* False: it hung up. */
static bool go_on(struct server *server)
{
	struct nbd_request *request;
	bool slow = server->choice & 2;
	for (;;) {
		switch (nbd_next(server->nbd, &request)) {
		case NBD_HANG_UP:
			return false;
		case NBD_REQUEST:
			check(server->nbd, request);
			must(server->out < NBD_IN_FLIGHT);
			server->requests[server->out++] = request;
			if (!slow)
				answer_one(server);
			break;
		case NBD_WANT_BUFFER:
			check(server->nbd, request);
			nbd_buffer(server->nbd, request, bytes);
			break;
		case NBD_BUSY:
			must(server->out || nbd_waiting_bytes(server->nbd));
			if (server->out)
				answer_one(server);
			drain(server, slow ? 1000 : SIZE_MAX);
			break;
		case NBD_WANT_INPUT:
		default:
			return true;
		}
	}
}

static size_t feed(struct server *server, const uint8_t *data, size_t len)
{
	struct iovec room[NBD_ROOM];
	unsigned count = nbd_room(server->nbd, room);
	size_t at = 0;
	must(count && room->iov_len);
	for (unsigned i = 0; i < count && at < len; i++) {
		size_t n = room[i].iov_len < len - at ? room[i].iov_len : len - at;
		memcpy(room[i].iov_base, data + at, n);
		at += n;
	}
	nbd_came(server->nbd, at);
	return at;
}

static bool shake_hands(struct server *server)
{
	static const char *const hands[] = {"",
		"\0\0\0\3"
		"IHAVEOPT\0\0\0\7\0\0\0\6\0\0\0\0\0\0",
		"\0\0\0\3"
		"IHAVEOPT\0\0\0\10\0\0\0\0"
		"IHAVEOPT\0\0\0\12\0\0\0\33\0\0\0\0\0\0\0\1\0\0\0\17base:allocation"
		"IHAVEOPT\0\0\0\7\0\0\0\6\0\0\0\0\0\0",
		"\0\0\0\3"
		"IHAVEOPT\0\0\0\13\0\0\0\0"
		"IHAVEOPT\0\0\0\12\0\0\0\33\0\0\0\0\0\0\0\1\0\0\0\17base:allocation"
		"IHAVEOPT\0\0\0\7\0\0\0\6\0\0\0\0\0\0"};
	static const uint8_t lengths[] = {0, 26, 85, 85};
	unsigned which = server->choice >> 6;
	if (!which)
		return true;
	feed(server, (const uint8_t *)hands[which], lengths[which]);
	return go_on(server) && nbd_in_use(server->nbd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct server server = {.exports = {&ops}};
	if (len < 2)
		return 0;
	size_t piece = data[0] ? data[0] : 1000, at = 2;
	server.choice = data[1];
	server.nbd = &connection;
	nbd_init(server.nbd, &server.exports);
	bool open = go_on(&server) && shake_hands(&server);
	must(open);
	while (open && at < len) {
		at += feed(&server, data + at, len - at < piece ? len - at : piece);
		open = go_on(&server);
		drain(&server, server.choice & 4 ? 500 : SIZE_MAX);
	}
	/* A client that ends in the middle of a write gives its buffer back. */
	nbd_gone(server.nbd);
	while (server.out)
		answer_one(&server);
	while (nbd_released(server.nbd)) {
	}
	must(nbd_waiting_bytes(server.nbd) == 0);
	must(nbd_in_flight(server.nbd) == 0);
	nbd_done_with(server.nbd);
	must(server.held == 0);
	return 0;
}
