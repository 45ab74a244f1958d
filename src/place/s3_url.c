/* SPDX-License-Identifier: Apache-2.0 */
/* s3://BUCKET/PREFIX?OPTIONS */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "place/url.h"
#include "place/url_inner.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum { VALUE = 512, STALL_DEFAULT_S = 30 };

static const char default_region[] = "us-east-1";

/* Text of certain characters only, that fits. */
static bool take_word(const char *text, const char *allowed, char *to, size_t cap)
{
	size_t len = strlen(text);
	if (!len || len >= cap || strspn(text, allowed) != len)
		return false;
	memcpy(to, text, len + 1);
	return true;
}

/* Names of buckets: 3 to 63 of small letters, digits, dashes, dots. */
static bool take_bucket(const char *text, size_t len, char bucket[S3_BUCKET])
{
	if (len < 3 || len >= S3_BUCKET || text[0] == '-' || text[0] == '.')
		return false;
	snprintf(bucket, S3_BUCKET, "%.*s", (int)len, text);
	return strspn(bucket, LOWER DIGITS ".-") == len && !strstr(bucket, "..");
}

static bool take_prefix(const char *text, size_t len, char prefix[S3_PREFIX])
{
	while (len && text[0] == '/') {
		text++;
		len--;
	}
	while (len && text[len - 1] == '/')
		len--;
	if (len >= S3_PREFIX)
		return false;
	snprintf(prefix, S3_PREFIX, "%.*s", (int)len, text);
	/* Components that a proxy might fold would be signed for one object and reach another. */
	return strspn(prefix, LOWER UPPER DIGITS "/._-") == len && !strstr(prefix, "//") &&
		!strstr(prefix, "./") && (!len || prefix[len - 1] != '.');
}

/* https://HOST[:PORT][/] */
static int take_endpoint(const char *text, struct s3_url *url, struct why *why)
{
	char host[S3_HOST];
	bool tls = str_starts(text, "https://");
	if (!tls && !str_starts(text, "http://"))
		return why_set(why, -EINVAL,
			"the endpoint is https://HOST[:PORT], or http:// on this machine");
	text += tls ? 8 : 7;
	size_t len = strlen(text);
	if (len && text[len - 1] == '/')
		len--;
	if (len >= sizeof(host))
		return why_set(why, -EINVAL, "the endpoint's name is too long");
	snprintf(host, sizeof(host), "%.*s", (int)len, text);
	if (!take_word(host, LOWER UPPER DIGITS ".-:[]", url->host, sizeof(url->host)))
		return why_set(why, -EINVAL, "the endpoint is https://HOST[:PORT] and no more");
	/* As clients send it: without the port that goes without saying. */
	const char *usual = tls ? ":443" : ":80";
	len = strlen(url->host);
	if (len > strlen(usual) && strcmp(url->host + len - strlen(usual), usual) == 0)
		url->host[len - strlen(usual)] = '\0';
	url->tls = tls;
	return 0;
}

static int take_addressing(const char *text, struct s3_url *url, struct why *why)
{
	url->by_host = strcmp(text, "host") == 0;
	if (!url->by_host && strcmp(text, "path") != 0)
		return why_set(why, -EINVAL, "addressing is path or host");
	return 0;
}

static int take_timeout(const char *text, struct s3_url *url, struct why *why)
{
	int err = units_duration(text, &url->stall_ns, why);
	if (!err && (url->stall_ns < 1000000000 || url->stall_ns > 3600LL * 1000000000))
		err = why_set(why, -EINVAL, "1s to 1h");
	return err ? why_prefix(why, -EINVAL, "timeout") : 0;
}

