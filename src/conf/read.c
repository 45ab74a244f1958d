/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk: sections are followed as far as the schema knows them, so its depth is the schema's and
 * not the file's.
 */
#include "conf/read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/document.h"
#include "conf/keys.h"
#include "conf/notify.h"
#include "conf/value.h"
#include "conf/watched.h"

struct walk {
	const struct conf_schema *schema;
	const struct conf_file *files;
	uint32_t file; /* the one that is being read */
	yaml_document_t *document;
	void *values;
	struct conf_origin *from;
	struct conf_errors *errors;
};

/* A key of the file with its value, in a section. */
struct pair {
	const char *prefix; /* "" at the top */
	const yaml_node_t *key, *value;
	const char *name; /* the key's text */
	char path[CONF_KEY_PATH];
	char shown[CONF_SHOWN]; /* the path, whatever its length and characters */
};

static void walk_section(struct walk *walk, const yaml_node_t *map, const char *prefix);

static struct conf_place place_of(const struct walk *walk, const yaml_node_t *node)
{
	return (struct conf_place){walk->files[walk->file].name,
		(uint32_t)node->start_mark.line + 1, (uint32_t)node->start_mark.column + 1};
}

static const char *kind_of(const yaml_node_t *node)
{
	return node->type == YAML_SEQUENCE_NODE   ? "a list"
		: node->type == YAML_MAPPING_NODE ? "a section"
						  : "a value";
}

static bool is_null(const yaml_node_t *node)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		if (strcmp((const char *)node->data.scalar.value, nulls[i]) == 0)
			return true;
	return false;
}

static void unknown_key(struct walk *walk, const struct pair *pair)
{
	struct conf_place place = place_of(walk, pair->key);
	char nearest[CONF_KEY_PATH];
	const char *dot = strchr(pair->name, '.');
	if (dot && conf_schema_find(walk->schema, pair->path) < walk->schema->count) {
		conf_error(walk->errors, place, pair->shown,
			"a key and its section are written on two lines: '%.*s:', and beneath it "
			"'%s:'",
			(int)(dot - pair->name), pair->name, dot + 1);
		return;
	}
	if (conf_schema_nearest(walk->schema, pair->prefix, pair->name, nearest)) {
		conf_error(walk->errors, place, pair->shown, "unknown key (did you mean %s?)",
			nearest);
		return;
	}
	OWN(str_done) struct str known = {0};
	conf_schema_list(walk->schema, pair->prefix, &known);
	conf_error(walk->errors, place, pair->shown, "unknown key: there are %s", str_text(&known));
}

/* Where `origin` is, as text for a message about a second place. */
static void first_place(const struct walk *walk, const struct conf_origin *origin, struct why *text)
{
	why_set(text, 0, "%.300s:%" PRIu32 ":%" PRIu32, walk->files[origin->file].name,
		origin->line, origin->column);
}

static void walk_key(struct walk *walk, const struct pair *pair, size_t number)
{
	const struct conf_key *key = &walk->schema->keys[number];
	struct conf_origin *from = &walk->from[number];
	const yaml_node_t *value = pair->value;
	struct conf_place at_key = place_of(walk, pair->key);
	struct why why;
	if (from->from == CONF_FROM_FILE) {
		first_place(walk, from, &why);
		conf_error(walk->errors, at_key, key->path, "is already set at %s", why.text);
		return;
	}
	*from = (struct conf_origin){CONF_FROM_FILE, walk->file, at_key.line, at_key.column};
	if (value->type != YAML_SCALAR_NODE || is_null(value)) {
		OWN(str_done) struct str range = {0};
		conf_value_range(key, &range);
		if (is_null(value))
			conf_error(walk->errors, at_key, key->path,
				"has no value: write %s, or leave the key out", str_text(&range));
		else
			conf_error(walk->errors, place_of(walk, value), key->path,
				"is %s: write %s", kind_of(value), str_text(&range));
		return;
	}
	struct conf_text text = {(const char *)value->data.scalar.value, value->data.scalar.length};
	if (conf_value_read(key, &text, walk->values, &why))
		conf_error(walk->errors,
			conf_document_place(walk->files[walk->file].name, value, text.at),
			key->path, "%s", why.text);
}

static void walk_pair(struct walk *walk, const struct pair *pair)
{
	size_t number = conf_schema_find(walk->schema, pair->path);
	if (strcmp(pair->path, CONF_NAMED_SECTION) == 0 ||
		strcmp(pair->path, CONF_PRICES_SECTION) == 0 ||
		strcmp(pair->path, CONF_NOTIFY_SECTION) == 0 || conf_watched_has(pair->path))
		return; /* their keys are names of people: conf/named.h, conf/prices.h */
	if (!*pair->path || strchr(pair->name, '.'))
		unknown_key(walk, pair);
	else if (number < walk->schema->count)
		walk_key(walk, pair, number);
	else if (!conf_schema_has_section(walk->schema, pair->path))
		unknown_key(walk, pair);
	else if (!is_null(pair->value))
		walk_section(walk, pair->value, pair->path);
}

