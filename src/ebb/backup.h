/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sources of `backup` share: each makes one point, tells it, and says which it was, so
 * that hooks around it can be told.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_BACKUP_H
#define EBB_EBB_BACKUP_H

#include <stdbool.h>

#include "catalog/catalog.h"
#include "ebb/keep.h"
#include "ebb/meter.h"
#include "repo/point.h"
#include "ship/estimate.h"

struct call;
struct why;

/* Plain bytes: it may come from another process. */
struct made_point {
	bool made;
	struct object_id id;
};

/* An exit code. */
typedef int backup_fn(const struct call *call, struct made_point *ret_made);

int backup_folder(const struct call *call, struct made_point *ret_made);
int backup_image_file(const struct call *call, struct made_point *ret_made);
int backup_postgres(const struct call *call, struct made_point *ret_made);
int backup_stream(const struct call *call, struct made_point *ret_made);

enum { BACKUP_HOST = 256 };
void backup_host(char host[BACKUP_HOST]);

/* One run, of whatever source. It does not move while it is open. */
struct backup_run {
	const struct call *call;
	struct keep keep;
	struct catalog_job job;
	struct meter meter;
	char host[BACKUP_HOST];
	struct point point; /* for the source to fill */
	bool dry;           /* --dry-run: nothing is stored, `estimate` is filled */
	struct estimate estimate;
	/* Of a dry run: it cannot be sampled, and this is how much there is; 0: nobody knows. */
	bool unsampled;
	uint64_t source_bytes;
};

/* Opens the repository, and lets progress begin. An exit code. Borrows the resource. */
int backup_begin(const struct call *call, const char *resource, struct backup_run *ret_run);

/*
 * Tells how it ended: the point, or with `err` why there is none; of a dry run the estimate. Ends
 * the job. An exit code.
 */
int backup_done(
	struct backup_run *run, int err, const struct why *why, struct made_point *ret_made);

/* What it would come to. An exit code. */
int backup_say_estimate(struct backup_run *run);

/* For OWN(). */
void backup_run_done(struct backup_run *run);

/* Runs it between the programs of --before and --after. `resource` and `path` are told to them. */
int hooks_around(
	const struct call *call, backup_fn *backup, const char *resource, const char *path);

#endif
