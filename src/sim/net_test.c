/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, refusals, partitions of each kind, half-open ends, back-pressure and rates. */
#include "sim/net.h"

#include <errno.h>

#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "os/net.h"
#include "os/world.h"
#include "sim/fault.h"
#include "sim/sim.h"

struct end {
	struct stream *stream;
	unsigned told;
	uint64_t bytes; /* heard, when `drains` */
	bool drains;
	int64_t told_ns;
	struct sim *sim;
};

struct pair {
	struct sim *sim;
	struct sim_node *a, *b;
	struct listener *listener;
	struct end near, far;
};

static void on_end(struct stream *stream, unsigned events)
{
	struct end *end = stream->arg;
	char bytes[4096];
	ssize_t n;
	end->told |= events;
	end->told_ns = sim_now(end->sim);
	if (events & STREAM_CAN_WRITE)
		stream_want(stream, STREAM_CAN_READ); /* asked once */
	if (end->drains && events & STREAM_CAN_READ) {
		while ((n = stream_read(stream, bytes, sizeof(bytes))) > 0)
			end->bytes += (uint64_t)n;
	} else if (events & STREAM_CAN_READ) {
		stream_want(stream, 0);
	}
}

static void hold(struct end *end, struct sim *sim, struct stream *stream)
{
	*end = (struct end){.stream = stream, .sim = sim};
	stream->arg = end;
	stream->on_event = on_end;
	stream_want(stream, STREAM_CAN_READ | STREAM_CAN_WRITE);
}

static void on_pair_accept(struct listener *listener, struct stream *stream)
{
	struct pair *pair = listener->arg;
	hold(&pair->far, pair->sim, stream);
}

static int connect_near(struct pair *pair, const char *address, struct why *why)
{
	struct stream *stream;
	int err = net_connect(sim_node_world(pair->a)->net, address, &stream, why);
	if (!err)
		hold(&pair->near, pair->sim, stream);
	return err;
}

static void listen_far(struct pair *pair, struct sim_node *node, const char *address)
{
	struct why why;
	struct net *net = sim_node_world(node)->net;
	CHECK_EQ(net_listen(net, address, &pair->listener, &why), 0);
	pair->listener->on_accept = on_pair_accept;
	pair->listener->arg = pair;
}

static void make_nodes(struct pair *pair)
{
	*pair = (struct pair){.sim = sim_new(test_seed())};
	CHECK_EQ(sim_node_new(pair->sim, "a", &pair->a), 0);
	CHECK_EQ(sim_node_new(pair->sim, "b", &pair->b), 0);
}

/* Two nodes and a stream between them. */
static void make_pair(struct pair *pair)
{
	struct why why;
	make_nodes(pair);
	listen_far(pair, pair->b, "sim:b/door");
	CHECK_EQ(connect_near(pair, "sim:b/door", &why), 0);
	sim_run(pair->sim, NS_PER_SEC);
	CHECK(pair->near.told == STREAM_CAN_WRITE && pair->far.stream);
}

/* A stream within a node. */
static void make_unix_pair(struct pair *pair)
{
	struct why why;
	make_nodes(pair);
	listen_far(pair, pair->a, "unix:/run/x");
	CHECK_EQ(connect_near(pair, "unix:/run/x", &why), 0);
	sim_run(pair->sim, NS_PER_SEC);
	CHECK(pair->near.told == STREAM_CAN_WRITE && pair->far.stream);
}

static void run_for(struct pair *pair, int64_t ns)
{
	sim_run(pair->sim, sim_now(pair->sim) + ns);
}

static void say(struct end *end)
{
	CHECK_EQ(stream_write(end->stream, "x", 1), 1);
}

/* Writes until no buffer has space left; answers how much went in. */
static uint64_t fill(struct pair *pair, struct end *end)
{
	char bytes[4096] = {0};
	uint64_t taken = 0;
	ssize_t n = 0;
	for (int i = 0; i < 100; i++) {
		while ((n = stream_write(end->stream, bytes, sizeof(bytes))) > 0)
			taken += (uint64_t)n;
		CHECK_EQ(n, -EAGAIN);
		run_for(pair, NS_PER_SEC);
	}
	return taken;
}

