/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places that --also names, beside the one of --repo: opened, held against each other, and told
 * of at the end.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_TWINS_H
#define EBB_EBB_TWINS_H

#include <jansson.h>
#include <stddef.h>

#include "ebb/open_place.h"
#include "repo/repo.h"

struct keep;
struct linux_crew;
struct unlock;

struct keep_twin {
	const char *where;
	struct open_place place;
	struct linux_crew *carriers;
	struct repo *repo;
};

/* Places do not move once they are open: one that is let go leaves its slot empty. */
struct keep_twins {
	struct keep_twin at[REPO_TWINS_MAX];
	size_t count;
	size_t joined[REPO_TWINS_MAX], joined_count; /* slots, in the order of repo_outcome() */
	size_t missed; /* places that could not be opened; that was told */
	size_t next;   /* of args_next(): those before were tried as the first */
};

/*
 * Opens those of --also that are left, beside keep->repo, and joins them to it. One that cannot be
 * had is told and counted. An exit code: EXIT_DAMAGED when one of the others has seen more of
 * keep->repo than there is: it was rolled back.
 */
int twins_open(struct keep *keep, const struct unlock *unlock);
void twins_close(struct keep *keep);

/* --lock: what is committed from now on is locked so long, at all places that can. An exit code. */
int twins_lock(struct keep *keep);

/* After a commit: tells which places have no point. The exit code, given the code so far. */
int twins_end(const struct keep *keep, int code);

/* What each place has of the run. NULL when there is but one. Gives it. */
json_t *twins_json(const struct keep *keep);

#endif