static int take_option(const char *name, const char *value, struct s3_url *url, struct why *why)
{
	static const char word[] = LOWER UPPER DIGITS "_-.";
	bool ok = true;
	if (strcmp(name, "endpoint") == 0)
		return take_endpoint(value, url, why);
	if (strcmp(name, "addressing") == 0)
		return take_addressing(value, url, why);
	if (strcmp(name, "timeout") == 0)
		return take_timeout(value, url, why);
	if (strcmp(name, "region") == 0)
		ok = take_word(value, word, url->region, S3_WORD);
	else if (strcmp(name, "profile") == 0)
		ok = take_word(value, word, url->profile, S3_WORD);
	else if (strcmp(name, "data-class") == 0)
		ok = take_word(value, word, url->data_class, S3_WORD);
	else if (strcmp(name, "meta-class") == 0)
		ok = take_word(value, word, url->meta_class, S3_WORD);
	else if (strcmp(name, "versions") == 0)
		ok = url->first_versions = strcmp(value, "first") == 0;
	else if (strcmp(name, "cleartext") == 0)
		ok = url->cleartext = strcmp(value, "yes") == 0;
	else
		return why_set(why, -EINVAL,
			"'%.40s' is no option of s3: endpoint, region, addressing, profile, "
			"data-class, meta-class, timeout, versions, cleartext",
			name);
	return ok ? 0 : why_set(why, -EINVAL, "%s: this is no value for it", name);
}

/* name=value&name=value */
static int take_options(const char *text, struct s3_url *url, struct why *why)
{
	char name[32], value[VALUE];
	while (*text) {
		size_t len = strcspn(text, "&");
		const char *equal = memchr(text, '=', len);
		if (!equal || (size_t)(equal - text) >= sizeof(name))
			return why_set(why, -EINVAL, "options are NAME=VALUE, with & between them");
		snprintf(name, sizeof(name), "%.*s", (int)(equal - text), text);
		if (!url_decode(equal + 1, len - (size_t)(equal - text) - 1, value, sizeof(value)))
			return why_set(why, -EINVAL,
				"%s: its value is too long, or has a broken %% escape", name);
		int err = take_option(name, value, url, why);
		if (err)
			return err;
		text += len + (text[len] == '&');
	}
	return 0;
}

int s3_url_read(const char *rest, struct s3_url *url, struct why *why)
{
	size_t path = strcspn(rest, "?"), bucket = strcspn(rest, "/?");
	url->stall_ns = STALL_DEFAULT_S * 1000000000LL;
	if (!take_bucket(rest, bucket, url->bucket))
		return why_set(why, -EINVAL,
			"s3:// wants a bucket: 3 to 63 small letters, digits, dashes and dots");
	if (!take_prefix(rest + bucket, path - bucket, url->prefix))
		return why_set(why, -EINVAL,
			"what follows the bucket may be letters, digits and ._-/, and 256 of them");
	return rest[path] == '?' ? take_options(rest + path + 1, url, why) : 0;
}

/* 127.0.0.1 and its like, by number or name; not 127.0.0.1.example.org. */
static bool is_loopback(const char *host)
{
	size_t len = strcspn(host, ":");
	if (str_starts(host, "[::1]"))
		return true;
	if (len == strlen("localhost") && str_starts(host, "localhost"))
		return true;
	return str_starts(host, "127.") && strspn(host, DIGITS ".") == len;
}

int s3_url_finish(struct s3_url *url, const char *endpoint, const char *region, struct why *why)
{
	int err = 0;
	if (!*url->region)
		snprintf(url->region, sizeof(url->region), "%s",
			region && *region ? region : default_region);
	if (!*url->host && endpoint && *endpoint) {
		err = take_endpoint(endpoint, url, why);
	} else if (!*url->host) {
		snprintf(url->host, sizeof(url->host), "s3.%s.amazonaws.com", url->region);
		url->tls = true;
		/* Certificates of *.s3... do not cover a bucket with dots in its name. */
		url->by_host = !strchr(url->bucket, '.');
	}
	if (err)
		return err;
	if (!url->tls && !url->cleartext && !is_loopback(url->host))
		return why_set(why, -EINVAL,
			"%s: http:// shows requests to everybody on the way; use https://, or add "
			"cleartext=yes",
			url->host);
	return 0;
}