/* Does this pair open a section that an earlier one of the same map has opened? */
static bool is_reopened(struct walk *walk, const yaml_node_t *map, const yaml_node_pair_t *at,
	const struct pair *pair)
{
	if (!conf_schema_has_section(walk->schema, pair->path))
		return false;
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < at; p++) {
		const yaml_node_t *key = yaml_document_get_node(walk->document, p->key);
		if (key->type != YAML_SCALAR_NODE ||
			strcmp((const char *)key->data.scalar.value, pair->name) != 0)
			continue;
		conf_error(walk->errors, place_of(walk, pair->key), pair->path,
			"this section was opened at line %zu already: put its keys there",
			key->start_mark.line + 1);
		return true;
	}
	return false;
}

/* A name too long for any path, or with a NUL, is left as the path "": no key has it. */
static void pair_init(
	struct pair *pair, const char *prefix, const yaml_node_t *key, const yaml_node_t *value)
{
	size_t len = key->data.scalar.length;
	*pair = (struct pair){.prefix = prefix, .key = key, .value = value};
	pair->name = (const char *)key->data.scalar.value;
	const char *dot = *prefix ? "." : "";
	if (!memchr(pair->name, '\0', len) &&
		strlen(prefix) + strlen(dot) + len < sizeof(pair->path)) {
		snprintf(pair->path, sizeof(pair->path), "%s%s%s", prefix, dot, pair->name);
		conf_shown(pair->path, strlen(pair->path), pair->shown);
	} else {
		conf_shown(pair->name, len, pair->shown);
	}
	if (!*pair->shown)
		snprintf(pair->shown, sizeof(pair->shown), "''");
}

static void walk_section(struct walk *walk, const yaml_node_t *map, const char *prefix)
{
	if (map->type != YAML_MAPPING_NODE) {
		OWN(str_done) struct str names = {0};
		conf_schema_list(walk->schema, prefix, &names);
		conf_error(walk->errors, place_of(walk, map), *prefix ? prefix : NULL,
			"is %s: write a section with the keys %s", kind_of(map), str_text(&names));
		return;
	}
	const yaml_node_pair_t *end = map->data.mapping.pairs.top;
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < end; p++) {
		const yaml_node_t *key = yaml_document_get_node(walk->document, p->key);
		struct pair pair;
		if (conf_errors_full(walk->errors)) {
			walk->errors->more = true;
			return;
		}
		if (key->type != YAML_SCALAR_NODE) {
			conf_error(walk->errors, place_of(walk, key), *prefix ? prefix : NULL,
				"%s stands where a key belongs", kind_of(key));
			continue;
		}
		pair_init(&pair, prefix, key, yaml_document_get_node(walk->document, p->value));
		if (!is_reopened(walk, map, p, &pair))
			walk_pair(walk, &pair);
	}
}

static int walk_file(struct walk *walk)
{
	OWN(yaml_document_delete) yaml_document_t document = {0};
	int err = conf_document_load(&walk->files[walk->file], &document, walk->errors);
	if (err)
		return err;
	walk->document = &document;
	const yaml_node_t *root = yaml_document_get_root_node(&document);
	/* A file of comments only has no root, one of "---" alone an empty one. */
	if (root && !is_null(root))
		walk_section(walk, root, "");
	return 0;
}

static void read_fallback(const struct conf_key *key, void *values)
{
	struct conf_text text = {key->fallback, strlen(key->fallback)};
	must(conf_value_read(key, &text, values, NULL) == 0);
}

int conf_read(const struct conf_schema *schema, const struct conf_file *files, size_t count,
	void *values, struct conf_origin *from, struct conf_errors *errors)
{
	struct walk walk = {
		.schema = schema, .files = files, .values = values, .from = from, .errors = errors};
	size_t found_before = errors->count;
	for (size_t i = 0; i < schema->count; i++) {
		const struct conf_key *key = &schema->keys[i];
		from[i] = (struct conf_origin){.from = CONF_FROM_DEFAULT};
		if (!conf_key_is_derived(key))
			read_fallback(key, values);
	}
	for (; walk.file < count && !conf_errors_full(errors); walk.file++)
		if (walk_file(&walk) == -ENOMEM)
			return -ENOMEM;
	errors->more = errors->more || walk.file < count;
	return errors->count > found_before ? -EINVAL : 0;
}
