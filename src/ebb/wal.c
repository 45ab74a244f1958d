/* SPDX-License-Identifier: Apache-2.0 */
/* archive_command and restore_command of a PostgreSQL server, and what the archive holds. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/vec.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/backup.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/memory.h"
#include "ebb/postgres.h"
#include "os/disk.h"
#include "os/world.h"
#include "source/wal.h"
#include "source/wal_name.h"

/* Files that one commit takes along when more of them wait. */
enum { BATCH = 64 };

static const char temporary[] = ".ebb-wal-new";

/* ---- push ---- */

struct batch {
	VEC(char *) names;
	const char *first;
};

static void batch_done(struct batch *batch)
{
	vec_each (name, &batch->names)
		free(*name);
	vec_done(&batch->names);
}

static bool note_ready(void *arg, const char *name)
{
	struct batch *batch = arg;
	static const char ready[] = ".ready";
	size_t len = strlen(name), end = sizeof(ready) - 1;
	struct wal_name parts;
	if (len <= end || strcmp(name + len - end, ready) != 0)
		return true;
	char *copy = strndup(name, len - end);
	if (!copy || strcmp(copy, batch->first) == 0 || !wal_name_read(copy, &parts) ||
		vec_push(&batch->names, copy))
		free(copy);
	return true;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The first name, and those that the server has ready besides: one commit for many of them. */
static int find_ready(struct folder *folder, const char *first, struct batch *batch)
{
	OWN(folder_close_own) struct folder *status = NULL;
	char *copy = strdup(first);
	batch->first = first;
	if (!copy || vec_push(&batch->names, copy)) {
		free(copy);
		return -ENOMEM;
	}
	if (folder_enter(folder, "archive_status", &status) == 0)
		folder_list(status, note_ready, batch);
	if (batch->names.len > 2)
		qsort(batch->names.at + 1, batch->names.len - 1, sizeof(char *), by_text);
	return 0;
}

static void wal_close_own(struct wal_archive *archive)
{
	wal_close(archive);
}

static int push(
	struct keep *keep, const char *path, struct wal_options *how, struct wal_pushed *ret_pushed)
{
	OWN(folder_close_own) struct folder *folder = NULL;
	OWN(wal_close_own) struct wal_archive archive = {0};
	OWN(batch_done) struct batch batch = {0};
	char dir[KEEP_PATH];
	struct why why = {"no memory"};
	const char *slash = strrchr(path, '/');
	snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	int err = files_open(&keep->files, dir, &folder);
	if (err)
		why_errno(&why, err, "%s", dir);
	if (!err)
		err = find_ready(folder, slash + 1, &batch);
	if (!err)
		err = wal_open(keep->repo, how->name, &archive, &why);
	struct wal_files files = {folder, (const char *const *)batch.names.at,
		batch.names.len < BATCH ? batch.names.len : BATCH};
	how->clock = keep->world->clock;
	if (!err)
		err = wal_push(&archive, how, &files, ret_pushed, &why);
	if (!err)
		return EXIT_OK;
	int code = err == -EEXIST ? EXIT_GUARDED : err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	return call_fail(code, "not archived: %s", why.text);
}

int call_wal_push(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(str_done) struct str text = {0};
	char path[KEEP_PATH], host[BACKUP_HOST];
	struct wal_options how = {.host = host, .writer = "ebb " EBB_VERSION};
	struct wal_pushed pushed;
	int code = postgres_name(call, &how.name);
	if (!code && !keep_absolute(call, call->args.operands[0], path))
		code = call_fail(EXIT_USAGE, "FILE is too long");
	if (!code)
		code = keep_open(call, &keep);
	if (code)
		return code;
	backup_host(host);
	code = push(&keep, path, &how, &pushed);
	if (code)
		return code;
	if (pushed.added)
		memory_save(&keep);
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:I,s:I,s:I}", "type", "wal push", "added",
			(json_int_t)pushed.added, "known", (json_int_t)pushed.known,
			"written_bytes", (json_int_t)pushed.point.written_bytes));
	str_addf(&text, "archived %s, wrote %s\n", COUNT(pushed.added, "file", "files"),
		BYTES(pushed.point.written_bytes));
	return pushed.added ? call_print(&text) : EXIT_OK;
}

/* ---- pull ---- */

/* When it was written tells how far it leads. */
static int set_time(struct folder *folder, int64_t mtime_ns)
{
	struct files_meta meta;
	int err = folder_meta(folder, temporary, &meta);
	meta.mtime_ns = mtime_ns;
	return err ? err : folder_set_meta(folder, temporary, &meta);
}

