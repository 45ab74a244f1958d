/* SPDX-License-Identifier: Apache-2.0 */
/* The s3 place: opening it, reading, listing, removing. */
#include "place/s3.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "place/s3_inner.h"

enum { READ_TRIES = 8, VERSIONS_MAX = 100 };

/* A put waits for the network most of its time, and meanwhile helps those before it. */
enum { STREAMS = 4 };

struct s3 *s3_of(struct place *place)
{
	return container_of(place, struct s3, place);
}

int s3_key(const struct s3 *s3, const char *name, char key[S3_KEY])
{
	const char *prefix = s3->with.where.prefix;
	int len = snprintf(key, S3_KEY, "%s%s%s", prefix, *prefix ? "/" : "", name);
	return len > 0 && len < S3_KEY ? 0 : -EINVAL;
}

static bool read_number(const char *text, uint64_t *ret_number)
{
	char *end;
	errno = 0;
	*ret_number = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !errno && !*end;
}

/* ---- reading ---- */

/* "bytes 5-9/10" is what was asked for: from `at` on, as many as came. */
static bool range_matches(const struct http_answer *answer, uint64_t at)
{
	char text[80];
	uint64_t from, to;
	if (!http_answer_header(answer, "Content-Range", text, sizeof(text)) ||
		sscanf(text, "bytes %" SCNu64 "-%" SCNu64 "/", &from, &to) != 2)
		return false;
	return from == at && to >= from && to - from + 1 == answer->body_len;
}

/* A store that ignores the range sends all of it: that will do when all of it fits. */
static ssize_t judge_read(const struct http_answer *answer, uint64_t at)
{
	if (answer->status == 416)
		return 0; /* nothing is there that far */
	if (answer->status == 206 && range_matches(answer, at))
		return (ssize_t)answer->body_len;
	if (answer->status == 200 && at == 0)
		return (ssize_t)answer->body_len;
	if (answer->status / 100 == 2)
		return -EPROTO;
	return s3_refusal(answer, NULL);
}

/* In the view of what was written first a name stands for its oldest version. */
static int ask_version(struct s3 *s3, struct s3_ask *ask, char version[S3_ETAG])
{
	if (!s3->with.where.first_versions)
		return 0;
	int err = s3_first_version(s3, ask->key, version);
	if (!err)
		s3_query(ask, "versionId", version);
	return err;
}

static ssize_t s3_get(struct place *place, const char *name, uint64_t at, void *bytes, size_t len)
{
	struct s3 *s3 = s3_of(place);
	char key[S3_KEY], range[64], version[S3_ETAG];
	uint64_t last;
	ssize_t got = s3_key(s3, name, key);
	if (got || !len)
		return got;
	if (__builtin_add_overflow(at, len - 1, &last))
		return -EINVAL;
	snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, at, last);
	struct s3_ask ask = {.method = "GET", .key = key, .into = bytes, .limit = len};
	s3_header(&ask, "Range", range);
	got = ask_version(s3, &ask, version);
	if (got)
		return got;
	for (int tries = 0; tries < READ_TRIES; tries++) {
		OWN(http_answer_done) struct http_answer answer = {0};
		int err = s3_call(s3, &ask, &answer, NULL);
		got = err ? err : judge_read(&answer, at);
		if (got != -EPROTO && got != -EFBIG)
			break;
	}
	return got == -EFBIG ? -EPROTO : got;
}

static int s3_whole(
	struct place *place, const char *name, size_t limit, uint8_t **ret_bytes, size_t *ret_len)
{
	struct s3 *s3 = s3_of(place);
	OWN(http_answer_done) struct http_answer answer = {0};
	char key[S3_KEY], version[S3_ETAG];
	int err = s3_key(s3, name, key);
	struct s3_ask ask = {.method = "GET", .key = key, .limit = limit};
	if (!err)
		err = ask_version(s3, &ask, version);
	if (!err)
		err = s3_call(s3, &ask, &answer, NULL);
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, NULL);
	if (!err && !answer.body)
		answer.body = malloc(1);
	if (!err && !answer.body)
		err = -ENOMEM;
	if (err)
		return err;
	*ret_bytes = TAKE(answer.body);
	*ret_len = answer.body_len;
	return 0;
}

/* What HEAD tells: the size, and which version that is ("" where there are none). */
static int look(struct s3 *s3, const char *name, uint64_t *ret_size, char version[S3_ETAG])
{
	OWN(http_answer_done) struct http_answer answer = {0};
	char key[S3_KEY], text[32], first[S3_ETAG];
	int err = s3_key(s3, name, key);
	struct s3_ask ask = {.method = "HEAD", .key = key};
	if (!err)
		err = ask_version(s3, &ask, first);
	if (!err)
		err = s3_call(s3, &ask, &answer, NULL);
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, NULL);
	if (err)
		return err;
	version[0] = '\0';
	http_answer_header(&answer, "x-amz-version-id", version, S3_ETAG);
	if (!http_answer_header(&answer, "Content-Length", text, sizeof(text)) ||
		!read_number(text, ret_size))
		return -EPROTO;
	return 0;
}

