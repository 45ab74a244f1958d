/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk in memory that remembers what a crash could undo.
 *
 * Every change waits as *pending* until the sync that covers it (rules of os/disk.h). A crash keeps
 * or drops pending changes by these rules, the worst that a POSIX file system on a disk with
 * 512-byte sectors may do:
 *   - each 512-byte sector of a file holds any one of its versions since the last sync: the durable
 *     one or that of any later write (so writes are dropped, kept, torn and reordered)
 *   - a file's size is the durable one or that after any later size change; sectors that the size
 *     reveals and no write filled read as zeros
 *   - names: each pending creation, removal or rename is applied or not, a rename as one step. A
 *     later change is only applied together with the earlier ones that it builds on: those of the
 *     same names, the making of the folder it happens in, for the removal of a folder all that
 *     emptied it, for the rename of a folder the earlier renames of folders
 *   - a folder's sync makes the changes of its own names durable, with what they build on, but not
 *     the name of the folder itself
 * A sync that fails (by the hook) makes nothing durable, and no later sync makes durable what it
 * covered, nor what builds on that: Linux treats such pages as written. It stays readable, and each
 * crash may lose or keep it; only what is made anew becomes durable with the next sync: bytes that
 * are written again, and names that are all set again, a file's by a change that takes nothing from
 * the lost one.
 *
 * One thread.
 */
#ifndef EBB_SIM_DISK_H
#define EBB_SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/disk.h"

enum sim_op {
	SIM_OPEN,
	SIM_CREATE,
	SIM_READ,
	SIM_WRITE,
	SIM_SYNC,
	SIM_TRUNCATE,
	SIM_RENAME,
	SIM_UNLINK,
	SIM_MKDIR,
	SIM_RMDIR,
	SIM_SYNC_DIR,
	SIM_LIST,
	SIM_LOCK,
	SIM_OPS
};

extern const char *const sim_op_names[SIM_OPS];

enum { SIM_SECTOR = 512 };

struct sim_disk;

/* Gives a new empty disk; NULL: no memory. */
struct sim_disk *sim_disk_new(void);

/* Takes it, with all files that are still open on it; NULL is allowed. */
void sim_disk_free(struct sim_disk *sim);

/* The seam through which code under test sees it. Borrowed. */
struct disk *sim_disk_seam(struct sim_disk *sim);

/*
 * Called before each operation: returns 0 to let it happen, a negative errno to make it fail, or
 * for reads and writes a positive count to cut it short. Then called again with `done` set, when
 * the operation has had its effect (or failed) and before its caller learns of it: this is where a
 * crash can be tried. `name` is what the caller named; for a rename the old name; for an open file
 * the name it was opened by. file_size() and file_close() are no operations.
 */
typedef int sim_disk_hook(void *arg, enum sim_op op, const char *name, bool done);
void sim_disk_set_hook(struct sim_disk *sim, sim_disk_hook *hook, void *arg);

enum sim_thing { SIM_THING_NAME, SIM_THING_SIZE, SIM_THING_SECTOR };

/* Answers a number below `options` (>= 2); 0 is always "as durable", options - 1 "as latest". */
typedef uint64_t sim_choose(void *arg, enum sim_thing thing, uint64_t options);

/*
 * Makes `to` the disk that a crash of `from` leaves: asks `choose` once for each pending thing that
 * still matters after the answers so far (names, then each file's size, then its sectors), in an
 * order that depends on nothing but the operations so far. `from` is left as it is, `to` has
 * nothing pending and no open files, the capacity of `from` and its own hook. What `to` held
 * before is gone, and its memory used again. 0 or -ENOMEM.
 */
int sim_disk_crash(const struct sim_disk *from, sim_choose *choose, void *arg, struct sim_disk *to);

/*
 * A number for what the last sim_disk_crash() into this disk chose: of two crashes of one disk in
 * one state, equal numbers mean equal images.
 */
uint64_t sim_disk_image(const struct sim_disk *sim);

/*
 * How many ways sim_disk_crash() could go; `limit` when there are as many or more. `scratch` is
 * overwritten as by a crash. 0: no memory.
 */
uint64_t sim_disk_crash_count(
	const struct sim_disk *from, uint64_t limit, struct sim_disk *scratch);

/* Numbers that describe the whole content (names, sizes, bytes), as seen now. */
uint64_t sim_disk_hash(const struct sim_disk *sim);

/* Files that are open now. */
size_t sim_disk_open_files(const struct sim_disk *sim);

/* For tests of damage: flips `mask` in one byte of a file, in all its versions. -ENOENT, -EINVAL.
 */
int sim_disk_flip(struct sim_disk *sim, const char *name, uint64_t at, uint8_t mask);

/*
 * Bytes that the disk can hold, counted as the sizes of its files in whole sectors. Writes beyond
 * are cut short where it is full, then answer -ENOSPC, as all that makes names does. 0: no limit.
 */
void sim_disk_set_capacity(struct sim_disk *sim, uint64_t bytes);

#endif