TEST(addresses_are_checked_and_refusals_say_why)
{
	struct pair pair;
	struct why why;
	struct listener *listener;
	make_nodes(&pair);
	struct net *net = sim_node_world(pair.a)->net;
	CHECK_EQ(connect_near(&pair, "tcp:127.0.0.1:1", &why), -EINVAL);
	CHECK_STR(why.text, "tcp:127.0.0.1:1: not unix:PATH or sim:NODE/NAME");
	CHECK_EQ(connect_near(&pair, "sim:b", &why), -EINVAL);
	CHECK_EQ(connect_near(&pair, "sim:b/", &why), -EINVAL);
	CHECK_EQ(connect_near(&pair, "unix:", &why), -EINVAL);
	CHECK_EQ(connect_near(&pair, "sim:nobody/x", &why), -ENOENT);
	CHECK_STR(why.text, "sim:nobody/x: there is no such node");
	CHECK_EQ(connect_near(&pair, "unix:/run/x", &why), -ECONNREFUSED);
	CHECK_STR(why.text, "unix:/run/x: cannot connect: Connection refused");
	CHECK_EQ(net_listen(net, "sim:b/x", &listener, &why), -EADDRNOTAVAIL);
	CHECK_STR(why.text, "sim:b/x: another node's address");
	CHECK_EQ(net_listen(net, "unix:/run/x", &listener, &why), 0);
	CHECK_EQ(net_listen(net, "unix:/run/x", &listener, &why), -EADDRINUSE);
	CHECK_STR(why.text, "unix:/run/x: somebody listens there already");
	listener_close(listener);
	CHECK_EQ(net_listen(net, "unix:/run/x", &listener, &why), 0);
	sim_free(pair.sim);
}

TEST(nobody_listens_is_a_refusal_and_a_crashed_machine_is_silence)
{
	struct pair pair;
	struct why why;
	char byte;
	make_nodes(&pair);
	CHECK_EQ(connect_near(&pair, "sim:b/door", &why), 0);
	run_for(&pair, NS_PER_SEC);
	CHECK_EQ(pair.near.told, STREAM_GONE | STREAM_CAN_READ);
	CHECK_EQ(stream_read(pair.near.stream, &byte, 1), -ECONNREFUSED);
	CHECK_EQ(stream_write(pair.near.stream, &byte, 1), -EPIPE);
	stream_close(pair.near.stream);

	sim_node_crash(pair.b);
	CHECK_EQ(connect_near(&pair, "sim:b/door", &why), 0);
	run_for(&pair, 20 * NS_PER_SEC);
	CHECK_EQ(pair.near.told, 0);
	run_for(&pair, NS_PER_MIN);
	CHECK_EQ(pair.near.told, STREAM_GONE | STREAM_CAN_READ);
	CHECK_EQ(stream_read(pair.near.stream, &byte, 1), -ETIMEDOUT);
	sim_free(pair.sim);
}

TEST(unix_names_belong_to_their_node)
{
	struct pair pair;
	struct why why;
	struct peer peer;
	make_nodes(&pair);
	struct net *net = sim_node_world(pair.b)->net;
	CHECK_EQ(net_listen(net, "unix:/run/x", &pair.listener, &why), 0);
	CHECK_EQ(connect_near(&pair, "unix:/run/x", &why), -ECONNREFUSED);
	listener_close(pair.listener);
	net = sim_node_world(pair.a)->net;
	CHECK_EQ(net_listen(net, "unix:/run/x", &pair.listener, &why), 0);
	pair.listener->on_accept = on_pair_accept;
	pair.listener->arg = &pair;
	CHECK_EQ(connect_near(&pair, "unix:/run/x", &why), 0);
	run_for(&pair, NS_PER_MS);
	CHECK_EQ(pair.near.told, STREAM_CAN_WRITE);
	CHECK_EQ(stream_peer(pair.far.stream, &peer), 0);
	sim_free(pair.sim);
}

