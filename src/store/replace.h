/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replacing a file in one step: NAME.new is written, synced, renamed to NAME, the folder synced. A
 * crash leaves the old NAME or the new one. NAME.new is never read.
 *
 * Any thread; one at a time for each name.
 */
#ifndef EBB_STORE_REPLACE_H
#define EBB_STORE_REPLACE_H

#include <stddef.h>
#include <stdint.h>

struct disk;
struct file;
struct why;

enum { STORE_PATH = 1024 };

/* `name` with `suffix` behind it; -ENAMETOOLONG. */
int store_path(const char *name, const char *suffix, char path[STORE_PATH], struct why *why);

/*
 * Makes NAME.new anew, for reading and writing, whatever a crash left there: a leftover's name may
 * never become durable. Gives the file.
 */
int replace_begin(struct disk *disk, const char *name, struct file **ret_file, struct why *why);

/*
 * Makes what was written to `file` (borrowed) the content of `name`, durably. After a failure it is
 * not known which of the two a crash would leave.
 */
int replace_commit(struct disk *disk, const char *name, struct file *file, struct why *why);

/* After replace_begin(), instead of the commit: NAME stays as it is. */
void replace_abandon(struct disk *disk, const char *name);

/* Makes the names in the folder that holds `name` durable. */
int store_sync_folder(struct disk *disk, const char *name, struct why *why);

/*
 * Puts the first `len` bytes of `*file`, which is what `name` names, in place anew, durably; then
 * `*file` is the new file and the old one is closed. What an earlier life left reads back well and
 * may not be on the disk, neither the bytes nor the name: what a failed sync covered stays in
 * memory, and no later sync brings it there unless it was made anew. Errors as of replace_commit().
 */
int replace_anew(
	struct disk *disk, const char *name, struct file **file, uint64_t len, struct why *why);

#endif
