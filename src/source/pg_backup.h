/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PostgreSQL cluster into a repository: a base backup over the replication protocol, each file of
 * it cut by itself, so that what did not change since the last one is not stored again. The point
 * is whole: it carries the WAL from the backup's start to its end.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SOURCE_PG_BACKUP_H
#define EBB_SOURCE_PG_BACKUP_H

#include <stdint.h>

#include "ship/progress.h"

struct clock;
struct pace;
struct point;
struct repo;
struct why;

struct pg_backup_options {
	const char *conninfo; /* or the name of a service */
	const char *name;     /* resource pg/NAME */
	const char *host, *writer;
	struct pace *pace;               /* of reading from the server; borrowed, NULL: none */
	backup_progress_fn *on_progress; /* may be NULL */
	void *arg;
};

/* How large all databases of the server are together. An error: it does not tell. */
int pg_size(const char *conninfo, uint64_t *ret_bytes, struct why *why);

/* Runs it and commits. An error: no point exists. */
int pg_backup(struct repo *repo, struct clock *clock, const struct pg_backup_options *options,
	struct point *ret_point, struct why *why);

#endif
