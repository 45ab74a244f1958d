/* SPDX-License-Identifier: Apache-2.0 */
/* Streams over real sockets: both ends on one loop, or the other end a plain blocking socket. */
#include "os/linux/net.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/container.h"
#include "base/must.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/test.h"
#include "base/units.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/linux/loop.h"
#include "os/linux/net_addr.h"
#include "os/linux/scratch_test.h"

enum { BUFFER = 3000, CLIENTS = 500 };

/* Sends back what it reads. */
struct echo {
	struct stream *stream;
	char bytes[BUFFER];
	size_t from, to;
};

/* Sends numbers drawn from a seed and expects the same ones back. */
struct client {
	struct stream *stream;
	struct rng sends, expects, sizes;
	uint64_t to_send, to_get;
};

static struct {
	struct scratch scratch;
	struct rng rng;
	char address[160];
	struct listener *listener;
	struct stream *accepted;
	struct timer timer;
	struct client clients[CLIENTS];
	int left; /* clients and echoes still at work */
	unsigned told, tells;
	uint64_t got;
	int result;
	bool bad;
} fixture;

static struct net *net(void)
{
	return fixture.scratch.world->net;
}

static struct loop *loop(void)
{
	return fixture.scratch.world->loop;
}

static void begin(void)
{
	memset(&fixture, 0, sizeof(fixture));
	scratch_open(&fixture.scratch, NULL);
	snprintf(fixture.address, sizeof(fixture.address), "unix:%s/sock", fixture.scratch.dir);
}

static void end(void)
{
	listener_close(fixture.listener);
	stream_close(fixture.accepted);
	scratch_close(&fixture.scratch);
}

static void on_time(struct timer *timer)
{
	(void)timer;
	loop_stop(loop());
}

static void run_for(int64_t ns)
{
	fixture.timer.fn = on_time;
	timer_set(loop(), &fixture.timer, clock_mono_ns(fixture.scratch.world->clock) + ns);
	scratch_run(&fixture.scratch);
	timer_cancel(loop(), &fixture.timer);
}

static void one_less(void)
{
	if (--fixture.left == 0)
		loop_stop(loop());
}

static void listen_here(void (*on_accept)(struct listener *, struct stream *))
{
	struct why why = {0};
	int err = net_listen(net(), fixture.address, &fixture.listener, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "net_listen: %s", why.text);
	fixture.listener->on_accept = on_accept;
	char *port = strrchr(fixture.address, ':') + 1;
	if (str_starts(fixture.address, "tcp:"))
		snprintf(port, 6, "%d", linux_listener_port(fixture.listener));
}

static void on_echo(struct stream *stream, unsigned events)
{
	struct echo *echo = stream->arg;
	ssize_t n = 0;
	if (events & STREAM_CAN_READ) {
		n = stream_read(stream, echo->bytes, sizeof(echo->bytes));
		echo->from = 0;
		echo->to = n > 0 ? (size_t)n : 0;
	} else if (events & STREAM_CAN_WRITE) {
		n = stream_write(stream, echo->bytes + echo->from, echo->to - echo->from);
		echo->from += n > 0 ? (size_t)n : 0;
	}
	if ((n <= 0 && n != -EAGAIN) || events & STREAM_GONE) {
		stream_close(stream);
		free(echo);
		one_less();
		return;
	}
	stream_want(stream, echo->from < echo->to ? STREAM_CAN_WRITE : STREAM_CAN_READ);
}

static void on_accept_echo(struct listener *listener, struct stream *stream)
{
	(void)listener;
	struct echo *echo = calloc(1, sizeof(*echo));
	must(echo);
	echo->stream = stream;
	stream->arg = echo;
	stream->on_event = on_echo;
	stream_want(stream, STREAM_CAN_READ);
}

static void client_send(struct client *client)
{
	uint8_t bytes[BUFFER];
	struct rng before = client->sends;
	size_t len = 1 + rng_below(&client->sizes, sizeof(bytes));
	len = len < client->to_send ? len : (size_t)client->to_send;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)rng_u64(&client->sends);
	ssize_t n = stream_write(client->stream, bytes, len);
	fixture.bad |= n < 0 && n != -EAGAIN;
	client->sends = before;
	for (ssize_t i = 0; i < n; i++)
		rng_u64(&client->sends);
	client->to_send -= n > 0 ? (uint64_t)n : 0;
}

