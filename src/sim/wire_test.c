/* SPDX-License-Identifier: Apache-2.0 */
/* Four nodes call each other in a storm: every byte is the one that was said, or there is an error.
 */
#include "sim/wire.h"

#include <errno.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/hash.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/world.h"
#include "sim/fault.h"
#include "sim/sim.h"

enum { NODES = 4, CALLS = 60, HEAD = 8 };

/* What is said at an offset of one direction of a call: both sides know it. */
static uint8_t said(uint64_t call, unsigned side, uint64_t at)
{
	if (side == 0 && at < HEAD)
		return (uint8_t)(call >> at * 8);
	return (uint8_t)(hash_fold(call * 2 + side, at / 8) >> at % 8 * 8);
}

/* One side of a call. The caller's first bytes are the number of the call. */
struct side {
	struct stream *stream;
	struct sim_node *node;
	struct call *call;
	unsigned number;
	uint64_t to_say, spoken, heard;
	bool over, heard_end, failed;
};

struct call {
	struct storm *storm;
	uint64_t number;
	struct side sides[2];
};

struct storm {
	struct sim *sim;
	struct rng rng;
	struct sim_node *nodes[NODES];
	struct listener *listeners[NODES];
	struct call calls[CALLS];
	struct side strangers[CALLS]; /* accepted, and their number is not read yet */
	size_t called, accepted;
	uint64_t bytes, ends, failures;
};

static const char *const node_names[NODES] = {"n0", "n1", "n2", "n3"};
static const char *const addresses[NODES] = {
	"sim:n0/door", "sim:n1/door", "sim:n2/door", "sim:n3/door"};

static void hang_up(struct side *side, bool failed)
{
	side->over = true;
	side->failed = failed;
	stream_close(side->stream);
	side->stream = NULL;
}

/* The one who waits for nothing more goes; and some go early. */
static void maybe_hang_up(struct side *side)
{
	struct storm *storm = side->call->storm;
	bool all_said = side->spoken == side->to_say;
	if ((all_said && side->heard_end) || (all_said && rng_below(&storm->rng, 3) == 0))
		hang_up(side, false);
}

static void speak(struct side *side)
{
	uint8_t bytes[5000];
	struct call *call = side->call;
	uint64_t len = side->to_say - side->spoken;
	if (len > sizeof(bytes))
		len = 1 + rng_below(&call->storm->rng, sizeof(bytes));
	for (uint64_t i = 0; i < len; i++)
		bytes[i] = said(call->number, side->number, side->spoken + i);
	ssize_t n = stream_write(side->stream, bytes, len);
	CHECK(n > 0 || n == -EAGAIN || n == -EPIPE);
	if (n > 0)
		side->spoken += (uint64_t)n;
}

/* Every byte must be the one that was said at this place. */
static void hear(struct side *side, const uint8_t *bytes, size_t len)
{
	const struct call *call = side->call;
	for (size_t i = 0; i < len; i++) {
		uint64_t at = side->heard + i;
		CHECK_EQ(bytes[i], said(call->number, 1 - side->number, at));
	}
	side->heard += len;
	CHECK(side->heard <= call->sides[1 - side->number].spoken);
	call->storm->bytes += len;
}

static void listen_up(struct side *side)
{
	uint8_t bytes[3000];
	size_t most = 1 + rng_below(&side->call->storm->rng, sizeof(bytes));
	ssize_t n = stream_read(side->stream, bytes, most);
	if (n > 0) {
		hear(side, bytes, (size_t)n);
		return;
	}
	if (n == 0) {
		const struct side *other = &side->call->sides[1 - side->number];
		side->heard_end = true;
		CHECK_EQ(side->heard, other->spoken);
		CHECK(!other->stream);
		side->call->storm->ends++;
		hang_up(side, false);
		return;
	}
	CHECK(n == -EAGAIN || n == -ECONNRESET || n == -ETIMEDOUT || n == -ECONNREFUSED);
}

static void on_side_event(struct stream *stream, unsigned events)
{
	struct side *side = stream->arg;
	struct storm *storm = side->call->storm;
	CHECK(!side->over && side->stream == stream && events);
	if (events & STREAM_CAN_READ)
		listen_up(side);
	if (side->over)
		return;
	if (events & STREAM_GONE) {
		storm->failures++;
		hang_up(side, true);
		return;
	}
	if (events & STREAM_CAN_WRITE && side->spoken < side->to_say)
		speak(side);
	maybe_hang_up(side);
	if (!side->over)
		stream_want(stream,
			STREAM_CAN_READ | (side->spoken < side->to_say ? STREAM_CAN_WRITE : 0));
}

