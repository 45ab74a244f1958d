/* SPDX-License-Identifier: Apache-2.0 */
/* Databases: both kinds of log keep what they acknowledged, and what is refused, and how. */
#include "store/db.h"

#include <errno.h>
#include <sqlite3.h>

#include "store/rig_test.h"
#include "store/sqlite_vfs.h"

static struct db_options options_for(struct rig *rig, bool rollback)
{
	return (struct db_options){.world = &rig->world,
		.name = "data.db",
		.kind = "test",
		.version = 2,
		.create = true,
		.rollback = rollback};
}

static struct db *must_open(struct rig *rig, bool rollback)
{
	struct db_options options = options_for(rig, rollback);
	struct db *db;
	struct why why = {""};
	int err = db_open(&options, &db, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "db_open: %d %s", err, why.text);
	return db;
}

static void must_exec(struct db *db, const char *sql)
{
	struct why why = {""};
	int err = db_exec(db, sql, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "%d %s", err, why.text);
}

/* The first column of the first row. */
static const char *ask(struct db *db, const char *sql)
{
	static char text[200];
	sqlite3_stmt *stmt;
	CHECK_EQ(sqlite3_prepare_v2(db_sqlite(db), sql, -1, &stmt, NULL), SQLITE_OK);
	CHECK_EQ(sqlite3_step(stmt), SQLITE_ROW);
	snprintf(text, sizeof(text), "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return text;
}

/* The error of opening it now, and its text. */
static int refused(struct rig *rig, const struct db_options *options, const char *text)
{
	struct db *db = NULL;
	struct why why = {""};
	(void)rig;
	int err = db_open(options, &db, &why);
	db_close(db);
	CHECK_STR(why.text, text);
	return err;
}

static void try_mode(bool rollback)
{
	OWN(rig_done) struct rig rig;
	OWN(sim_disk_free_own) struct sim_disk *after = sim_disk_new();
	rig_init(&rig);
	struct db *db = must_open(&rig, rollback);
	CHECK_STR(ask(db, "PRAGMA journal_mode"), rollback ? "delete" : "wal");
	CHECK_STR(ask(db, "PRAGMA synchronous"), "3");
	CHECK_STR(ask(db, "PRAGMA application_id"), "1952805748");
	CHECK_STR(ask(db, "PRAGMA user_version"), "2");
	must_exec(db,
		"CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT) STRICT;"
		"CREATE TEMP TABLE u AS SELECT 1; INSERT INTO t VALUES(1, 'one')");
	/* What a COMMIT acknowledged is there after a power cut, with the database still open. */
	CHECK_EQ(sim_disk_crash(rig.sim, rig_as_durable, NULL, after), 0);
	db_close(db);
	db = must_open(&rig, rollback);
	CHECK_STR(ask(db, "SELECT b FROM t"), "one");
	db_close(db);
	rig.world.disk = sim_disk_seam(after);
	db = must_open(&rig, rollback);
	CHECK_STR(ask(db, "SELECT b FROM t"), "one");
	CHECK_STR(ask(db, "PRAGMA integrity_check"), "ok");
	db_close(db);
}

TEST(a_write_ahead_log_keeps_what_it_acknowledged)
{
	try_mode(false);
}

TEST(a_rollback_journal_keeps_what_it_acknowledged)
{
	try_mode(true);
}

TEST(time_and_dice_are_the_worlds)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct db *db = must_open(&rig, false);
	CHECK_STR(
		ask(db, "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"), "2024-01-01 00:00:00.000");
	db_close(db);
}

TEST(two_cannot_have_it_open)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct db_options options = options_for(&rig, false);
	struct db *db = must_open(&rig, false);
	CHECK_EQ(refused(&rig, &options,
			 "data.db: in use by another process, which holds data.db.lock"),
		-EWOULDBLOCK);
	db_close(db);
	db_close(must_open(&rig, false));
}

