/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a database with our settings, and turning SQLite's errors into ours. */
#include "store/db.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/world.h"
#include "store/lock.h"
#include "store/replace.h"
#include "store/sqlite_vfs.h"

/*
 * EXCLUSIVE comes first: it lets the write-ahead log work without shared memory. EXTRA syncs the
 * folder after a rollback journal was removed, which is what commits: with FULL an acknowledged
 * transaction may be rolled back by a power cut.
 */
static const char settings[] = "PRAGMA locking_mode=EXCLUSIVE;"
			       "PRAGMA temp_store=MEMORY;"
			       "PRAGMA synchronous=EXTRA;"
			       "PRAGMA foreign_keys=ON;"
			       "PRAGMA cell_size_check=ON;";

struct db {
	struct sqlite_vfs *vfs;
	struct sqlite3 *sqlite;
	struct file *lock;
	char name[STORE_PATH];
};

static int errno_of(int code, int disk_error)
{
	switch (code & 0xff) {
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_TOOBIG:
		return -EMSGSIZE;
	case SQLITE_IOERR:
		return code == SQLITE_IOERR_NOMEM ? -ENOMEM : -EIO;
	case SQLITE_CANTOPEN:
		return disk_error ? disk_error : -EIO;
	default:
		return -EINVAL;
	}
}

int db_failed(const struct db *db, int code, const char *doing, struct why *why)
{
	int disk_error = sqlite_vfs_error(db->vfs);
	int err = errno_of(code, disk_error);
	const char *text = db->sqlite ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(code);
	bool from_disk = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
	if (from_disk && disk_error)
		return why_errno(why, err, "%s: %s: %s", db->name, doing, text);
	return why_set(why, err, "%s: %s: %s", db->name, doing, text);
}

int db_exec(struct db *db, const char *sql, struct why *why)
{
	int code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : db_failed(db, code, sql, why);
}

/* Makes the absence of a file new: that it is gone may not be on the disk. */
static int remove_anew(struct disk *disk, const char *path, struct why *why)
{
	OWN(file_close_own) struct file *file = NULL;
	int err = disk_open(disk, path, FILE_WRITE | FILE_CREATE, &file);
	if (!err)
		err = disk_unlink(disk, path);
	return err ? why_errno(why, err, "%s: cannot be removed", path) : 0;
}

/* Makes a log, or its absence, what the life before left and what a crash will leave. */
static int renew(struct disk *disk, const char *name, const char *suffix, struct why *why)
{
	char path[STORE_PATH];
	OWN(file_close_own) struct file *file = NULL;
	uint64_t size = 0;
	int err = store_path(name, suffix, path, why);
	if (err)
		return err;
	err = disk_open(disk, path, FILE_READ | FILE_WRITE, &file);
	if (err == -ENOENT)
		return planted(DB_REMOVAL_NOT_RENEWED) ? 0 : remove_anew(disk, path, why);
	if (!err)
		err = file_size(file, &size);
	if (err)
		return why_errno(why, err, "%s: cannot be recovered", path);
	return planted(DB_LOG_NOT_RENEWED) ? 0 : replace_anew(disk, path, &file, size, why);
}

/*
 * A database that is not there yet gets its name before SQLite writes to it: one that holds
 * anything has a durable name, and one that is empty gets it anew.
 */
static int place(struct disk *disk, const char *name, struct why *why)
{
	OWN(file_close_own) struct file *file = NULL;
	uint64_t size = 0;
	int err = disk_open(disk, name, FILE_READ, &file);
	if (!err)
		err = file_size(file, &size);
	if (err && err != -ENOENT)
		return why_errno(why, err, "%s: cannot be opened", name);
	if (size || planted(DB_NOT_PLACED))
		return 0;
	file_close(TAKE(file));
	err = replace_begin(disk, name, &file, why);
	return err ? err : replace_commit(disk, name, file, why);
}

/*
 * Makes durable what the life before left, before SQLite sees it. A log that can be read may not be
 * on the disk, when a sync had failed: to copy it into the database and sync only that could, with
 * the next crash, leave half a transaction. And a log that is gone may come back, when the folder
 * was not synced: with a commit that failed and that nobody has seen since.
 */
static int recover_files(struct disk *disk, const char *name, bool create, struct why *why)
{
	int err = create ? place(disk, name, why) : 0;
	if (!err)
		err = renew(disk, name, "-wal", why);
	if (!err)
		err = renew(disk, name, "-journal", why);
	return err || planted(DB_FOLDER_NOT_SYNCED) ? err : store_sync_folder(disk, name, why);
}

/* One number that a statement answers. */
static int ask(struct db *db, const char *sql, int64_t *ret_number, struct why *why)
{
	sqlite3_stmt *stmt;
	int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code != SQLITE_ROW) {
		int err = db_failed(db, code, sql, why);
		sqlite3_finalize(stmt);
		return err;
	}
	*ret_number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return 0;
}