TEST(a_partition_holds_bytes_back_until_it_heals)
{
	struct pair pair;
	make_pair(&pair);
	pair.far.drains = true;
	sim_net_isolate(pair.b, true);
	say(&pair.near);
	run_for(&pair, 10 * NS_PER_SEC);
	CHECK_EQ(pair.far.bytes, 0);
	sim_net_heal(pair.sim);
	run_for(&pair, 20 * NS_PER_SEC);
	CHECK_EQ(pair.far.bytes, 1);
	CHECK(!((pair.near.told | pair.far.told) & STREAM_GONE));
	sim_free(pair.sim);
}

TEST(a_one_way_partition_is_one_way)
{
	struct pair pair;
	make_pair(&pair);
	pair.near.drains = pair.far.drains = true;
	sim_net_cut(pair.b, pair.a, true);
	say(&pair.near); /* arrives; its acknowledgement does not */
	say(&pair.far);  /* does not arrive */
	run_for(&pair, 10 * NS_PER_SEC);
	CHECK_EQ(pair.far.bytes, 1);
	CHECK_EQ(pair.near.bytes, 0);
	sim_net_cut(pair.b, pair.a, false);
	run_for(&pair, 30 * NS_PER_SEC);
	CHECK_EQ(pair.far.bytes, 1); /* once, although it was sent again */
	CHECK_EQ(pair.near.bytes, 1);
	sim_net_cut(pair.b, pair.a, true);
	say(&pair.near);
	run_for(&pair, 2 * NS_PER_MIN);
	CHECK(pair.near.told & STREAM_GONE); /* nobody acknowledged */
	CHECK_EQ(pair.far.bytes, 2);
	CHECK(!(pair.far.told & STREAM_GONE)); /* and nobody told the other side */
	sim_free(pair.sim);
}

TEST(after_a_crash_the_other_end_is_half_open)
{
	struct pair pair;
	char byte;
	make_pair(&pair);
	sim_node_crash(pair.b);
	run_for(&pair, NS_PER_HOUR);
	CHECK(!(pair.near.told & STREAM_GONE));
	CHECK_EQ(sim_node_restart(pair.b), 0);
	run_for(&pair, NS_PER_HOUR);
	CHECK(!(pair.near.told & STREAM_GONE));
	say(&pair.near); /* the new life does not know this stream */
	run_for(&pair, NS_PER_SEC);
	CHECK(pair.near.told & STREAM_GONE);
	CHECK_EQ(stream_read(pair.near.stream, &byte, 1), -ECONNRESET);
	sim_free(pair.sim);
}

TEST(who_waits_for_space_learns_that_the_reader_has_crashed)
{
	struct pair pair;
	char byte;
	make_pair(&pair);
	fill(&pair, &pair.near);
	sim_node_crash(pair.b);
	run_for(&pair, 2 * NS_PER_MIN);
	CHECK(pair.near.told & STREAM_GONE);
	CHECK_EQ(stream_read(pair.near.stream, &byte, 1), -ETIMEDOUT);
	sim_free(pair.sim);
}

/* What far wrote fills near's buffer, so that the end that follows cannot arrive. */
static void check_close_wakes_writer(struct pair *pair)
{
	fill(pair, &pair->near);
	fill(pair, &pair->far);
	pair->near.told = 0;
	stream_want(pair->near.stream, STREAM_CAN_WRITE);
	run_for(pair, NS_PER_SEC);
	CHECK_EQ(pair->near.told, 0);
	stream_close(pair->far.stream);
	run_for(pair, NS_PER_SEC);
	CHECK(pair->near.told & STREAM_CAN_WRITE);
	CHECK(!(pair->near.told & STREAM_GONE));
	CHECK_EQ(stream_write(pair->near.stream, "x", 1), -EPIPE);
	pair->near.drains = true;
	stream_want(pair->near.stream, STREAM_CAN_READ);
	run_for(pair, NS_PER_SEC);
	CHECK(pair->near.told & STREAM_GONE);
	sim_free(pair->sim);
}

TEST(who_waits_for_space_learns_that_the_reader_has_closed)
{
	struct pair pair;
	make_pair(&pair);
	check_close_wakes_writer(&pair);
	make_unix_pair(&pair);
	check_close_wakes_writer(&pair);
}

