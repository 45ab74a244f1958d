/* SPDX-License-Identifier: Apache-2.0 */
/* The client against the server of this room, over a wire that delivers any number of bytes. */
#include "nbd/client.h"

#include <errno.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/rng.h"
#include "nbd/rig_test.h"

enum { BATCH = 48, PIECE = DISK / BATCH };

static uint8_t disk[DISK], model[DISK], payload[BATCH][PIECE];

struct ask {
	struct nbd_asked asked;
	bool done;
	int err;
	uint64_t told[2]; /* bytes of each context */
	uint32_t flags[2];
};

struct pair {
	struct rig rig;
	struct rng rng;
	struct nbd_client *client;
	struct nbd_request *held[NBD_IN_FLIGHT];
	unsigned held_count;
};

static void on_done(struct nbd_asked *asked, int err)
{
	struct ask *ask = container_of(asked, struct ask, asked);
	CHECK(!ask->done);
	ask->done = true;
	ask->err = err;
}

static void on_extent(struct nbd_asked *asked, unsigned context, uint64_t len, uint32_t flags)
{
	struct ask *ask = container_of(asked, struct ask, asked);
	ask->told[context] += len;
	ask->flags[context] |= flags;
}

static void pair_init(struct pair *pair, const char *name, uint64_t seed)
{
	static const char *const contexts[] = {"base:allocation", "x-ebb:era"};
	struct nbd_client_options options = {
		.name = name, .contexts = {contexts[0], contexts[1]}, .context_count = 2};
	memset(pair, 0, sizeof(*pair));
	rig_init(&pair->rig);
	rng_seed(&pair->rng, seed);
	pair->client = nbd_client_new(&options);
	CHECK(pair->client);
}

static void pair_done(struct pair *pair)
{
	nbd_client_free(pair->client);
	rig_done(&pair->rig);
}

/* ---- the wire ---- */

/* Some bytes of the client reach the server. False: it has none. */
static bool carry_up(struct pair *pair)
{
	struct iovec parts[4], room[NBD_ROOM];
	unsigned count = nbd_client_waiting(pair->client, parts, 4);
	if (!count)
		return false;
	unsigned rooms = nbd_room(pair->rig.nbd, room);
	if (!rooms)
		return false;
	size_t n = 1 + rng_below(&pair->rng, 5000);
	n = n < parts->iov_len ? n : parts->iov_len;
	nbd_client_sent(pair->client, rig_feed(&pair->rig, parts->iov_base, n));
	return true;
}

/* Some bytes of the server reach the client. */
static bool carry_down(struct pair *pair)
{
	struct bytes *heard = pair->rig.heard;
	size_t from = 0;
	heard->len = 0;
	rig_drain(&pair->rig, 1 + rng_below(&pair->rng, 6000));
	while (from < heard->len && nbd_client_state(pair->client) != NBD_CLIENT_ENDED) {
		struct iovec room = nbd_client_room(pair->client);
		size_t n = heard->len - from < room.iov_len ? heard->len - from : room.iov_len;
		CHECK(room.iov_len);
		memcpy(room.iov_base, heard->at + from, n);
		nbd_client_came(pair->client, n);
		from += n;
	}
	while (nbd_released(pair->rig.nbd))
		;
	return heard->len;
}

/* ---- the server's owner ---- */

static void answer_status(struct pair *pair, struct nbd_request *request)
{
	for (unsigned i = 0; i < 3; i++) {
		uint64_t half = request->length / 2;
		if (!(request->contexts >> i & 1))
			continue;
		nbd_context(pair->rig.nbd, request, i);
		if (half)
			nbd_extent(pair->rig.nbd, request, half, i);
		nbd_extent(pair->rig.nbd, request, request->length - half, i + 4);
	}
	nbd_done(pair->rig.nbd, request);
}

static void answer_read(struct pair *pair, struct nbd_request *request)
{
	const uint8_t *from = disk + request->offset;
	uint64_t half = request->length / 2;
	bool zeros = half && *from == 0 && memcmp(from, from + 1, half - 1) == 0;
	struct nbd_part parts[] = {
		{zeros ? NULL : from, half}, {from + half, request->length - half}};
	if (half && rng_below(&pair->rng, 2)) {
		nbd_read(pair->rig.nbd, request, parts, 2);
		return;
	}
	parts[0] = (struct nbd_part){from, request->length};
	nbd_read(pair->rig.nbd, request, parts, 1);
}

static void answer(struct pair *pair, struct nbd_request *request)
{
	if (request->type == NBD_STATUS) {
		answer_status(pair, request);
		return;
	}
	if (request->type == NBD_READ) {
		answer_read(pair, request);
		return;
	}
	if (request->type == NBD_TRIM) {
		nbd_fail(pair->rig.nbd, request, -ENOSPC);
		return;
	}
	if (request->type == NBD_ZERO)
		memset(disk + request->offset, 0, request->length);
	nbd_done(pair->rig.nbd, request);
}

