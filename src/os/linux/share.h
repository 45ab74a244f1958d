/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that one process writes and others read: made here, handed over by a Unix socket. Readers
 * cannot write to it, and nobody can make it smaller, so that none can harm another by it. And
 * memory that one process leaves to the next.
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

/*
 * Memory that belongs to a folder, by its place and not its name, and outlives the process: zeros,
 * or what an earlier process of ours left. No other has it as long as this one does. It goes with
 * the boot of the machine, or by share_forget(). -EWOULDBLOCK: another process has it; -EPERM: it
 * is not ours; -ENOENT: there is no /dev/shm.
 */
int share_keep(const char *folder, size_t len, struct share *ret_share, struct why *why);

/* Of such memory the first `bytes` can be touched from now on; how many can, 0 on failure. */
size_t share_ready(const struct share *share, size_t bytes);

/* Nothing in it is of use any more: instead of share_done(). */
void share_forget(struct share *share, const char *folder);

/* Which boot of the machine this is. */
int share_boot(uint8_t ret_boot[16], struct why *why);

#endif
