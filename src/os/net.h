/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of bytes between processes. Addresses are text: "unix:PATH", "tcp:127.0.0.1:PORT",
 * "tcp:[::1]:PORT"; the simulator adds "sim:NODE/NAME". Names are not resolved here.
 *
 * Nothing blocks: a read or write that cannot go on answers -EAGAIN, and on_event tells when it
 * can. Events are level-triggered: they come again while the reason lasts and is wanted.
 *
 * The loop's thread only.
 */
#ifndef EBB_OS_NET_H
#define EBB_OS_NET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct why;

struct net {
	const struct net_ops *ops;
};

enum {
	STREAM_CAN_READ = 1,
	STREAM_CAN_WRITE = 2, /* first one after net_connect(): connected */
	STREAM_GONE = 4,      /* error or hang-up; always told; only stream_close() is left to do */
};

/* Who is at the other end of a Unix socket. */
struct peer {
	uint32_t uid;
	uint32_t gid;
	int32_t pid;
};

struct stream {
	const struct stream_ops *ops;
	/* Set by the owner before it wants anything. It may close the stream. */
	void (*on_event)(struct stream *stream, unsigned events);
	void *arg;
};

struct listener {
	const struct listener_ops *ops;
	/* Set by the owner right after net_listen(). Gives the stream. */
	void (*on_accept)(struct listener *listener, struct stream *stream);
	void *arg;
};

struct stream_ops {
	ssize_t (*read)(struct stream *stream, void *bytes, size_t len);
	ssize_t (*write)(struct stream *stream, const void *bytes, size_t len);
	/* NULL: part by part */
	ssize_t (*read_parts)(struct stream *stream, const struct iovec *parts, unsigned count);
	ssize_t (*write_parts)(struct stream *stream, const struct iovec *parts, unsigned count);
	void (*want)(struct stream *stream, unsigned events);
	int (*peer)(struct stream *stream, struct peer *ret_peer);
	void (*close)(struct stream *stream);
};

struct listener_ops {
	void (*close)(struct listener *listener);
};

struct net_ops {
	int (*listen)(struct net *net, const char *address, struct listener **ret_listener,
		struct why *why);
	int (*connect)(
		struct net *net, const char *address, struct stream **ret_stream, struct why *why);
};

/* Gives the listener. A Unix socket is made with mode 0600; a stale one is replaced. */
static inline int net_listen(
	struct net *net, const char *address, struct listener **ret_listener, struct why *why)
{
	return net->ops->listen(net, address, ret_listener, why);
}

/* Gives the stream at once; STREAM_CAN_WRITE or STREAM_GONE tells how it went. */
static inline int net_connect(
	struct net *net, const char *address, struct stream **ret_stream, struct why *why)
{
	return net->ops->connect(net, address, ret_stream, why);
}

/* Bytes read; 0: the other side has closed; -EAGAIN: nothing yet. */
static inline ssize_t stream_read(struct stream *stream, void *bytes, size_t len)
{
	return stream->ops->read(stream, bytes, len);
}

/* Bytes taken, perhaps fewer than `len`; -EAGAIN: none now; -EPIPE: the other side is gone. */
static inline ssize_t stream_write(struct stream *stream, const void *bytes, size_t len)
{
	return stream->ops->write(stream, bytes, len);
}

/* The same for bytes that lie in several places; perhaps only the first of them are used. */
static inline ssize_t stream_read_parts(
	struct stream *stream, const struct iovec *parts, unsigned count)
{
	return stream->ops->read_parts
		? stream->ops->read_parts(stream, parts, count)
		: stream->ops->read(stream, parts[0].iov_base, parts[0].iov_len);
}

static inline ssize_t stream_write_parts(
	struct stream *stream, const struct iovec *parts, unsigned count)
{
	return stream->ops->write_parts
		? stream->ops->write_parts(stream, parts, count)
		: stream->ops->write(stream, parts[0].iov_base, parts[0].iov_len);
}

/* Which events to tell from now on (STREAM_CAN_READ | STREAM_CAN_WRITE); starts with none. */
static inline void stream_want(struct stream *stream, unsigned events)
{
	stream->ops->want(stream, events);
}

/* -ENOTSUP where the transport does not say. */
static inline int stream_peer(struct stream *stream, struct peer *ret_peer)
{
	return stream->ops->peer(stream, ret_peer);
}

/* Takes the stream; NULL is allowed. Bytes already written are still delivered. */
static inline void stream_close(struct stream *stream)
{
	if (stream)
		stream->ops->close(stream);
}

/* Takes the listener; NULL is allowed. */
static inline void listener_close(struct listener *listener)
{
	if (listener)
		listener->ops->close(listener);
}

#endif
