/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine remembers of repositories: the generation it last saw of each, the points in
 * them, the jobs that ran, and when each object was last proved. FORMATS.md, "The catalog".
 *
 * A cache. Repositories are the truth: catalog_sync() makes the points anew from a newest head, and
 * the proofs come back with the next verify. What is lost with the file is the history of jobs, and
 * the memory of generations, which notices a repository that was rolled back.
 *
 * One process has it open at a time (-EWOULDBLOCK): open it for a moment, not for a job. Calls
 * block; one thread for each struct.
 */
#ifndef EBB_CATALOG_CATALOG_H
#define EBB_CATALOG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/object.h"

struct catalog;
struct point;
struct repo;
struct why;
struct world;

/*
 * Opens catalog.db on the world's disk; `create` makes one that is missing, else -ENOENT.
 * -EWOULDBLOCK: another process has it open; -EBADMSG: damaged; -ENOTSUP: of a newer ebb.
 */
int catalog_open(struct world *world, bool create, struct catalog **ret_catalog, struct why *why);

/* Takes it; NULL is allowed. */
void catalog_close(struct catalog *catalog);

/* Removes the file, damaged or not, with all that it remembers. 0 also when there is none. */
int catalog_remove(struct world *world, struct why *why);

/* ---- generations: a repository that goes back was rolled back ---- */

/* The highest generation noted for it, 0: never seen. */
int catalog_seen(struct catalog *catalog, const struct object_id *repo, uint64_t *ret_generation,
	struct why *why);

/*
 * Notes it, and where the repository was. A lower one than is known changes nothing, unless
 * `forced`: when somebody has said that he takes it as it is.
 */
struct catalog_sight {
	struct object_id repo;
	const char *place; /* its URL or path, for people */
	uint64_t generation;
	bool forced;
};
int catalog_note_seen(struct catalog *catalog, const struct catalog_sight *sight, struct why *why);

/* ---- snapshots, and their copies in repositories ---- */

struct catalog_synced {
	uint64_t added, forgotten;
	uint64_t unreadable; /* points of the head that cannot be read */
};

/* Makes the copies of this repository those that its newest head names. Reads only new points. */
int catalog_sync(struct catalog *catalog, struct repo *repo, struct catalog_synced *ret_synced,
	struct why *why);

/* A point as the repository has it. -ENOENT: not known here. */
int catalog_point(struct catalog *catalog, const struct object_id *repo, const struct object_id *id,
	struct point *ret_point, struct why *why);

/* In how many repositories known here the snapshot of this point has a copy. */
int catalog_copies(
	struct catalog *catalog, const struct point *point, uint64_t *ret_copies, struct why *why);

/* ---- jobs ---- */

enum catalog_job_kind {
	JOB_BACKUP = 1,
	JOB_RESTORE,
	JOB_VERIFY,
	JOB_GC,
	JOB_CHECK,
};

struct catalog_job {
	enum catalog_job_kind kind;
	struct object_id repo;
	const char *resource; /* "": the repository as a whole */
	int64_t start_ns, end_ns;
	int64_t cpu_ns;
	uint64_t source_bytes, read_bytes, written_bytes;
	uint64_t entries;
	int outcome; /* the exit code */
};

int catalog_add_job(struct catalog *catalog, const struct catalog_job *job, struct why *why);

/*
 * What a job leaves in one transaction: the job, then, unless they are NULL, catalog_note_seen()
 * and catalog_sync().
 */
int catalog_end_job(struct catalog *catalog, const struct catalog_job *job,
	const struct catalog_sight *sight, struct repo *repo, struct why *why);

/*
 * The newest jobs of the kind, repository and resource of `like`, newest first, at most `max`.
 * resource NULL: any. `fn` answers false to stop; its texts are borrowed for the call.
 */
typedef bool catalog_job_fn(void *arg, const struct catalog_job *job);
int catalog_jobs(struct catalog *catalog, const struct catalog_job *like, size_t max,
	catalog_job_fn *fn, void *arg);

/* ---- proofs: an object was read back whole ---- */

struct catalog_proof {
	enum object_kind kind;
	struct object_id id;
	int64_t at_ns; /* wall time; 0: it is damaged, an older proof is forgotten */
};

int catalog_prove(struct catalog *catalog, const struct object_id *repo,
	const struct catalog_proof *proofs, size_t count, struct why *why);

/* Every proof of a repository, oldest first. `fn` answers false to stop. */
typedef bool catalog_proof_fn(void *arg, const struct catalog_proof *proof);
int catalog_proofs(
	struct catalog *catalog, const struct object_id *repo, catalog_proof_fn *fn, void *arg);

/* Forgets all but generation and jobs of a repository: what catalog_sync() makes anew. */
int catalog_forget(struct catalog *catalog, const struct object_id *repo, struct why *why);

#endif
