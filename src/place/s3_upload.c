/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads in parts. The last part is shorter than all others, which are of one length: so whoever
 * finds an upload that was never completed sees by its parts alone whether all of it is there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "os/dice.h"
#include "place/s3_inner.h"

/* Stores refuse shorter parts than 5 MiB, but as the last. */
enum { PART_LEAST = 5 << 20, TRIES = 4 };

/* More than part * (count - 1), and less than part * count. */
static void cut_parts(struct s3_upload *upload, size_t len)
{
	size_t count = len / PART_LEAST;
	if (count > S3_PARTS_MAX)
		count = S3_PARTS_MAX;
	upload->count = count < 2 ? 1 : (unsigned)count;
	upload->part = len / upload->count + 1;
}

/* One that is begun and not heard of stays empty, until a sweep. */
static int begin_once(struct s3_upload *upload, const char *name, struct why *why)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	struct s3_ask ask = {.method = "POST", .key = upload->key};
	s3_query(&ask, "uploads", "");
	s3_header(&ask, "x-amz-meta-ebb-upload", upload->mark);
	s3_object_headers(upload->s3, name, &ask);
	int err = s3_call(upload->s3, &ask, &answer, why);
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, why);
	if (!err)
		err = s3_element(&answer, "InitiateMultipartUploadResult/UploadId", upload->id,
			S3_UPLOAD_ID, why);
	return err;
}

int s3_upload_begin(
	struct s3 *s3, const char *name, size_t len, struct s3_upload *upload, struct why *why)
{
	uint8_t mark[16];
	upload->s3 = s3;
	cut_parts(upload, len);
	int err = s3_key(s3, name, upload->key);
	if (err || upload->count == 1)
		return err;
	dice_fill(s3->with.dice, mark, sizeof(mark));
	for (size_t i = 0; i < sizeof(mark); i++)
		snprintf(upload->mark + 2 * i, 3, "%02x", (unsigned)mark[i]);
	/* With an answer of 200 a store may still tell an error. */
	err = -EBADMSG;
	for (int tries = 0; err == -EBADMSG && tries < TRIES; tries++)
		err = begin_once(upload, name, why);
	return err;
}

/* A text that goes into a document as it is: quotes are allowed there. */
bool s3_etag_ok(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e || strchr("<>&", *text))
			return false;
	return true;
}

int s3_upload_part(struct s3_upload *upload, unsigned number, const uint8_t *bytes, size_t len,
	struct why *why)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	char text[16], *etag = upload->etags[number];
	snprintf(text, sizeof(text), "%u", number + 1);
	struct s3_ask ask = {.method = "PUT", .key = upload->key, .body = bytes, .body_len = len};
	s3_query(&ask, "partNumber", text);
	s3_query(&ask, "uploadId", upload->id);
	int err = s3_call(upload->s3, &ask, &answer, why);
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, why);
	if (!err && (!http_answer_header(&answer, "ETag", etag, S3_ETAG) || !s3_etag_ok(etag)))
		err = why_set(why, -EPROTO, "the store does not name a part");
	return err == -ENOENT ? -EIO : err;
}

/* Whether the object is there, of that length, and is this upload, as far as we know its mark. */
static bool is_complete(struct s3_upload *upload, size_t len)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	char mark[64], size[32];
	struct s3_ask ask = {.method = "HEAD", .key = upload->key};
	if (s3_call(upload->s3, &ask, &answer, NULL) || answer.status != 200)
		return false;
	if (*upload->mark &&
		(!http_answer_header(&answer, "x-amz-meta-ebb-upload", mark, sizeof(mark)) ||
			strcmp(mark, upload->mark) != 0))
		return false;
	return http_answer_header(&answer, "Content-Length", size, sizeof(size)) &&
		strtoull(size, NULL, 10) == len;
}

/* A store may begin to answer with 200 and then tell an error: only a result is a success. */
static int complete_once(struct s3_upload *upload, const struct str *list, struct why *why)
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

int s3_upload_complete(struct s3_upload *upload, size_t len, struct why *why)
{
	OWN(str_done) struct str list = {0};
	if (upload->count == 1)
		return 0;
	str_add(&list, "<CompleteMultipartUpload>");
	for (unsigned i = 0; i < upload->count; i++)
		str_addf(&list, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", i + 1,
			upload->etags[i]);
	str_add(&list, "</CompleteMultipartUpload>");
	int err = str_error(&list);
	if (err)
		return err;
	for (int tries = 0; tries < TRIES; tries++) {
		err = complete_once(upload, &list, why);
		if (is_complete(upload, len))
			return 0;
		if (!err)
			return why_set(why, -EIO, "the completed object is not what was sent");
	}
	return err == -ENOENT ? -EIO : err;
}

void s3_upload_abort(struct s3_upload *upload)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	if (!*upload->id)
		return;
	struct s3_ask ask = {.method = "DELETE", .key = upload->key};
	s3_query(&ask, "uploadId", upload->id);
	/* What fails here a sweep removes. */
	(void)s3_call(upload->s3, &ask, &answer, NULL);
}
