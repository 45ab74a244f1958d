/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace: a file of CSV with moments in one column and values in another, as samples.
 *
 * A moment is seconds since 1970 (with a fraction, if there is one), milliseconds, microseconds or
 * nanoseconds (told apart by their size), or RFC 3339, where a blank may stand for the T, and a
 * moment without zone is in UTC. A value is a number; an empty field, or NaN in any case, is a gap.
 * Anything else, and a moment that stands twice, is refused with file, line and field: then nothing
 * of the file counts.
 *
 * Any thread. Pure.
 */
#ifndef EBB_FORESEE_TRACE_H
#define EBB_FORESEE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "series/bucket.h"

struct why;

struct trace_options {
	const char *name;         /* of the file, for messages */
	const char *time, *value; /* columns by name, or by number from 1; NULL: the usual ones */
};

struct trace_facts {
	size_t rows, gaps;
};

/*
 * Adds the samples in order of time. `text` is changed; a NUL stands behind its `len` bytes.
 * -EINVAL, -ENOMEM; ret_samples is vec_done() by the caller in any case.
 */
int trace_read(const struct trace_options *options, char *text, size_t len,
	struct samples *ret_samples, struct trace_facts *ret_facts, struct why *why);

/* A moment as above; false: it is none. */
bool trace_moment(const char *text, int64_t *ret_ms);

#endif
