/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that people name, each with keys of one table. */
#include "conf/protect.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "conf/document.h"
#include "conf/keys.h"
#include "conf/show.h"
#include "conf/value.h"

#define AT(member) offsetof(struct conf_protect, member)

enum { KEY_PATH, KEY_TO, KEY_KEY, KEY_RPO, KEY_BEST, KEY_IMPACT, KEY_DISK, KEYS };

/* A key without a default must be there. */
static const struct conf_key keys[KEYS] = {
	[KEY_PATH] = {"path", CONF_TEXT, AT(path), 1, CONF_PATH_MAX, NULL, NULL,
		"the folder, file or block device that is saved"},
	[KEY_TO] = {"to", CONF_TEXT, AT(to), 1, CONF_PATH_MAX, NULL, NULL,
		"the repository: a folder, or s3://BUCKET/PREFIX"},
	[KEY_KEY] = {"key_file", CONF_PATH, AT(key_file), 2, CONF_PATH_MAX, NULL, "",
		"the file with its key"},
	[KEY_RPO] = {"rpo", CONF_DURATION, AT(rpo_ns), NS_PER_MIN, 366 * NS_PER_DAY, NULL, NULL,
		"the newest point is never older than this"},
	[KEY_BEST] = {"best_rpo", CONF_DURATION, AT(best_rpo_ns), 10 * NS_PER_SEC, 366 * NS_PER_DAY,
		NULL, "", "points come this often when they disturb nobody; rpo / 24 unless set"},
	[KEY_IMPACT] = {"impact_percent", CONF_NUMBER, AT(impact_percent), 1, 1000, NULL, "10",
		"by how much the requests of others may wait longer"},
	[KEY_DISK] = {"disk", CONF_NAME, AT(disk), 1, CONF_DISK_MAX, NULL, "auto",
		"the disk whose load counts; auto: whichever is busiest"},
};

static const struct conf_schema schema = {keys, KEYS};

enum { BEST_PARTS = 24 };

struct reading {
	const struct conf_section *section; /* that is being read */
	struct conf_errors *errors;
	struct conf_protects *protects;
};

static struct conf_place place_of(const struct reading *reading, const yaml_node_t *node)
{
	return conf_node_place(reading->section, node);
}

static void name_key(const struct conf_protect *entry, const char *key, char shown[2 * CONF_SHOWN])
{
	char text[CONF_SHOWN];
	conf_shown(key, strlen(key), text);
	snprintf(shown, 2 * CONF_SHOWN, "protect.%s%s%s", entry->name, *key ? "." : "", text);
}

static void read_key(struct reading *reading, struct conf_protect *entry,
	const yaml_node_pair_t *pair, bool given[KEYS])
{
	const yaml_node_t *key = yaml_document_get_node(reading->section->document, pair->key);
	const yaml_node_t *value = yaml_document_get_node(reading->section->document, pair->value);
	char shown[2 * CONF_SHOWN], nearest[CONF_KEY_PATH];
	OWN(str_done) struct str range = {0};
	struct why why;
	size_t number = conf_schema_find(&schema, conf_node_text(key));
	name_key(entry, conf_node_text(key), shown);
	if (number == KEYS) {
		bool near = conf_schema_nearest(&schema, "", conf_node_text(key), nearest);
		if (!near)
			conf_schema_list(&schema, "", &range);
		conf_error(reading->errors, place_of(reading, key), shown,
			near ? "unknown key (did you mean %s?)" : "unknown key: there are %s",
			near ? nearest : str_text(&range));
		return;
	}
	if (given[number]) {
		conf_error(reading->errors, place_of(reading, key), shown, "is set twice");
		return;
	}
	given[number] = true;
	conf_value_range(&keys[number], &range);
	if (value->type != YAML_SCALAR_NODE || !*conf_node_text(value))
		conf_error(reading->errors, place_of(reading, value), shown,
			"has no value that fits: write %s", str_text(&range));
	else if (conf_value_read(&keys[number],
			 &(struct conf_text){conf_node_text(value), value->data.scalar.length},
			 entry, &why))
		conf_error(reading->errors, place_of(reading, value), shown, "%s", why.text);
}

/* What was not said follows from what was. */
static void complete(struct reading *reading, struct conf_protect *entry, const yaml_node_t *at,
	const bool given[KEYS])
{
	char shown[2 * CONF_SHOWN];
	name_key(entry, "", shown);
	for (size_t i = 0; i < KEYS; i++)
		if (!given[i] && !keys[i].fallback)
			conf_error(reading->errors, place_of(reading, at), shown,
				"%s is missing: %s", keys[i].path, keys[i].help);
	if (given[KEY_PATH] && *entry->path && *entry->path != '/')
		conf_error(reading->errors, place_of(reading, at), shown,
			"path is '%.200s', which is not absolute: begin it with /", entry->path);
	if (!given[KEY_BEST])
		entry->best_rpo_ns = entry->rpo_ns / BEST_PARTS;
	else if (given[KEY_RPO] && entry->best_rpo_ns > entry->rpo_ns)
		conf_error(reading->errors, place_of(reading, at), shown,
			"best_rpo is longer than rpo: it is how often points come at best");
}

