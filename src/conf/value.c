/* SPDX-License-Identifier: Apache-2.0 */
/* One getter a type; each refuses what it does not wholly understand, and says what to write. */
#include "conf/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/utf8.h"
#include "base/why.h"
#include "conf/errors.h"
#include "conf/keys.h"

/* What a getter works on. */
struct reading {
	const struct conf_key *key;
	const char *text;
	size_t len;
	void *at;
	char shown[CONF_SHOWN];
};

static int refuse_range(const struct reading *r, struct why *why)
{
	OWN(str_done) struct str range = {0};
	conf_value_range(r->key, &range);
	return why_set(why, -EINVAL, "'%s' is out of range: write %s", r->shown, str_text(&range));
}

static int read_length(const struct reading *r, struct why *why)
{
	int64_t len = (int64_t)r->len;
	if (len < r->key->min || len > r->key->max)
		return why_set(why, -EINVAL,
			"'%s' is %" PRId64 " bytes long: %" PRId64 " to %" PRId64 " are allowed",
			r->shown, len, r->key->min, r->key->max);
	return 0;
}

static void keep_text(const struct reading *r, size_t len)
{
	/* All of the place: equal values are equal bytes. */
	memset(r->at, 0, (size_t)r->key->max + 1);
	memcpy(r->at, r->text, len);
}

static int read_name(const struct reading *r, struct why *why)
{
	int err = read_length(r, why);
	if (err)
		return err;
	for (size_t i = 0; i < r->len; i++) {
		char c = r->text[i];
		bool first = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9');
		if (!first && (i == 0 || !strchr("._-", c)))
			return why_set(why, -EINVAL,
				"'%s' is not a name: letters, digits and . _ - make one, and a "
				"letter or digit begins it",
				r->shown);
	}
	keep_text(r, r->len);
	return 0;
}

static int check_shown(const struct reading *r, struct why *why)
{
	uint32_t code;
	for (size_t at = 0, size; at < r->len; at += size) {
		size = utf8_take(r->text + at, r->len - at, &code);
		if (!size || !utf8_is_shown(code))
			return why_set(why, -EINVAL,
				"'%s' holds what no line can show: a control character, or bytes "
				"that are not UTF-8",
				r->shown);
	}
	return 0;
}

static int read_text(const struct reading *r, size_t *ret_at, struct why *why)
{
	int err = read_length(r, why);
	if (!err)
		err = check_shown(r, why);
	if (!err && r->key->form)
		err = r->key->form->check(r->text, ret_at, why);
	if (!err)
		keep_text(r, r->len);
	return err;
}

static int read_path(const struct reading *r, struct why *why)
{
	size_t len = r->len;
	if (len && r->text[0] == '~')
		return why_set(
			why, -EINVAL, "'%s': ~ is not expanded, write the whole path", r->shown);
	if (!len || r->text[0] != '/')
		return why_set(
			why, -EINVAL, "'%s' is not an absolute path: begin it with /", r->shown);
	int err = check_shown(r, why);
	if (err)
		return err;
	while (len > 1 && r->text[len - 1] == '/')
		len--;
	if (len == 1)
		return why_set(why, -EINVAL, "'/' is the root folder: name one beneath it");
	struct reading trimmed = *r;
	trimmed.len = len;
	err = read_length(&trimmed, why);
	if (!err)
		keep_text(r, len);
	return err;
}

