/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering by the table: one line a key, sections opened where they change. */
#include "conf/show.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "conf/conf.h"
#include "conf/keys.h"
#include "conf/notify.h"
#include "conf/prices.h"
#include "conf/protect.h"
#include "conf/value.h"
#include "conf/watched.h"

enum { VALUE_COLUMN = 36 }; /* where the comment behind a value begins */

/* The path's name without its section; opens the section when it is not that of `before`. */
static const char *open_section(const struct conf_key *key, const struct conf_key *before,
	const char *gap, struct str *text)
{
	const char *dot = strrchr(key->path, '.');
	if (!dot)
		return key->path;
	size_t len = (size_t)(dot - key->path) + 1;
	if (!before || strncmp(before->path, key->path, len) != 0)
		str_addf(text, "%s%.*s:\n", gap, (int)len - 1, key->path);
	return dot + 1;
}

static const char *indent_of(const struct conf_key *key)
{
	return strchr(key->path, '.') ? "  " : "";
}

static bool is_plain(const char *value)
{
	static const char *const taken[] = {"null", "Null", "NULL", "true", "false"};
	for (const char *c = value; *c; c++) {
		bool word = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			(*c >= '0' && *c <= '9');
		if (!word && !strchr("._/-", *c))
			return false;
	}
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(value, taken[i]) == 0)
			return false;
	return *value && *value != '-' && *value != '.';
}

void conf_show_text(const char *value, struct str *text)
{
	if (is_plain(value)) {
		str_add(text, value);
		return;
	}
	/* Control characters never get into a value, so these two are all that needs a \. */
	str_add(text, "\"");
	for (const char *c = value; *c; c++) {
		if (*c == '"' || *c == '\\')
			str_add(text, "\\");
		str_add_bytes(text, c, 1);
	}
	str_add(text, "\"");
}

/* The types with units and words are plain, texts where they can be. */
void conf_show_value(const struct conf_key *key, const void *values, struct str *text)
{
	OWN(str_done) struct str value = {0};
	conf_value_show(key, values, &value);
	if (key->type == CONF_NAME || key->type == CONF_PATH || key->type == CONF_TEXT)
		conf_show_text(str_text(&value), text);
	else
		str_add(text, str_text(&value));
}

static void add_origin(
	const struct conf_origin *origin, const struct conf_file *files, struct str *text)
{
	switch (origin->from) {
	case CONF_FROM_DEFAULT:
		str_add(text, "default");
		break;
	case CONF_FROM_OPTION:
		str_add(text, "--state");
		break;
	case CONF_FROM_FILE:
		/* It stands in a comment: a line break in a file's name must not end that. */
		for (const char *c = files[origin->file].name; *c; c++)
			str_add_bytes(text, (unsigned char)*c < ' ' ? "?" : c, 1);
		str_addf(text, ":%" PRIu32 ":%" PRIu32, origin->line, origin->column);
		break;
	}
}

void conf_show(const struct conf *conf, const struct conf_file *files, struct str *text)
{
	const struct conf_key *before = NULL;
	for (size_t i = 0; i < conf_schema.count; i++) {
		const struct conf_key *key = &conf_schema.keys[i];
		const char *name = open_section(key, before, "", text);
		size_t line = text->len;
		str_addf(text, "%s%s: ", indent_of(key), name);
		conf_show_value(key, conf, text);
		size_t width = text->len - line;
		str_addf(
			text, "%*s # ", width < VALUE_COLUMN ? (int)(VALUE_COLUMN - width) : 0, "");
		add_origin(&conf->from[i], files, text);
		str_add(text, "\n");
		before = key;
	}
}

