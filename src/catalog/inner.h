/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share: the open catalog and its transactions. For this room only.
 *
 * One thread for each struct.
 */
#ifndef EBB_CATALOG_INNER_H
#define EBB_CATALOG_INNER_H

#include <stdbool.h>

struct db;
struct object_id;
struct row;
struct why;

struct catalog {
	struct db *db;
};

int catalog_begin(struct catalog *catalog, struct why *why);

/* Commits, or undoes when `err` is one. 0, or what failed first. */
int catalog_end(struct catalog *catalog, int err, struct why *why);

/* Within a transaction: snapshots of which no copy is left are forgotten. */
int catalog_drop_orphans(struct catalog *catalog, struct why *why);

/* Identities in statements. False: there is none in that column. */
void row_put_id(struct row *row, const struct object_id *id);
bool row_id(struct row *row, int column, struct object_id *ret_id);

#endif
