/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that one process writes and others read: made here, handed over by a Unix socket. Readers
 * cannot write to it, and nobody can make it smaller, so that none can harm another by it.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_OS_LINUX_SHARE_H
#define EBB_OS_LINUX_SHARE_H

#include <stddef.h>
#include <stdint.h>

struct stream;
struct why;

struct share {
	void *bytes; /* NULL: there is none */
	size_t len;
	int fd;
	uint64_t which; /* another memory has another number */
};

/* Zeros, written by this process; pages that were never touched take no memory. */
int share_make(const char *name, size_t len, struct share *ret_share, struct why *why);

/* Hands it to the other end of a fresh connection, which sees it read-only. */
int share_hand(const struct share *share, struct stream *stream);

/*
 * Takes what listens at the path of a Unix socket hands over, read-only, of `len` bytes. Waits
 * `patience_ms` at most. -ENOENT, -ECONNREFUSED: nobody is there; -ETIMEDOUT; -EBADMSG: it is not
 * what share_make() makes.
 */
int share_take(
	const char *path, size_t len, int patience_ms, struct share *ret_share, struct why *why);

void share_done(struct share *share);

#endif
