/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing an object: in one request, or a large one in parts, so that a broken connection costs a
 * part and not the whole. Parts of uploads that were never completed are invisible and cost room
 * until the bucket's rule for incomplete uploads removes them.
 *
 * The store checks each payload against its signed hash. Its ETag says nothing that we would trust:
 * it is no checksum where the store encrypts or where an object came in parts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/why.h"
#include "os/dice.h"
#include "place/s3_inner.h"

enum { PART = 16 << 20, PARTS_FROM = 32 << 20, ID = 1024, COMPLETE_TRIES = 4 };

void s3_object_headers(const struct s3 *s3, const char *name, struct s3_ask *ask)
{
	const struct s3_url *where = &s3->with.where;
	bool data = str_starts(name, "data/");
	const char *class = data ? where->data_class : where->meta_class;
	if (*class)
		s3_header(ask, "x-amz-storage-class", class);
}

/* A store that tells a checksum tells that of what it keeps. */
static int check_sum(const struct http_answer *answer, const char *sum, struct why *why)
{
	char told[S3_SUM * 2];
	if (http_answer_header(answer, "x-amz-checksum-sha256", told, sizeof(told)) &&
		strcmp(told, sum) != 0)
		return why_set(why, -EIO, "the store keeps other bytes than were sent");
	return 0;
}

static int put_whole(
	struct s3 *s3, const char *name, const void *bytes, size_t len, struct why *why)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	char key[S3_KEY], sum[S3_SUM];
	int err = s3_key(s3, name, key);
	if (!err)
		err = s3_sum("SHA256", bytes, len, sum);
	if (err)
		return why_errno(why, err, "naming it");
	struct s3_ask ask = {.method = "PUT", .key = key, .body = bytes, .body_len = len};
	s3_header(&ask, "x-amz-checksum-sha256", sum);
	s3_object_headers(s3, name, &ask);
	err = s3_call(s3, &ask, &answer, why);
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, why);
	return err ? err : check_sum(&answer, sum, why);
}

int s3_put(struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	struct s3 *s3 = s3_of(place);
	int err = len >= PARTS_FROM ? s3_put_parts(s3, name, bytes, len, why)
				    : put_whole(s3, name, bytes, len, why);
	return err ? why_prefix(why, err, "%s", name) : 0;
}

/* ---- in parts ---- */

struct upload {
	struct s3 *s3;
	char key[S3_KEY], id[ID];
	char mark[33]; /* ours alone: by it the completed object is known as this upload's */
	VEC(char *) etags;
};

static void upload_done(struct upload *upload)
{
	vec_each (etag, &upload->etags)
		free(*etag);
	vec_done(&upload->etags);
}

static int begin_upload(struct upload *upload, const char *name, struct why *why)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	uint8_t mark[16];
	dice_fill(upload->s3->with.dice, mark, sizeof(mark));
	for (size_t i = 0; i < sizeof(mark); i++)
		snprintf(upload->mark + 2 * i, 3, "%02x", (unsigned)mark[i]);
	struct s3_ask ask = {.method = "POST", .key = upload->key, .once = true};
	s3_query(&ask, "uploads", "");
	s3_header(&ask, "x-amz-meta-ebb-upload", upload->mark);
	s3_object_headers(upload->s3, name, &ask);
	int err = s3_call(upload->s3, &ask, &answer, why);
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, why);
	if (!err)
		err = s3_element(
			&answer, "InitiateMultipartUploadResult/UploadId", upload->id, ID, why);
	return err;
}

/* A text that goes into a document as it is: quotes are allowed there. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e || strchr("<>&", *text))
			return false;
	return true;
}

static int put_part(struct upload *upload, const uint8_t *bytes, size_t len, struct why *why)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	char number[16], etag[S3_ETAG];
	snprintf(number, sizeof(number), "%zu", upload->etags.len + 1);
	struct s3_ask ask = {.method = "PUT", .key = upload->key, .body = bytes, .body_len = len};
	s3_query(&ask, "partNumber", number);
	s3_query(&ask, "uploadId", upload->id);
	int err = s3_call(upload->s3, &ask, &answer, why);
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, why);
	if (err)
		return err;
	if (!http_answer_header(&answer, "ETag", etag, sizeof(etag)) || !is_plain(etag))
		return why_set(why, -EPROTO, "the store does not name a part");
	char *copy = strdup(etag);
	if (!copy || vec_push(&upload->etags, copy)) {
		free(copy);
		return -ENOMEM;
	}
	return 0;
}

/* Whether the object is there, of that length, and is this upload. */
static bool is_complete(struct upload *upload, size_t len)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	char mark[64], size[32];
	struct s3_ask ask = {.method = "HEAD", .key = upload->key};
	if (s3_call(upload->s3, &ask, &answer, NULL) || answer.status != 200)
		return false;
	return http_answer_header(&answer, "x-amz-meta-ebb-upload", mark, sizeof(mark)) &&
		strcmp(mark, upload->mark) == 0 &&
		http_answer_header(&answer, "Content-Length", size, sizeof(size)) &&
		strtoull(size, NULL, 10) == len;
}

/* A store may begin to answer with 200 and then tell an error: only a result is a success. */
static int complete_once(struct upload *upload, const struct str *list, struct why *why)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	char etag[S3_ETAG];
	struct s3_ask ask = {.method = "POST", .key = upload->key, .once = true};
	ask.body = list->at;
	ask.body_len = list->len;
	s3_query(&ask, "uploadId", upload->id);
	int err = s3_call(upload->s3, &ask, &answer, why);
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, why);
	if (err)
		return err;
	return s3_element(&answer, "CompleteMultipartUploadResult/ETag", etag, sizeof(etag), why);
}

static int complete(struct upload *upload, size_t len, struct why *why)
{
	OWN(str_done) struct str list = {0};
	str_add(&list, "<CompleteMultipartUpload>");
	for (size_t i = 0; i < upload->etags.len; i++)
		str_addf(&list, "<Part><PartNumber>%zu</PartNumber><ETag>%s</ETag></Part>", i + 1,
			upload->etags.at[i]);
	str_add(&list, "</CompleteMultipartUpload>");
	int err = str_error(&list);
	if (err)
		return err;
	for (int tries = 0; tries < COMPLETE_TRIES; tries++) {
		err = complete_once(upload, &list, why);
		if (is_complete(upload, len))
			return 0;
		if (!err)
			return why_set(why, -EIO, "the completed object is not what was sent");
	}
	return err == -ENOENT ? -EIO : err;
}

static void abort_upload(struct upload *upload)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	struct s3_ask ask = {.method = "DELETE", .key = upload->key};
	s3_query(&ask, "uploadId", upload->id);
	/* What fails here the bucket's rule for incomplete uploads cleans up. */
	(void)s3_call(upload->s3, &ask, &answer, NULL);
}

int s3_put_parts(struct s3 *s3, const char *name, const void *bytes, size_t len, struct why *why)
{
	OWN(upload_done) struct upload upload = {.s3 = s3};
	const uint8_t *at = bytes;
	int err = s3_key(s3, name, upload.key);
	if (!err)
		err = begin_upload(&upload, name, why);
	if (err)
		return err;
	for (size_t done = 0; !err && done < len; done += PART)
		err = put_part(&upload, at + done, len - done < PART ? len - done : PART, why);
	if (!err)
		err = complete(&upload, len, why);
	if (err)
		abort_upload(&upload);
	return err;
}
