/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite databases as ebb opens them: on the disk of a struct world, one connection, and a COMMIT
 * that answered is durable. One thread at a time for each database; calls block.
 *
 * A COMMIT that failed is undone; after a crash it may yet prove to have happened, until the
 * database was opened anew or a later COMMIT succeeded.
 *
 * Statements are SQLite's own (db_sqlite()); this file opens, closes, and tells why. After a failed
 * sync the database answers errors until it is opened anew.
 */
#ifndef EBB_STORE_DB_H
#define EBB_STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct sqlite3;
struct why;
struct world;

struct db_options {
	struct world *world; /* borrowed while the database is open */
	const char *name;    /* NAME-wal, NAME-journal and NAME.lock beside it are the database's */
	char kind[4];        /* letters or digits: SQLite's application_id */
	int32_t version;     /* from 1; of the schema: SQLite's user_version */
	bool create;         /* the first start: without it, a missing database is -ENOENT */
	bool rollback;       /* a rollback journal instead of a write-ahead log */
};

/*
 * Gives the database; a new one has kind and version and no tables. -EWOULDBLOCK: another has it
 * open; -EBADMSG: damaged, or of another kind; -ENOTSUP: from a newer program.
 */
int db_open(const struct db_options *options, struct db **ret_db, struct why *why);

/* Takes the database; NULL is allowed. All statements are finalized. */
void db_close(struct db *db);

/* Borrowed. */
struct sqlite3 *db_sqlite(const struct db *db);

/* Runs statements that have no results to look at. */
int db_exec(struct db *db, const char *sql, struct why *why);

/* What SQLite last answered, as a negative errno and a sentence: "NAME: doing: why". */
int db_failed(const struct db *db, int code, const char *doing, struct why *why);

#endif
