/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WAL archives of a repository, and what goes out of them.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_WAL_EXPIRE_H
#define EBB_EBB_WAL_EXPIRE_H

#include <stddef.h>

#include "source/wal_expire.h"

struct keep;
struct str;

/* The options for one archive of this call; the rest is the caller's to set. */
struct wal_expire_options wal_expire_how(const struct keep *keep, const char *name);

/* One archive by its name. EXIT_NO_OBJECT: there is none. An exit code; failures were told. */
int wal_expire_one(
	struct keep *keep, const struct wal_expire_options *how, struct wal_expired *ret_expired);

/* A line about what went, or would go. */
void wal_expire_add(struct str *text, const char *name, const struct wal_expired *expired);

#endif
