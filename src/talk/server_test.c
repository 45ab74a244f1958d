/* SPDX-License-Identifier: Apache-2.0 */
/* The server in the simulator: order, limits, and clients that mean ill or know no better. */
#include "talk/server.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "base/must.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/test.h"
#include "base/why.h"
#include "os/net.h"
#include "os/world.h"
#include "sim/sim.h"
#include "talk/line.h"
#include "talk/reply.h"

static void verb_echo(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	uint64_t *calls = arg;
	++*calls;
	talk_reply_ok(ret_reply, json_pack("{s:s}", "said", argc > 1 ? argv[1] : ""));
}

/* A reply of as many bytes as asked for. */
static void verb_fill(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)arg;
	size_t len = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 0;
	OWN(own_free) char *bytes = calloc(1, len + 1);
	must(bytes);
	memset(bytes, 'x', len);
	talk_reply_ok(ret_reply, json_pack("{s:s}", "x", bytes));
}

static const struct talk_verb verbs[] = {
	{"echo", "WORD", 1, "says the word", verb_echo},
	{"fill", "BYTES", 1, "a long reply", verb_fill},
};

/* One machine, on which a program serves and others ask. */
struct house {
	struct sim *sim;
	struct sim_node *node;
	struct talk_server *server;
	uint64_t calls;
};

static void close_server(void *arg, struct sim_node *node)
{
	(void)node;
	struct house *house = arg;
	talk_server_close(TAKE(house->server));
}

static void house_init(struct house *house, uint64_t seed)
{
	*house = (struct house){.sim = sim_new(seed)};
	must(house->sim);
	must(sim_node_new(house->sim, "a", &house->node) == 0);
	sim_node_on_death(house->node, close_server, house);
	struct world *world = sim_node_world(house->node);
	struct listener *listener;
	must(net_listen(world->net, "unix:/control", &listener, NULL) == 0);
	struct talk_options options = {
		.verbs = verbs, .verb_count = 2, .arg = &house->calls, .uid = 1000};
	must(talk_server_open(world, listener, &options, &house->server) == 0);
}

static void house_done(struct house *house)
{
	sim_free(house->sim);
}

static void run_for(struct house *house, int64_t ns)
{
	sim_run(house->sim, sim_now(house->sim) + ns);
}

/* A client that does what a test wants, byte by byte. */
struct raw {
	struct stream *stream;
	struct str got;
	bool never_reads, ended;
};

static void raw_event(struct stream *stream, unsigned events)
{
	struct raw *raw = stream->arg;
	char bytes[512];
	ssize_t n = -EAGAIN;
	while (!raw->never_reads && (n = stream_read(stream, bytes, sizeof(bytes))) > 0)
		str_add_bytes(&raw->got, bytes, (size_t)n);
	if (n == -EAGAIN && !(events & STREAM_GONE))
		return;
	stream_close(TAKE(raw->stream));
	raw->ended = true;
}

static void raw_connect(struct house *house, struct raw *raw)
{
	struct net *net = sim_node_world(house->node)->net;
	must(net_connect(net, "unix:/control", &raw->stream, NULL) == 0);
	raw->stream->on_event = raw_event;
	raw->stream->arg = raw;
	if (!raw->never_reads)
		stream_want(raw->stream, STREAM_CAN_READ);
	run_for(house, NS_PER_MS);
}

static void raw_say(struct house *house, struct raw *raw, const char *text)
{
	size_t len = strlen(text);
	while (len) {
		ssize_t n = stream_write(raw->stream, text, len);
		must(n > 0 || n == -EAGAIN);
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
		run_for(house, NS_PER_US);
	}
}

static void raw_done(struct raw *raw)
{
	stream_close(raw->stream);
	str_done(&raw->got);
}

/* One request and its whole reply, hung up afterwards. */
static void asks(struct house *house, const char *request, const char *reply)
{
	OWN(raw_done) struct raw raw = {0};
	raw_connect(house, &raw);
	raw_say(house, &raw, request);
	run_for(house, 10 * NS_PER_MS);
	CHECK_STR(str_text(&raw.got), reply);
}

static void still_serves(struct house *house)
{
	asks(house, "echo well\n", "{\"ok\":true,\"said\":\"well\"}\n");
}

TEST(answers_and_refuses_in_one_line)
{
	OWN(house_done) struct house house;
	house_init(&house, 1);
	asks(&house, "echo a%20b\n", "{\"ok\":true,\"said\":\"a b\"}\n");
	asks(&house, "ecko\n",
		"{\"ok\":false,\"code\":2,\"error\":\"no verb \\\"ecko\\\": did you mean "
		"\\\"echo\\\"?\"}\n");
	asks(&house, "zzzzzz\n",
		"{\"ok\":false,\"code\":2,\"error\":\"no verb \\\"zzzzzz\\\": \\\"help\\\" lists "
		"those there are\"}\n");
	asks(&house, "echo a b\n",
		"{\"ok\":false,\"code\":2,\"error\":\"too many arguments; usage: echo WORD\"}\n");
	asks(&house, "echo %\n",
		"{\"ok\":false,\"code\":2,\"error\":\"byte 6: '%' needs two hexadecimal digits "
		"behind it\"}\n");
	asks(&house, "help\n",
		"{\"ok\":true,\"type\":\"help\",\"verbs\":["
		"{\"name\":\"echo\",\"arguments\":\"WORD\",\"help\":\"says the word\"},"
		"{\"name\":\"fill\",\"arguments\":\"BYTES\",\"help\":\"a long reply\"}]}\n");
	CHECK_EQ(house.calls, 1);
}

