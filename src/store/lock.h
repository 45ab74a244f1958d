/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One owner for each store. The lock is on a file beside it, NAME.lock, because the store's own
 * file may be replaced while it is in use.
 *
 * Any thread.
 */
#ifndef EBB_STORE_LOCK_H
#define EBB_STORE_LOCK_H

struct disk;
struct file;
struct why;

/*
 * Gives a file that holds the lock until it is closed. -EWOULDBLOCK: another has it. The lock file
 * stays for ever; removing it would let two owners in.
 */
int store_lock(struct disk *disk, const char *name, struct file **ret_lock, struct why *why);

#endif