/* Under its name only when it is whole and durable. */
static int pull_to(struct wal_archive *archive, struct files *files, const char *name,
	const char *target, struct why *why)
{
	OWN(folder_close_own) struct folder *folder = NULL;
	OWN(file_close_own) struct file *file = NULL;
	char dir[KEEP_PATH];
	int64_t mtime_ns;
	const char *slash = strrchr(target, '/');
	snprintf(dir, sizeof(dir), "%.*s", slash == target ? 1 : (int)(slash - target), target);
	int err = files_open(files, dir, &folder);
	if (!err)
		folder_remove(folder, temporary, false);
	if (!err)
		err = folder_make_file(folder, temporary, &file);
	if (err) {
		why_errno(why, err, "%s", dir);
		return err == -ENOENT ? -EIO : err; /* not what the archive has none of */
	}
	err = wal_pull(archive, name, file, &mtime_ns, why);
	if (!err && (err = set_time(folder, mtime_ns)))
		why_errno(why, err, "%s", target);
	if (!err && (err = file_sync(file)))
		why_errno(why, err, "%s", target);
	if (!err && (err = folder_rename(folder, temporary, slash + 1)))
		why_errno(why, err, "%s", target);
	if (!err && (err = folder_sync(folder)))
		why_errno(why, err, "%s", target);
	if (err)
		folder_remove(folder, temporary, false);
	return err;
}

/* -ENOENT: the archive has no such file; -ENODATA: there is no archive. */
static int pull(struct keep *keep, const char *name, const char *target, struct why *why)
{
	OWN(wal_close_own) struct wal_archive archive = {0};
	int err = wal_open(keep->repo, name, &archive, why);
	if (!err && !archive.points.len)
		return why_set(why, -ENODATA, "there is no WAL archive %s here", name);
	return err ? err
		   : pull_to(&archive, &keep->files, keep->call->args.operands[0], target, why);
}

/*
 * The server takes every code up to 125 for "there is no such file", ends its recovery there and
 * opens for writing. So all that is not a sure no has a code beyond.
 */
int call_wal_pull(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	char target[KEEP_PATH];
	const char *name = "";
	struct why why = {"no memory"};
	if (call->args.operand_count != 2)
		return call_fail(EXIT_STOP_RECOVERY,
			"wal pull wants a FILE and a TARGET: ebb wal pull %%f %%p");
	if (postgres_name(call, &name))
		return EXIT_STOP_RECOVERY;
	if (!keep_absolute(call, call->args.operands[1], target))
		return call_fail(EXIT_STOP_RECOVERY, "TARGET is too long");
	if (keep_open(call, &keep))
		return EXIT_STOP_RECOVERY;
	int err = pull(&keep, name, target, &why);
	/* It may have come from one who can only write, and nobody took it in yet. */
	if ((err == -ENOENT || err == -ENODATA) && adopt_waiting(&keep))
		err = pull(&keep, name, target, &why);
	if (!err)
		return EXIT_OK;
	return call_fail(err == -ENOENT ? EXIT_NO_OBJECT : EXIT_STOP_RECOVERY, "%s", why.text);
}

/* ---- ls ---- */

struct shown {
	json_t *list;
	struct str text;
	size_t count;
};

static void shown_done(struct shown *shown)
{
	json_decref(shown->list);
	str_done(&shown->text);
}

static bool show(void *arg, const struct tree_entry *entry)
{
	struct shown *shown = arg;
	char name[WAL_NAME], time[UNITS_TEXT];
	snprintf(name, sizeof(name), "%.*s", (int)entry->name_len, entry->name);
	units_show_time(entry->meta.mtime_ns, time);
	json_array_append_new(shown->list,
		json_pack("{s:s,s:I,s:s}", "name", name, "size", (json_int_t)entry->meta.size,
			"written", time));
	str_addf(&shown->text, "%.19sZ  %9" PRIu64 "  %s\n", time, entry->meta.size, name);
	shown->count++;
	return true;
}

int call_wal_ls(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(wal_close_own) struct wal_archive archive = {0};
	OWN(shown_done) struct shown shown = {.list = json_array()};
	const char *name = "";
	struct why why = {"no memory"};
	int code = postgres_name(call, &name);
	if (!code)
		code = keep_open(call, &keep);
	if (code)
		return code;
	int err = wal_open(keep.repo, name, &archive, &why);
	if (!err && !archive.points.len)
		return call_fail(EXIT_NO_OBJECT, "there is no WAL archive %s here", name);
	if (!err)
		err = wal_each(&archive, show, &shown, &why);
	if (err)
		return keep_fail(&keep, err == -ENOENT ? -EBADMSG : err, &why);
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:s,s:O}", "type", "wal",
			"system_identifier", archive.system_identifier, "files", shown.list));
	str_addf(&shown.text, "%s of cluster %s\n", COUNT(shown.count, "file", "files"),
		archive.system_identifier);
	return call_print(&shown.text);
}
