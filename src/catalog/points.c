/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots and their copies: a point's own bytes as the repository has them, and whose it is. */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/why.h"
#include "catalog/catalog.h"
#include "catalog/inner.h"
#include "repo/point.h"
#include "repo/repo.h"
#include "store/db.h"
#include "store/row.h"

int catalog_drop_orphans(struct catalog *catalog, struct why *why)
{
	struct row row = row_begin(catalog->db,
		"DELETE FROM snapshot WHERE NOT EXISTS"
		" (SELECT 1 FROM copy WHERE copy.snapshot = snapshot.n)");
	return row_end(&row, why);
}

static void put_snapshot(struct row *row, const struct point *point)
{
	row_put_text(row, point->resource);
	row_put_text(row, point->host);
	row_put_int(row, point->start_ns);
	row_put_bytes(row, point->root.b, sizeof(point->root.b));
}

static int find_snapshot(
	struct catalog *catalog, const struct point *point, int64_t *ret_n, struct why *why)
{
	struct row row = row_begin(catalog->db,
		"SELECT n FROM snapshot WHERE resource = ? AND host = ? AND start_ns = ?"
		" AND root = ?");
	int64_t n = 0;
	put_snapshot(&row, point);
	if (row_next(&row))
		n = row_int(&row, 0);
	int err = row_end(&row, why);
	if (!err)
		*ret_n = n;
	return err;
}

static int add_point(struct catalog *catalog, const struct object_id *repo,
	const struct point *point, struct why *why)
{
	OWN(own_free) uint8_t *body = NULL;
	size_t len;
	int64_t snapshot;
	struct row row = row_begin(catalog->db,
		"INSERT OR IGNORE INTO snapshot(resource, host, start_ns, root)"
		" VALUES(?, ?, ?, ?)");
	put_snapshot(&row, point);
	int err = row_end(&row, why);
	if (!err)
		err = find_snapshot(catalog, point, &snapshot, why);
	if (!err && point_put(point, &body, &len))
		err = why_set(why, -ENOMEM, "no memory");
	if (err)
		return err;
	row = row_begin(catalog->db, "INSERT OR REPLACE INTO copy VALUES(?, ?, ?, ?)");
	row_put_id(&row, repo);
	row_put_id(&row, &point->id);
	row_put_int(&row, snapshot);
	row_put_bytes(&row, body, len);
	return row_end(&row, why);
}

/* The head's points as a table of this connection, to be joined with. */
static int name_points(struct catalog *catalog, const struct head *head, struct why *why)
{
	int err = db_exec(catalog->db,
		"CREATE TEMP TABLE IF NOT EXISTS named(point BLOB PRIMARY KEY) WITHOUT ROWID;"
		"DELETE FROM named",
		why);
	for (size_t i = 0; !err && i < head->points.len; i++) {
		struct row row = row_begin(catalog->db, "INSERT OR IGNORE INTO named VALUES(?)");
		row_put_id(&row, &head->points.at[i].id);
		err = row_end(&row, why);
	}
	return err;
}

/* Forgets the copies of this repository that its head does not name any more. */
static int forget_gone(struct catalog *catalog, const struct object_id *repo,
	uint64_t *ret_forgotten, struct why *why)
{
	struct row row = row_begin(catalog->db,
		"DELETE FROM copy WHERE repository = ? AND point NOT IN"
		" (SELECT point FROM named) RETURNING 1");
	uint64_t forgotten = 0;
	row_put_id(&row, repo);
	while (row_next(&row))
		forgotten++;
	int err = row_end(&row, why);
	if (!err)
		*ret_forgotten = forgotten;
	return err;
}

static bool is_known(
	struct catalog *catalog, const struct object_id *repo, const struct object_id *id)
{
	struct point point;
	return catalog_point(catalog, repo, id, &point, NULL) == 0;
}

/* Reads each point that is new here from its place: the one thing that takes time. */
static int add_new(
	struct catalog *catalog, struct repo *repo, struct catalog_synced *synced, struct why *why)
{
	const struct object_id *id = repo_id(repo);
	const struct head *head = repo_head(repo);
	struct point point;
	int err = 0;
	for (size_t i = 0; !err && i < head->points.len; i++) {
		if (is_known(catalog, id, &head->points.at[i].id))
			continue;
		if (repo_point(repo, &head->points.at[i].id, &point, NULL)) {
			synced->unreadable++;
			continue;
		}
		err = add_point(catalog, id, &point, why);
		synced->added += !err;
	}
	return err;
}

/* Within a transaction. */
static int sync_points(
	struct catalog *catalog, struct repo *repo, struct catalog_synced *synced, struct why *why)
{
	int err = name_points(catalog, repo_head(repo), why);
	if (!err)
		err = forget_gone(catalog, repo_id(repo), &synced->forgotten, why);
	if (!err)
		err = add_new(catalog, repo, synced, why);
	if (!err)
		err = catalog_drop_orphans(catalog, why);
	return err;
}

int catalog_sync(struct catalog *catalog, struct repo *repo, struct catalog_synced *ret_synced,
	struct why *why)
{
	struct catalog_synced synced = {0};
	int err = catalog_begin(catalog, why);
	if (err)
		return err;
	err = catalog_end(catalog, sync_points(catalog, repo, &synced, why), why);
	if (!err)
		*ret_synced = synced;
	return err;
}

int catalog_end_job(struct catalog *catalog, const struct catalog_job *job,
	const struct catalog_sight *sight, struct repo *repo, struct why *why)
{
	struct catalog_synced synced = {0};
	int err = catalog_begin(catalog, why);
	if (err)
		return err;
	err = catalog_add_job(catalog, job, why);
	if (!err && sight)
		err = catalog_note_seen(catalog, sight, why);
	if (!err && repo)
		err = sync_points(catalog, repo, &synced, why);
	return catalog_end(catalog, err, why);
}

int catalog_point(struct catalog *catalog, const struct object_id *repo, const struct object_id *id,
	struct point *ret_point, struct why *why)
{
	struct row row = row_begin(
		catalog->db, "SELECT body FROM copy WHERE repository = ? AND point = ?");
	int found = -ENOENT;
	size_t len;
	row_put_id(&row, repo);
	row_put_id(&row, id);
	if (row_next(&row)) {
		const void *body = row_bytes(&row, 0, &len);
		/* One of another version is as good as none: the repository has it. */
		found = body && point_get(body, len, ret_point, NULL) == 0 ? 0 : -ENOENT;
	}
	int err = row_end(&row, why);
	if (err)
		return err;
	if (found)
		return why_set(why, found, "the catalog does not know this point");
	ret_point->id = *id;
	return 0;
}

int catalog_copies(
	struct catalog *catalog, const struct point *point, uint64_t *ret_copies, struct why *why)
{
	struct row row = row_begin(catalog->db,
		"SELECT count(DISTINCT repository) FROM copy JOIN snapshot ON snapshot = n"
		" WHERE resource = ? AND host = ? AND start_ns = ? AND root = ?");
	uint64_t copies = 0;
	put_snapshot(&row, point);
	if (row_next(&row))
		copies = (uint64_t)row_int(&row, 0);
	int err = row_end(&row, why);
	if (!err)
		*ret_copies = copies;
	return err;
}
