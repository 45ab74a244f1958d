/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random client against a plain model of the disk: up to 100 requests in flight, cut into pieces
 * anywhere on the wire, answered in any order and in every way that there is. Each byte read must
 * be the model's, and each request be answered once.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/rng.h"
#include "nbd/rig_test.h"

enum { LIVE = 100, ROUNDS = 30000, OPERATION_MAX = 40000 };

enum headers { SIMPLE, STRUCTURED, EXTENDED };

/* A request as the client remembers it; its cookie is its place and a number of its own. */
struct live {
	bool used;
	unsigned type;
	uint64_t cookie, offset, length, answered;
	bool fails;
};

struct world {
	struct rig rig; /* first: the exports are found by it */
	struct rng rng;
	enum headers headers;
	struct bytes to; /* from the client, `fed` of it is there */
	size_t fed;
	struct live live[LIVE];
	uint64_t sent, answered;
	uint8_t model[DISK], disk[DISK];
	struct nbd_request *out[NBD_IN_FLIGHT];
	unsigned out_count;
	uint8_t *buffers[NBD_IN_FLIGHT];
};

/* ---- the client ---- */

static bool overlaps(const struct world *world, uint64_t offset, uint64_t length)
{
	for (unsigned i = 0; i < LIVE; i++) {
		const struct live *live = &world->live[i];
		if (live->used && offset < live->offset + live->length &&
			live->offset < offset + length)
			return true;
	}
	return false;
}

/* Fails, as the server of this test has it. */
static bool unlucky(uint64_t offset)
{
	return offset % 13 == 12;
}

static void say_write(struct world *world, const struct live *live)
{
	uint8_t *payload = world->to.at + world->to.len;
	CHECK(live->length <= BYTES_MAX - world->to.len);
	rng_fill(&world->rng, payload, live->length);
	if (!live->fails)
		memcpy(world->model + live->offset, payload, live->length);
	world->to.len += live->length;
}

static void say_one(struct world *world)
{
	static const unsigned types[] = {READ, READ, READ, WRITE, WRITE, WRITE_ZEROES, FLUSH};
	unsigned place = (unsigned)rng_below(&world->rng, LIVE);
	struct live *live = &world->live[place];
	if (live->used)
		return;
	uint64_t most = rng_chance(&world->rng, 200000) ? OPERATION_MAX : 3000;
	*live = (struct live){.type = types[rng_below(&world->rng, 7)],
		.cookie = world->sent << 8 | place,
		.offset = rng_below(&world->rng, DISK - OPERATION_MAX),
		.length = 1 + rng_below(&world->rng, most)};
	if (live->type == FLUSH)
		live->offset = live->length = 0;
	if (overlaps(world, live->offset, live->length))
		return;
	live->used = true;
	live->fails = live->type != FLUSH && unlucky(live->offset);
	world->sent++;
	unsigned flags = live->type == WRITE && world->headers == EXTENDED ? 32 : 0;
	if (live->type == READ && world->headers != SIMPLE && rng_chance(&world->rng, 300000))
		flags = 4; /* DF */
	add_request(&world->to, world->headers == EXTENDED,
		(struct asked){live->type, flags, live->cookie, live->offset, live->length});
	if (live->type == WRITE)
		say_write(world, live);
	else if (live->type == WRITE_ZEROES && !live->fails)
		memset(world->model + live->offset, 0, live->length);
}

static struct live *find(struct world *world, uint64_t cookie)
{
	struct live *live = &world->live[cookie & 0xff];
	CHECK((cookie & 0xff) < LIVE && live->used && live->cookie == cookie);
	return live;
}

static void ended(struct world *world, struct live *live, uint32_t error)
{
	CHECK_EQ(error, live->fails ? EIO_ : 0);
	if (live->type == READ && !error)
		CHECK_EQ(live->answered, live->length);
	live->used = false;
	world->answered++;
}

static void got_data(
	struct world *world, struct live *live, uint64_t offset, const uint8_t *data, uint64_t len)
{
	CHECK(live->type == READ && len);
	CHECK(offset >= live->offset && offset + len <= live->offset + live->length);
	for (uint64_t i = 0; i < len; i++)
		CHECK(world->model[offset + i] == (data ? data[i] : 0));
	live->answered += len;
}