/* The mode that is in effect afterwards is the answer; another one is no error to SQLite. */
static int set_journal(struct db *db, bool rollback, struct why *why)
{
	const char *mode = rollback ? "delete" : "wal";
	char sql[64];
	sqlite3_stmt *stmt;
	snprintf(sql, sizeof(sql), "PRAGMA journal_mode=%s", mode);
	int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	int err = 0;
	if (code != SQLITE_ROW)
		err = db_failed(db, code, sql, why);
	else if (strcmp((const char *)sqlite3_column_text(stmt, 0), mode) != 0)
		err = why_set(why, -EIO, "%s: %s was not obeyed", db->name, sql);
	sqlite3_finalize(stmt);
	return err;
}

static int32_t application_id(const struct db_options *options)
{
	uint32_t id = 0;
	for (size_t i = 0; i < sizeof(options->kind); i++)
		id = id << 8 | (uint8_t)options->kind[i];
	return (int32_t)id;
}

static int label_new(struct db *db, const struct db_options *options, struct why *why)
{
	char sql[160];
	if (!options->create)
		return why_set(why, -EBADMSG, "%s: is empty: restore it from a copy", db->name);
	snprintf(sql, sizeof(sql),
		"BEGIN IMMEDIATE; PRAGMA application_id=%" PRId32 "; PRAGMA user_version=%" PRId32
		"; COMMIT",
		application_id(options), options->version);
	return db_exec(db, sql, why);
}

static int check_label(struct db *db, const struct db_options *options, struct why *why)
{
	int64_t id = 0, version = 0, tables = 0;
	int err = ask(db, "PRAGMA application_id", &id, why);
	if (!err)
		err = ask(db, "PRAGMA user_version", &version, why);
	if (!err)
		err = ask(db, "SELECT count(*) FROM sqlite_schema", &tables, why);
	if (err)
		return err;
	if (id == 0 && version == 0 && tables == 0)
		return label_new(db, options, why);
	if (id != application_id(options))
		return why_set(why, -EBADMSG,
			"%s: holds another kind (application_id %" PRId64
			") than \"%.4s\": another file was put in its place",
			db->name, id, options->kind);
	if (version > options->version)
		return why_set(why, -ENOTSUP,
			"%s: schema version %" PRId64 ", this program knows %" PRId32
			": written by a newer ebb, use that one",
			db->name, version, options->version);
	return 0;
}

/* What no statement of ours needs and a damaged or forged file could use. */
static void restrain(struct sqlite3 *sqlite)
{
	sqlite3_extended_result_codes(sqlite, 1);
	sqlite3_db_config(sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(sqlite, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_db_config(sqlite, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_limit(sqlite, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(sqlite, SQLITE_LIMIT_WORKER_THREADS, 0);
	sqlite3_limit(sqlite, SQLITE_LIMIT_LENGTH, 64 << 20);
	sqlite3_limit(sqlite, SQLITE_LIMIT_SQL_LENGTH, 1 << 20);
}

static int connect_sqlite(struct db *db, const struct db_options *options, struct why *why)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	if (options->create)
		flags |= SQLITE_OPEN_CREATE;
	int code = sqlite3_open_v2(db->name, &db->sqlite, flags, sqlite_vfs_name(db->vfs));
	if (code != SQLITE_OK)
		return db_failed(db, code, "opening", why);
	restrain(db->sqlite);
	code = sqlite3_exec(db->sqlite, settings, NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return db_failed(db, code, "settings", why);
	if (planted(DB_SYNCHRONOUS_NORMAL))
		(void)db_exec(db, "PRAGMA synchronous=NORMAL", NULL);
	int err = check_label(db, options, why);
	return err ? err : set_journal(db, options->rollback, why);
}

static void db_close_own(struct db **db)
{
	db_close(*db);
}

int db_open(const struct db_options *options, struct db **ret_db, struct why *why)
{
	OWN(db_close_own) struct db *db = calloc(1, sizeof(*db));
	if (!db)
		return why_errno(why, -ENOMEM, "%s", options->name);
	int err = store_path(options->name, "", db->name, why);
	if (!err)
		err = store_lock(options->world->disk, db->name, &db->lock, why);
	if (!err)
		err = recover_files(options->world->disk, db->name, options->create, why);
	if (!err)
		err = sqlite_vfs_new(options->world, &db->vfs, why);
	if (!err)
		err = connect_sqlite(db, options, why);
	if (err)
		return err;
	*ret_db = TAKE(db);
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	must(sqlite3_close(db->sqlite) == SQLITE_OK);
	sqlite_vfs_free(db->vfs);
	file_close(db->lock);
	free(db);
}

struct sqlite3 *db_sqlite(const struct db *db)
{
	return db->sqlite;
}
