/* SPDX-License-Identifier: Apache-2.0 */
/* Names: building, parsing, writing, matching. */
#include "series/name.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "base/why.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool word_ok(const char *word, size_t len, bool colon)
{
	if (len == 0 || len > NAME_WORD || is_digit(word[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_letter(word[i]) && !is_digit(word[i]) && !(colon && word[i] == ':'))
			return false;
	return true;
}

static bool value_ok(const char *value, size_t len)
{
	if (len > NAME_VALUE)
		return false;
	for (size_t i = 0, taken; i < len; i += taken) {
		uint32_t code;
		taken = utf8_take(value + i, len - i, &code);
		if (!taken || !(utf8_is_shown(code) || code == '\n'))
			return false;
	}
	return true;
}

static bool keep(struct name *name, const char *bytes, size_t len, struct name_part *ret)
{
	if (len > NAME_BYTES - name->used)
		return false;
	memcpy(name->bytes + name->used, bytes, len);
	*ret = (struct name_part){(uint16_t)name->used, (uint16_t)len};
	name->used += len;
	return true;
}

int name_start(struct name *name, const char *metric, size_t len, struct why *why)
{
	if (!word_ok(metric, len, true))
		return why_set(why, -EINVAL,
			"\"%.*s\" is no metric: at most %d letters, digits, _ and :, no digit "
			"first",
			(int)(len < 64 ? len : 64), metric, NAME_WORD);
	name->used = name->count = 0;
	keep(name, metric, len, &name->metric);
	return 0;
}

static int compare(const struct name *name, struct name_part part, const char *with, size_t len)
{
	size_t least = part.len < len ? part.len : len;
	int order = memcmp(name->bytes + part.at, with, least);
	return order ? order : (part.len > len) - (part.len < len);
}

int name_add(struct name *name, const char *key, size_t key_len, const char *value,
	size_t value_len, struct why *why)
{
	int shown = (int)(key_len < 64 ? key_len : 64);
	if (!word_ok(key, key_len, false))
		return why_set(why, -EINVAL,
			"\"%.*s\" is no label: at most %d letters, digits and _, no digit first",
			shown, key, NAME_WORD);
	if (!value_ok(value, value_len))
		return why_set(why, -EINVAL,
			"label %.*s: its value is not UTF-8 of at most %d bytes without control "
			"characters",
			shown, key, NAME_VALUE);
	size_t at = 0;
	while (at < name->count && compare(name, name->labels[at].key, key, key_len) < 0)
		at++;
	if (at < name->count && compare(name, name->labels[at].key, key, key_len) == 0)
		return why_set(why, -EINVAL, "label %.*s stands twice", shown, key);
	if (value_len == 0)
		return 0;
	if (name->count == NAME_LABELS || key_len + value_len > NAME_BYTES - name->used)
		return why_set(why, -EINVAL,
			"label %.*s is too much: a name has at most %d labels and %d bytes", shown,
			key, NAME_LABELS, NAME_BYTES);
	memmove(name->labels + at + 1, name->labels + at,
		(name->count - at) * sizeof(*name->labels));
	name->count++;
	keep(name, key, key_len, &name->labels[at].key);
	keep(name, value, value_len, &name->labels[at].value);
	return 0;
}

int name_label(struct name *name, const char *key, const char *value, struct why *why)
{
	return name_add(name, key, strlen(key), value, strlen(value), why);
}

/* ---- parsing ---- */

static const char *skip(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

static size_t word_length(const char *at)
{
	size_t len = 0;
	while (is_letter(at[len]) || is_digit(at[len]) || at[len] == ':')
		len++;
	return len;
}

/* A value behind its opening quote; NULL: it does not end, or is too long. */
static const char *take_value(const char *at, char value[NAME_VALUE], size_t *ret_len)
{
	size_t len = 0;
	for (; *at && *at != '"'; at++) {
		char c = *at;
		if (c == '\\') {
			c = *++at;
			if (c == 'n')
				c = '\n';
			else if (c != '"' && c != '\\')
				return NULL;
		}
		if (len == NAME_VALUE)
			return NULL;
		value[len++] = c;
	}
	*ret_len = len;
	return *at ? at + 1 : NULL;
}

static int take_label(const char **at, struct name *name, struct why *why)
{
	char value[NAME_VALUE];
	const char *key = *at;
	size_t key_len = word_length(key), value_len;
	const char *here = skip(key + key_len);
	if (*here != '=')
		return why_set(why, -EINVAL, "label %.*s is followed by no \"=\"",
			(int)(key_len < 64 ? key_len : 64), key);
	here = skip(here + 1);
	if (*here != '"' || !(here = take_value(here + 1, value, &value_len)))
		return why_set(why, -EINVAL,
			"label %.*s: its value is no quoted text of at most %d bytes with \\\" "
			"\\\\ \\n",
			(int)(key_len < 64 ? key_len : 64), key, NAME_VALUE);
	*at = skip(here);
	return name_add(name, key, key_len, value, value_len, why);
}

static int take_labels(const char *at, struct name *name, struct why *why)
{
	at = skip(at);
	while (*at != '}') {
		int err = take_label(&at, name, why);
		if (err)
			return err;
		if (*at != ',' && *at != '}')
			return why_set(
				why, -EINVAL, "labels are parted by \",\" and end with \"}\"");
		if (*at == ',')
			at = skip(at + 1);
	}
	if (*skip(at + 1))
		return why_set(why, -EINVAL, "text behind the labels");
	return 0;
}

int name_parse(const char *text, struct name *ret, struct why *why)
{
	struct name name;
	text = skip(text);
	size_t len = word_length(text);
	int err = name_start(&name, text, len, why);
	if (err)
		return err;
	const char *at = skip(text + len);
	if (*at == '{')
		err = take_labels(at + 1, &name, why);
	else if (*at)
		err = why_set(why, -EINVAL, "text behind the metric %.*s",
			(int)(len < 64 ? len : 64), text);
	if (!err)
		*ret = name;
	return err;
}

/* ---- writing, looking ---- */

static size_t put_part(const struct name *name, struct name_part part, char *text)
{
	memcpy(text, name->bytes + part.at, part.len);
	return part.len;
}

static size_t put_value(const struct name *name, struct name_part part, char *text)
{
	size_t len = 0;
	for (size_t i = 0; i < part.len; i++) {
		char c = name->bytes[part.at + i];
		if (c == '"' || c == '\\' || c == '\n')
			text[len++] = '\\';
		text[len++] = c == '\n' ? 'n' : c;
	}
	return len;
}

size_t name_text(const struct name *name, char text[NAME_TEXT])
{
	size_t len = put_part(name, name->metric, text);
	for (size_t i = 0; i < name->count; i++) {
		text[len++] = i ? ',' : '{';
		len += put_part(name, name->labels[i].key, text + len);
		text[len++] = '=';
		text[len++] = '"';
		len += put_value(name, name->labels[i].value, text + len);
		text[len++] = '"';
	}
	if (name->count)
		text[len++] = '}';
	text[len] = 0;
	return len;
}

const char *name_value(const struct name *name, const char *key, size_t *ret_len)
{
	for (size_t i = 0; i < name->count; i++)
		if (compare(name, name->labels[i].key, key, strlen(key)) == 0) {
			*ret_len = name->labels[i].value.len;
			return name->bytes + name->labels[i].value.at;
		}
	return NULL;
}

bool name_matches(const struct name *name, const struct name *pattern)
{
	if (compare(name, name->metric, pattern->bytes + pattern->metric.at, pattern->metric.len))
		return false;
	for (size_t i = 0, j = 0; i < pattern->count; i++, j++) {
		struct name_part key = pattern->labels[i].key, value = pattern->labels[i].value;
		while (j < name->count &&
			compare(name, name->labels[j].key, pattern->bytes + key.at, key.len) < 0)
			j++;
		if (j == name->count ||
			compare(name, name->labels[j].key, pattern->bytes + key.at, key.len) ||
			compare(name, name->labels[j].value, pattern->bytes + value.at, value.len))
			return false;
	}
	return true;
}