static int add(struct reading *reading, const struct conf_protect *entry, const yaml_node_t *at)
{
	char shown[2 * CONF_SHOWN];
	name_key(entry, "", shown);
	vec_each (other, &reading->protects->list)
		if (strcmp(other->name, entry->name) == 0) {
			conf_error(reading->errors, place_of(reading, at), shown,
				"there is one of this name already");
			return 0;
		}
	if (reading->protects->list.len == CONF_PROTECTED_MAX) {
		conf_error(reading->errors, place_of(reading, at), shown, "there are more than %d",
			CONF_PROTECTED_MAX);
		return 0;
	}
	return vec_push(&reading->protects->list, *entry);
}

static int read_entry(void *arg, const struct conf_section *section, const yaml_node_pair_t *pair)
{
	struct reading *reading = arg;
	static const struct conf_key name_rule = {
		"", CONF_NAME, AT(name), 1, CONF_NAME_MAX, NULL, NULL, ""};
	const yaml_node_t *key = yaml_document_get_node(section->document, pair->key);
	const yaml_node_t *value = yaml_document_get_node(section->document, pair->value);
	struct conf_protect entry;
	bool given[KEYS] = {false};
	struct why why;
	reading->section = section;
	memset(&entry, 0, sizeof(entry)); /* padding too: equal entries are equal bytes */
	if (key->type != YAML_SCALAR_NODE ||
		conf_value_read(&name_rule,
			&(struct conf_text){conf_node_text(key), key->data.scalar.length}, &entry,
			&why)) {
		conf_error(reading->errors, place_of(reading, key), "protect", "%s",
			key->type == YAML_SCALAR_NODE ? why.text : "a name stands here");
		return 0;
	}
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].fallback && *keys[i].fallback)
			conf_value_read(&keys[i],
				&(struct conf_text){keys[i].fallback, strlen(keys[i].fallback)},
				&entry, NULL);
	if (value->type != YAML_MAPPING_NODE) {
		OWN(str_done) struct str list = {0};
		char shown[2 * CONF_SHOWN];
		conf_schema_list(&schema, "", &list);
		name_key(&entry, "", shown);
		conf_error(reading->errors, place_of(reading, key), shown,
			"write a section with the keys %s", str_text(&list));
		return 0;
	}
	const yaml_node_pair_t *end = value->data.mapping.pairs.top;
	for (const yaml_node_pair_t *p = value->data.mapping.pairs.start; p < end; p++)
		read_key(reading, &entry, p, given);
	complete(reading, &entry, key, given);
	return add(reading, &entry, key);
}

int conf_protects_read(const struct conf_file *files, size_t count, struct conf_protects *ret,
	struct conf_errors *errors)
{
	OWN(conf_protects_done) struct conf_protects protects = {0};
	struct reading reading = {.errors = errors, .protects = &protects};
	size_t found_before = errors->count;
	int err = 0;
	for (size_t i = 0; !err && i < count && !conf_errors_full(errors); i++)
		err = conf_document_each(
			&files[i], CONF_NAMED_SECTION, read_entry, &reading, errors);
	if (!err && errors->count > found_before)
		err = -EINVAL;
	if (!err) {
		*ret = protects;
		protects = (struct conf_protects){0};
	}
	return err;
}

void conf_protects_done(struct conf_protects *protects)
{
	vec_done(&protects->list);
}

void conf_protects_show(const struct conf_protects *protects, struct str *text)
{
	if (protects->list.len)
		str_add(text, "protect:\n");
	vec_each (entry, &protects->list) {
		str_addf(text, "  %s:\n", entry->name);
		for (size_t i = 0; i < KEYS; i++) {
			OWN(str_done) struct str value = {0};
			conf_value_show(&keys[i], entry, &value);
			if (!value.len)
				continue;
			str_addf(text, "    %s: ", keys[i].path);
			conf_show_value(&keys[i], entry, text);
			str_add(text, "\n");
		}
	}
}

json_t *conf_protects_json(const struct conf_protects *protects)
{
	json_t *list = json_array();
	vec_each (entry, &protects->list) {
		json_t *one = json_pack("{s:s}", "name", entry->name);
		for (size_t i = 0; i < KEYS; i++)
			json_object_set_new(one, keys[i].path, conf_json_value(&keys[i], entry));
		json_array_append_new(list, one);
	}
	return list;
}

void conf_protects_sample(struct str *text)
{
	static const char *const shown[KEYS] = {[KEY_PATH] = "/home",
		[KEY_TO] = "/mnt/backup/ebb",
		[KEY_KEY] = "/etc/ebb/home.key",
		[KEY_RPO] = "24h",
		[KEY_BEST] = "1h",
		[KEY_IMPACT] = "10",
		[KEY_DISK] = "auto"};
	str_add(text,
		"\n# What is protected, each under a name of your choice.\n#protect:\n  #home:\n");
	for (size_t i = 0; i < KEYS; i++) {
		str_addf(text, "    # %s\n    # (", keys[i].help);
		conf_value_range(&keys[i], text);
		str_addf(text, ")\n    #%s: %s\n", keys[i].path, shown[i]);
	}
}
