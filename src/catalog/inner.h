/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share: the open catalog and its transactions. For this room only.
 *
 * One thread for each struct.
 */
#ifndef EBB_CATALOG_INNER_H
#define EBB_CATALOG_INNER_H

struct db;
struct why;

struct catalog {
	struct db *db;
};

int catalog_begin(struct catalog *catalog, struct why *why);

/* Commits, or undoes when `err` is one. 0, or what failed first. */
int catalog_end(struct catalog *catalog, int err, struct why *why);

/* Within a transaction: snapshots of which no copy is left are forgotten. */
int catalog_drop_orphans(struct catalog *catalog, struct why *why);

#endif
