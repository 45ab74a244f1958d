/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The WAL archive of a PostgreSQL cluster: the resource wal/NAME. Each commit names a new point
 * that holds the whole archive, and then takes the one before away; points that two archivers made
 * at once count together. A writer who cannot read names points of what is new alone, which count
 * together until somebody who can read puts them together.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SOURCE_WAL_H
#define EBB_SOURCE_WAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "repo/point.h"
#include "ship/tree.h"

struct clock;
struct file;
struct folder;
struct repo;
struct why;

/* What a repository holds of one archive. */
struct wal_archive {
	struct repo *repo;
	VEC(struct point) points;   /* usually one, or none */
	char system_identifier[64]; /* "" while it is empty */
	uint32_t segment_size;
};

/* -EBADMSG: damaged, or points of two clusters. */
int wal_open(struct repo *repo, const char *name, struct wal_archive *ret_archive, struct why *why);
void wal_close(struct wal_archive *archive);

/* Files of one folder; all borrowed. */
struct wal_files {
	struct folder *folder;
	const char *const *names;
	size_t count;
};

struct wal_options {
	struct clock *clock;
	const char *name; /* resource wal/NAME */
	const char *host, *writer;
};

struct wal_pushed {
	size_t added, known;
	struct point point; /* when something was added */
};

/* So many points are one archive that wal_merge() has something to do. */
enum { WAL_MERGE_FROM = 2 };

/*
 * One point of all that there are, which then go. -EEXIST: two of them have different files of one
 * name, and stay.
 */
int wal_merge(struct wal_archive *archive, const struct wal_options *options, struct why *why);

/*
 * Files of a folder into the archive, in one commit; when it returns 0 they are durable. The first
 * name has to go: of the others those that cannot are left to their own turn. What is there
 * already with the same content is known. -EEXIST: with another content; -EBADMSG: no WAL, or that
 * of another cluster.
 */
int wal_push(struct wal_archive *archive, const struct wal_options *options,
	const struct wal_files *files, struct wal_pushed *ret_pushed, struct why *why);

/*
 * One file, checked, to `to` from its start on; and when it was written last. -ENOENT: the archive
 * has no such file.
 */
int wal_pull(struct wal_archive *archive, const char *name, struct file *to, int64_t *ret_mtime_ns,
	struct why *why);

/* Every file, sorted by name within each folder; false stops. */
typedef bool wal_each_fn(void *arg, const struct tree_entry *entry);
int wal_each(struct wal_archive *archive, wal_each_fn *fn, void *arg, struct why *why);

#endif