TEST(who_waits_for_space_learns_of_a_close_that_cannot_be_told)
{
	struct pair pair;
	char byte;
	make_pair(&pair);
	fill(&pair, &pair.near);
	sim_net_cut(pair.b, pair.a, true);
	stream_close(pair.far.stream);
	run_for(&pair, 2 * NS_PER_MIN);
	CHECK(pair.near.told & STREAM_GONE);
	CHECK_EQ(stream_read(pair.near.stream, &byte, 1), -ETIMEDOUT);
	sim_free(pair.sim);
}

TEST(a_killed_program_says_goodbye_and_its_last_bytes_arrive)
{
	struct pair pair;
	make_pair(&pair);
	pair.near.drains = true;
	say(&pair.far);
	sim_node_kill(pair.b);
	run_for(&pair, NS_PER_SEC);
	CHECK_EQ(pair.near.bytes, 1);
	CHECK(pair.near.told & STREAM_GONE);
	sim_free(pair.sim);
}

TEST(a_hang_up_waits_until_all_was_read)
{
	struct pair pair;
	char bytes[8];
	ssize_t n;
	make_pair(&pair);
	CHECK(stream_write(pair.far.stream, "1234", 4) > 0);
	stream_close(pair.far.stream);
	stream_want(pair.near.stream, 0);
	run_for(&pair, NS_PER_SEC);
	CHECK_EQ(pair.near.told, STREAM_CAN_WRITE);
	while ((n = stream_read(pair.near.stream, bytes, sizeof(bytes))) > 0)
		CHECK_EQ(bytes[0] >= '1' && bytes[0] <= '4', 1);
	CHECK_EQ(n, 0);
	stream_want(pair.near.stream, 0);
	run_for(&pair, NS_PER_SEC);
	CHECK_EQ(pair.near.told, STREAM_CAN_WRITE | STREAM_GONE);
	stream_close(pair.near.stream);
	sim_free(pair.sim);
}

TEST(who_does_not_read_stops_the_writer)
{
	struct pair pair;
	make_pair(&pair);
	uint64_t taken = fill(&pair, &pair.near);
	CHECK_EQ(taken, 2 * SIM_NET_BUFFER);
	pair.near.told = 0;
	stream_want(pair.near.stream, STREAM_CAN_WRITE);
	run_for(&pair, NS_PER_SEC);
	CHECK_EQ(pair.near.told, 0);
	pair.far.drains = true;
	stream_want(pair.far.stream, STREAM_CAN_READ);
	run_for(&pair, NS_PER_SEC);
	CHECK_EQ(pair.far.bytes, taken);
	CHECK_EQ(pair.near.told, STREAM_CAN_WRITE);
	sim_free(pair.sim);
}

TEST(within_a_node_last_words_arrive_whatever_meets_the_closed_end)
{
	struct pair pair;
	char byte;
	make_unix_pair(&pair);
	uint64_t said = fill(&pair, &pair.far);
	CHECK_EQ(said, 2 * SIM_NET_BUFFER);
	stream_close(pair.far.stream);
	say(&pair.near); /* nobody hears it */
	run_for(&pair, NS_PER_SEC);
	CHECK_EQ(stream_write(pair.near.stream, "x", 1), -EPIPE);
	CHECK(!(pair.near.told & STREAM_GONE));
	pair.near.drains = true;
	stream_want(pair.near.stream, STREAM_CAN_READ);
	run_for(&pair, NS_PER_SEC);
	CHECK_EQ(pair.near.bytes, said);
	CHECK(pair.near.told & STREAM_GONE);
	CHECK_EQ(stream_read(pair.near.stream, &byte, 1), 0);
	stream_close(pair.near.stream);
	sim_free(pair.sim);
}

