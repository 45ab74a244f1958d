/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 as a client: one request, one whole answer. Redirects are answers and are not followed;
 * servers of https have to prove who they are; nothing is tried twice. No credentials are sent but
 * the headers that the request names.
 *
 * Calls block. Any thread, several at once.
 */
#ifndef EBB_OS_HTTP_H
#define EBB_OS_HTTP_H

#include <stddef.h>
#include <stdint.h>

struct why;

struct http {
	const struct http_ops *ops;
};

struct http_header {
	const char *name, *value;
};

struct http_request {
	const char *method; /* GET, HEAD, PUT, POST, DELETE */
	const char *url;
	const struct http_header *headers;
	size_t header_count;
	const void *body; /* borrowed; goes with PUT and POST */
	size_t body_len;
	void *into;   /* where the body of success (2xx) goes; NULL: into memory that is given */
	size_t limit; /* bytes of it that are taken at most; of others HTTP_FAILURE_MAX */
	int64_t stall_ns; /* so long without progress ends it */
};

enum { HTTP_HEADERS_MAX = 16 << 10, HTTP_FAILURE_MAX = 64 << 10 };

struct http_answer {
	int status;
	char *headers; /* "Name: value\n" lines, all of them; up to HTTP_HEADERS_MAX */
	uint8_t *body; /* NULL when the request said where it goes, or there is none */
	size_t body_len;
};

struct http_ops {
	int (*call)(struct http *http, const struct http_request *request,
		struct http_answer *ret_answer, struct why *why);
	void (*wait)(struct http *http, int64_t ns);
};

/*
 * 0: an answer came whole, whatever its status. Gives it. -ECONNREFUSED, -EHOSTUNREACH: no request
 * was sent; -ETIMEDOUT, -ECONNRESET, -EPROTO: what became of it is not known; -EKEYREJECTED: the
 * server did not prove who it is; -EFBIG: the body is longer than `limit`.
 */
static inline int http_call(struct http *http, const struct http_request *request,
	struct http_answer *ret_answer, struct why *why)
{
	return http->ops->call(http, request, ret_answer, why);
}

/* Blocks for so long: between two tries. */
static inline void http_wait(struct http *http, int64_t ns)
{
	http->ops->wait(http, ns);
}

/* The value of the header of that name, whatever its case, into `value`. NULL: there is none. */
const char *http_answer_header(
	const struct http_answer *answer, const char *name, char *value, size_t cap);

/* For OWN(). All zero is allowed. */
void http_answer_done(struct http_answer *answer);

#endif
