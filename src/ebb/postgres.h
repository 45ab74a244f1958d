/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands for PostgreSQL share.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_POSTGRES_H
#define EBB_EBB_POSTGRES_H

#include <stdbool.h>

struct call;
struct keep;
struct point;

enum { POSTGRES_NAME = 200 };

/* --name, which has to be given. An exit code. */
int postgres_name(const struct call *call, const char **ret_name);

/* Does POINT name a moment of a cluster: pg/NAME@TIME or pg/NAME@latest? */
bool postgres_is_moment(const char *point);

/* The cluster as it was at that moment, into the call's TARGET. An exit code. */
int postgres_restore_moment(const struct call *call);

/* The cluster as it was at the end of one base backup. An exit code. */
int postgres_restore_point(const struct call *call, struct keep *keep, const struct point *point);

#endif
