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

#endif
