/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that people name, each with keys of one table. */
#include "conf/named.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "conf/document.h"
#include "conf/keys.h"
#include "conf/show.h"
#include "conf/value.h"

enum { SHOWN = 3 * CONF_SHOWN };

struct reading {
	const struct conf_named *named;
	const struct conf_file *file;
	yaml_document_t *document;
	struct conf_errors *errors;
	struct conf_list *list;
	char name[CONF_NAME_MAX + 1]; /* of the entry at hand */
	const yaml_node_t *at;        /* its key */
	bool given[CONF_NAMED_KEYS];
};

static struct conf_schema schema_of(const struct conf_named *named)
{
	return (struct conf_schema){named->keys, named->count};
}

static struct conf_place place_of(const struct reading *reading, const yaml_node_t *node)
{
	return conf_document_place(reading->file->name, node, 0);
}

static const char *text_of(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

static void name_key(const struct reading *reading, const char *key, char shown[SHOWN])
{
	char text[CONF_SHOWN];
	conf_shown(key, strlen(key), text);
	snprintf(shown, SHOWN, "%s.%s%s%s", reading->named->section, reading->name, *key ? "." : "",
		text);
}

static void unknown(struct reading *reading, const yaml_node_t *key)
{
	const struct conf_schema schema = schema_of(reading->named);
	char shown[SHOWN], nearest[CONF_KEY_PATH];
	OWN(str_done) struct str list = {0};
	name_key(reading, text_of(key), shown);
	bool near = conf_schema_nearest(&schema, "", text_of(key), nearest);
	conf_schema_list(&schema, "", &list);
	conf_error(reading->errors, place_of(reading, key), shown,
		near ? "unknown key (did you mean %s?)" : "unknown key: there are %s",
		near ? nearest : str_text(&list));
}

static void read_key(struct reading *reading, void *entry, const yaml_node_pair_t *pair)
{
	const struct conf_schema schema = schema_of(reading->named);
	const yaml_node_t *key = yaml_document_get_node(reading->document, pair->key);
	const yaml_node_t *value = yaml_document_get_node(reading->document, pair->value);
	size_t number = conf_schema_find(&schema, text_of(key));
	char shown[SHOWN];
	struct why why;
	if (number == schema.count) {
		unknown(reading, key);
		return;
	}
	name_key(reading, text_of(key), shown);
	if (reading->given[number]) {
		conf_error(reading->errors, place_of(reading, key), shown, "is set twice");
		return;
	}
	reading->given[number] = true;
	struct conf_text text = {text_of(value), 0, 0};
	if (!*text.text) {
		OWN(str_done) struct str range = {0};
		conf_value_range(&schema.keys[number], &range);
		conf_error(reading->errors, place_of(reading, value), shown,
			"has no value that fits: write %s", str_text(&range));
		return;
	}
	text.len = value->data.scalar.length;
	if (conf_value_read(&schema.keys[number], &text, entry, &why))
		conf_error(reading->errors,
			conf_document_place(reading->file->name, value, text.at), shown, "%s",
			why.text);
}

/* What was not said follows from what was. */
static void complete(struct reading *reading, void *entry)
{
	const struct conf_named *named = reading->named;
	char shown[SHOWN];
	struct why why;
	name_key(reading, "", shown);
	for (size_t i = 0; i < named->count; i++)
		if (!reading->given[i] && !named->keys[i].fallback)
			conf_error(reading->errors, place_of(reading, reading->at), shown,
				"%s is missing: %s", named->keys[i].path, named->keys[i].help);
	if (named->complete && named->complete(entry, reading->given, &why) != 0)
		conf_error(reading->errors, place_of(reading, reading->at), shown, "%s", why.text);
}

static char *entry_at(const struct conf_named *named, const struct conf_list *list, size_t i)
{
	return (char *)list->at + i * named->size;
}

static int add(struct reading *reading, const void *entry)
{
	const struct conf_named *named = reading->named;
	struct conf_list *list = reading->list;
	char shown[SHOWN];
	name_key(reading, "", shown);
	for (size_t i = 0; i < list->len; i++)
		if (strcmp(entry_at(named, list, i), reading->name) == 0) {
			conf_error(reading->errors, place_of(reading, reading->at), shown,
				"there is one of this name already");
			return 0;
		}
	if (list->len == named->max) {
		conf_error(reading->errors, place_of(reading, reading->at), shown,
			"there are more than %zu", named->max);
		return 0;
	}
	void *more = reallocarray(list->at, list->len + 1, named->size);
	if (!more)
		return -ENOMEM;
	list->at = more;
	memcpy(entry_at(named, list, list->len++), entry, named->size);
	return 0;
}

static void set_fallbacks(const struct conf_named *named, void *entry)
{
	for (size_t i = 0; i < named->count; i++) {
		const char *fallback = named->keys[i].fallback;
		if (!fallback || !*fallback)
			continue;
		struct conf_text text = {fallback, strlen(fallback), 0};
		must(conf_value_read(&named->keys[i], &text, entry, NULL) == 0);
	}
}

static int read_keys(struct reading *reading, const yaml_node_t *value, void *entry)
{
	if (value->type != YAML_MAPPING_NODE) {
		const struct conf_schema schema = schema_of(reading->named);
		OWN(str_done) struct str list = {0};
		char shown[SHOWN];
		conf_schema_list(&schema, "", &list);
		name_key(reading, "", shown);
		conf_error(reading->errors, place_of(reading, reading->at), shown,
			"write a section with the keys %s", str_text(&list));
		return 0;
	}
	const yaml_node_pair_t *end = value->data.mapping.pairs.top;
	for (const yaml_node_pair_t *p = value->data.mapping.pairs.start; p < end; p++)
		read_key(reading, entry, p);
	complete(reading, entry);
	return add(reading, entry);
}

static int read_entry(void *arg, const struct conf_section *section, const yaml_node_pair_t *pair)
{
	static const struct conf_key rule = {"", CONF_NAME, 0, 1, CONF_NAME_MAX, NULL, NULL, ""};
	struct reading *reading = arg;
	reading->document = section->document;
	const yaml_node_t *key = yaml_document_get_node(reading->document, pair->key);
	const yaml_node_t *value = yaml_document_get_node(reading->document, pair->value);
	/* Zeros, padding too: equal entries are equal bytes. */
	OWN(own_free) char *entry = calloc(1, reading->named->size);
	struct conf_text name = {text_of(key), 0, 0};
	struct why why;
	if (!entry)
		return -ENOMEM;
	if (key->type == YAML_SCALAR_NODE)
		name.len = key->data.scalar.length;
	if (key->type != YAML_SCALAR_NODE || conf_value_read(&rule, &name, entry, &why)) {
		conf_error(reading->errors, place_of(reading, key), reading->named->section, "%s",
			key->type == YAML_SCALAR_NODE ? why.text : "a name stands here");
		return 0;
	}
	memcpy(reading->name, entry, sizeof(reading->name));
	memset(reading->given, 0, sizeof(reading->given));
	reading->at = key;
	set_fallbacks(reading->named, entry);
	return read_keys(reading, value, entry);
}

int conf_named_read(const struct conf_named *named, const struct conf_file *files, size_t count,
	struct conf_list *ret, struct conf_errors *errors)
{
	struct conf_list list = {0};
	struct reading reading = {.named = named, .errors = errors, .list = &list};
	size_t found_before = errors->count;
	int err = 0;
	must(named->count <= CONF_NAMED_KEYS);
	for (size_t i = 0; !err && i < count && !conf_errors_full(errors); i++) {
		reading.file = &files[i];
		err = conf_document_each(&files[i], named->section, read_entry, &reading, errors);
	}
	if (!err && errors->count > found_before)
		err = -EINVAL;
	if (err)
		free(list.at);
	else
		*ret = list;
	return err;
}

void conf_named_show(const struct conf_named *named, const struct conf_list *list, struct str *text)
{
	if (list->len)
		str_addf(text, "%s:\n", named->section);
	for (size_t e = 0; e < list->len; e++) {
		const char *entry = entry_at(named, list, e);
		str_addf(text, "  %s:\n", entry);
		for (size_t i = 0; i < named->count; i++) {
			OWN(str_done) struct str value = {0};
			conf_value_show(&named->keys[i], entry, &value);
			if (!value.len)
				continue;
			str_addf(text, "    %s: ", named->keys[i].path);
			conf_show_value(&named->keys[i], entry, text);
			str_add(text, "\n");
		}
	}
}

json_t *conf_named_json(const struct conf_named *named, const struct conf_list *list)
{
	json_t *array = json_array();
	for (size_t e = 0; e < list->len; e++) {
		const char *entry = entry_at(named, list, e);
		json_t *one = json_pack("{s:s}", "name", entry);
		for (size_t i = 0; i < named->count; i++)
			json_object_set_new(
				one, named->keys[i].path, conf_json_value(&named->keys[i], entry));
		json_array_append_new(array, one);
	}
	return array;
}

void conf_named_sample(const struct conf_named *named, struct str *text)
{
	str_addf(text, "\n# %s\n#%s:\n  #%s:\n", named->help, named->section, named->example[0]);
	for (size_t i = 0; i < named->count; i++) {
		str_addf(text, "    # %s\n    # (", named->keys[i].help);
		conf_value_range(&named->keys[i], text);
		/* What cannot stand beside the others is told, and is no line to take the sign off.
		 */
		if (named->example[i + 1])
			str_addf(text, ")\n    #%s: %s\n", named->keys[i].path,
				named->example[i + 1]);
		else
			str_addf(text, ")\n    # %s: instead\n", named->keys[i].path);
	}
}
