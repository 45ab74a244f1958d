/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the catalog, its tables, and the generations of repositories. */
#include "catalog/catalog.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/why.h"
#include "catalog/inner.h"
#include "os/disk.h"
#include "os/world.h"
#include "store/db.h"
#include "store/lock.h"
#include "store/row.h"

enum { VERSION = 1 };

static const char file_name[] = "catalog.db";

/* The file's format is FORMATS.md, "The catalog". */
static const char tables[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS repository(id BLOB PRIMARY KEY, place TEXT NOT NULL,"
	" generation INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS snapshot(n INTEGER PRIMARY KEY, resource TEXT NOT NULL,"
	" host TEXT NOT NULL, start_ns INTEGER NOT NULL, root BLOB NOT NULL,"
	" UNIQUE(resource, host, start_ns, root)) STRICT;"
	"CREATE TABLE IF NOT EXISTS copy(repository BLOB NOT NULL, point BLOB NOT NULL,"
	" snapshot INTEGER NOT NULL REFERENCES snapshot(n), body BLOB NOT NULL,"
	" PRIMARY KEY(repository, point)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS copy_of ON copy(snapshot);"
	"CREATE TABLE IF NOT EXISTS job(n INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
	" repository BLOB NOT NULL, resource TEXT NOT NULL, start_ns INTEGER NOT NULL,"
	" end_ns INTEGER NOT NULL, cpu_ns INTEGER NOT NULL, source_bytes INTEGER NOT NULL,"
	" read_bytes INTEGER NOT NULL, written_bytes INTEGER NOT NULL,"
	" entries INTEGER NOT NULL, outcome INTEGER NOT NULL) STRICT;"
	"CREATE INDEX IF NOT EXISTS job_of ON job(kind, repository, end_ns);"
	"CREATE TABLE IF NOT EXISTS proof(repository BLOB NOT NULL, kind INTEGER NOT NULL,"
	" object BLOB NOT NULL, at_ns INTEGER NOT NULL,"
	" PRIMARY KEY(repository, kind, object)) STRICT, WITHOUT ROWID;"
	"COMMIT";

void catalog_close(struct catalog *catalog)
{
	if (!catalog)
		return;
	db_close(catalog->db);
	free(catalog);
}

static void catalog_own(struct catalog **catalog)
{
	catalog_close(*catalog);
}

int catalog_open(struct world *world, bool create, struct catalog **ret_catalog, struct why *why)
{
	OWN(catalog_own) struct catalog *catalog = calloc(1, sizeof(*catalog));
	struct db_options options = {.world = world,
		.name = file_name,
		.kind = {'E', 'C', 'A', 'T'},
		.version = VERSION,
		.create = create};
	if (!catalog)
		return why_errno(why, -ENOMEM, file_name);
	int err = db_open(&options, &catalog->db, why);
	if (!err)
		err = db_exec(catalog->db, tables, why);
	if (!err)
		*ret_catalog = TAKE(catalog);
	return err;
}

/* The lock file stays: another process may wait for it. */
int catalog_remove(struct world *world, struct why *why)
{
	static const char *const names[] = {"catalog.db", "catalog.db-wal", "catalog.db-journal"};
	OWN(file_close_own) struct file *lock = NULL;
	int err = store_lock(world->disk, file_name, &lock, why);
	if (err)
		return err;
	for (size_t i = 0; !err && i < sizeof(names) / sizeof(names[0]); i++) {
		err = disk_unlink(world->disk, names[i]);
		err = err == -ENOENT ? 0 : err;
	}
	if (!err)
		err = disk_sync_dir(world->disk, ".");
	return err ? why_errno(why, err, "%s: cannot be removed", file_name) : 0;
}

int catalog_begin(struct catalog *catalog, struct why *why)
{
	return db_exec(catalog->db, "BEGIN IMMEDIATE", why);
}

int catalog_end(struct catalog *catalog, int err, struct why *why)
{
	if (!err)
		err = db_exec(catalog->db, "COMMIT", why);
	if (err)
		(void)db_exec(catalog->db, "ROLLBACK", NULL);
	return err;
}

int catalog_seen(struct catalog *catalog, const struct object_id *repo, uint64_t *ret_generation,
	struct why *why)
{
	struct row row = row_begin(catalog->db, "SELECT generation FROM repository WHERE id = ?");
	uint64_t generation = 0;
	row_put_id(&row, repo);
	if (row_next(&row))
		generation = (uint64_t)row_int(&row, 0);
	int err = row_end(&row, why);
	if (!err)
		*ret_generation = generation;
	return err;
}

int catalog_note_seen(struct catalog *catalog, const struct catalog_sight *sight, struct why *why)
{
	struct row row = row_begin(catalog->db,
		"INSERT INTO repository VALUES(?1, ?2, ?3) ON CONFLICT(id) DO UPDATE SET"
		" place = ?2, generation = CASE WHEN ?4 THEN ?3 ELSE max(generation, ?3) END"
		" WHERE place != ?2 OR generation < ?3 OR (?4 AND generation != ?3)");
	row_put_id(&row, &sight->repo);
	row_put_text(&row, sight->place);
	row_put_int(&row, (int64_t)sight->generation);
	row_put_int(&row, sight->forced);
	return row_end(&row, why);
}

int catalog_forget(struct catalog *catalog, const struct object_id *repo, struct why *why)
{
	static const char *const statements[] = {
		"DELETE FROM copy WHERE repository = ?",
		"DELETE FROM proof WHERE repository = ?",
	};
	int err = catalog_begin(catalog, why);
	if (err)
		return err;
	for (size_t i = 0; !err && i < sizeof(statements) / sizeof(statements[0]); i++) {
		struct row row = row_begin(catalog->db, statements[i]);
		row_put_id(&row, repo);
		err = row_end(&row, why);
	}
	if (!err)
		err = catalog_drop_orphans(catalog, why);
	return catalog_end(catalog, err, why);
}
