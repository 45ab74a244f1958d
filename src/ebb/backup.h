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

#include "repo/point.h"

struct call;
struct catalog_job;
struct keep;
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

/* How it ended: the point, or with `err` why there is none. All borrowed. */
struct backup_end {
	int err;
	const struct why *why;
	const struct point *point;
	struct made_point *ret_made;
};

/* Tells it and ends the job. An exit code. */
int backup_done(const struct call *call, struct keep *keep, struct catalog_job *job,
	const struct backup_end *end);

/* Runs it between the programs of --before and --after. `resource` and `path` are told to them. */
int hooks_around(
	const struct call *call, backup_fn *backup, const char *resource, const char *path);

#endif