static void client_get(struct client *client)
{
	uint8_t bytes[BUFFER];
	ssize_t n = stream_read(
		client->stream, bytes, 1 + (size_t)rng_below(&client->sizes, sizeof(bytes)));
	fixture.bad |= n <= 0 && n != -EAGAIN;
	for (ssize_t i = 0; i < n; i++)
		fixture.bad |= bytes[i] != (uint8_t)rng_u64(&client->expects);
	client->to_get -= n > 0 ? (uint64_t)n : 0;
}

static void on_client(struct stream *stream, unsigned events)
{
	struct client *client = stream->arg;
	if (events & STREAM_CAN_READ)
		client_get(client);
	if (events & STREAM_CAN_WRITE && client->to_send)
		client_send(client);
	if (fixture.bad || events & STREAM_GONE || client->to_get == 0) {
		fixture.bad |= client->to_get != 0;
		stream_close(stream);
		one_less();
		return;
	}
	stream_want(stream, STREAM_CAN_READ | (client->to_send ? STREAM_CAN_WRITE : 0));
}

static void start_client(struct client *client, uint64_t bytes)
{
	struct why why = {0};
	uint64_t seed = rng_u64(&fixture.rng);
	*client = (struct client){.to_send = bytes, .to_get = bytes};
	rng_seed(&client->sends, seed);
	rng_seed(&client->expects, seed);
	rng_seed(&client->sizes, seed + 1);
	int err = net_connect(net(), fixture.address, &client->stream, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "net_connect: %s", why.text);
	client->stream->arg = client;
	client->stream->on_event = on_client;
}

static void echo_over(const char *address)
{
	begin();
	rng_seed(&fixture.rng, test_seed());
	if (address)
		snprintf(fixture.address, sizeof(fixture.address), "%s", address);
	listen_here(on_accept_echo);
	fixture.left = 2 * 4;
	for (int i = 0; i < 4; i++) {
		start_client(&fixture.clients[i], 500000 + rng_below(&fixture.rng, 500000));
		stream_want(fixture.clients[i].stream, STREAM_CAN_WRITE);
	}
	scratch_run(&fixture.scratch);
	CHECK(!fixture.bad);
	end();
}

TEST(bytes_come_back_over_a_unix_socket)
{
	echo_over(NULL);
}

TEST(bytes_come_back_over_tcp)
{
	echo_over("tcp:127.0.0.1:0");
}

TEST(bytes_come_back_over_tcp_6)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct net_addr addr;
	CHECK_EQ(net_addr_parse("tcp:[::1]:0", &addr, NULL), 0);
	bool have = fd >= 0 && bind(fd, &addr.any, addr.len) == 0;
	close(fd);
	if (!have)
		test_skip("no IPv6 loopback here");
	echo_over("tcp:[::1]:0");
}

/* Each accepted connection brings the next one, so that no backlog is too short; then all talk. */
static void on_accept_next(struct listener *listener, struct stream *stream)
{
	on_accept_echo(listener, stream);
	if (++fixture.tells < CLIENTS) {
		start_client(&fixture.clients[fixture.tells], 5000);
		return;
	}
	for (int i = 0; i < CLIENTS; i++)
		stream_want(fixture.clients[i].stream, STREAM_CAN_WRITE);
}

static void all_at_once_over(const char *address)
{
	begin();
	rng_seed(&fixture.rng, test_seed());
	if (address)
		snprintf(fixture.address, sizeof(fixture.address), "%s", address);
	listen_here(on_accept_next);
	fixture.left = 2 * CLIENTS;
	start_client(&fixture.clients[0], 5000);
	scratch_run(&fixture.scratch);
	CHECK(!fixture.bad);
	CHECK_EQ(fixture.tells, CLIENTS);
	end();
}

