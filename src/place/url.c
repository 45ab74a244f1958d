/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the names of places. */
#include "place/url.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/str.h"
#include "base/why.h"
#include "place/url_inner.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool url_decode(const char *text, size_t len, char *ret_plain, size_t cap)
{
	size_t out = 0;
	for (size_t i = 0; i < len; i++) {
		int byte = (unsigned char)text[i];
		if (text[i] == '%') {
			int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
			int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			byte = high << 4 | low;
			i += 2;
		}
		if (!byte || out + 1 >= cap)
			return false;
		ret_plain[out++] = (char)byte;
	}
	ret_plain[out] = '\0';
	return true;
}

/* A name like "ab+c:" in front of "//", as RFC 3986 section 3.1 spells schemes. */
static size_t scheme_length(const char *text)
{
	size_t len = strspn(
		text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
	return len && strncmp(text + len, "://", 3) == 0 ? len : 0;
}

static int read_file(const char *rest, struct place_url *url, struct why *why)
{
	url->kind = PLACE_DIR;
	if (rest[0] != '/')
		return why_set(why, -EINVAL,
			"file:// wants a whole path behind it, as in file:///mnt/backup");
	if (!url_decode(rest, strlen(rest), url->path, sizeof(url->path)))
		return why_set(why, -EINVAL, "the path is too long, or has a broken %% escape");
	return 0;
}

int place_url_read(const char *text, struct place_url *ret_url, struct why *why)
{
	struct place_url url = {0};
	size_t scheme = scheme_length(text);
	int err = 0;
	if (!*text)
		return why_set(why, -EINVAL, "a place has a name");
	if (!scheme) {
		size_t len = strlen(text);
		if (len >= sizeof(url.path))
			return why_set(why, -EINVAL, "the path is too long");
		url.kind = PLACE_DIR;
		memcpy(url.path, text, len + 1);
	} else if (str_starts(text, "file://")) {
		err = read_file(text + scheme + 3, &url, why);
	} else if (str_starts(text, "s3://")) {
		url.kind = PLACE_S3;
		err = s3_url_read(text + scheme + 3, &url.s3, why);
	} else {
		return why_set(why, -EINVAL,
			"'%.*s://' is no kind of place; a path, file:// and s3:// are known",
			(int)(scheme < 40 ? scheme : 40), text);
	}
	if (!err)
		*ret_url = url;
	return err;
}