static void begin(struct side *side, struct call *call, unsigned number, struct stream *stream)
{
	side->call = call;
	side->number = number;
	side->stream = stream;
	stream->arg = side;
	stream->on_event = on_side_event;
	stream_want(stream, STREAM_CAN_READ | STREAM_CAN_WRITE);
}

/* Reads the number of the call, byte by byte so that nothing of the rest is taken. */
static void on_stranger(struct stream *stream, unsigned events)
{
	struct side *side = stream->arg;
	struct storm *storm = side->call->storm;
	while (events & STREAM_CAN_READ && side->heard < HEAD) {
		uint8_t byte;
		ssize_t n = stream_read(stream, &byte, 1);
		if (n <= 0) {
			if (n != -EAGAIN)
				hang_up(side, true);
			return;
		}
		side->to_say |= (uint64_t)byte << side->heard++ * 8;
	}
	if (side->heard == HEAD) {
		uint64_t number = side->to_say;
		CHECK(number < storm->called);
		struct call *call = &storm->calls[number];
		CHECK(!call->sides[1].stream && !call->sides[1].over);
		call->sides[1].heard = HEAD;
		side->over = true;
		call->sides[1].node = side->node;
		begin(&call->sides[1], call, 1, TAKE(side->stream));
	} else if (events & STREAM_GONE) {
		hang_up(side, true);
	}
}

static void on_caller(struct listener *listener, struct stream *stream)
{
	struct storm *storm = listener->arg;
	CHECK(storm->accepted < CALLS);
	struct side *side = &storm->strangers[storm->accepted++];
	side->call = &storm->calls[0]; /* only to find the storm */
	for (size_t i = 0; i < NODES; i++)
		if (storm->listeners[i] == listener)
			side->node = storm->nodes[i];
	side->stream = stream;
	stream->arg = side;
	stream->on_event = on_stranger;
	stream_want(stream, STREAM_CAN_READ);
}

static void start_node(struct storm *storm, size_t i)
{
	struct world *world = sim_node_world(storm->nodes[i]);
	struct why why;
	CHECK_EQ(net_listen(world->net, addresses[i], &storm->listeners[i], &why), 0);
	storm->listeners[i]->on_accept = on_caller;
	storm->listeners[i]->arg = storm;
}

static void call_somebody(struct storm *storm)
{
	size_t from = rng_below(&storm->rng, NODES), to = rng_below(&storm->rng, NODES);
	if (storm->called == CALLS || from == to || !sim_node_up(storm->nodes[from]))
		return;
	struct call *call = &storm->calls[storm->called];
	struct stream *stream;
	struct why why;
	for (unsigned i = 0; i < 2; i++) {
		call->sides[i].call = call;
		call->sides[i].to_say = HEAD + rng_below(&storm->rng, 200000);
	}
	call->storm = storm;
	call->number = storm->called++;
	struct world *world = sim_node_world(storm->nodes[from]);
	CHECK_EQ(net_connect(world->net, addresses[to], &stream, &why), 0);
	call->sides[0].node = storm->nodes[from];
	begin(&call->sides[0], call, 0, stream);
}

/* Some handles are closed, as a tidy program does, the others are left to the simulator. */
static void drop_side(struct side *side, const struct sim_node *node)
{
	if (!side->stream || side->node != node)
		return;
	struct storm *storm = side->call->storm;
	if (rng_below(&storm->rng, 2))
		stream_close(side->stream);
	side->stream = NULL;
	side->over = side->failed = true;
}

static void on_storm_death(void *arg, struct sim_node *node)
{
	struct storm *storm = arg;
	for (size_t i = 0; i < NODES; i++)
		if (storm->nodes[i] == node)
			storm->listeners[i] = NULL;
	for (size_t i = 0; i < CALLS; i++) {
		drop_side(&storm->strangers[i], node);
		drop_side(&storm->calls[i].sides[0], node);
		drop_side(&storm->calls[i].sides[1], node);
	}
}