/* One simple reply at `at`. Its length; 0: it is not there whole. */
static size_t hear_simple(struct world *world, const uint8_t *at, size_t len)
{
	if (len < 16)
		return 0;
	struct live *live = find(world, be64(at + 8));
	uint32_t error = be32(at + 4);
	bool data = live->type == READ && !error;
	CHECK(world->headers != EXTENDED && !(world->headers == STRUCTURED && live->type == READ));
	if (data && len < 16 + live->length)
		return 0;
	size_t whole = 16 + (data ? live->length : 0);
	if (data)
		got_data(world, live, live->offset, at + 16, live->length);
	ended(world, live, error);
	return whole;
}

static size_t hear_chunk(struct world *world, const uint8_t *at, size_t len)
{
	size_t head = world->headers == EXTENDED ? 32 : 20;
	CHECK(world->headers != SIMPLE);
	CHECK_EQ(be32(at), head == 32 ? 0x6e8a278c : 0x668e33ef);
	if (len < head)
		return 0;
	uint16_t flags = be16(at + 4), type = be16(at + 6);
	struct live *live = find(world, be64(at + 8));
	uint64_t payload = head == 32 ? be64(at + 24) : be32(at + 16);
	CHECK(head == 20 || be64(at + 16) == live->offset);
	if (len < head + payload)
		return 0;
	const uint8_t *data = at + head;
	uint32_t error = 0;
	if (type == 1)
		got_data(world, live, be64(data), data + 8, payload - 8);
	else if (type == 2)
		got_data(world, live, be64(data), NULL, be32(data + 8));
	else if (type == 32769)
		error = be32(data);
	else
		CHECK(type == 0 && payload == 0 && flags == 1);
	if (flags & 1)
		ended(world, live, error);
	return head + payload;
}

static void hear(struct world *world)
{
	struct bytes *heard = world->rig.heard;
	size_t at = 0, n = 1;
	while (n && heard->len - at >= 4) {
		uint32_t magic = be32(heard->at + at);
		if (magic == 0x67446698)
			n = hear_simple(world, heard->at + at, heard->len - at);
		else
			n = hear_chunk(world, heard->at + at, heard->len - at);
		at += n;
	}
	memmove(heard->at, heard->at + at, heard->len - at);
	heard->len -= at;
}

/* ---- the server ---- */

/* Runs of bytes and of zeros, as far as parts go. */
static unsigned cut_parts(const struct world *world, const struct nbd_request *request,
	struct nbd_part parts[NBD_PARTS])
{
	uint64_t at = request->offset, end = at + request->length;
	unsigned count = 0;
	while (at < end) {
		uint64_t to = at;
		bool hole = world->disk[at] == 0;
		while (to < end && (world->disk[to] == 0) == hole)
			to++;
		if (count == NBD_PARTS - 1) {
			to = end;
			hole = false;
		}
		parts[count++] = (struct nbd_part){hole ? NULL : world->disk + at, to - at};
		at = to;
	}
	return count;
}

static void answer_read(struct world *world, struct nbd_request *request)
{
	struct nbd *nbd = world->rig.nbd;
	struct nbd_part parts[NBD_PARTS];
	bool in_room = rng_chance(&world->rng, 500000);
	uint8_t *room = in_room ? nbd_read_room(nbd, request) : NULL;
	if (room) {
		memcpy(room, world->disk + request->offset, request->length);
		if (unlucky(request->offset))
			nbd_fail(nbd, request, -EIO);
		else
			nbd_done(nbd, request);
	} else if (unlucky(request->offset)) {
		nbd_fail(nbd, request, -EIO);
	} else {
		nbd_read(nbd, request, parts, cut_parts(world, request, parts));
	}
}

static void answer_one(struct world *world)
{
	unsigned i = (unsigned)rng_below(&world->rng, world->out_count);
	struct nbd_request *request = world->out[i];
	world->out[i] = world->out[--world->out_count];
	if (request->type == NBD_READ)
		answer_read(world, request);
	else if (request->type != NBD_FLUSH && unlucky(request->offset))
		nbd_fail(world->rig.nbd, request, -EIO);
	else
		nbd_done(world->rig.nbd, request);
}

