/* SPDX-License-Identifier: Apache-2.0 */
/* The target is split first and decoded then: an encoded separator never separates. */
#include "web/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "base/utf8.h"
#include "base/why.h"

struct reading {
	struct request *request;
	size_t used; /* of request->text */
};

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_text(const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t code;
		size_t bytes = utf8_take(text + at, len - at, &code);
		if (!bytes || !utf8_is_shown(code))
			return false;
		at += bytes;
	}
	return true;
}

/* Room is there: what is decoded is never longer, and the target is shorter than the text. */
static int decode(
	struct reading *reading, const char *from, size_t len, const char **ret, struct why *why)
{
	char *to = reading->request->text + reading->used;
	size_t count = 0;
	for (size_t i = 0; i < len; i++) {
		int high, low;
		if (from[i] != '%') {
			to[count++] = from[i];
			continue;
		}
		if (len - i < 3 || (high = hex(from[i + 1])) < 0 || (low = hex(from[i + 2])) < 0)
			return why_set(why, -EINVAL, "a %% stands before two hex digits");
		to[count++] = (char)(high << 4 | low);
		i += 2;
	}
	if (!is_text(to, count))
		return why_set(why, -EINVAL,
			"the path and its parameters are UTF-8 that can be "
			"shown, without control characters");
	to[count] = '\0';
	reading->used += count + 1;
	*ret = to;
	return 0;
}

static int read_path(struct reading *reading, const char *path, size_t len, struct why *why)
{
	struct request *request = reading->request;
	if (len == 1)
		return 0;
	for (size_t at = 1; at <= len;) {
		const char *slash = memchr(path + at, '/', len - at);
		size_t part = slash ? (size_t)(slash - path) - at : len - at;
		const char *segment;
		if (request->segment_count == REQUEST_SEGMENTS)
			return why_set(why, -EINVAL, "no path has so many parts");
		int err = decode(reading, path + at, part, &segment, why);
		if (err)
			return err;
		if (!*segment || strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
			return why_set(why, -EINVAL, "a part of the path is empty, . or ..");
		request->segments[request->segment_count++] = segment;
		at += part + 1;
	}
	return 0;
}

static int read_param(struct reading *reading, const char *text, size_t len, struct why *why)
{
	struct request *request = reading->request;
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;
	size_t value_at = equals ? name_len + 1 : len;
	struct request_param param;
	if (request->param_count == REQUEST_PARAMS)
		return why_set(why, -EINVAL, "at most %d parameters", REQUEST_PARAMS);
	int err = decode(reading, text, name_len, &param.name, why);
	if (!err)
		err = decode(reading, text + value_at, len - value_at, &param.value, why);
	if (err)
		return err;
	if (!*param.name)
		return why_set(why, -EINVAL, "a parameter has no name");
	if (request_param(request, param.name))
		return why_set(why, -EINVAL, "the parameter %.64s is given twice", param.name);
	request->params[request->param_count++] = param;
	return 0;
}

static int read_params(struct reading *reading, const char *text, struct why *why)
{
	while (*text) {
		size_t len = strcspn(text, "&");
		int err = len ? read_param(reading, text, len, why) : 0;
		if (err)
			return err;
		text += len + (text[len] == '&');
	}
	return 0;
}

static enum request_method method_of(const char *text)
{
	if (strcmp(text, "GET") == 0)
		return METHOD_GET;
	if (strcmp(text, "HEAD") == 0)
		return METHOD_HEAD;
	return strcmp(text, "POST") == 0 ? METHOD_POST : METHOD_OTHER;
}

int request_read(
	const char *method, const char *target, struct request *ret_request, struct why *why)
{
	struct reading reading = {.request = ret_request};
	size_t path_len = strcspn(target, "?");
	ret_request->method = method_of(method);
	ret_request->segment_count = ret_request->param_count = 0;
	ret_request->gzip = false;
	ret_request->if_none_match = NULL;
	if (strlen(target) >= REQUEST_MAX)
		return why_set(why, -E2BIG, "a path and its parameters have at most %d bytes",
			REQUEST_MAX - 1);
	if (target[0] != '/' || strchr(target, '#'))
		return why_set(why, -EINVAL, "the target of a request begins with / and has no #");
	int err = read_path(&reading, target, path_len, why);
	if (!err && target[path_len])
		err = read_params(&reading, target + path_len + 1, why);
	return err;
}

const char *request_param(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->param_count; i++)
		if (strcmp(request->params[i].name, name) == 0)
			return request->params[i].value;
	return NULL;
}

int request_duration(const struct request *request, const char *name, int64_t least, int64_t most,
	int64_t *value_s, struct why *why)
{
	const char *text = request_param(request, name);
	char from[UNITS_TEXT], to[UNITS_TEXT];
	int64_t ns;
	if (!text)
		return 0;
	if (units_duration(text, &ns, why) != 0)
		return why_prefix(why, -EINVAL, "%s", name);
	if (ns < least * NS_PER_SEC || ns > most * NS_PER_SEC)
		return why_set(why, -EINVAL, "%s: from %s to %s", name,
			units_show_duration(least * NS_PER_SEC, from),
			units_show_duration(most * NS_PER_SEC, to));
	*value_s = ns / NS_PER_SEC;
	return 0;
}

int request_number(const struct request *request, const char *name, int64_t most, int64_t *value,
	struct why *why)
{
	const char *text = request_param(request, name);
	if (!text)
		return 0;
	size_t len = strspn(text, "0123456789");
	long long number = len && len < 19 && !text[len] ? strtoll(text, NULL, 10) : -1;
	if (number < 0 || number > most)
		return why_set(why, -EINVAL, "%s: a number from 0 to %" PRId64, name, most);
	*value = number;
	return 0;
}