static void change_lives(struct storm *storm)
{
	size_t i = rng_below(&storm->rng, NODES);
	if (!sim_node_up(storm->nodes[i])) {
		CHECK_EQ(sim_node_restart(storm->nodes[i]), 0);
		start_node(storm, i);
	} else if (rng_below(&storm->rng, 8) == 0) {
		sim_node_crash(storm->nodes[i]);
	} else if (rng_below(&storm->rng, 8) == 0) {
		sim_node_kill(storm->nodes[i]);
	} else if (rng_below(&storm->rng, 8) == 0) {
		sim_node_pause(storm->nodes[i], sim_now(storm->sim) + 3 * NS_PER_SEC);
	}
}

static void change_weather(struct storm *storm)
{
	struct rng *rng = &storm->rng;
	size_t a = rng_below(rng, NODES), b = (a + 1 + rng_below(rng, NODES - 1)) % NODES;
	struct sim_link *link = sim_net_link(storm->nodes[a], storm->nodes[b]);
	switch (rng_below(rng, 8)) {
	case 0:
		link->cut = true;
		break;
	case 1 ... 2:
		sim_net_heal(storm->sim);
		break;
	case 3:
		link->loss_per_million = (uint32_t)rng_below(rng, 300000);
		break;
	case 4:
		link->reset_per_million = (uint32_t)rng_below(rng, 5000);
		break;
	case 5:
		link->bytes_per_sec = 1000 + rng_below(rng, 10000000);
		break;
	case 6:
		link->delay_ns = (int64_t)rng_below(rng, 500 * NS_PER_MS);
		link->jitter_ns = (int64_t)rng_below(rng, 500 * NS_PER_MS);
		break;
	default:
		if (rng_below(rng, 10) == 0)
			sim_net_reset(storm->nodes[a], storm->nodes[b]);
	}
}

/* About 17,000 bursts pass in 30 storms: each rule hits some 30 times or more. */
static const struct fault rules[] = {
	{.label = "burst lost", .effect = FAULT_LOSE, .per_million = 20000},
	{.label = "burst late", .effect = FAULT_DELAY, .per_million = 20000, .value = NS_PER_SEC},
	{.label = "stream reset", .effect = FAULT_FAIL, .per_million = 2000, .value = -ECONNRESET},
	{.label = "crash while sending", .effect = FAULT_CRASH, .per_million = 2000},
	{.label = "kill while sending", .effect = FAULT_KILL, .per_million = 2000},
};

static void add_rules(struct storm *storm)
{
	size_t number;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		struct fault rule = rules[i];
		rule.point = FAULT_SEND;
		rule.name = "sim:*/door";
		CHECK_EQ(fault_add(storm->sim, &rule, &number), 0);
		CHECK_EQ(number, i);
	}
}

static void run_storm(uint64_t seed, struct storm *storm)
{
	*storm = (struct storm){.sim = sim_new(seed)};
	rng_seed(&storm->rng, seed);
	for (size_t i = 0; i < NODES; i++) {
		CHECK_EQ(sim_node_new(storm->sim, node_names[i], &storm->nodes[i]), 0);
		start_node(storm, i);
		sim_node_on_death(storm->nodes[i], on_storm_death, storm);
	}
	for (size_t i = 0; i < CALLS; i++)
		storm->calls[i].storm = storm;
	add_rules(storm);
	for (int i = 0; i < 400; i++) {
		call_somebody(storm);
		change_weather(storm);
		change_lives(storm);
		sim_run(storm->sim,
			sim_now(storm->sim) + (int64_t)rng_below(&storm->rng, 2 * NS_PER_SEC));
	}
	sim_run(storm->sim, sim_now(storm->sim) + NS_PER_HOUR);
}

TEST(streams_deliver_exact_bytes_or_an_error_in_any_weather)
{
	uint64_t seed = test_seed(), bytes = 0, ends = 0, failures = 0, hits[5] = {0};
	struct storm *storm = malloc(sizeof(*storm));
	CHECK(storm);
	for (uint64_t i = 0; i < 30; i++) {
		run_storm(seed + i, storm);
		bytes += storm->bytes;
		ends += storm->ends;
		failures += storm->failures;
		for (size_t rule = 0; rule < 5; rule++)
			hits[rule] += fault_hits(storm->sim, rule);
		sim_free(storm->sim);
	}
	test_note("%" PRIu64 " bytes, %" PRIu64 " orderly ends, %" PRIu64 " errors", bytes, ends,
		failures);
	CHECK(ends > 100 && failures > 100);
	for (size_t rule = 0; rule < 5; rule++)
		CHECK(hits[rule] > 0);
	free(storm);
}

TEST_MAIN