TEST(pipelined_requests_are_answered_in_order)
{
	OWN(house_done) struct house house;
	OWN(raw_done) struct raw raw = {0};
	OWN(str_done) struct str said = {0}, wanted = {0};
	house_init(&house, 2);
	raw_connect(&house, &raw);
	for (int i = 0; i < 500; i++) {
		str_addf(&said, "echo %d\n", i);
		str_addf(&wanted, "{\"ok\":true,\"said\":\"%d\"}\n", i);
	}
	raw_say(&house, &raw, said.at);
	run_for(&house, NS_PER_SEC);
	CHECK_STR(str_text(&raw.got), wanted.at);
}

TEST(a_reply_of_a_megabyte_passes_and_a_larger_one_is_refused)
{
	OWN(house_done) struct house house;
	OWN(raw_done) struct raw raw = {0};
	house_init(&house, 3);
	raw_connect(&house, &raw);
	size_t frame = strlen("{\"ok\":true,\"x\":\"\"}\n");
	char request[64];
	snprintf(request, sizeof(request), "fill %zu\n", TALK_REPLY_MAX - frame);
	raw_say(&house, &raw, request);
	run_for(&house, NS_PER_SEC);
	CHECK_EQ(raw.got.len, TALK_REPLY_MAX);
	str_clear(&raw.got);
	snprintf(request, sizeof(request), "fill %zu\n", TALK_REPLY_MAX - frame + 1);
	raw_say(&house, &raw, request);
	run_for(&house, NS_PER_SEC);
	CHECK_STR(str_text(&raw.got),
		"{\"ok\":false,\"code\":1,\"error\":\"the reply would be larger than 1 MiB\"}\n");
}

TEST(a_line_too_long_ends_the_connection_after_a_reply)
{
	OWN(house_done) struct house house;
	OWN(raw_done) struct raw raw = {0};
	house_init(&house, 4);
	raw_connect(&house, &raw);
	char line[TALK_LINE_MAX + 1];
	memset(line, 'x', TALK_LINE_MAX);
	line[TALK_LINE_MAX] = '\0';
	raw_say(&house, &raw, line);
	run_for(&house, NS_PER_SEC / 2);
	CHECK_STR(str_text(&raw.got),
		"{\"ok\":false,\"code\":2,\"error\":\"a request has at most 4096 bytes\"}\n");
	CHECK(!raw.ended);
	raw_say(&house, &raw, "\necho x\n");
	run_for(&house, NS_PER_SEC);
	CHECK(raw.ended);
	CHECK_EQ(house.calls, 0);
	/* One byte less, its newline included, is a line like any other. */
	OWN(raw_done) struct raw fits = {0};
	raw_connect(&house, &fits);
	memcpy(line, "echo ", 5);
	line[TALK_LINE_MAX - 1] = '\n';
	raw_say(&house, &fits, line);
	run_for(&house, NS_PER_SEC);
	CHECK(str_starts(str_text(&fits.got), "{\"ok\":true,\"said\":\"xxx"));
	still_serves(&house);
}

TEST(one_who_dribbles_is_hung_up_on)
{
	OWN(house_done) struct house house;
	OWN(raw_done) struct raw raw = {0};
	house_init(&house, 5);
	raw_connect(&house, &raw);
	for (int second = 0; second < 29; second++) {
		raw_say(&house, &raw, "x");
		still_serves(&house);
		run_for(&house, NS_PER_SEC);
		CHECK(!raw.ended);
	}
	run_for(&house, 2 * NS_PER_SEC);
	CHECK(raw.ended);
	CHECK_EQ(raw.got.len, 0);
}

TEST(one_who_floods_and_never_reads_is_hung_up_on)
{
	OWN(house_done) struct house house;
	OWN(raw_done) struct raw raw = {.never_reads = true};
	house_init(&house, 6);
	raw_connect(&house, &raw);
	uint64_t before = house.calls, others = 0;
	for (int round = 0; round < 280; round++) {
		while (stream_write(raw.stream, "echo x\n", 7) > 0)
			;
		if (round % 10 == 0) {
			still_serves(&house);
			others++;
		}
		run_for(&house, 100 * NS_PER_MS);
	}
	CHECK_EQ(stream_write(raw.stream, "x", 1), -EAGAIN);
	/* Not read, not answered: no more than the buffers on the way hold. */
	CHECK(house.calls - before - others < 10000);
	run_for(&house, 10 * NS_PER_SEC);
	raw.never_reads = false;
	stream_want(raw.stream, STREAM_CAN_READ);
	run_for(&house, NS_PER_SEC);
	CHECK(raw.ended);
	still_serves(&house);
}