TEST(five_hundred_connections_at_once)
{
	struct rlimit before, wide;
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	if (before.rlim_max < 2 * CLIENTS + 100)
		test_skip("only %ju descriptors allowed", (uintmax_t)before.rlim_max);
	wide = before;
	wide.rlim_cur = before.rlim_max;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &wide), 0);
	all_at_once_over(NULL);
	all_at_once_over("tcp:127.0.0.1:0");
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* A plain blocking socket, connected. */
static int raw_connect(void)
{
	struct net_addr addr;
	must(net_addr_parse(fixture.address, &addr, NULL) == 0);
	int fd = socket(addr.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fd >= 0 && connect(fd, &addr.any, addr.len) == 0);
	return fd;
}

static void on_accept_keep(struct listener *listener, struct stream *stream)
{
	(void)listener;
	fixture.accepted = stream;
	loop_stop(loop());
}

static void on_event_note(struct stream *stream, unsigned events)
{
	char bytes[1000];
	fixture.told |= events;
	fixture.tells++;
	if (events & STREAM_CAN_READ) {
		ssize_t n = stream_read(stream, bytes, sizeof(bytes));
		fixture.got += n > 0 ? (uint64_t)n : 0;
		fixture.result = (int)(n < 0 ? n : 0);
		if (n <= 0)
			loop_stop(loop());
	}
	if (events & STREAM_CAN_WRITE) {
		ssize_t n = stream_write(stream, bytes, sizeof(bytes));
		fixture.result = (int)(n < 0 ? n : 0);
		if (n < 0 && n != -EAGAIN)
			loop_stop(loop());
	}
	if (events & STREAM_GONE)
		loop_stop(loop());
}

/* Listens, connects a plain socket, and accepts it into fixture.accepted. */
static int accept_raw(void)
{
	listen_here(on_accept_keep);
	int fd = raw_connect();
	scratch_run(&fixture.scratch);
	must(fixture.accepted);
	fixture.accepted->on_event = on_event_note;
	return fd;
}

static void half_close_over(const char *address)
{
	char answer[10];
	begin();
	if (address)
		snprintf(fixture.address, sizeof(fixture.address), "%s", address);
	int fd = accept_raw();
	CHECK_EQ(write(fd, "question", 8), 8);
	CHECK_EQ(shutdown(fd, SHUT_WR), 0);
	stream_want(fixture.accepted, STREAM_CAN_READ);
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.got, 8);
	CHECK_EQ(fixture.told, STREAM_CAN_READ);
	CHECK_EQ(stream_write(fixture.accepted, "answer", 6), 6);
	stream_close(fixture.accepted);
	fixture.accepted = NULL;
	CHECK_EQ(read(fd, answer, sizeof(answer)), 6);
	CHECK_EQ(read(fd, answer, sizeof(answer)), 0);
	close(fd);
	end();
}

TEST(an_answer_reaches_a_peer_that_has_only_ended_its_question)
{
	half_close_over(NULL);
	half_close_over("tcp:127.0.0.1:0");
}

TEST(an_answer_survives_closing_with_unread_bytes)
{
	char answer[10];
	begin();
	snprintf(fixture.address, sizeof(fixture.address), "tcp:127.0.0.1:0");
	int fd = accept_raw();
	CHECK_EQ(write(fd, "unread", 6), 6);
	CHECK_EQ(stream_write(fixture.accepted, "answer", 6), 6);
	stream_close(fixture.accepted);
	fixture.accepted = NULL;
	CHECK_EQ(read(fd, answer, sizeof(answer)), 6);
	CHECK_EQ(read(fd, answer, sizeof(answer)), 0);
	close(fd);
	end();
}

/* The peer writes and leaves before anybody reads. */
TEST(what_a_peer_wrote_before_it_left_is_read_to_the_end)
{
	char bytes[50000] = {0};
	begin();
	int fd = accept_raw();
	CHECK_EQ(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	close(fd);
	run_for(10 * NS_PER_MS);
	CHECK_EQ(fixture.tells, 0);
	stream_want(fixture.accepted, STREAM_CAN_READ);
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.got, sizeof(bytes));
	CHECK_EQ(fixture.result, 0);
	end();
}