static void take(struct world *world, struct nbd_request *request)
{
	if (request->type == NBD_WRITE) {
		if (!unlucky(request->offset))
			memcpy(world->disk + request->offset, request->data, request->length);
		free(world->buffers[request->slot]);
		world->buffers[request->slot] = NULL;
	} else if (request->type == NBD_ZERO && !unlucky(request->offset)) {
		memset(world->disk + request->offset, 0, request->length);
	}
	world->out[world->out_count++] = request;
}

static void serve(struct world *world)
{
	struct nbd_request *request;
	for (;;) {
		switch (nbd_next(world->rig.nbd, &request)) {
		case NBD_REQUEST:
			take(world, request);
			break;
		case NBD_WANT_BUFFER:
			CHECK(!world->buffers[request->slot]);
			world->buffers[request->slot] = malloc(request->length);
			nbd_buffer(world->rig.nbd, request, world->buffers[request->slot]);
			break;
		case NBD_WANT_INPUT:
		case NBD_BUSY:
			return;
		case NBD_HANG_UP:
		default:
			test_fail(__FILE__, __LINE__, "it hung up");
		}
	}
}

/* ---- both ---- */

static void shake_hands(struct world *world)
{
	add32(&world->to, 3);
	if (world->headers != SIMPLE)
		add_option(&world->to, world->headers == EXTENDED ? 11 : 8, NULL, 0);
	add_go(&world->to, "disk");
	rig_feed(&world->rig, world->to.at, world->to.len);
	serve(world);
	CHECK(nbd_in_use(world->rig.nbd));
	rig_drain(&world->rig, SIZE_MAX);
	world->rig.heard->len = world->to.len = 0;
}

/* Some of what was said arrives, unless the server has its hands full. */
static void feed(struct world *world, size_t most)
{
	struct nbd_request *none;
	size_t len = world->to.len - world->fed;
	if (!len || world->out_count > NBD_IN_FLIGHT - 2 ||
		nbd_next(world->rig.nbd, &none) != NBD_WANT_INPUT)
		return;
	world->fed += rig_feed(&world->rig, world->to.at + world->fed, len < most ? len : most);
	if (world->fed == world->to.len)
		world->fed = world->to.len = 0;
	serve(world);
}

static void step(struct world *world)
{
	struct rng *rng = &world->rng;
	if (world->sent < ROUNDS && world->to.len < BYTES_MAX / 2)
		for (uint64_t i = rng_below(rng, 8); i; i--)
			say_one(world);
	feed(world, 1 + rng_below(rng, rng_chance(rng, 300000) ? 50 : 70000));
	for (uint64_t i = rng_below(rng, 8); i && world->out_count; i--)
		answer_one(world);
	if (rng_chance(rng, 600000)) {
		rig_drain(&world->rig, 1 + rng_below(rng, rng_chance(rng, 300000) ? 50 : 90000));
		while (nbd_released(world->rig.nbd)) {
		}
		hear(world);
	}
	serve(world);
}

static void play(uint64_t seed, enum headers headers)
{
	struct world *world = calloc(1, sizeof(*world));
	CHECK(world);
	rig_init(&world->rig);
	rng_seed(&world->rng, seed + headers);
	world->headers = headers;
	shake_hands(world);
	for (unsigned i = 0; world->sent < ROUNDS || world->answered < world->sent; i++) {
		CHECK(i < 100 * ROUNDS);
		step(world);
	}
	CHECK_EQ(world->answered, world->sent);
	CHECK_EQ(nbd_in_flight(world->rig.nbd), 0);
	CHECK(memcmp(world->model, world->disk, DISK) == 0);
	rig_done(&world->rig);
	free(world);
}

TEST(simple_replies_agree_with_the_model)
{
	play(test_seed(), SIMPLE);
}

TEST(structured_replies_agree_with_the_model)
{
	play(test_seed(), STRUCTURED);
}

TEST(extended_replies_agree_with_the_model)
{
	play(test_seed(), EXTENDED);
}

TEST_MAIN
