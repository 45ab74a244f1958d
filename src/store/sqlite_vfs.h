/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite's files, time and randomness out of a struct world. One thread at a time for each struct.
 *
 * For databases with one connection (locking_mode=EXCLUSIVE): there is no shared memory, and the
 * locks of this VFS do nothing; whoever opens a database holds its store_lock(). Temporary files
 * are refused (temp_store=MEMORY).
 *
 * SQLite has one random state for the process and seeds it from its default VFS: the newest struct
 * is the default, and the seed is drawn anew. Nothing else in the process opens SQLite databases by
 * names.
 *
 * After the first sync that failed every operation on every file answers SQLITE_IOERR: SQLite alone
 * would try the next sync, which may answer success although the bytes are gone.
 */
#ifndef EBB_STORE_SQLITE_VFS_H
#define EBB_STORE_SQLITE_VFS_H

struct sqlite_vfs;
struct why;
struct world;

/* Registers a VFS of its own for this world (borrowed). Gives it. */
int sqlite_vfs_new(struct world *world, struct sqlite_vfs **ret_vfs, struct why *why);

/* Takes it; NULL is allowed. No database is open on it any more. */
void sqlite_vfs_free(struct sqlite_vfs *vfs);

/* For sqlite3_open_v2(). */
const char *sqlite_vfs_name(const struct sqlite_vfs *vfs);

/* What the disk answered when it last failed: a negative errno, 0 when it never did. */
int sqlite_vfs_error(const struct sqlite_vfs *vfs);

#endif