TEST(an_exchange_renews_the_time)
{
	OWN(house_done) struct house house;
	OWN(raw_done) struct raw raw = {0};
	house_init(&house, 7);
	raw_connect(&house, &raw);
	for (int i = 0; i < 10; i++) {
		run_for(&house, 25 * NS_PER_SEC);
		raw_say(&house, &raw, "echo x\n");
	}
	run_for(&house, 25 * NS_PER_SEC);
	CHECK(!raw.ended);
	CHECK_EQ(house.calls, 10);
}

TEST(the_oldest_gives_its_place_and_the_fresh_keep_theirs)
{
	OWN(house_done) struct house house;
	struct raw raws[TALK_CLIENTS] = {0};
	house_init(&house, 8);
	for (size_t i = 0; i < TALK_CLIENTS; i++)
		raw_connect(&house, &raws[i]);
	asks(&house, "echo x\n",
		"{\"ok\":false,\"code\":1,\"error\":\"too many clients: try again\","
		"\"busy\":true}\n");
	run_for(&house, 2 * NS_PER_SEC);
	raw_say(&house, &raws[0], "echo x\n");
	run_for(&house, 10 * NS_PER_MS);
	OWN(raw_done) struct raw newcomer = {0};
	raw_connect(&house, &newcomer);
	raw_say(&house, &newcomer, "echo y\n");
	run_for(&house, 10 * NS_PER_MS);
	CHECK_STR(str_text(&newcomer.got), "{\"ok\":true,\"said\":\"y\"}\n");
	CHECK(!raws[0].ended);
	CHECK(raws[1].ended);
	CHECK(!raws[2].ended);
	for (size_t i = 0; i < TALK_CLIENTS; i++)
		raw_done(&raws[i]);
}

TEST(a_server_that_closes_hangs_up_on_all)
{
	OWN(house_done) struct house house;
	OWN(raw_done) struct raw raw = {0};
	house_init(&house, 9);
	raw_connect(&house, &raw);
	raw_say(&house, &raw, "echo x\n");
	run_for(&house, 10 * NS_PER_MS);
	talk_server_close(TAKE(house.server));
	run_for(&house, 10 * NS_PER_MS);
	CHECK(raw.ended);
	CHECK_EQ(raw.got.len, strlen("{\"ok\":true,\"said\":\"x\"}\n"));
}

/*
 * Clients that send their requests in random pieces, read at random times and hang up at random:
 * what each has read is a prefix of the right replies in order.
 */
enum { CROWD = 40, REQUESTS = 30 };

struct member {
	struct raw raw;
	struct str said;
	size_t sent;
};

static void check_prefix(const struct raw *raw)
{
	OWN(str_done) struct str wanted = {0};
	for (int i = 0; i < REQUESTS; i++)
		str_addf(&wanted, "{\"ok\":true,\"said\":\"%d\"}\n", i);
	CHECK(str_starts(str_text(&wanted), str_text(&raw->got)));
}

static void act(struct house *house, struct member *member, struct rng *rng)
{
	struct raw *raw = &member->raw;
	if (!raw->stream || rng_chance(rng, 2000)) {
		stream_close(TAKE(raw->stream));
		check_prefix(raw);
		str_clear(&raw->got);
		member->sent = 0;
		raw_connect(house, raw);
		return;
	}
	size_t len = rng_below(rng, member->said.len - member->sent + 1);
	ssize_t n = stream_write(raw->stream, member->said.at + member->sent, len);
	member->sent += n > 0 ? (size_t)n : 0;
	stream_want(raw->stream, rng_chance(rng, 500000) ? STREAM_CAN_READ : 0);
}

static uint64_t crowd(uint64_t seed)
{
	OWN(house_done) struct house house;
	static struct member members[CROWD];
	struct rng rng;
	rng_seed(&rng, seed);
	house_init(&house, seed);
	memset(members, 0, sizeof(members));
	for (size_t i = 0; i < CROWD; i++)
		for (int request = 0; request < REQUESTS; request++)
			str_addf(&members[i].said, "echo %d\n", request);
	for (int step = 0; step < 3000; step++) {
		act(&house, &members[rng_below(&rng, CROWD)], &rng);
		run_for(&house, (int64_t)rng_below(&rng, (uint64_t)NS_PER_MS));
	}
	still_serves(&house);
	uint64_t trace = sim_trace(house.sim);
	for (size_t i = 0; i < CROWD; i++) {
		check_prefix(&members[i].raw);
		raw_done(&members[i].raw);
		str_done(&members[i].said);
	}
	return trace;
}

TEST(a_crowd_gets_its_replies_in_order)
{
	uint64_t seed = test_seed();
	CHECK_EQ(crowd(seed), crowd(seed));
}

TEST_MAIN
