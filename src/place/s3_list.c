/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listing a bucket page by page, and not believing every page: it has as many keys as it says, keys
 * come in order and behind those of the page before, and a page that is not the last names the
 * next. So a list that repeats, or breaks off in the middle, is an error and no shorter list.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/vec.h"
#include "base/why.h"
#include "os/clock.h"
#include "place/s3_inner.h"
#include "place/s3_time.h"
#include "place/url_inner.h"
#include "place/xml.h"

enum { TOKEN = 2048, PAGE_TRIES = 4, PAGES_MAX = 1 << 20 };

struct key {
	char text[S3_KEY];
	uint64_t size;
	int64_t modified_ns;
};

struct page {
	VEC(struct key) keys;
	struct key key; /* being read */
	bool truncated, done, no_memory;
	int64_t count; /* as the page tells; -1: it does not */
	char next[TOKEN];
};

static void page_done(struct page *page)
{
	vec_done(&page->keys);
}

static bool end_key(struct page *page)
{
	bool ok = *page->key.text;
	page->no_memory = ok && vec_push(&page->keys, page->key);
	page->key = (struct key){0};
	return ok && !page->no_memory;
}

static bool read_size(const char *text, uint64_t *ret_size)
{
	char *end;
	errno = 0;
	*ret_size = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !errno && !*end;
}

static bool on_element(void *arg, const char *path, const char *text)
{
	static const char root[] = "ListBucketResult";
	struct page *page = arg;
	if (strncmp(path, root, sizeof(root) - 1) != 0)
		return false;
	path += sizeof(root) - 1;
	page->done = !*path;
	if (strcmp(path, "/Contents") == 0)
		return end_key(page);
	if (strcmp(path, "/Contents/Key") == 0)
		return url_decode(text, strlen(text), page->key.text, S3_KEY);
	if (strcmp(path, "/Contents/Size") == 0)
		return read_size(text, &page->key.size);
	if (strcmp(path, "/Contents/LastModified") == 0)
		return s3_read_time(text, &page->key.modified_ns);
	if (strcmp(path, "/IsTruncated") == 0)
		page->truncated = strcmp(text, "true") == 0;
	else if (strcmp(path, "/KeyCount") == 0)
		page->count = strtol(text, NULL, 10);
	else if (strcmp(path, "/NextContinuationToken") == 0)
		return snprintf(page->next, TOKEN, "%s", text) < TOKEN;
	return true;
}

/* `last`: the greatest key so far. */
static int check_page(const struct page *page, const char *last, struct why *why)
{
	if (page->count >= 0 && (size_t)page->count != page->keys.len)
		return why_set(why, -EPROTO, "a list tells of %lld keys and has %zu",
			(long long)page->count, page->keys.len);
	vec_each (key, &page->keys) {
		if (strcmp(key->text, last) <= 0)
			return why_set(why, -EPROTO, "a list is out of order or repeats itself");
		last = key->text;
	}
	if (page->truncated && (!*page->next || !page->keys.len))
		return why_set(why, -EPROTO, "a list breaks off without saying how to go on");
	return 0;
}

struct walk {
	struct s3 *s3;
	char prefix[S3_KEY], token[TOKEN], last[S3_KEY];
	s3_list_fn *fn;
	void *arg;
	bool stopped;
};

static int ask_page(struct walk *walk, struct page *page, int64_t *ret_now, struct why *why)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	char date[64];
	struct s3_ask ask = {.method = "GET"};
	s3_query(&ask, "list-type", "2");
	s3_query(&ask, "encoding-type", "url");
	s3_query(&ask, "prefix", walk->prefix);
	if (*walk->token)
		s3_query(&ask, "continuation-token", walk->token);
	int err = s3_call(walk->s3, &ask, &answer, why);
	if (!err && answer.status != 200)
		err = s3_refusal(&answer, why);
	if (err)
		return err;
	page->count = -1;
	err = answer.body ? xml_walk(answer.body, answer.body_len, on_element, page, why)
			  : why_set(why, -EBADMSG, "the answer is empty");
	if (page->no_memory)
		return -ENOMEM;
	if (!err && !page->done)
		err = why_set(why, -EBADMSG, "the answer is no list");
	if (!err)
		err = check_page(page, walk->last, why);
	if (!http_answer_header(&answer, "Date", date, sizeof(date)) ||
		!s3_read_date(date, ret_now))
		*ret_now = clock_wall_ns(walk->s3->with.clock);
	return err == -EBADMSG ? -EPROTO : err;
}

static void tell(struct walk *walk, const struct page *page, int64_t now_ns)
{
	const char *prefix = walk->s3->with.where.prefix;
	size_t skip = *prefix ? strlen(prefix) + 1 : 0;
	vec_each (key, &page->keys) {
		struct s3_listed listed = {key->text + skip, key->size, key->modified_ns, now_ns};
		bool ours = strncmp(key->text, walk->prefix, strlen(walk->prefix)) == 0;
		if (ours && !walk->stopped)
			walk->stopped = !walk->fn(walk->arg, &listed);
	}
}

/* *ret_more: another page follows. */
static int one_page(struct walk *walk, bool *ret_more, struct why *why)
{
	int err = -EPROTO;
	for (int tries = 0; err == -EPROTO && tries < PAGE_TRIES; tries++) {
		OWN(page_done) struct page page = {0};
		int64_t now_ns = 0;
		err = ask_page(walk, &page, &now_ns, why);
		if (err)
			continue;
		tell(walk, &page, now_ns);
		if (page.keys.len)
			snprintf(walk->last, S3_KEY, "%s", page.keys.at[page.keys.len - 1].text);
		snprintf(walk->token, TOKEN, "%s", page.next);
		*ret_more = page.truncated && !walk->stopped;
	}
	return err;
}

int s3_list(struct s3 *s3, const char *folder, s3_list_fn *fn, void *arg, struct why *why)
{
	struct walk walk = {.s3 = s3, .fn = fn, .arg = arg};
	char name[S3_KEY];
	bool more = true;
	if (snprintf(name, sizeof(name), "%s/", folder) >= S3_KEY || s3_key(s3, name, walk.prefix))
		return -EINVAL;
	int err = 0;
	for (int pages = 0; !err && more; pages++) {
		err = pages < PAGES_MAX ? one_page(&walk, &more, why)
					: why_set(why, -EPROTO, "a list that does not end");
	}
	return err ? why_prefix(why, err, "listing %s", folder) : 0;
}
