/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that asks for everything at once, by a socket that takes what is sent when it pleases:
 * all is answered, whenever there was no room. The real loop, socket and volume.
 */
#include "ebb-vold/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"
#include "ebb-vold/volumes.h"
#include "nbd/nbd.h"
#include "os/linux/loop.h"
#include "os/linux/scratch_test.h"
#include "os/linux/stream.h"
#include "os/net.h"

enum { READS = 300, READ_LEN = 4096, LIVES = 20 };

/* The greeting, the export and the end of its option, and each answer. */
#define HEARD ((size_t)18 + 20 + 12 + 20 + READS * (16 + READ_LEN))

struct host {
	struct scratch scratch;
	void *memory;
	struct trace_writer trace;
	struct volumes *volumes;
	struct server *server;
	struct stream *client;
	size_t heard;
};

/* The server's side of the socket: whether it has room is not up to the client. */
struct moody {
	struct stream_ops ops; /* first; the stream's own are: */
	const struct stream_ops *own;
	struct rng *rng;
	uint32_t full;   /* in how many cases of a million it has none */
	unsigned *still; /* so often it has none at first */
};

static ssize_t write_moodily(struct stream *stream, const struct iovec *parts, unsigned count)
{
	const struct moody *moody = (const struct moody *)(const void *)stream->ops;
	if (*moody->still || rng_chance(moody->rng, moody->full)) {
		*moody->still -= *moody->still > 0;
		return -EAGAIN;
	}
	return moody->own->write_parts(stream, parts, count);
}

/* ---- the client ---- */

static void on_client(struct stream *stream, unsigned events)
{
	static uint8_t bytes[64 << 10];
	struct host *host = stream->arg;
	ssize_t n;
	(void)events;
	while ((n = stream_read(stream, bytes, sizeof(bytes))) > 0)
		host->heard += (size_t)n;
	if (n == 0)
		loop_stop(host->scratch.world->loop);
}

static uint8_t *put(uint8_t *at, uint64_t number, unsigned len)
{
	for (unsigned i = len; i--;)
		*at++ = (uint8_t)(number >> 8 * i);
	return at;
}

/* All that it ever says, the farewell included. */
static void say_all(struct host *host)
{
	static const char hello[] = "\0\0\0\3IHAVEOPT\0\0\0\7\0\0\0\7\0\0\0\1v\0";
	static uint8_t bytes[sizeof(hello) + (size_t)(READS + 1) * 28];
	uint8_t *at = bytes;
	memcpy(at, hello, sizeof(hello));
	at += sizeof(hello);
	for (unsigned i = 0; i <= READS; i++) {
		at = put(at, 0x25609513, 4);
		at = put(at, i < READS ? 0 : 2, 4);
		at = put(at, i, 8);
		at = put(at, i < READS ? i * READ_LEN : 0, 8);
		at = put(at, i < READS ? READ_LEN : 0, 4);
	}
	CHECK_EQ(stream_write(host->client, bytes, (size_t)(at - bytes)), at - bytes);
}

static void one_life(struct host *host, struct moody *moody)
{
	struct linux_loop *loop = linux_loop_of(host->scratch.world->loop);
	struct stream *ours;
	int fds[2];
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	CHECK_EQ(linux_stream_new(loop, fds[0], &ours), 0);
	CHECK_EQ(linux_stream_new(loop, fds[1], &host->client), 0);
	host->client->arg = host;
	host->client->on_event = on_client;
	host->heard = 0;
	say_all(host);
	stream_want(host->client, STREAM_CAN_READ);
	moody->own = ours->ops;
	moody->ops = *ours->ops;
	moody->ops.write_parts = write_moodily;
	ours->ops = &moody->ops;
	server_connect(host->server, ours);
	scratch_run(&host->scratch);
	CHECK_EQ(host->heard, HEARD);
	stream_close(host->client);
}

/* ---- the server ---- */

static void begin(struct host *host)
{
	struct why why;
	scratch_open(&host->scratch, NULL);
	host->memory = mmap(
		NULL, TRACE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(host->memory != MAP_FAILED);
	trace_begin(&host->trace, host->memory);
	const struct volumes_parts parts = {host->scratch.world, host->scratch.state, &host->trace};
	CHECK_EQ(volumes_open(&parts, &host->volumes, &why), 0);
	CHECK_EQ(volumes_create(host->volumes, "v", READS * READ_LEN, &why), 0);
	CHECK_EQ(server_open(host->scratch.world, host->volumes, &host->trace, &host->server), 0);
}

static void end(struct host *host)
{
	server_close(host->server);
	volumes_still(host->volumes);
	volumes_close(host->volumes);
	scratch_close(&host->scratch);
	munmap(host->memory, TRACE_BYTES);
}

TEST(all_is_answered_whenever_the_socket_was_full)
{
	struct host host = {0};
	struct rng rng;
	unsigned still = 0;
	struct moody moody = {.rng = &rng, .still = &still};
	rng_seed(&rng, test_seed());
	begin(&host);
	for (unsigned i = 0; i < LIVES; i++) {
		moody.full = (uint32_t)rng_below(&rng, 990000);
		one_life(&host, &moody);
	}
	/* Among these is the moment when it waits for nothing but room, and there is some. */
	moody.full = 0;
	for (unsigned i = 0; i < NBD_IN_FLIGHT + 50; i++) {
		still = i;
		one_life(&host, &moody);
	}
	end(&host);
}

TEST_MAIN