TEST(readiness_comes_again_while_its_reason_lasts)
{
	struct pair pair;
	make_pair(&pair);
	say(&pair.near);
	run_for(&pair, NS_PER_SEC);
	CHECK(pair.far.told & STREAM_CAN_READ);
	pair.far.told = 0;
	stream_want(pair.far.stream, STREAM_CAN_READ); /* nothing was read since */
	run_for(&pair, NS_PER_SEC);
	CHECK_EQ(pair.far.told, STREAM_CAN_READ);
	sim_free(pair.sim);
}

TEST(a_slow_link_takes_its_time)
{
	struct pair pair;
	char bytes[10000] = {0};
	size_t sent = 0;
	make_pair(&pair);
	pair.far.drains = true;
	sim_net_link(pair.a, pair.b)->bytes_per_sec = 1000;
	int64_t start_ns = sim_now(pair.sim);
	while (sent < sizeof(bytes)) {
		ssize_t n = stream_write(pair.near.stream, bytes + sent, sizeof(bytes) - sent);
		CHECK(n > 0);
		sent += (size_t)n;
	}
	run_for(&pair, NS_PER_MIN);
	CHECK_EQ(pair.far.bytes, sizeof(bytes));
	CHECK(pair.far.told_ns - start_ns >= 10 * NS_PER_SEC);
	CHECK(pair.far.told_ns - start_ns < 12 * NS_PER_SEC);
	sim_free(pair.sim);
}

TEST(streams_share_the_rate_of_their_link)
{
	struct pair pair;
	struct why why;
	make_pair(&pair);
	pair.far.drains = true;
	struct end first = pair.near;
	first.stream->arg = &first;
	CHECK_EQ(connect_near(&pair, "sim:b/door", &why), 0);
	struct end far = pair.far;
	far.stream->arg = &far;
	run_for(&pair, NS_PER_SEC);
	pair.far.drains = true;
	sim_net_link(pair.a, pair.b)->bytes_per_sec = 100;
	int64_t start_ns = sim_now(pair.sim);
	CHECK(stream_write(first.stream, "x", 1) == 1);
	say(&pair.near);
	run_for(&pair, NS_PER_MIN);
	CHECK(far.bytes == 1 && pair.far.bytes == 1);
	/* The second waits until the first is through: 65 bytes with its header, each. */
	int64_t last_ns = far.told_ns > pair.far.told_ns ? far.told_ns : pair.far.told_ns;
	CHECK(last_ns - start_ns >= 1300 * NS_PER_MS);
	sim_free(pair.sim);
}

TEST(streams_overtake_each_other)
{
	struct pair pair;
	struct why why;
	int overtaken = 0;
	make_pair(&pair);
	struct end first = pair.near, far = pair.far;
	first.stream->arg = &first;
	far.stream->arg = &far;
	far.drains = true;
	CHECK_EQ(connect_near(&pair, "sim:b/door", &why), 0);
	run_for(&pair, NS_PER_SEC);
	pair.far.drains = true;
	for (int i = 0; i < 100; i++) {
		CHECK(stream_write(first.stream, "x", 1) == 1);
		say(&pair.near);
		run_for(&pair, NS_PER_SEC);
		CHECK_EQ(far.bytes, pair.far.bytes);
		overtaken += pair.far.told_ns < far.told_ns;
	}
	CHECK(overtaken > 20 && overtaken < 80);
	sim_free(pair.sim);
}

TEST(a_reset_by_rule_ends_both_sides)
{
	struct pair pair;
	make_pair(&pair);
	sim_net_reset(pair.b, pair.a);
	run_for(&pair, NS_PER_SEC);
	CHECK(pair.near.told & STREAM_GONE && pair.far.told & STREAM_GONE);
	stream_close(pair.near.stream);
	stream_close(pair.far.stream);
	sim_free(pair.sim);
}

TEST(who_connects_and_closes_at_once_is_still_announced)
{
	struct pair pair;
	struct why why;
	make_nodes(&pair);
	listen_far(&pair, pair.b, "sim:b/door");
	CHECK_EQ(connect_near(&pair, "sim:b/door", &why), 0);
	stream_close(pair.near.stream);
	run_for(&pair, NS_PER_SEC);
	CHECK(pair.far.stream && pair.far.told & STREAM_GONE);
	sim_free(pair.sim);
}

TEST_MAIN
