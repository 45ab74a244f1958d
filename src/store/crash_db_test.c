/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crash exploration of SQLite on our VFS, with a write-ahead log and with a rollback journal:
 * transactions over three tables, whose sums must agree with each other and with what was
 * acknowledged.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "os/dice.h"
#include "sim/alloc_fault.h"
#include "store/crash_test.h"
#include "store/db.h"

enum { STEPS = 4, BODY = 5000, CHECKPOINT_AFTER = 1, DELETE_AT = 3 };

struct state {
	bool created; /* the tables must be there */
	unsigned acked, maybe;
	unsigned life[STEPS + 1];
};

/* In the check under way. */
static bool disk_may_fail;

/* In the case under way. */
static unsigned steps_to_make = STEPS;

static void close_own(struct db **db)
{
	db_close(*db);
}

/* The numbers of a statement's first row, or an error. */
static int ask(struct db *db, const char *sql, int64_t *ret_numbers, int count, struct why *why)
{
	sqlite3_stmt *stmt;
	int code = sqlite3_prepare_v2(db_sqlite(db), sql, -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	int err = code == SQLITE_ROW ? 0 : db_failed(db, code, sql, why);
	for (int i = 0; i < count && !err; i++)
		ret_numbers[i] = sqlite3_column_int64(stmt, i);
	sqlite3_finalize(stmt);
	return err;
}

/* The bodies of the steps are those that the lives wrote which made them. */
static int compare_bodies(const struct state *state, struct db *db, struct why *why)
{
	static const char sql[] = "SELECT k, body FROM steps ORDER BY k";
	sqlite3_stmt *stmt;
	int err = 0;
	int code = sqlite3_prepare_v2(db_sqlite(db), sql, -1, &stmt, NULL);
	while (code == SQLITE_OK || code == SQLITE_ROW) {
		code = sqlite3_step(stmt);
		if (code != SQLITE_ROW)
			break;
		unsigned char body[BODY];
		unsigned k = (unsigned)sqlite3_column_int(stmt, 0);
		crash_content(body, sizeof(body), k, state->life[k]);
		const void *found = sqlite3_column_blob(stmt, 1);
		if (sqlite3_column_bytes(stmt, 1) != BODY)
			err = why_set(why, -EBADMSG, "step %u has another length", k);
		else if (!found)
			err = -ENOMEM;
		else if (memcmp(found, body, BODY) != 0)
			err = why_set(why, -EBADMSG, "step %u is of another life", k);
		if (err)
			break;
	}
	if (!err && code != SQLITE_DONE)
		err = db_failed(db, code, sql, why);
	sqlite3_finalize(stmt);
	return err;
}

enum number { FINDINGS, LAST, COUNT, DEBIT, CREDIT, STRAY, NUMBERS };

static const char all_numbers[] =
	"SELECT (SELECT count(*) FROM pragma_integrity_check() WHERE integrity_check != 'ok'),"
	" max(k), count(*), (SELECT v FROM debit), (SELECT -v FROM credit),"
	" (SELECT count(*) FROM checks WHERE k != (SELECT max(k) FROM steps)) FROM steps";

/* How many steps are there, when all is as it should be. */
static int compare(const struct state *state, struct db *db, unsigned *ret_steps, struct why *why)
{
	int64_t n[NUMBERS];
	int err = ask(db, all_numbers, n, NUMBERS, why);
	if (err)
		return err;
	/* A page that could not be read is a finding too; on a disk that fails it is no damage. */
	if (n[FINDINGS])
		return why_set(why, disk_may_fail ? -EIO : -EBADMSG,
			"integrity_check: %lld findings", (long long)n[FINDINGS]);
	if (n[LAST] < state->acked || n[LAST] > state->maybe)
		return why_set(why, -EBADMSG, "%lld steps, not %u to %u", (long long)n[LAST],
			state->acked, state->maybe);
	int64_t sum = n[LAST] * (n[LAST] + 1) / 2;
	if (n[DEBIT] != sum || n[CREDIT] != sum || n[COUNT] != n[LAST] - (n[LAST] >= DELETE_AT))
		return why_set(why, -EBADMSG, "%lld steps: debit %lld, credit %lld, %lld rows",
			(long long)n[LAST], (long long)n[DEBIT], (long long)n[CREDIT],
			(long long)n[COUNT]);
	if (n[STRAY])
		return why_set(why, -EBADMSG, "steps came or went since a check");
	*ret_steps = (unsigned)n[LAST];
	return compare_bodies(state, db, why);
}

static int create_tables(struct db *db, struct why *why)
{
	return db_exec(db,
		"BEGIN IMMEDIATE;"
		"CREATE TABLE debit(v INTEGER NOT NULL) STRICT; INSERT INTO debit VALUES(0);"
		"CREATE TABLE credit(v INTEGER NOT NULL) STRICT; INSERT INTO credit VALUES(0);"
		"CREATE TABLE steps(k INTEGER PRIMARY KEY, body BLOB) STRICT;"
		"CREATE TABLE checks(k INTEGER) STRICT;"
		"COMMIT",
		why);
}

/* The tables may be missing as long as nothing was acknowledged. */
static int open_and_compare(const struct state *state, struct world *world, bool rollback,
	struct db **ret_db, unsigned *ret_steps, struct why *why)
{
	struct db_options options = {.world = world,
		.name = "data.db",
		.kind = "test",
		.version = 1,
		.create = !state->created,
		.rollback = rollback};
	OWN(close_own) struct db *db = NULL;
	int64_t tables = 0;
	int err = db_open(&options, &db, why);
	if (!err)
		err = ask(db, "SELECT count(*) FROM sqlite_schema", &tables, 1, why);
	if (!err && tables == 0 && !state->created)
		err = create_tables(db, why);
	if (!err)
		err = compare(state, db, ret_steps, why);
	if (!err)
		*ret_db = TAKE(db);
	return err;
}

static int insert_step(struct db *db, unsigned step, unsigned life, struct why *why)
{
	static const char sql[] = "INSERT INTO steps VALUES(?, ?)";
	unsigned char body[BODY];
	sqlite3_stmt *stmt;
	crash_content(body, sizeof(body), step, life);
	int code = sqlite3_prepare_v2(db_sqlite(db), sql, -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int(stmt, 1, (int)step);
	if (code == SQLITE_OK)
		code = sqlite3_bind_blob(stmt, 2, body, sizeof(body), SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	int err = code == SQLITE_DONE ? 0 : db_failed(db, code, sql, why);
	sqlite3_finalize(stmt);
	return err;
}

static int make_step(struct db *db, unsigned step, unsigned life, struct why *why)
{
	char sql[200];
	snprintf(sql, sizeof(sql), "UPDATE debit SET v = v + %u; UPDATE credit SET v = v - %u; %s",
		step, step, step == DELETE_AT ? "DELETE FROM steps WHERE k = 1; " : "");
	int err = db_exec(db, "BEGIN IMMEDIATE", why);
	if (!err)
		err = insert_step(db, step, life, why);
	if (!err)
		err = db_exec(db, sql, why);
	return err;
}

static int live(
	struct state *state, struct world *world, bool rollback, unsigned life, struct why *why)
{
	unsigned found;
	OWN(close_own) struct db *db = NULL;
	int err = open_and_compare(state, world, rollback, &db, &found, why);
	if (err)
		return err;
	state->created = true;
	state->acked = state->maybe = found;
	while (state->acked < steps_to_make) {
		unsigned step = state->maybe = state->acked + 1;
		state->life[step] = life;
		err = make_step(db, step, life, why);
		if (err)
			return err;
		/* Who does not give up must not be told that it is durable. */
		err = db_exec(db, "COMMIT", why);
		if (err && db_exec(db, "COMMIT", NULL))
			return err;
		state->acked = step;
		if (step == CHECKPOINT_AFTER &&
			(err = db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", why)))
			return err;
	}
	return 0;
}

static int run(void *arg, struct world *world, bool rollback, struct why *why)
{
	int err = 0;
	disk_may_fail = true;
	for (unsigned number = 1; number <= 2; number++) {
		struct life life;
		life_begin(&life, world, number);
		err = live(arg, &life.world, rollback, number, why);
		if (!err)
			break;
	}
	return err;
}

static int check(void *arg, struct world *world, bool rollback, struct why *why)
{
	unsigned steps;
	OWN(close_own) struct db *db = NULL;
	int err = open_and_compare(arg, world, rollback, &db, &steps, why);
	if (!err)
		err = db_exec(db, "INSERT INTO checks SELECT max(k) FROM steps", why);
	return err;
}

static int run_wal(void *arg, struct world *world, struct why *why)
{
	return run(arg, world, false, why);
}

static int check_wal(void *arg, struct world *world, bool faulty, struct why *why)
{
	disk_may_fail = faulty;
	return check(arg, world, false, why);
}

static int run_rollback(void *arg, struct world *world, struct why *why)
{
	return run(arg, world, true, why);
}

static int check_rollback(void *arg, struct world *world, bool faulty, struct why *why)
{
	disk_may_fail = faulty;
	return check(arg, world, true, why);
}

static int run_short(void *arg, struct world *world, struct why *why)
{
	steps_to_make = CHECKPOINT_AFTER;
	int err = run(arg, world, false, why);
	steps_to_make = STEPS;
	return err;
}

/* SQLite's memory, through this program's allocator, which can be made to fail. */
enum { MEMORY_HEAD = 16 };

static void *get_memory(int size)
{
	char *block = malloc((size_t)size + MEMORY_HEAD);
	if (!block)
		return NULL;
	memcpy(block, &size, sizeof(size));
	return block + MEMORY_HEAD;
}

static void free_memory(void *memory)
{
	if (memory)
		free((char *)memory - MEMORY_HEAD);
}

static void *resize_memory(void *memory, int size)
{
	char *block = realloc((char *)memory - MEMORY_HEAD, (size_t)size + MEMORY_HEAD);
	if (!block)
		return NULL;
	memcpy(block, &size, sizeof(size));
	return block + MEMORY_HEAD;
}

static int memory_size(void *memory)
{
	int size;
	memcpy(&size, (char *)memory - MEMORY_HEAD, sizeof(size));
	return size;
}

static int round_up(int size)
{
	return (size + 7) / 8 * 8;
}

static int start_memory(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static void end_memory(void *arg)
{
	(void)arg;
}

int main(int argc, char **argv)
{
	static const struct scenario wal = {.name = "wal",
		.state_size = sizeof(struct state),
		.run = run_wal,
		.check = check_wal};
	static const struct scenario rollback = {.name = "rollback",
		.state_size = sizeof(struct state),
		.run = run_rollback,
		.check = check_rollback};
	static const struct scenario wal_memory = {.name = "wal_memory",
		.state_size = sizeof(struct state),
		.run = run_short,
		.check = check_wal};
	const struct explore_options options = {
		.exhaustive = 16, .samples = 16, .recovery_points = 4};
	const struct explore_options killed = {
		.exhaustive = 4, .samples = 4, .recovery_points = 1, .no_faults = true};
	const struct explore_options memory = {.recovery_points = 1,
		.no_crashes = true,
		.no_faults = true,
		.allocations = &alloc_faults};
	const struct crash_case cases[] = {
		{.scenario = &wal, .options = options, .killed = killed, .kills = 61},
		{.scenario = &rollback, .options = options, .killed = killed, .kills = 61},
		{.scenario = &wal_memory, .options = memory},
	};
	sqlite3_mem_methods methods = {get_memory, free_memory, resize_memory, memory_size,
		round_up, start_memory, end_memory, NULL};
	must(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK);
	must(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
	must(sqlite3_initialize() == SQLITE_OK);
	return crash_main(argc, argv, cases, sizeof(cases) / sizeof(*cases));
}