json_t *conf_json_value(const struct conf_key *key, const void *values)
{
	const char *at = (const char *)values + key->offset;
	if (key->type == CONF_DURATION) {
		int64_t ns;
		memcpy(&ns, at, sizeof(ns));
		return ns % NS_PER_SEC ? json_real((double)ns / (double)NS_PER_SEC)
				       : json_integer(ns / NS_PER_SEC);
	}
	if (key->type == CONF_SIZE || key->type == CONF_NUMBER) {
		json_int_t number;
		memcpy(&number, at, sizeof(number));
		return json_integer(number);
	}
	if (key->type == CONF_BOOL)
		return json_boolean(*at);
	OWN(str_done) struct str value = {0};
	conf_value_show(key, values, &value);
	return json_string(str_text(&value));
}

static json_t *json_of_key(const struct conf_key *key, const struct conf *conf,
	const struct conf_origin *origin, const struct conf_file *files)
{
	static const char *const sources[] = {"default", "option", "file"};
	json_t *entry = json_object();
	json_object_set_new(entry, "value", conf_json_value(key, conf));
	json_object_set_new(entry, "source", json_string(sources[origin->from]));
	if (origin->from == CONF_FROM_FILE) {
		json_object_set_new(entry, "file", json_string(files[origin->file].name));
		json_object_set_new(entry, "line", json_integer(origin->line));
		json_object_set_new(entry, "column", json_integer(origin->column));
	}
	return entry;
}

void conf_show_json(const struct conf *conf, const struct conf_sections *sections,
	const struct conf_file *files, size_t count, struct str *text)
{
	json_t *document = json_object(), *names = json_array(), *keys = json_object();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(names, json_string(files[i].name));
	for (size_t i = 0; i < conf_schema.count; i++) {
		const struct conf_key *key = &conf_schema.keys[i];
		json_object_set_new(keys, key->path, json_of_key(key, conf, &conf->from[i], files));
	}
	json_object_set_new(document, "type", json_string("config"));
	json_object_set_new(document, "files", names);
	json_object_set_new(document, "keys", keys);
	json_object_set_new(document, "protect", conf_protects_json(sections->protects));
	json_object_set_new(document, CONF_PRICES_SECTION, conf_prices_json(sections->prices));
	json_object_set_new(document, CONF_NOTIFY_SECTION, conf_notifies_json(sections->notifies));
	conf_watched_json(sections->watched, document);
	char *dump = json_dumps(document, JSON_COMPACT);
	json_decref(document);
	if (dump)
		str_addf(text, "%s\n", dump);
	else
		text->failed = true;
	free(dump);
}

/* The default as one could write it, a derived one as it follows from the default state folder. */
static void add_fallback(const struct conf_key *key, struct str *text)
{
	if (conf_key_is_derived(key))
		str_addf(text, "%s/%s", conf_schema.keys[CONF_STATE].fallback,
			key->fallback + strlen(CONF_DERIVED));
	else if (key->type == CONF_TEXT)
		str_addf(text, "\"%s\"", key->fallback);
	else
		str_add(text, key->fallback);
}

void conf_sample(struct str *text)
{
	const struct conf_key *before = NULL;
	str_add(text,
		"# /etc/ebb/ebb.yaml: the configuration of ebb. Every key has a default, shown "
		"here behind a\n"
		"# comment sign. Durations and sizes need a unit (15m, 64MiB). More files, ending "
		"in .yaml, may lie\n"
		"# in conf.d/ beside this one; no key may be set twice.\n"
		"# `ebb config check` tells every mistake, `ebb config show` what is in force and "
		"where it came from.\n");
	for (size_t i = 0; i < conf_schema.count; i++) {
		const struct conf_key *key = &conf_schema.keys[i];
		const char *indent = indent_of(key);
		size_t here = text->len;
		const char *name = open_section(key, before, "\n", text);
		if (text->len == here)
			str_add(text, "\n"); /* no section was opened: a gap of its own */
		str_addf(text, "%s# %s\n%s# (", indent, key->help, indent);
		conf_value_range(key, text);
		str_addf(text, ")\n%s#%s: ", indent, name);
		add_fallback(key, text);
		str_add(text, "\n");
		before = key;
	}
	conf_protects_sample(text);
	conf_notifies_sample(text);
	conf_prices_sample(text);
	conf_watched_sample(text);
}
