/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WAL that no base backup needs any more, out of an archive. What a base backup needs is all WAL
 * from its start on, on every timeline: from there any later moment is reached. So everything from
 * the oldest start among those that stay is kept, and histories of timelines always are.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SOURCE_WAL_EXPIRE_H
#define EBB_SOURCE_WAL_EXPIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "repo/point.h"
#include "source/wal.h"
#include "source/wal_name.h"

struct wal_expire_options {
	struct wal_options wal; /* its name is that of the base backups pg/NAME, too */
	/*
	 * Only moments that are at most so long ago have to be reached. Older base backups lead to
	 * their own end alone: they carry the WAL for that. 0: from the oldest on, all.
	 */
	int64_t reach_ns;
	const struct object_id *without; /* as if these points were removed */
	size_t without_count;
	bool dry_run;
};

struct wal_expired {
	bool any;            /* there is a base backup to go by; else nothing goes */
	struct point oldest; /* from whose start on all WAL stays */
	char from[WAL_NAME]; /* the first segment that stays */
	uint64_t files, bytes, staying;
};

/* In one commit. -EBADMSG: a base backup does not tell what it needs, so nothing goes. */
int wal_expire(struct wal_archive *archive, const struct wal_expire_options *options,
	struct wal_expired *ret_expired, struct why *why);

#endif
