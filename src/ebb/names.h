/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How people name points and choose among them; keep_find_point() is here too.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_NAMES_H
#define EBB_EBB_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;
struct head_point;
struct keep;
struct point;
struct why;

/* Is it this resource, by its whole name or its last components: dir/srv/db by srv/db or db. */
bool names_resource(const char *resource, const char *wanted, size_t wanted_len);

/* --resource, --host, --since and --until of a call. */
struct names_filter {
	const char *resource, *host; /* NULL: any */
	int64_t since_ns, until_ns;
};

/* An exit code; what is wrong was told. */
int names_filter(const struct call *call, struct names_filter *ret_filter);
bool names_wanted(const struct names_filter *filter, const struct point *point);

/*
 * Every point that the head names, oldest first: out of the catalog where it knows them, else read
 * from the repository. `point` is NULL for one that cannot be read, and `why` tells. An exit code;
 * the first that `fn` answers ends the walk.
 */
typedef int names_fn(void *arg, const struct head_point *named, const struct point *point,
	const struct why *why);
int names_each(struct keep *keep, names_fn *fn, void *arg);

#endif
