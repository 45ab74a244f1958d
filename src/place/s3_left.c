/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads that killed writers left: one whose parts are all there is completed, an old one is
 * aborted. That a writer is dead does not show, but to complete his upload for a living one harms
 * nobody: it makes the object that he is about to make. Only packs come in parts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/vec.h"
#include "base/why.h"
#include "os/clock.h"
#include "place/s3_inner.h"
#include "place/s3_time.h"
#include "place/url_inner.h"
#include "place/xml.h"

enum { MARKER = 2048, PAGES_MAX = 1 << 10 };

/* Nobody sends one object for so long: each try of each part ends long before. */
static const int64_t dead_ns = (int64_t)48 * 3600 * 1000000000;

struct found {
	char key[S3_KEY], id[S3_UPLOAD_ID];
	int64_t begun_ns;
};

struct uploads {
	struct s3 *s3;
	char prefix[S3_KEY];
	VEC(struct found) all;
	struct found found; /* being read */
	char key_marker[MARKER], id_marker[MARKER], next_key[MARKER], next_id[MARKER];
	int64_t now_ns; /* by the store's clock */
	bool truncated, done, no_memory;
};

static void uploads_done(struct uploads *uploads)
{
	vec_done(&uploads->all);
}

static bool end_upload(struct uploads *uploads)
{
	struct found found = uploads->found;
	uploads->found = (struct found){0};
	if (!*found.key || !*found.id)
		return false;
	if (strncmp(found.key, uploads->prefix, strlen(uploads->prefix)) != 0)
		return true;
	uploads->no_memory = vec_push(&uploads->all, found) != 0;
	return !uploads->no_memory;
}

static bool copy_text(const char *text, char *to, size_t cap)
{
	return (size_t)snprintf(to, cap, "%s", text) < cap;
}

static bool on_upload(void *arg, const char *path, const char *text)
{
	static const char root[] = "ListMultipartUploadsResult";
	struct uploads *uploads = arg;
	if (strncmp(path, root, sizeof(root) - 1) != 0)
		return false;
	path += sizeof(root) - 1;
	uploads->done = !*path;
	if (strcmp(path, "/Upload") == 0)
		return end_upload(uploads);
	if (strcmp(path, "/Upload/Key") == 0)
		return url_decode(text, strlen(text), uploads->found.key, S3_KEY);
	if (strcmp(path, "/Upload/UploadId") == 0)
		return copy_text(text, uploads->found.id, S3_UPLOAD_ID);
	if (strcmp(path, "/Upload/Initiated") == 0)
		return s3_read_time(text, &uploads->found.begun_ns);
	if (strcmp(path, "/NextKeyMarker") == 0)
		return url_decode(text, strlen(text), uploads->next_key, MARKER);
	if (strcmp(path, "/NextUploadIdMarker") == 0)
		return copy_text(text, uploads->next_id, MARKER);
	if (strcmp(path, "/IsTruncated") == 0)
		uploads->truncated = strcmp(text, "true") == 0;
	return true;
}

static int one_page(struct uploads *uploads)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	struct s3_ask ask = {.method = "GET"};
	char date[64];
	s3_query(&ask, "uploads", "");
	s3_query(&ask, "encoding-type", "url");
	s3_query(&ask, "prefix", uploads->prefix);
	if (*uploads->key_marker)
		s3_query(&ask, "key-marker", uploads->key_marker);
	if (*uploads->id_marker)
		s3_query(&ask, "upload-id-marker", uploads->id_marker);
	uploads->truncated = uploads->done = false;
	*uploads->next_key = *uploads->next_id = '\0';
	int err = s3_call(uploads->s3, &ask, &answer, NULL);
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, NULL);
	if (!err)
		err = answer.body ? xml_walk(answer.body, answer.body_len, on_upload, uploads, NULL)
				  : -EPROTO;
	if (uploads->no_memory)
		return -ENOMEM;
	if (!http_answer_header(&answer, "Date", date, sizeof(date)) ||
		!s3_read_date(date, &uploads->now_ns))
		uploads->now_ns = 0; /* then nothing is old */
	return !err && !uploads->done ? -EPROTO : err;
}

/* What a page misses stays for the next time. A marker that does not move would not end. */
static int list_uploads(struct s3 *s3, const char *folder, struct uploads *uploads)
{
	char name[S3_KEY];
	uploads->s3 = s3;
	if (snprintf(name, sizeof(name), "%s/", folder) >= S3_KEY ||
		s3_key(s3, name, uploads->prefix))
		return -EINVAL;
	int err = one_page(uploads);
	for (int pages = 1; !err && uploads->truncated && pages < PAGES_MAX; pages++) {
		if (strcmp(uploads->next_key, uploads->key_marker) == 0 &&
			strcmp(uploads->next_id, uploads->id_marker) == 0)
			break;
		snprintf(uploads->key_marker, MARKER, "%s", uploads->next_key);
		snprintf(uploads->id_marker, MARKER, "%s", uploads->next_id);
		err = one_page(uploads);
	}
	return err;
}