static int s3_size(struct place *place, const char *name, uint64_t *ret_size)
{
	char version[S3_ETAG];
	return look(s3_of(place), name, ret_size, version);
}

/* ---- removing ---- */

static int remove_version(struct s3 *s3, const char *name, const char *version)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	char key[S3_KEY];
	int err = s3_key(s3, name, key);
	struct s3_ask ask = {.method = "DELETE", .key = key};
	if (*version)
		s3_query(&ask, "versionId", version);
	if (!err)
		err = s3_call(s3, &ask, &answer, NULL);
	if (!err && answer.status / 100 != 2 && answer.status != 404)
		err = s3_refusal(&answer, NULL);
	return err;
}

/*
 * Where a bucket keeps versions, removing without a version would only hide the object and free
 * nothing; and behind the version that is removed an older one comes up.
 */
int s3_remove(struct place *place, const char *name)
{
	struct s3 *s3 = s3_of(place);
	char version[S3_ETAG];
	uint64_t size;
	int err = look(s3, name, &size, version);
	for (int i = 0; !err && i < VERSIONS_MAX; i++) {
		err = remove_version(s3, name, version);
		if (!err && !*version)
			return 0;
		if (!err)
			err = look(s3, name, &size, version);
		if (err == -ENOENT)
			return 0;
	}
	return err ? err : -EBUSY;
}

/* ---- listing ---- */

struct plain_list {
	place_list_fn *fn;
	void *arg;
};

static bool on_listed(void *arg, const struct s3_listed *listed)
{
	struct plain_list *plain = arg;
	return plain->fn(plain->arg, listed->name, listed->size);
}

static int s3_list_plain(struct place *place, const char *folder, place_list_fn *fn, void *arg)
{
	struct plain_list plain = {fn, arg};
	if (s3_of(place)->with.where.first_versions)
		return s3_list_first(s3_of(place), folder, fn, arg);
	return s3_list(s3_of(place), folder, on_listed, &plain, NULL);
}

/* ---- the view of what was written first: for reading only ---- */

static int no_put(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	(void)place;
	(void)bytes;
	(void)len;
	return why_set(
		why, -EROFS, "%s: versions=first shows what was, and nothing is put there", name);
}

static int no_remove(struct place *place, const char *name)
{
	(void)place;
	(void)name;
	return -EROFS;
}

/* ---- opening ---- */

static void s3_close(struct place *place)
{
	struct s3 *s3 = s3_of(place);
	aws_keys_done(&s3->with.keys);
	pthread_mutex_destroy(&s3->mutex);
	pthread_cond_destroy(&s3->moved);
	free(s3);
}

/* Asks for a list of one: the answer to that tells what is wrong, where HEAD has no words. */
static int greet(struct s3 *s3, struct why *why)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	struct s3_ask ask = {.method = "GET"};
	s3_query(&ask, "list-type", "2");
	s3_query(&ask, "max-keys", "1");
	if (*s3->with.where.prefix)
		s3_query(&ask, "prefix", s3->with.where.prefix);
	int err = s3_call(s3, &ask, &answer, why);
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, why);
	return err ? why_prefix(why, err, "bucket %s at %s", s3->with.where.bucket,
			     s3->with.where.host)
		   : 0;
}

int place_s3_open(const struct s3_options *options, struct place **ret_place, struct why *why)
{
	static const struct place_ops ops = {
		.put = s3_put,
		.put_new = s3_put_new,
		.get = s3_get,
		.whole = s3_whole,
		.size = s3_size,
		.list = s3_list_plain,
		.remove = s3_remove,
		.sweep = s3_sweep,
		.take_up = s3_take_up,
		.lock = s3_lock,
		.close = s3_close,
	};
	static const struct place_ops view_ops = {
		.put = no_put,
		.put_new = no_put,
		.get = s3_get,
		.whole = s3_whole,
		.size = s3_size,
		.list = s3_list_plain,
		.remove = no_remove,
		.close = s3_close,
	};
	struct s3 *s3 = calloc(1, sizeof(*s3));
	if (!s3)
		return -ENOMEM;
	pthread_mutex_init(&s3->mutex, NULL);
	pthread_cond_init(&s3->moved, NULL);
	s3->place.ops = options->where.first_versions ? &view_ops : &ops;
	s3->place.streams = STREAMS;
	s3->with = *options;
	int err = greet(s3, why);
	if (err)
		s3_close(&s3->place);
	else
		*ret_place = &s3->place;
	return err;
}
