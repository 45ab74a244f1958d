/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of files into a repository: one recovery point. What did not change since the parent
 * point is not read again; what cannot be read is told and counted, and the rest goes on.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SHIP_BACKUP_H
#define EBB_SHIP_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ship/progress.h"

struct clock;
struct excludes;
struct estimate;
struct files;
struct pace;
struct point;
struct repo;
struct why;

struct backup_options {
	const char *path;     /* absolute */
	const char *resource; /* dir/NAME */
	const char *host;
	const char *writer;              /* program and version */
	const struct excludes *excludes; /* borrowed; NULL: nothing is left out */
	bool one_file_system;            /* another one's mount point is saved empty */
	bool exclude_caches;             /* of a folder with a CACHEDIR.TAG only that */
	bool force_full;                 /* read everything again */
	bool differential;               /* build on the newest full point; full without one */
	/* Nothing is stored and no point made: what would be read is sampled. NULL: a real run. */
	struct estimate *estimate;
	struct pace *pace; /* of reading the source; borrowed, NULL: none */
	/* What could not be read, changed while it was read, or vanished before. */
	void (*on_trouble)(void *arg, const char *path, const char *what);
	backup_progress_fn *on_progress; /* may be NULL */
	void *arg;
};

/*
 * Runs it and commits. 0 with a point, whose `partial` and `unreadable` tell whether something is
 * missing in it; or an error, and then no point exists.
 */
int backup_dir(struct repo *repo, struct files *files, struct clock *clock,
	const struct backup_options *options, struct point *ret_point, struct why *why);

#endif
