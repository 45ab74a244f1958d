/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crash states per CPU second: the store's journal and SQLite databases under the crash explorer,
 * whole explorations (crashes, crashed and failed recoveries, failing operations). A state is one
 * image that was made, recovered by the real code and compared with a model.
 */
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "os/world.h"
#include "sim/explore.h"
#include "store/db.h"
#include "store/journal.h"

struct state {
	uint64_t begun, acked;
};

static int hold(const struct state *state, uint64_t found, struct why *why)
{
	if (found >= state->acked && found <= state->begun)
		return 0;
	return why_set(why, -EPROTO, "%" PRIu64 " found, of %" PRIu64 " acknowledged", found,
		state->acked);
}

/* ---- Journal: records of 200 bytes, one, two or three to a sync. ---- */

enum { RECORDS = 40, RECORD = 200 };

static void close_journal(struct journal **journal)
{
	journal_close(*journal);
}

static int count_record(void *arg, const struct journal_record *record, struct why *why)
{
	uint64_t *count = arg;
	if (record->len != RECORD || get_le64(record->bytes) != *count)
		return why_set(why, -EBADMSG, "record %" PRIu64 " is another", *count);
	++*count;
	return 0;
}

static int open_journal(
	struct world *world, uint64_t *count, struct journal **ret_journal, struct why *why)
{
	struct journal_options options = {.disk = world->disk,
		.name = "log",
		.label = {.kind = "benc", .version = 1, .identity = {1}},
		.create = true};
	*count = 0;
	return journal_open(&options, count_record, count, ret_journal, why);
}

static int run_journal(void *arg, struct world *world, struct why *why)
{
	struct state *state = arg;
	OWN(close_journal) struct journal *journal = NULL;
	uint64_t count;
	int err = open_journal(world, &count, &journal, why);
	for (uint64_t i = 0; !err && i < RECORDS; i++) {
		uint8_t record[RECORD];
		memset(record, (int)i, sizeof(record));
		put_le64(record, i);
		state->begun = i + 1;
		err = journal_append(journal, 1, record, sizeof(record), why);
		if (err || i % 6 == 1 || i % 6 == 3 || i % 6 == 4)
			continue;
		err = journal_sync(journal, why);
		if (!err)
			state->acked = state->begun;
	}
	return err;
}

static int check_journal(void *arg, struct world *world, bool faulty, struct why *why)
{
	OWN(close_journal) struct journal *journal = NULL;
	uint64_t count;
	(void)faulty;
	int err = open_journal(world, &count, &journal, why);
	return err ? err : hold(arg, count, why);
}

/* ---- SQLite: transactions of two rows. ---- */

enum { TRANSACTIONS = 6 };

static void close_db(struct db **db)
{
	db_close(*db);
}

static int open_db(struct world *world, bool rollback, struct db **ret_db, struct why *why)
{
	struct db_options options = {.world = world,
		.name = "data.db",
		.kind = "benc",
		.version = 1,
		.create = true,
		.rollback = rollback};
	int err = db_open(&options, ret_db, why);
	if (err)
		return err;
	err = db_exec(
		*ret_db, "CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY, b BLOB) STRICT", why);
	if (err) {
		db_close(*ret_db);
		*ret_db = NULL;
	}
	return err;
}

static int run_db(struct state *state, struct world *world, bool rollback, struct why *why)
{
	OWN(close_db) struct db *db = NULL;
	int err = open_db(world, rollback, &db, why);
	for (uint64_t i = 0; !err && i < TRANSACTIONS; i++) {
		state->begun = i + 1;
		err = db_exec(db,
			"BEGIN; INSERT INTO t(b) VALUES(zeroblob(300)); INSERT INTO t(b) "
			"VALUES(zeroblob(900)); COMMIT",
			why);
		if (!err)
			state->acked = state->begun;
	}
	return err;
}

static int count_rows(const struct db *db, uint64_t *ret_rows, struct why *why)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(db_sqlite(db), "SELECT count(*) FROM t", -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*ret_rows = (uint64_t)sqlite3_column_int64(stmt, 0);
	int err = code == SQLITE_ROW ? 0 : db_failed(db, code, "counting", why);
	sqlite3_finalize(stmt);
	return err;
}

static int check_db(const struct state *state, struct world *world, bool rollback, struct why *why)
{
	OWN(close_db) struct db *db = NULL;
	uint64_t rows = 0;
	int err = open_db(world, rollback, &db, why);
	if (!err)
		err = count_rows(db, &rows, why);
	if (!err && rows % 2)
		err = why_set(why, -EPROTO, "half a transaction");
	return err ? err : hold(state, rows / 2, why);
}

static int run_wal(void *state, struct world *world, struct why *why)
{
	return run_db(state, world, false, why);
}

static int check_wal(void *state, struct world *world, bool faulty, struct why *why)
{
	(void)faulty;
	return check_db(state, world, false, why);
}

static int run_rollback(void *state, struct world *world, struct why *why)
{
	return run_db(state, world, true, why);
}

static int check_rollback(void *state, struct world *world, bool faulty, struct why *why)
{
	(void)faulty;
	return check_db(state, world, true, why);
}

static const struct scenario scenarios[] = {
	{"journal", sizeof(struct state), run_journal, check_journal, NULL},
	{"sqlite wal", sizeof(struct state), run_wal, check_wal, NULL},
	{"sqlite rollback", sizeof(struct state), run_rollback, check_rollback, NULL},
};

static double cpu_seconds(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
		(double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static void measure(const struct scenario *scenario, const struct explore_options *options)
{
	struct rusage before, after;
	struct explore_report report;
	must(getrusage(RUSAGE_SELF, &before) == 0);
	int err = explore(scenario, options, &report);
	must(getrusage(RUSAGE_SELF, &after) == 0);
	double seconds = cpu_seconds(&after) - cpu_seconds(&before);
	double per_second = (double)report.states / seconds;
	printf("%-16s %5" PRIu64 " %7" PRIu64 " %7" PRIu64 " %9" PRIu64
	       " %7.2f %8.2f %9.1f %7.1f\n",
		scenario->name, report.operations, report.crash_points, report.faults,
		report.states, seconds, 1e6 / per_second, per_second * 3600 / 1e6,
		(double)after.ru_maxrss / 1024);
	if (err)
		printf("%s\n", err == -EBADMSG ? report.violation : strerror(-err));
}

int main(void)
{
	static const struct explore_options options = {.seed = 1};
	printf("scenario           ops  points  faults    states   CPU s us/state  M/core-h  "
	       "peak MB\n");
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
		measure(&scenarios[i], &options);
	return 0;
}
