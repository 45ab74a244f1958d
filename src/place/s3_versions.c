/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was written first: a view of a bucket that keeps versions. Whoever may write there can hide
 * an object behind a delete marker, or other bytes of the same name, and cannot remove a version
 * that is locked. Objects are written once, so the oldest version is the true one. For reading
 * only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "place/s3_inner.h"
#include "place/url_inner.h"
#include "place/xml.h"

enum { MARKER = 2048, PAGES_MAX = 1 << 20 };

struct version {
	char key[S3_KEY], id[S3_ETAG];
	uint64_t size;
};

/* Versions come key by key, of each the newest first: the last one before the next key counts. */
struct walk {
	struct s3 *s3;
	char prefix[S3_KEY], key_marker[MARKER], version_marker[MARKER];
	char next_key[MARKER], next_version[MARKER];
	struct version now, oldest;
	bool truncated, done, stopped;
	bool (*fn)(void *arg, const struct version *version);
	void *arg;
};

static void tell(struct walk *walk)
{
	if (*walk->oldest.key && !walk->stopped)
		walk->stopped = !walk->fn(walk->arg, &walk->oldest);
	walk->oldest = (struct version){0};
}

static bool end_version(struct walk *walk)
{
	bool whole = *walk->now.key && *walk->now.id;
	if (whole && strcmp(walk->now.key, walk->oldest.key) != 0)
		tell(walk);
	walk->oldest = walk->now;
	walk->now = (struct version){0};
	return whole;
}

static bool copy_text(const char *text, char *to, size_t cap)
{
	return url_decode(text, strlen(text), to, cap);
}

static bool on_element(void *arg, const char *path, const char *text)
{
	static const char root[] = "ListVersionsResult";
	struct walk *walk = arg;
	if (strncmp(path, root, sizeof(root) - 1) != 0)
		return false;
	path += sizeof(root) - 1;
	walk->done |= !*path;
	if (strcmp(path, "/Version") == 0)
		return end_version(walk);
	if (strcmp(path, "/Version/Key") == 0)
		return copy_text(text, walk->now.key, S3_KEY);
	if (strcmp(path, "/Version/VersionId") == 0)
		return snprintf(walk->now.id, S3_ETAG, "%s", text) < S3_ETAG;
	if (strcmp(path, "/Version/Size") == 0)
		walk->now.size = strtoull(text, NULL, 10);
	else if (strcmp(path, "/IsTruncated") == 0)
		walk->truncated = strcmp(text, "true") == 0;
	else if (strcmp(path, "/NextKeyMarker") == 0)
		return copy_text(text, walk->next_key, MARKER);
	else if (strcmp(path, "/NextVersionIdMarker") == 0)
		return snprintf(walk->next_version, MARKER, "%s", text) < MARKER;
	return true;
}

static int one_page(struct walk *walk)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	struct s3_ask ask = {.method = "GET"};
	s3_query(&ask, "versions", "");
	s3_query(&ask, "encoding-type", "url");
	s3_query(&ask, "prefix", walk->prefix);
	if (*walk->key_marker)
		s3_query(&ask, "key-marker", walk->key_marker);
	if (*walk->version_marker)
		s3_query(&ask, "version-id-marker", walk->version_marker);
	walk->truncated = walk->done = false;
	int err = s3_call(walk->s3, &ask, &answer, NULL);
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, NULL);
	if (!err && !answer.body)
		err = -EPROTO;
	if (!err)
		err = xml_walk(answer.body, answer.body_len, on_element, walk, NULL);
	return err == -EBADMSG || (!err && !walk->done) ? -EPROTO : err;
}

static int walk_versions(struct walk *walk)
{
	int err = 0;
	for (int pages = 0; !err && pages < PAGES_MAX; pages++) {
		err = one_page(walk);
		if (err || !walk->truncated || walk->stopped)
			break;
		/* It has to get on, or it would not end. */
		if (strcmp(walk->next_key, walk->key_marker) < 0 || !*walk->next_key ||
			(strcmp(walk->next_key, walk->key_marker) == 0 &&
				strcmp(walk->next_version, walk->version_marker) == 0))
			err = -EPROTO;
		snprintf(walk->key_marker, MARKER, "%s", walk->next_key);
		snprintf(walk->version_marker, MARKER, "%s", walk->next_version);
	}
	if (!err)
		tell(walk);
	return err;
}

/* ---- the calls of the view ---- */

struct naming {
	const char *key;
	struct version found;
};

static bool on_named(void *arg, const struct version *version)
{
	struct naming *naming = arg;
	if (strcmp(version->key, naming->key) == 0)
		naming->found = *version;
	return !*naming->found.key;
}

int s3_first_version(struct s3 *s3, const char *key, char version[S3_ETAG])
{
	struct naming naming = {.key = key};
	struct walk walk = {.s3 = s3, .fn = on_named, .arg = &naming};
	snprintf(walk.prefix, sizeof(walk.prefix), "%s", key);
	int err = walk_versions(&walk);
	if (!err && !*naming.found.key)
		err = -ENOENT;
	if (!err)
		snprintf(version, S3_ETAG, "%s", naming.found.id);
	return err;
}

struct listing {
	size_t skip;
	place_list_fn *fn;
	void *arg;
};

static bool on_listed(void *arg, const struct version *version)
{
	const struct listing *listing = arg;
	return listing->fn(listing->arg, version->key + listing->skip, version->size);
}

int s3_list_first(struct s3 *s3, const char *folder, place_list_fn *fn, void *arg)
{
	const char *prefix = s3->with.where.prefix;
	struct listing listing = {*prefix ? strlen(prefix) + 1 : 0, fn, arg};
	struct walk walk = {.s3 = s3, .fn = on_listed, .arg = &listing};
	char name[S3_KEY];
	if (snprintf(name, sizeof(name), "%s/", folder) >= S3_KEY || s3_key(s3, name, walk.prefix))
		return -EINVAL;
	return walk_versions(&walk);
}
