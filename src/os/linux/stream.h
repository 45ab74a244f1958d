/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connected socket.
 *
 * The loop's thread only.
 */
#ifndef EBB_OS_LINUX_STREAM_H
#define EBB_OS_LINUX_STREAM_H

struct linux_loop;
struct stream;

/* Takes the descriptor, which does not block, when it answers 0; gives the stream. */
int linux_stream_new(struct linux_loop *loop, int fd, struct stream **ret_stream);

/*
 * For a stream of large messages: room for 2 MiB each way in a Unix socket, as far as the kernel
 * lets us. TCP finds its own.
 */
void linux_stream_large(struct stream *stream);

/* Sends a byte with a descriptor, by a Unix socket. 0 or negative errno: -EAGAIN is not tried
 * again.
 */
int linux_stream_send_fd(struct stream *stream, int fd);

#endif
