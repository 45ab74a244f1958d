/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs that are damaged beyond parity, replaced by what is left of them: FORMATS-REPOSITORY.md,
 * "Head", repair. Nothing is deleted, and only new objects are written.
 *
 * Calls block. One thread for each repository.
 */
#ifndef EBB_REPO_RENEW_H
#define EBB_REPO_RENEW_H

#include <stddef.h>
#include <stdint.h>

struct object_id;
struct repo;
struct why;

struct renew_result {
	uint64_t rescued; /* chunks that the damaged packs still gave */
	uint64_t fetched; /* that the other repository had */
	uint64_t lost;    /* that nobody had: in no index any more */
};

/*
 * `from`: a repository of the same keys, or NULL; borrowed. -ESTALE: a collection came between, run
 * it again. Adds to the result.
 */
int repo_renew_packs(struct repo *repo, const struct object_id *packs, size_t count,
	struct repo *from, struct renew_result *result, struct why *why);

/*
 * For a repository that was opened without_index: the packs that no index tells of any more are
 * read for what they hold, and new indexes take the place of those that cannot be read. Tells how
 * many indexes were replaced, and how many packs read for that; 0 when all is well.
 */
struct rebuild_result {
	uint64_t indexes, packs;
	uint64_t unreadable; /* packs that do not tell what is in them */
};
int repo_rebuild(struct repo *repo, struct rebuild_result *ret_result, struct why *why);

/* Makes chunks that repo_put_chunk() stored exist, for points that are there already. */
int repo_commit_chunks(struct repo *repo, struct why *why);

#endif