TEST(foreign_newer_and_missing_ones_are_refused_clearly)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct db_options options = options_for(&rig, false);
	options.create = false;
	CHECK_EQ(refused(&rig, &options,
			 "data.db: opening: unable to open database file: No such file or "
			 "directory"),
		-ENOENT);
	rig_put(&rig, "data.db", "", 0);
	CHECK_EQ(refused(&rig, &options, "data.db: is empty: restore it from a copy"), -EBADMSG);
	db_close(must_open(&rig, false));
	options.version = 1;
	CHECK_EQ(refused(&rig, &options,
			 "data.db: schema version 2, this program knows 1: written by a newer ebb, "
			 "use that one"),
		-ENOTSUP);
	options.version = 2;
	options.kind[3] = 'x';
	CHECK_EQ(refused(&rig, &options,
			 "data.db: holds another kind (application_id 1952805748) than \"tesx\": "
			 "another file was put in its place"),
		-EBADMSG);
	uint8_t garbage[8192];
	rng_fill(&rig.rng, garbage, sizeof(garbage));
	rig_put(&rig, "data.db", garbage, sizeof(garbage));
	CHECK_EQ(refused(&rig, &options, "data.db: settings: file is not a database"), -EBADMSG);
}

static int fail_sync(void *arg, enum sim_op op, const char *name, bool done)
{
	unsigned *syncs = arg;
	(void)name;
	if (done || op != SIM_SYNC)
		return 0;
	return ++*syncs == 1 ? -EIO : 0;
}

static void try_failed_sync(bool rollback)
{
	OWN(rig_done) struct rig rig;
	rig_init(&rig);
	struct why why;
	unsigned syncs = 0;
	struct db *db = must_open(&rig, rollback);
	must_exec(db, "CREATE TABLE t(a INTEGER PRIMARY KEY) STRICT");
	sim_disk_set_hook(rig.sim, fail_sync, &syncs);
	CHECK_EQ(db_exec(db, "INSERT INTO t VALUES(1)", &why), -EIO);
	CHECK_STR(why.text, "data.db: INSERT INTO t VALUES(1): disk I/O error: Input/output error");
	CHECK_EQ(db_exec(db, "INSERT INTO t VALUES(2)", &why), -EIO);
	CHECK_EQ(syncs, 1);
	db_close(db);
	CHECK_EQ(syncs, 1);
	db = must_open(&rig, rollback);
	must_exec(db, "INSERT INTO t VALUES(3)");
	CHECK_STR(ask(db, "SELECT count(*) FROM t WHERE a = 3"), "1");
	db_close(db);
}

TEST(a_failed_sync_stops_it_until_it_is_opened_anew)
{
	try_failed_sync(false);
	try_failed_sync(true);
}

/* Outside EXCLUSIVE mode a commit is the removal of its journal. */
TEST(a_removed_journal_stays_removed)
{
	OWN(rig_done) struct rig rig;
	OWN(sim_disk_free_own) struct sim_disk *after = sim_disk_new();
	rig_init(&rig);
	struct sqlite_vfs *vfs;
	sqlite3 *sqlite;
	CHECK_EQ(sqlite_vfs_new(&rig.world, &vfs, NULL), 0);
	CHECK_EQ(sqlite3_open_v2("data.db", &sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			 sqlite_vfs_name(vfs)),
		SQLITE_OK);
	CHECK_EQ(sqlite3_exec(sqlite,
			 "PRAGMA synchronous=EXTRA; PRAGMA application_id=1952805748;"
			 "CREATE TABLE t(b TEXT); INSERT INTO t VALUES('one')",
			 NULL, NULL, NULL),
		SQLITE_OK);
	CHECK_EQ(sim_disk_crash(rig.sim, rig_as_durable, NULL, after), 0);
	CHECK_EQ(sqlite3_close(sqlite), SQLITE_OK);
	sqlite_vfs_free(vfs);
	rig.world.disk = sim_disk_seam(after);
	struct db *db = must_open(&rig, true);
	CHECK_STR(ask(db, "SELECT b FROM t"), "one");
	db_close(db);
}

TEST_MAIN
