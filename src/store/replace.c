/* SPDX-License-Identifier: Apache-2.0 */
/* The order of effects that all files of the store share. */
#include "store/replace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/disk.h"

enum { RENEW_PIECE = 64 * 1024 };

int store_path(const char *name, const char *suffix, char path[STORE_PATH], struct why *why)
{
	int len = snprintf(path, STORE_PATH, "%s%s", name, suffix);
	if (len < 0 || len >= STORE_PATH)
		return why_set(
			why, -ENAMETOOLONG, "%.100s...%s: the name is too long", name, suffix);
	return 0;
}

int replace_begin(struct disk *disk, const char *name, struct file **ret_file, struct why *why)
{
	char fresh[STORE_PATH];
	OWN(file_close_own) struct file *file = NULL;
	int err = store_path(name, ".new", fresh, why);
	if (err)
		return err;
	err = disk_open(disk, fresh, FILE_READ | FILE_WRITE | FILE_CREATE, &file);
	if (!err && !planted(REPLACE_LEFTOVER_KEPT))
		err = file_truncate(file, 0);
	if (err)
		return why_errno(why, err, "%s: cannot be created", fresh);
	*ret_file = TAKE(file);
	return 0;
}

static int rename_new(struct disk *disk, const char *name, struct why *why)
{
	char fresh[STORE_PATH];
	int err = store_path(name, ".new", fresh, why);
	if (err)
		return err;
	err = disk_rename(disk, fresh, name);
	return err ? why_errno(why, err, "%s: cannot be renamed to %s", fresh, name) : 0;
}

int replace_commit(struct disk *disk, const char *name, struct file *file, struct why *why)
{
	int err = 0;
	if (planted(REPLACE_RENAME_BEFORE_SYNC) && (err = rename_new(disk, name, why)))
		return err;
	if (!planted(REPLACE_SYNC_LEFT_OUT))
		err = file_sync(file);
	if (err)
		return why_errno(why, err, "%s.new: sync failed", name);
	if (!planted(REPLACE_RENAME_BEFORE_SYNC) && (err = rename_new(disk, name, why)))
		return err;
	return planted(REPLACE_FOLDER_SYNC_LEFT_OUT) ? 0 : store_sync_folder(disk, name, why);
}

void replace_abandon(struct disk *disk, const char *name)
{
	char fresh[STORE_PATH];
	/* Only tidies up: NAME.new is never read, and the next replacement empties it. */
	if (store_path(name, ".new", fresh, NULL) == 0)
		(void)disk_unlink(disk, fresh);
}

int store_sync_folder(struct disk *disk, const char *name, struct why *why)
{
	char folder[STORE_PATH];
	int err = store_path(name, "", folder, why);
	if (err)
		return err;
	char *slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	else
		snprintf(folder, sizeof(folder), ".");
	err = disk_sync_dir(disk, folder);
	return err ? why_errno(why, err, "%s: sync of the folder failed", folder) : 0;
}

int store_renew(struct file *file, uint64_t from, uint64_t to)
{
	OWN(own_free) char *piece = malloc(RENEW_PIECE);
	if (!piece)
		return -ENOMEM;
	while (from < to) {
		size_t len = to - from < RENEW_PIECE ? (size_t)(to - from) : RENEW_PIECE;
		int err = file_read_full(file, piece, len, from);
		if (!err)
			err = file_write_full(file, piece, len, from);
		if (err)
			return err;
		from += len;
	}
	/* Setting the size that it has would change nothing. */
	int err = file_truncate(file, to + 1);
	return err ? err : file_truncate(file, to);
}
