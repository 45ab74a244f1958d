/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A postgres point back as a data directory that a server can start from: files, tablespaces, and
 * the settings by which it fetches WAL and stops where it is told.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SOURCE_PG_RESTORE_H
#define EBB_SOURCE_PG_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

struct files;
struct pg_facts;
struct point;
struct repo;
struct restore_result;
struct why;

struct pg_restore_options {
	const struct pg_facts *facts; /* of the point; borrowed */
	const char *target;           /* absolute; an empty folder */
	const char *tablespaces;      /* absolute; an empty folder; used when there are any */
	/* For the server's shell; NULL: the point's own end is where it stops. */
	const char *restore_command;
	const char *time;     /* where it stops; NULL: at the end of the archive */
	const char *timeline; /* "latest" or a number */
	bool no_owner;
	void (*on_trouble)(void *arg, const char *path, const char *what);
};

/* 0 when it ran to its end: result->failed tells how well. -ENOTEMPTY: a folder is not empty. */
int pg_restore(struct repo *repo, struct files *files, const struct point *point,
	const struct pg_restore_options *options, struct restore_result *ret_result,
	struct why *why);

#endif
