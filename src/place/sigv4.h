/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Signature Version 4, as S3 wants it: paths are encoded once and not normalised.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 *
 * Pure; any thread.
 */
#ifndef EBB_PLACE_SIGV4_H
#define EBB_PLACE_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str;

enum { SIGV4_HASH = 65, SIGV4_TIME = 17 };

/* A query parameter or a header. */
struct sigv4_pair {
	const char *name, *value;
};

struct sigv4_request {
	const char *method;
	const char *path; /* as the URL has it: sigv4_encode()d, begins with a slash */
	const struct sigv4_pair *query; /* plain, in any order */
	size_t query_count;
	const struct sigv4_pair *headers; /* all of them are signed */
	size_t header_count;
	const char *payload_hash; /* hex */
	char time[SIGV4_TIME];    /* 20130524T000000Z */
};

struct sigv4_key {
	const char *access_key, *secret_key, *region, *service;
};

enum { SIGV4_PAIRS_MAX = 24 };

/* Appends percent-encoded text; `slashes`: they stay as they are. */
void sigv4_encode(struct str *to, const char *text, bool slashes);

/* Appends the query as it is signed, and as it then has to be sent. */
void sigv4_query(struct str *to, const struct sigv4_pair *query, size_t count);

/* Hex of SHA-256. */
int sigv4_hash(const void *bytes, size_t len, char ret_hex[SIGV4_HASH]);

/* Appends the value of the header "Authorization". 0, -EIO, -ENOMEM, -EINVAL: too many pairs. */
int sigv4_authorize(
	const struct sigv4_request *request, const struct sigv4_key *key, struct str *ret_value);

#endif