TEST(a_peer_that_left_is_told_once_to_an_owner_who_wants_nothing)
{
	begin();
	int fd = accept_raw();
	close(fd);
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.told, STREAM_GONE);
	run_for(10 * NS_PER_MS);
	CHECK_EQ(fixture.tells, 1);
	stream_want(fixture.accepted, STREAM_CAN_READ | STREAM_CAN_WRITE);
	run_for(10 * NS_PER_MS);
	CHECK_EQ(fixture.tells, 1);
	end();
}

static void peer_leaves_during_write(const char *address)
{
	char byte;
	begin();
	if (address)
		snprintf(fixture.address, sizeof(fixture.address), "%s", address);
	int fd = accept_raw();
	stream_want(fixture.accepted, STREAM_CAN_WRITE);
	run_for(10 * NS_PER_MS); /* until both buffers are full */
	CHECK_EQ(fixture.told, STREAM_CAN_WRITE);
	CHECK_EQ(read(fd, &byte, 1), 1);
	close(fd);
	scratch_run(&fixture.scratch);
	CHECK(fixture.told & STREAM_GONE || fixture.result == -EPIPE);
	CHECK_EQ(stream_write(fixture.accepted, &byte, 1), -EPIPE);
	end();
}

TEST(a_peer_that_leaves_during_a_write_ends_the_stream_and_not_the_program)
{
	peer_leaves_during_write(NULL);
	peer_leaves_during_write("tcp:127.0.0.1:0");
}

TEST(a_reset_connection_is_a_peer_gone_to_its_writer)
{
	struct linger reset = {.l_onoff = 1, .l_linger = 0};
	begin();
	snprintf(fixture.address, sizeof(fixture.address), "tcp:127.0.0.1:0");
	int fd = accept_raw();
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	close(fd);
	CHECK_EQ(stream_write(fixture.accepted, "x", 1), -EPIPE);
	CHECK_EQ(stream_write(fixture.accepted, "x", 1), -EPIPE);
	end();
}

TEST(the_peer_of_a_unix_socket_is_known)
{
	struct peer peer;
	begin();
	int fd = accept_raw();
	CHECK_EQ(stream_peer(fixture.accepted, &peer), 0);
	CHECK_EQ(peer.uid, getuid());
	CHECK_EQ(peer.gid, getgid());
	CHECK_EQ(peer.pid, getpid());
	close(fd);
	end();
	begin();
	snprintf(fixture.address, sizeof(fixture.address), "tcp:127.0.0.1:0");
	fd = accept_raw();
	CHECK_EQ(stream_peer(fixture.accepted, &peer), -ENOTSUP);
	close(fd);
	end();
}

static const char *socket_path(void)
{
	return fixture.address + strlen("unix:");
}

static int listen_again(struct why *why)
{
	struct listener *second = NULL;
	int err = net_listen(net(), fixture.address, &second, why);
	listener_close(second);
	return err;
}

static void expect_text(const struct why *why, const char *ending)
{
	char wanted[400];
	snprintf(wanted, sizeof(wanted), "%s: %s", fixture.address, ending);
	CHECK_STR(why->text, wanted);
}

TEST(a_stale_socket_is_replaced_and_a_live_one_is_not)
{
	struct stat about;
	struct why why;
	struct net_addr addr;
	begin();
	CHECK_EQ(net_addr_parse(fixture.address, &addr, NULL), 0);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_EQ(bind(fd, &addr.any, addr.len), 0);
	CHECK_EQ(listen(fd, 1), 0);
	CHECK_EQ(listen_again(&why), -EADDRINUSE);
	expect_text(&why, "another program listens there and answers");
	close(fd);
	listen_here(on_accept_keep);
	CHECK_EQ(stat(socket_path(), &about), 0);
	CHECK_EQ(about.st_mode, S_IFSOCK | 0600);
	CHECK_EQ(listen_again(&why), -EADDRINUSE);
	CHECK_EQ(stat(socket_path(), &about), 0); /* the refused one has left it there */
	listener_close(fixture.listener);
	fixture.listener = NULL;
	CHECK_EQ(stat(socket_path(), &about), -1);
	end();
}

