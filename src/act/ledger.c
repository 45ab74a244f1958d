/* SPDX-License-Identifier: Apache-2.0 */
/* One table of jobs. */
#include "act/ledger.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/world.h"
#include "store/db.h"
#include "store/row.h"

enum { VERSION = 1 };

struct ledger {
	struct db *db;
};

/* The file's format is FORMATS.md, "The ledger". */
static const char tables[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS job(id INTEGER PRIMARY KEY, resource TEXT NOT NULL,"
	" state INTEGER NOT NULL, started_s INTEGER NOT NULL, due_s INTEGER NOT NULL,"
	" price REAL NOT NULL, in_time REAL NOT NULL,"
	" binding INTEGER NOT NULL, work_s REAL NOT NULL, ended_s INTEGER NOT NULL,"
	" code INTEGER NOT NULL, took_s REAL NOT NULL, harm REAL NOT NULL,"
	" bytes INTEGER NOT NULL, facts TEXT NOT NULL) STRICT;"
	"CREATE TABLE IF NOT EXISTS held(resource TEXT PRIMARY KEY) STRICT;"
	"CREATE INDEX IF NOT EXISTS job_of ON job(resource, state, id);"
	"UPDATE job SET state = 5 WHERE state IN (1, 2);"
	"COMMIT";
_Static_assert(JOB_SHIPS == 1 && JOB_PROVES == 2 && JOB_LOST == 5, "as the statement says");

const char *job_state_text(enum job_state state)
{
	static const char *const texts[JOB_STATES] = {[JOB_SHIPS] = "ships",
		[JOB_PROVES] = "proves",
		[JOB_DONE] = "done",
		[JOB_FAILED] = "failed",
		[JOB_LOST] = "lost"};
	return state > 0 && state < JOB_STATES ? texts[state] : "unknown";
}

void act_ledger_close(struct ledger *ledger)
{
	if (!ledger)
		return;
	db_close(ledger->db);
	free(ledger);
}

static void ledger_own(struct ledger **ledger)
{
	act_ledger_close(*ledger);
}

int act_ledger_open(struct world *world, struct ledger **ret_ledger, struct why *why)
{
	OWN(ledger_own) struct ledger *ledger = calloc(1, sizeof(*ledger));
	struct db_options options = {.world = world,
		.name = "ledger.db",
		.kind = {'E', 'L', 'E', 'D'},
		.version = VERSION,
		.create = true};
	if (!ledger)
		return why_errno(why, -ENOMEM, "ledger.db");
	int err = db_open(&options, &ledger->db, why);
	if (!err)
		err = db_exec(ledger->db, tables, why);
	if (!err)
		*ret_ledger = TAKE(ledger);
	return err;
}

/* SQLite keeps an infinite number, but takes NaN for nothing at all. */
static double real(double value)
{
	return isnan(value) ? 0 : value;
}

static void put_outcome(struct row *row, const struct ledger_job *job)
{
	row_put_int(row, job->state);
	row_put_int(row, job->ended_s);
	row_put_int(row, job->code);
	row_put_real(row, real(job->took_s));
	row_put_real(row, real(job->harm));
	row_put_int(row, (int64_t)job->bytes);
}

int act_ledger_begin(
	struct ledger *ledger, const struct ledger_job *job, int64_t *ret_id, struct why *why)
{
	struct row row = row_begin(ledger->db,
		"INSERT INTO job(state, ended_s, code, took_s, harm, bytes, resource, started_s,"
		" due_s, price, in_time, binding, work_s, facts)"
		" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id");
	put_outcome(&row, job);
	row_put_text(&row, job->resource);
	row_put_int(&row, job->started_s);
	row_put_int(&row, job->due_s);
	row_put_real(&row, real(job->price));
	row_put_real(&row, real(job->in_time));
	row_put_int(&row, job->binding);
	row_put_real(&row, real(job->work_s));
	row_put_text(&row, job->facts ? job->facts : "");
	int64_t id = row_next(&row) ? row_int(&row, 0) : 0;
	while (row_next(&row))
		continue; /* it is committed when it has answered all */
	int err = row_end(&row, why);
	if (err)
		return err;
	*ret_id = id;
	/* What cannot be forgotten now is forgotten with the next job. */
	row = row_begin(ledger->db, "UPDATE job SET facts = '' WHERE id <= ? AND facts <> ''");
	row_put_int(&row, id - LEDGER_FACTS);
	row_end(&row, NULL);
	return 0;
}

int act_ledger_note(struct ledger *ledger, const struct ledger_job *job, struct why *why)
{
	struct row row = row_begin(ledger->db,
		"UPDATE job SET state = ?, ended_s = ?, code = ?, took_s = ?, harm = ?, bytes = ?"
		" WHERE id = ?");
	put_outcome(&row, job);
	row_put_int(&row, job->id);
	return row_end(&row, why);
}

int act_ledger_hold(struct ledger *ledger, const char *resource, bool held, struct why *why)
{
	struct row row = row_begin(ledger->db,
		held ? "INSERT OR IGNORE INTO held(resource) VALUES(?)"
		     : "DELETE FROM held WHERE resource = ?");
	row_put_text(&row, resource);
	return row_end(&row, why);
}

int act_ledger_held(struct ledger *ledger, const char *resource, bool *ret_held)
{
	struct row row = row_begin(ledger->db, "SELECT 1 FROM held WHERE resource = ?");
	row_put_text(&row, resource);
	bool held = row_next(&row);
	while (held && row_next(&row))
		continue;
	int err = row_end(&row, NULL);
	if (!err)
		*ret_held = held;
	return err;
}

static struct ledger_job job_of(struct row *row)
{
	return (struct ledger_job){
		.id = row_int(row, 0),
		.resource = row_text(row, 1),
		.state = (enum job_state)row_int(row, 2),
		.started_s = row_int(row, 3),
		.due_s = row_int(row, 4),
		.price = row_real(row, 5),
		.in_time = row_real(row, 6),
		.binding = row_int(row, 7),
		.work_s = row_real(row, 8),
		.ended_s = row_int(row, 9),
		.code = row_int(row, 10),
		.took_s = row_real(row, 11),
		.harm = row_real(row, 12),
		.bytes = (uint64_t)row_int(row, 13),
		.facts = row_text(row, 14),
	};
}

int act_ledger_each(struct ledger *ledger, const struct ledger_ask *ask, ledger_fn *fn, void *arg)
{
	struct row row = row_begin(ledger->db,
		"SELECT id, resource, state, started_s, due_s, price, in_time, binding,"
		" work_s, ended_s, code, took_s, harm, bytes, facts FROM job"
		" WHERE (?1 OR resource = ?2) AND (?3 = 0 OR state = ?3) AND (?4 = 0 OR id < ?4)"
		" ORDER BY id DESC LIMIT ?5");
	bool on = true;
	row_put_int(&row, !ask->resource);
	row_put_text(&row, ask->resource ? ask->resource : "");
	row_put_int(&row, ask->state);
	row_put_int(&row, ask->below);
	row_put_int(&row, ask->max > INT32_MAX ? INT32_MAX : (int64_t)ask->max);
	while (on && row_next(&row)) {
		struct ledger_job job = job_of(&row);
		on = fn(arg, &job);
	}
	return row_end(&row, NULL);
}
