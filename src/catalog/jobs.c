/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs and proofs: what ran, and what was read back whole. */
#include <string.h>

#include "base/why.h"
#include "catalog/catalog.h"
#include "catalog/inner.h"
#include "store/row.h"

void row_put_id(struct row *row, const struct object_id *id)
{
	row_put_bytes(row, id->b, sizeof(id->b));
}

bool row_id(struct row *row, int column, struct object_id *ret_id)
{
	size_t len;
	const void *bytes = row_bytes(row, column, &len);
	if (len != sizeof(ret_id->b))
		return false;
	memcpy(ret_id->b, bytes, len);
	return true;
}

int catalog_add_job(struct catalog *catalog, const struct catalog_job *job, struct why *why)
{
	struct row row = row_begin(catalog->db,
		"INSERT INTO job(kind, repository, resource, start_ns, end_ns, cpu_ns,"
		" source_bytes, read_bytes, written_bytes, entries, outcome)"
		" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	row_put_int(&row, job->kind);
	row_put_id(&row, &job->repo);
	row_put_text(&row, job->resource);
	row_put_int(&row, job->start_ns);
	row_put_int(&row, job->end_ns);
	row_put_int(&row, job->cpu_ns);
	row_put_int(&row, (int64_t)job->source_bytes);
	row_put_int(&row, (int64_t)job->read_bytes);
	row_put_int(&row, (int64_t)job->written_bytes);
	row_put_int(&row, (int64_t)job->entries);
	row_put_int(&row, job->outcome);
	return row_end(&row, why);
}

int catalog_jobs(struct catalog *catalog, const struct catalog_job *like, size_t max,
	catalog_job_fn *fn, void *arg)
{
	struct row row = row_begin(catalog->db,
		"SELECT resource, start_ns, end_ns, cpu_ns, source_bytes, read_bytes,"
		" written_bytes, entries, outcome FROM job WHERE kind = ?1 AND repository = ?2"
		" AND (?3 OR resource = ?4) ORDER BY end_ns DESC, n DESC LIMIT ?5");
	bool on = true;
	row_put_int(&row, like->kind);
	row_put_id(&row, &like->repo);
	row_put_int(&row, !like->resource);
	row_put_text(&row, like->resource ? like->resource : "");
	row_put_int(&row, max > INT32_MAX ? INT32_MAX : (int64_t)max);
	while (on && row_next(&row)) {
		struct catalog_job job = {
			.kind = like->kind,
			.repo = like->repo,
			.resource = row_text(&row, 0),
			.start_ns = row_int(&row, 1),
			.end_ns = row_int(&row, 2),
			.cpu_ns = row_int(&row, 3),
			.source_bytes = (uint64_t)row_int(&row, 4),
			.read_bytes = (uint64_t)row_int(&row, 5),
			.written_bytes = (uint64_t)row_int(&row, 6),
			.entries = (uint64_t)row_int(&row, 7),
			.outcome = (int)row_int(&row, 8),
		};
		on = fn(arg, &job);
	}
	return row_end(&row, NULL);
}

static int prove(struct catalog *catalog, const struct object_id *repo,
	const struct catalog_proof *proof, struct why *why)
{
	struct row row = row_begin(catalog->db,
		proof->at_ns ? "INSERT OR REPLACE INTO proof VALUES(?, ?, ?, ?)"
			     : "DELETE FROM proof WHERE repository = ? AND kind = ?"
			       " AND object = ?");
	row_put_id(&row, repo);
	row_put_int(&row, proof->kind);
	row_put_id(&row, &proof->id);
	if (proof->at_ns)
		row_put_int(&row, proof->at_ns);
	return row_end(&row, why);
}

int catalog_prove(struct catalog *catalog, const struct object_id *repo,
	const struct catalog_proof *proofs, size_t count, struct why *why)
{
	int err = catalog_begin(catalog, why);
	if (err)
		return err;
	for (size_t i = 0; !err && i < count; i++)
		err = prove(catalog, repo, &proofs[i], why);
	return catalog_end(catalog, err, why);
}

int catalog_proofs(
	struct catalog *catalog, const struct object_id *repo, catalog_proof_fn *fn, void *arg)
{
	struct row row = row_begin(catalog->db,
		"SELECT kind, object, at_ns FROM proof WHERE repository = ? ORDER BY at_ns");
	bool on = true;
	row_put_id(&row, repo);
	while (on && row_next(&row)) {
		struct catalog_proof proof = {
			.kind = (enum object_kind)row_int(&row, 0), .at_ns = row_int(&row, 2)};
		if (row_id(&row, 1, &proof.id))
			on = fn(arg, &proof);
	}
	return row_end(&row, NULL);
}