/* ---- taking up ---- */

struct parts {
	struct s3_upload upload;
	uint64_t sizes[S3_PARTS_MAX], size;
	char etag[S3_ETAG];
	unsigned number, seen;
	bool truncated, odd;
};

static void end_part(struct parts *parts)
{
	unsigned at = parts->number - 1;
	if (at >= S3_PARTS_MAX || parts->sizes[at] || !parts->size || !s3_etag_ok(parts->etag)) {
		parts->odd = true;
		return;
	}
	parts->sizes[at] = parts->size;
	snprintf(parts->upload.etags[at], S3_ETAG, "%s", parts->etag);
	parts->seen++;
}

static bool on_part(void *arg, const char *path, const char *text)
{
	static const char root[] = "ListPartsResult";
	struct parts *parts = arg;
	if (strncmp(path, root, sizeof(root) - 1) != 0)
		return false;
	path += sizeof(root) - 1;
	if (strcmp(path, "/Part") == 0)
		end_part(parts);
	else if (strcmp(path, "/Part/PartNumber") == 0)
		parts->number = (unsigned)strtoul(text, NULL, 10);
	else if (strcmp(path, "/Part/ETag") == 0)
		return copy_text(text, parts->etag, S3_ETAG);
	else if (strcmp(path, "/Part/Size") == 0)
		parts->size = strtoull(text, NULL, 10);
	else if (strcmp(path, "/IsTruncated") == 0)
		parts->truncated = strcmp(text, "true") == 0;
	return true;
}

/* All parts but the last have one length, and the last is there and shorter: see s3_upload.c. */
static bool are_whole(const struct parts *parts, uint64_t *ret_len)
{
	unsigned last = parts->seen - 1;
	if (parts->odd || parts->truncated || parts->seen < 2)
		return false;
	for (unsigned i = 0; i < last; i++)
		if (parts->sizes[i] != parts->sizes[0])
			return false;
	if ((!parts->sizes[last] || parts->sizes[last] >= parts->sizes[0]) &&
		!planted(S3_TAKES_UP_PARTS))
		return false;
	*ret_len = last * parts->sizes[0] + parts->sizes[last];
	return true;
}

static int list_parts(struct parts *parts)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	struct s3_ask ask = {.method = "GET", .key = parts->upload.key};
	s3_query(&ask, "uploadId", parts->upload.id);
	int err = s3_call(parts->upload.s3, &ask, &answer, NULL);
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, NULL);
	if (!err)
		err = answer.body ? xml_walk(answer.body, answer.body_len, on_part, parts, NULL)
				  : -EPROTO;
	return err;
}

static void take_up(struct s3 *s3, const struct found *found, size_t limit)
{
	struct parts parts = {.upload = {.s3 = s3}};
	uint64_t len;
	snprintf(parts.upload.key, S3_KEY, "%s", found->key);
	snprintf(parts.upload.id, S3_UPLOAD_ID, "%s", found->id);
	if (list_parts(&parts) || !are_whole(&parts, &len) || len > limit)
		return;
	parts.upload.count = parts.seen;
	(void)s3_upload_complete(&parts.upload, len, NULL);
}

/* Its bytes cannot be read before; each part was held against its hash as it came. */
int s3_take_up(struct place *place, const char *folder, const struct place_whole *whole)
{
	OWN(uploads_done) struct uploads uploads = {0};
	int err = list_uploads(s3_of(place), folder, &uploads);
	vec_each (found, &uploads.all)
		take_up(s3_of(place), found, whole->limit);
	/* Who may not list them, or meets a store that cannot, sends more again, and nothing else.
	 */
	return err == -ENOMEM ? err : 0;
}

/* ---- removing ---- */

int s3_sweep(struct place *place)
{
	static const char *const folders[] = {"data", "meta"};
	int err = 0;
	for (size_t i = 0; !err && i < sizeof(folders) / sizeof(*folders); i++) {
		OWN(uploads_done) struct uploads uploads = {0};
		err = list_uploads(s3_of(place), folders[i], &uploads);
		vec_each (found, &uploads.all) {
			struct s3_upload upload = {.s3 = s3_of(place)};
			snprintf(upload.key, S3_KEY, "%s", found->key);
			snprintf(upload.id, S3_UPLOAD_ID, "%s", found->id);
			if (found->begun_ns &&
				(uploads.now_ns - found->begun_ns > dead_ns ||
					planted(S3_SWEEPS_YOUNG)))
				s3_upload_abort(&upload);
		}
	}
	return err;
}
