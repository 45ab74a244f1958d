/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the s3 place share: the open place, and one request with its repetitions. For
 * this room only.
 *
 * Several threads at once, but for what says so.
 */
#ifndef EBB_PLACE_S3_INNER_H
#define EBB_PLACE_S3_INNER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "os/http.h"
#include "place/place.h"
#include "place/s3.h"
#include "place/sigv4.h"
#include "place/under_way.h"

enum {
	S3_KEY = 512,         /* of an object: prefix and name */
	S3_XML_MAX = 4 << 20, /* an answer in XML; lists of 1,000 take some 300 KiB */
	S3_ETAG = 128,
	S3_QUERY_MAX = 6,
	S3_HEADERS_MAX = 10,
	S3_UPLOAD_ID = 1024,
	S3_PARTS_MAX = 8,
};

struct s3_sending;

struct s3 {
	struct place place;
	struct s3_options with;
	pthread_mutex_t mutex;      /* of the next three */
	struct s3_sending *sending; /* objects in the order in which they came */
	struct under_way way;       /* those that are begun */
	pthread_cond_t moved;       /* a part may go, or the last has arrived */
	_Atomic int64_t skew_ns;    /* the store's clock minus ours */
	_Atomic bool unconditional; /* the store does not know If-None-Match on writes */
};

struct s3 *s3_of(struct place *place);

struct s3_ask {
	const char *method;
	const char *key; /* from s3_key(); NULL: the bucket */
	struct sigv4_pair query[S3_QUERY_MAX], headers[S3_HEADERS_MAX];
	size_t query_count, header_count;
	const void *body;
	size_t body_len;
	void *into;
	size_t limit;
	bool once;           /* repeated only when it surely had no effect */
	int64_t deadline_ns; /* monotonic: no try begins after it; 0: none */
	bool *ret_unknown;   /* set when a try may have had its effect unseen; may be NULL */
};

void s3_query(struct s3_ask *ask, const char *name, const char *value);
void s3_header(struct s3_ask *ask, const char *name, const char *value);

/* The key of an object. -EINVAL. */
int s3_key(const struct s3 *s3, const char *name, char key[S3_KEY]);

/*
 * Sends it, again where that makes sense. 0 with an answer of any status that repeating does not
 * change; it is the caller's to judge by s3_refusal(). Gives the answer.
 */
int s3_call(
	struct s3 *s3, const struct s3_ask *ask, struct http_answer *ret_answer, struct why *why);

/*
 * What an answer with a status of failure means: -ENOENT, -EEXIST (a condition failed), -EPERM
 * (refused), -EOPNOTSUPP, -EIO, with the store's own words.
 */
int s3_refusal(const struct http_answer *answer, struct why *why);

/* The store's word for what is wrong, "" when it has none. Returns `code`. */
const char *s3_error_code(const struct http_answer *answer, char code[64]);

/* The text of one element of an answer. -EBADMSG: it is not there. */
int s3_element(const struct http_answer *answer, const char *path, char *ret_text, size_t cap,
	struct why *why);

/* Base 64 of SHA-256 and MD5, as headers have them. */
enum { S3_SUM = 48 };
int s3_sum(const char *algorithm, const void *bytes, size_t len, char ret_text[S3_SUM]);

/* One page after the other. The walk of place_list(), with the time of each object besides. */
struct s3_listed {
	const char *name;
	uint64_t size;
	int64_t modified_ns;
	int64_t now_ns; /* by the same clock: the store's */
};
typedef bool s3_list_fn(void *arg, const struct s3_listed *listed);
int s3_list(struct s3 *s3, const char *folder, s3_list_fn *fn, void *arg, struct why *why);

/* The view of what was written first (s3_versions.c): a name's version, and lists. */
int s3_first_version(struct s3 *s3, const char *key, char version[S3_ETAG]);
int s3_list_first(struct s3 *s3, const char *folder, place_list_fn *fn, void *arg);

int s3_put(struct place *place, const char *name, const void *bytes, size_t len, struct why *why);
int s3_put_new(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why);
int s3_sweep(struct place *place);
int s3_take_up(struct place *place, const char *folder, const struct place_whole *whole);
int s3_remove(struct place *place, const char *name);
int s3_lock(struct place *place, const char *name, int64_t until_ns, struct why *why);

/* ---- uploads in parts (s3_upload.c) ---- */

struct s3_upload {
	struct s3 *s3;
	char key[S3_KEY], id[S3_UPLOAD_ID]; /* no id: it was not begun */
	char mark[33];  /* ours alone: by it the completed object is known as this upload's */
	unsigned count; /* of parts; 1: it goes in one request, and there is no upload */
	size_t part;    /* bytes of each, fewer of the last */
	char etags[S3_PARTS_MAX][S3_ETAG];
};

/* An object that is to be sent, on the stack of its thread. */
struct s3_sending {
	const char *name;
	const uint8_t *bytes;
	size_t len;
	struct s3_upload upload;
	unsigned given, out; /* parts that were begun; that are under way */
	bool begun;          /* counted in s3.way */
	int err;
	struct why why;
	struct s3_sending *next;
};

/* Begins one, unless so few bytes go in one request. */
int s3_upload_begin(
	struct s3 *s3, const char *name, size_t len, struct s3_upload *upload, struct why *why);

/* Any thread, each part once. Numbers count from 0. */
int s3_upload_part(struct s3_upload *upload, unsigned number, const uint8_t *bytes, size_t len,
	struct why *why);

/* All parts have arrived: they become the object. May be done twice. */
int s3_upload_complete(struct s3_upload *upload, size_t len, struct why *why);
void s3_upload_abort(struct s3_upload *upload);

/* Whether the store's name for a part can be told to it. */
bool s3_etag_ok(const char *text);

/* Adds the headers that every new object has. */
void s3_object_headers(const struct s3 *s3, const char *name, struct s3_ask *ask);

#endif
