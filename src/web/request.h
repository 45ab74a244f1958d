/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request line asks for: a path in segments, and parameters. Strict: what could be read in
 * two ways is refused, so that nothing later has to think about it.
 *
 *     /api/v1/resources/home/outlook?horizon=24h
 *      segments: api v1 resources home outlook     parameters: horizon = 24h
 *
 * Segments and values are decoded once (%XX; + stays a plus), are UTF-8 without control characters,
 * and no segment is empty, "." or "..". A decoded segment may hold a '/'.
 *
 * Any thread. Pure.
 */
#ifndef EBB_WEB_REQUEST_H
#define EBB_WEB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

enum { REQUEST_MAX = 2048, REQUEST_SEGMENTS = 8, REQUEST_PARAMS = 8 };

enum request_method {
	METHOD_GET = 1,
	METHOD_HEAD = 2,
	METHOD_POST = 4,
	METHOD_OTHER = 8,
};

struct request_param {
	const char *name, *value;
};

struct request {
	enum request_method method;
	size_t segment_count; /* 0: the path is "/" */
	size_t param_count;
	bool gzip;                 /* what is compressed may be answered */
	const char *if_none_match; /* NULL: not given; both are set by who knows the headers */
	const char *segments[REQUEST_SEGMENTS];
	struct request_param params[REQUEST_PARAMS];
	char text[2 * REQUEST_MAX]; /* what the pointers above point into */
};

/*
 * Reads the target of a request line as it came, in origin form. 0, -EINVAL, or -E2BIG for one that
 * is too long, with a sentence for who sent it. The struct does not move afterwards.
 */
int request_read(
	const char *method, const char *target, struct request *ret_request, struct why *why);

/* NULL: it was not given. */
const char *request_param(const struct request *request, const char *name);

/* ---- values of parameters; each is left as it was when it was not given ---- */

/* "24h"; from `least` to `most` seconds. -EINVAL. */
int request_duration(const struct request *request, const char *name, int64_t least, int64_t most,
	int64_t *value_s, struct why *why);

/* Decimal, up to `most`. */
int request_number(const struct request *request, const char *name, int64_t most, int64_t *value,
	struct why *why);

#endif