TEST(a_file_in_the_place_of_the_socket_is_left_alone)
{
	struct stat about;
	struct why why;
	begin();
	close(open(socket_path(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	CHECK_EQ(listen_again(&why), -EEXIST);
	expect_text(&why,
		"a file that is no socket stands there; it is left alone: remove it, or name "
		"another path");
	CHECK_EQ(stat(socket_path(), &about), 0);
	end();
}

TEST(a_listener_leaves_the_socket_of_its_successor)
{
	struct stat about;
	begin();
	listen_here(on_accept_keep);
	struct listener *first = fixture.listener;
	CHECK_EQ(unlink(socket_path()), 0);
	listen_here(on_accept_keep);
	listener_close(first);
	CHECK_EQ(stat(socket_path(), &about), 0);
	end();
}

TEST(nobody_at_the_address_is_told_at_once_or_as_gone)
{
	struct stream *stream = NULL;
	struct why why;
	char byte;
	begin();
	CHECK_EQ(net_connect(net(), fixture.address, &stream, &why), -ENOENT);
	expect_text(&why, "cannot connect: No such file or directory");
	/* A port that was free a moment ago. */
	snprintf(fixture.address, sizeof(fixture.address), "tcp:127.0.0.1:0");
	listen_here(on_accept_keep);
	listener_close(fixture.listener);
	fixture.listener = NULL;
	CHECK_EQ(net_connect(net(), fixture.address, &fixture.accepted, &why), 0);
	fixture.accepted->on_event = on_event_note;
	stream_want(fixture.accepted, 0);
	scratch_run(&fixture.scratch);
	CHECK_EQ(fixture.told, STREAM_GONE);
	CHECK_EQ(stream_read(fixture.accepted, &byte, 1), -ECONNREFUSED);
	end();
}

static void count_turn(struct before_wait *hook)
{
	(void)hook;
	fixture.tells++;
}

TEST(a_listener_without_descriptors_rests_and_then_goes_on)
{
	struct rlimit before, tight;
	struct before_wait hook = {.fn = count_turn};
	begin();
	listen_here(on_accept_keep);
	int fd = raw_connect();
	int lowest = dup(fd);
	CHECK_EQ(close(lowest), 0);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	tight = before;
	tight.rlim_cur = (rlim_t)lowest;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
	before_wait_add(linux_loop_of(loop()), &hook);
	run_for(250 * NS_PER_MS);
	before_wait_remove(linux_loop_of(loop()), &hook);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	CHECK(!fixture.accepted);
	CHECK(fixture.tells < 20);
	scratch_run(&fixture.scratch);
	CHECK(fixture.accepted);
	close(fd);
	end();
}

TEST(a_listening_descriptor_is_adopted_and_no_other)
{
	struct net_addr addr;
	struct why why;
	char expected[128];
	begin();
	CHECK_EQ(net_addr_parse(fixture.address, &addr, NULL), 0);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(linux_net_adopt(net(), fd, &fixture.listener, &why), -EINVAL);
	snprintf(expected, sizeof(expected),
		"descriptor %d is no listening stream socket: the unit wants ListenStream=", fd);
	CHECK_STR(why.text, expected);
	CHECK_EQ(bind(fd, &addr.any, addr.len), 0);
	CHECK_EQ(listen(fd, 8), 0);
	CHECK_EQ(linux_net_adopt(net(), fd, &fixture.listener, &why), 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	fixture.listener->on_accept = on_accept_keep;
	int peer = raw_connect();
	scratch_run(&fixture.scratch);
	CHECK(fixture.accepted);
	close(peer);
	end();
}

TEST(handed_over_descriptors_are_counted_when_they_are_ours)
{
	char pid[20];
	snprintf(pid, sizeof(pid), "%d", getpid());
	CHECK_EQ(linux_listen_fds(pid, "2"), 2);
	CHECK_EQ(linux_listen_fds(pid, "-2"), 0);
	CHECK_EQ(linux_listen_fds(pid, "2x"), 0);
	CHECK_EQ(linux_listen_fds(pid, "99999999999"), 0);
	CHECK_EQ(linux_listen_fds("1", "2"), 0);
	CHECK_EQ(linux_listen_fds(NULL, "2"), 0);
	CHECK_EQ(linux_listen_fds(pid, NULL), 0);
}

TEST_MAIN