static bool serve(struct pair *pair)
{
	struct nbd_request *request;
	bool any = false;
	enum nbd_event event;
	while ((event = nbd_next(pair->rig.nbd, &request)) <= NBD_WANT_BUFFER &&
		event != NBD_WANT_INPUT) {
		if (event == NBD_WANT_BUFFER) {
			nbd_buffer(pair->rig.nbd, request, disk + request->offset);
			continue;
		}
		/* What lies in the connection's input moves on. */
		if (request->type == NBD_WRITE && request->data != disk + request->offset)
			memcpy(disk + request->offset, request->data, request->length);
		pair->held[pair->held_count++] = request;
		any = true;
	}
	while (pair->held_count && rng_below(&pair->rng, 3)) {
		unsigned i = (unsigned)rng_below(&pair->rng, pair->held_count);
		request = pair->held[i];
		pair->held[i] = pair->held[--pair->held_count];
		answer(pair, request);
		any = true;
	}
	return any || pair->held_count;
}

static void settle(struct pair *pair)
{
	unsigned idle = 0;
	while (idle < 4) {
		bool any = carry_up(pair);
		any |= serve(pair);
		any |= carry_down(pair);
		idle = any ? 0 : idle + 1;
	}
}

/* ---- tests ---- */

static void ask_one(struct pair *pair, struct ask *ask, unsigned i)
{
	static const enum nbd_type types[] = {
		NBD_READ, NBD_WRITE, NBD_WRITE, NBD_ZERO, NBD_STATUS, NBD_TRIM, NBD_FLUSH};
	*ask = (struct ask){.asked.done = on_done, .asked.on_extent = on_extent};
	ask->asked.type = types[rng_below(&pair->rng, 7)];
	ask->asked.offset = (uint64_t)i * PIECE;
	ask->asked.length = 1 + (uint32_t)rng_below(&pair->rng, PIECE);
	ask->asked.bytes = payload[i];
	if (ask->asked.type == NBD_FLUSH)
		ask->asked.offset = ask->asked.length = 0;
	if (ask->asked.type == NBD_WRITE) {
		for (unsigned j = 0; j < ask->asked.length; j++)
			payload[i][j] = (uint8_t)(rng_u64(&pair->rng) | 1);
		memcpy(model + ask->asked.offset, payload[i], ask->asked.length);
	}
	if (ask->asked.type == NBD_ZERO)
		memset(model + ask->asked.offset, 0, ask->asked.length);
	nbd_client_ask(pair->client, &ask->asked);
}

static void check_one(const struct ask *ask)
{
	const struct nbd_asked *asked = &ask->asked;
	CHECK(ask->done);
	CHECK_EQ(ask->err, asked->type == NBD_TRIM ? -ENOSPC : 0);
	if (asked->type == NBD_READ)
		CHECK(memcmp(asked->bytes, model + asked->offset, asked->length) == 0);
	if (asked->type != NBD_STATUS)
		return;
	CHECK_EQ(ask->told[0], asked->length);
	CHECK_EQ(ask->told[1], asked->length);
	CHECK_EQ(ask->flags[0], 4);
	CHECK_EQ(ask->flags[1], 6);
}

TEST(whatever_is_asked_is_answered)
{
	static struct pair pair;
	static struct ask asks[BATCH];
	memset(disk, 0, sizeof(disk));
	memset(model, 0, sizeof(model));
	pair_init(&pair, "disk", test_seed());
	for (unsigned round = 0; round < 12; round++) {
		for (unsigned i = 0; i < BATCH; i++)
			ask_one(&pair, &asks[i], i);
		settle(&pair);
		CHECK_EQ(nbd_client_state(pair.client), NBD_CLIENT_READY);
		for (unsigned i = 0; i < BATCH; i++)
			check_one(&asks[i]);
	}
	CHECK_EQ(nbd_client_facts(pair.client)->size, DISK);
	CHECK_EQ(nbd_client_facts(pair.client)->contexts, 3);
	CHECK(!nbd_client_facts(pair.client)->read_only);
	nbd_client_leave(pair.client);
	settle(&pair);
	CHECK_EQ(nbd_in_flight(pair.rig.nbd), 0);
	CHECK(!nbd_ended(pair.rig.nbd));
	pair_done(&pair);
}

TEST(an_export_that_is_not_there)
{
	static struct pair pair;
	struct ask ask = {.asked = {.type = NBD_FLUSH, .done = on_done}};
	pair_init(&pair, "none", test_seed());
	nbd_client_ask(pair.client, &ask.asked);
	settle(&pair);
	CHECK_EQ(nbd_client_state(pair.client), NBD_CLIENT_ENDED);
	CHECK_STR(nbd_client_why(pair.client), "there is no export of that name");
	CHECK(ask.done);
	CHECK_EQ(ask.err, -EPIPE);
	pair_done(&pair);
}

TEST(what_was_asked_of_a_server_that_goes)
{
	static struct pair pair;
	static struct ask asks[BATCH];
	pair_init(&pair, "old", test_seed());
	settle(&pair);
	CHECK_EQ(nbd_client_facts(pair.client)->size, UINT64_C(1) << 40);
	CHECK(nbd_client_facts(pair.client)->read_only);
	for (unsigned i = 0; i < BATCH; i++) {
		asks[i] = (struct ask){.asked = {.type = NBD_READ,
					       .length = 512,
					       .bytes = payload[i],
					       .done = on_done}};
		nbd_client_ask(pair.client, &asks[i].asked);
	}
	(void)carry_up(&pair);
	nbd_client_gone(pair.client, "it hung up");
	for (unsigned i = 0; i < BATCH; i++)
		CHECK(asks[i].done && asks[i].err == -EPIPE);
	CHECK_STR(nbd_client_why(pair.client), "it hung up");
	pair_done(&pair);
}

TEST_MAIN
