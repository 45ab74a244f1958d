/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a postgres point says of itself, and how far the WAL archive leads on from it.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SOURCE_PG_FACTS_H
#define EBB_SOURCE_PG_FACTS_H

#include <stdint.h>

#include "base/vec.h"
#include "source/wal_name.h"

struct point;
struct repo;
struct wal_archive;
struct why;

struct pg_space {
	char oid[32];
	char path[1024]; /* where it was */
};

struct pg_facts {
	char system_identifier[64], version[64];
	uint32_t timeline, segment_size;
	uint64_t start_lsn, stop_lsn;
	VEC(struct pg_space) spaces;
};

int pg_facts_read(
	struct repo *repo, const struct point *point, struct pg_facts *ret_facts, struct why *why);
void pg_facts_done(struct pg_facts *facts);

/* Where the unbroken row of segments behind a base backup ends. */
struct pg_reach {
	uint32_t timeline;   /* the one that is followed to its end */
	uint64_t segments;   /* that the archive adds */
	int64_t until_ns;    /* when the last of them was written; the backup's end without any */
	char last[WAL_NAME]; /* "" without any */
	char missing[WAL_NAME]; /* the first that is not there */
	char beyond[WAL_NAME];  /* one that is there all the same; "": the row just ends */
};

/* `timeline` 0: the newest that descends from the backup's. -ENOENT: there is no such one. */
int pg_reach(struct wal_archive *archive, const struct pg_facts *facts, const struct point *point,
	uint32_t timeline, struct pg_reach *ret_reach, struct why *why);

#endif
