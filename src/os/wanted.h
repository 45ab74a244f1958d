/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which programs are to be watched, as a person says it: words with blanks between,
 *
 *     unit/GLOB      systemd units: control groups whose last part is NAME.service, .scope, .slice
 *     cgroup/GLOB    any control group, by its path; what an earlier word has is left out
 *     name/GLOB      processes by the name in /proc/PID/stat, all of one name together
 *     pid/NUMBER     one process
 *
 * where a GLOB is as of fnmatch(3) and * matches a / too. A program's own name is written in the
 * same way: unit/nginx.service.
 *
 * Any thread. Pure.
 */
#ifndef EBB_OS_WANTED_H
#define EBB_OS_WANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

enum host_kind { HOST_UNIT, HOST_CGROUP, HOST_NAMED, HOST_PID, HOST_KINDS };

enum { WANTED_MAX = 32, WANTED_GLOB = 128, WANTED_TEXT = 1024 };

extern const char *const host_kinds[HOST_KINDS]; /* unit cgroup name pid */

struct wanted {
	size_t count;
	struct {
		enum host_kind kind;
		uint32_t pid; /* of HOST_PID */
		char glob[WANTED_GLOB];
	} at[WANTED_MAX];
};

/* 0, or -EINVAL with what to write instead and, in ret_at, the offset of the word in question. */
int wanted_parse(const char *text, struct wanted *ret, size_t *ret_at, struct why *why);

/* Is there any word of that kind? */
bool wanted_any(const struct wanted *wanted, enum host_kind kind);

/* Does a word of that kind match the name? */
bool wanted_match(const struct wanted *wanted, enum host_kind kind, const char *name);

#endif
