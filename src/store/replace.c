/* SPDX-License-Identifier: Apache-2.0 */
/* The order of effects that all files of the store share. */
#include "store/replace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/disk.h"

enum { COPY_PIECE = 64 * 1024 };

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
	unsigned flags = FILE_READ | FILE_WRITE | FILE_CREATE;
	if (!planted(REPLACE_LEFTOVER_KEPT)) {
		flags |= FILE_EXCLUSIVE;
		err = disk_unlink(disk, fresh);
	}
	if (!err || err == -ENOENT)
		err = disk_open(disk, fresh, flags, &file);
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

static int copy(struct file *from, uint64_t len, struct file *to)
{
	OWN(own_free) char *piece = malloc(COPY_PIECE);
	if (!piece)
		return -ENOMEM;
	for (uint64_t at = 0; at < len;) {
		size_t n = len - at < COPY_PIECE ? (size_t)(len - at) : COPY_PIECE;
		int err = file_read_full(from, piece, n, at);
		if (!err)
			err = file_write_full(to, piece, n, at);
		if (err)
			return err;
		at += n;
	}
	return 0;
}

/* A planted bug: the bytes alone. */
static int renew_in_place(struct file *file, uint64_t len)
{
	int err = copy(file, len, file);
	if (!err)
		err = file_truncate(file, len + 1);
	if (!err)
		err = file_truncate(file, len);
	return err ? err : file_sync(file);
}

int replace_anew(
	struct disk *disk, const char *name, struct file **file, uint64_t len, struct why *why)
{
	OWN(file_close_own) struct file *fresh = NULL;
	int err;
	if (planted(REPLACE_NAME_NOT_RENEWED)) {
		err = renew_in_place(*file, len);
		return err ? err : store_sync_folder(disk, name, why);
	}
	err = replace_begin(disk, name, &fresh, why);
	if (err)
		return err;
	err = copy(*file, len, fresh);
	if (err) {
		replace_abandon(disk, name);
		return why_errno(why, err, "%s.new: cannot be written", name);
	}
	err = replace_commit(disk, name, fresh, why);
	if (err)
		return err;
	file_close(*file);
	*file = TAKE(fresh);
	return 0;
}
