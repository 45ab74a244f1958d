/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `sadf -j` prints of sysstat's files: CPU, memory, disks, interfaces and pressure, a mean
 * for each interval. Times must be in UTC, as sadf gives them unless told otherwise.
 *
 * Any thread. Pure.
 */
#ifndef EBB_FORESEE_SYSSTAT_H
#define EBB_FORESEE_SYSSTAT_H

#include <stddef.h>

#include "foresee/intake.h"

struct why;

/* Whose: `host` is NULL for the only one. `name` is of the file, for messages. -EINVAL: it is not
 * what sadf prints, and then nothing of it is to be put; -ENOENT: not that host; -ENOMEM, -EFBIG.
 */
int sysstat_read(const char *name, const char *text, size_t len, const char *host,
	struct intake *intake, struct why *why);

#endif