static int read_word(const struct reading *r, struct why *why)
{
	size_t count = 0;
	for (; r->key->words[count]; count++) {
		if (strcmp(r->key->words[count], r->text) == 0) {
			int number = (int)count;
			memcpy(r->at, &number, sizeof(number));
			return 0;
		}
	}
	OWN(str_done) struct str range = {0};
	conf_value_range(r->key, &range);
	char small[CONF_SHOWN]; /* all words are */
	for (size_t i = 0; i < sizeof(small); i++)
		small[i] = (char)tolower((unsigned char)r->shown[i]);
	const char *nearest = str_nearest(small, r->key->words, count);
	return why_set(why, -EINVAL, "'%s' is not %s%s%s%s", r->shown, str_text(&range),
		nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
}

static int read_duration(const struct reading *r, struct why *why)
{
	int64_t ns;
	/* As shown: its messages quote what they get, and none that is cut or escaped is one. */
	int err = units_duration(r->shown, &ns, why);
	if (err)
		return -EINVAL;
	if (ns < r->key->min || ns > r->key->max)
		return refuse_range(r, why);
	memcpy(r->at, &ns, sizeof(ns));
	return 0;
}

static int read_size(const struct reading *r, struct why *why)
{
	uint64_t bytes;
	int err = units_size(r->shown, &bytes, why);
	if (err)
		return -EINVAL;
	if (bytes < (uint64_t)r->key->min || bytes > (uint64_t)r->key->max)
		return refuse_range(r, why);
	memcpy(r->at, &bytes, sizeof(bytes));
	return 0;
}

static int read_number(const struct reading *r, struct why *why)
{
	const char *at = r->text;
	bool minus = *at == '-', fits = true;
	int64_t number = 0;
	at += minus;
	if (!isdigit((unsigned char)*at))
		return why_set(why, -EINVAL, "'%s' is not a whole number", r->shown);
	for (; isdigit((unsigned char)*at); at++) {
		int digit = minus ? '0' - *at : *at - '0';
		fits = fits && mul_fits(number, 10, &number) && add_fits(number, digit, &number);
	}
	if (*at)
		return why_set(why, -EINVAL, "'%s' is not a whole number", r->shown);
	if (!fits || number < r->key->min || number > r->key->max)
		return refuse_range(r, why);
	memcpy(r->at, &number, sizeof(number));
	return 0;
}

static int read_bool(const struct reading *r, struct why *why)
{
	bool yes = strcmp(r->text, "true") == 0;
	if (!yes && strcmp(r->text, "false") != 0)
		return why_set(why, -EINVAL, "'%s' is not true or false", r->shown);
	memcpy(r->at, &yes, sizeof(yes));
	return 0;
}

int conf_value_read(
	const struct conf_key *key, struct conf_text *from, void *values, struct why *why)
{
	const char *text = from->text;
	size_t len = from->len;
	struct reading r = {key, text, len, (char *)values + key->offset, ""};
	conf_shown(text, len, r.shown);
	if (memchr(text, '\0', len))
		return why_set(why, -EINVAL, "'%s' holds a NUL", r.shown);
	switch (key->type) {
	case CONF_NAME:
		return read_name(&r, why);
	case CONF_PATH:
		return read_path(&r, why);
	case CONF_TEXT:
		return read_text(&r, &from->at, why);
	case CONF_WORD:
		return read_word(&r, why);
	case CONF_DURATION:
		return read_duration(&r, why);
	case CONF_SIZE:
		return read_size(&r, why);
	case CONF_NUMBER:
		return read_number(&r, why);
	case CONF_BOOL:
		return read_bool(&r, why);
	}
	return why_set(why, -EINVAL, "is of no known type");
}

void conf_value_show(const struct conf_key *key, const void *values, struct str *text)
{
	const char *at = (const char *)values + key->offset;
	char shown[UNITS_TEXT];
	int word;
	int64_t number;
	uint64_t bytes;
	bool yes;
	switch (key->type) {
	case CONF_NAME:
	case CONF_PATH:
	case CONF_TEXT:
		str_add(text, at);
		break;
	case CONF_WORD:
		memcpy(&word, at, sizeof(word));
		str_add(text, key->words[word]);
		break;
	case CONF_DURATION:
		memcpy(&number, at, sizeof(number));
		str_add(text, units_show_duration(number, shown));
		break;
	case CONF_SIZE:
		memcpy(&bytes, at, sizeof(bytes));
		str_add(text, units_show_size(bytes, shown));
		break;
	case CONF_NUMBER:
		memcpy(&number, at, sizeof(number));
		str_addf(text, "%" PRId64, number);
		break;
	case CONF_BOOL:
		memcpy(&yes, at, sizeof(yes));
		str_add(text, yes ? "true" : "false");
		break;
	}
}

void conf_value_range(const struct conf_key *key, struct str *text)
{
	char min[UNITS_TEXT], max[UNITS_TEXT];
	switch (key->type) {
	case CONF_NAME:
		str_addf(text, "a name of %" PRId64 " to %" PRId64 " letters, digits and . _ -",
			key->min, key->max);
		break;
	case CONF_PATH:
		str_addf(text, "an absolute path of at most %" PRId64 " bytes", key->max);
		break;
	case CONF_TEXT:
		if (key->form)
			str_add(text, key->form->what);
		else
			str_addf(text, "a text of %" PRId64 " to %" PRId64 " bytes", key->min,
				key->max);
		break;
	case CONF_WORD:
		str_add(text, "one of ");
		for (size_t i = 0; key->words[i]; i++)
			str_addf(text, "%s%s", i ? ", " : "", key->words[i]);
		break;
	case CONF_DURATION:
		str_addf(text, "a duration from %s to %s", units_show_duration(key->min, min),
			units_show_duration(key->max, max));
		break;
	case CONF_SIZE:
		str_addf(text, "a size from %s to %s", units_show_size((uint64_t)key->min, min),
			units_show_size((uint64_t)key->max, max));
		break;
	case CONF_NUMBER:
		str_addf(text, "a whole number from %" PRId64 " to %" PRId64, key->min, key->max);
		break;
	case CONF_BOOL:
		str_add(text, "true or false");
		break;
	}
}
