/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three passes, each of which may assume what the one before made sure of:
 *   1. the bytes: size, UTF-8, control characters
 *   2. the events: syntax, one document, depth, number of nodes, no anchors, aliases, tags; the
 *      document API keeps nothing of those, and an alias may make a circle of its nodes
 *   3. the document
 */
#include "conf/document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/utf8.h"
#include "conf/conf.h"

static int check_bytes(const struct conf_file *file, struct conf_errors *errors)
{
	struct conf_place place = {file->name, 1, 1};
	char shown[CONF_SHOWN];
	if (file->len > CONF_FILE_MAX)
		return conf_error(
			errors, (struct conf_place){file->name, 0, 0}, NULL, "is longer than 1MiB");
	for (size_t at = 0; at < file->len;) {
		uint32_t code = 0;
		size_t size = utf8_take(file->text + at, file->len - at, &code);
		if (!size)
			return conf_error(errors, place, NULL,
				"byte %s is not UTF-8: save the file as UTF-8",
				conf_shown(file->text + at, 1, shown));
		/* What libyaml's reader refuses; said here, where line and column are known. */
		if ((code < ' ' && code != '\t' && code != '\n' && code != '\r') ||
			(code >= 0x7f && code < 0xa0 && code != 0x85) || (code & 0xfffe) == 0xfffe)
			return conf_error(errors, place, NULL,
				"control character %s is not allowed",
				conf_shown(file->text + at, size, shown));
		at += size;
		place.column++;
		if (code == '\n') {
			place.line++;
			place.column = 1;
		}
	}
	return 0;
}

static struct conf_place place_of(const struct conf_file *file, const yaml_mark_t *mark)
{
	return (struct conf_place){
		file->name, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
}

/* Marks count characters; the bytes are where those are. */
static char char_at(const struct conf_file *file, size_t index)
{
	size_t at = 0;
	for (uint32_t code; at < file->len && index; index--)
		at += utf8_take(file->text + at, file->len - at, &code);
	return at < file->len ? file->text[at] : '\0';
}

/* What a person did who got that message from libyaml's scanner or parser. */
static const char *hint_for(const struct conf_file *file, const yaml_parser_t *parser)
{
	const char *problem = parser->problem;
	if (char_at(file, parser->problem_mark.index) == '\t')
		return ": indent with spaces, YAML takes no tabs";
	if (strcmp(problem, "mapping values are not allowed in this context") == 0)
		return ": check the indentation, and quote a value that holds ': '";
	if (strcmp(problem, "could not find expected ':'") == 0)
		return ": a key is followed by a colon and a space";
	if (strcmp(problem, "found character that cannot start any token") == 0)
		return ": quote a value that begins so";
	return "";
}

static int syntax_error(
	const struct conf_file *file, const yaml_parser_t *parser, struct conf_errors *errors)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	const char *problem = parser->problem ? parser->problem : "unreadable";
	if (parser->error == YAML_READER_ERROR)
		return conf_error(errors, (struct conf_place){file->name, 0, 0}, NULL,
			"not YAML: %s", problem);
	char begun[64] = "";
	if (parser->context && parser->context_mark.index < parser->problem_mark.index)
		snprintf(begun, sizeof(begun), " begun at %zu:%zu", parser->context_mark.line + 1,
			parser->context_mark.column + 1);
	return conf_error(errors, place_of(file, &parser->problem_mark), NULL,
		"not YAML: %s%s%s%s%s", problem, parser->context ? " " : "",
		parser->context ? parser->context : "", begun, hint_for(file, parser));
}

struct gate {
	const struct conf_file *file;
	struct conf_errors *errors;
	size_t nodes, depth, documents;
};

static int gate_node(struct gate *gate, const yaml_event_t *event, const yaml_char_t *anchor,
	const yaml_char_t *tag)
{
	struct conf_place place = place_of(gate->file, &event->start_mark);
	int err = 0;
	if (++gate->nodes > CONF_NODES_MAX)
		return conf_error(
			gate->errors, place, NULL, "holds more than %d values", CONF_NODES_MAX);
	if (anchor)
		err = conf_error(gate->errors, place, NULL,
			"anchors (&) are not taken: write the value where it is meant");
	if (tag)
		err = conf_error(
			gate->errors, place, NULL, "tags (!) are not taken: each key has its type");
	return err;
}

static int gate_document(struct gate *gate, const yaml_event_t *event)
{
	struct conf_place place = place_of(gate->file, &event->start_mark);
	if (++gate->documents > 1)
		return conf_error(
			gate->errors, place, NULL, "a second document begins: one file holds one");
	if (event->data.document_start.tag_directives.start !=
		event->data.document_start.tag_directives.end)
		return conf_error(gate->errors, place, NULL, "%%TAG is not taken");
	return 0;
}

static int gate_event(struct gate *gate, const yaml_event_t *event)
{
	int err = 0;
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return gate_document(gate, event);
	case YAML_ALIAS_EVENT:
		return conf_error(gate->errors, place_of(gate->file, &event->start_mark), NULL,
			"aliases (*) are not taken: write the value again");
	case YAML_SCALAR_EVENT:
		return gate_node(gate, event, event->data.scalar.anchor, event->data.scalar.tag);
	case YAML_SEQUENCE_START_EVENT:
		err = gate_node(gate, event, event->data.sequence_start.anchor,
			event->data.sequence_start.tag);
		gate->depth++;
		break;
	case YAML_MAPPING_START_EVENT:
		err = gate_node(gate, event, event->data.mapping_start.anchor,
			event->data.mapping_start.tag);
		gate->depth++;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		gate->depth--;
		break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	if (gate->depth > CONF_DEPTH_MAX)
		return conf_error(gate->errors, place_of(gate->file, &event->start_mark), NULL,
			"nested deeper than %d levels", CONF_DEPTH_MAX);
	return err;
}

/* Nothing behind one of these is worth a word. */
static bool gate_is_shut(const struct gate *gate)
{
	return gate->nodes > CONF_NODES_MAX || gate->depth > CONF_DEPTH_MAX ||
		gate->documents > 1 || conf_errors_full(gate->errors);
}

static void parser_begin(yaml_parser_t *parser, const struct conf_file *file)
{
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		parser, (const unsigned char *)(file->text ? file->text : ""), file->len);
}

static int check_events(const struct conf_file *file, struct conf_errors *errors)
{
	OWN(yaml_parser_delete) yaml_parser_t parser = {0};
	struct gate gate = {file, errors, 0, 0, 0};
	int err = 0;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	parser_begin(&parser, file);
	for (bool end = false; !end && !gate_is_shut(&gate);) {
		OWN(yaml_event_delete) yaml_event_t event = {0};
		if (!yaml_parser_parse(&parser, &event))
			return syntax_error(file, &parser, errors);
		int refused = gate_event(&gate, &event);
		err = refused ? refused : err;
		end = event.type == YAML_STREAM_END_EVENT;
	}
	return err;
}

int conf_document_load(
	const struct conf_file *file, yaml_document_t *ret_document, struct conf_errors *errors)
{
	int err = check_bytes(file, errors);
	if (!err)
		err = check_events(file, errors);
	if (err)
		return err;
	OWN(yaml_parser_delete) yaml_parser_t parser = {0};
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	parser_begin(&parser, file);
	if (!yaml_parser_load(&parser, ret_document))
		return syntax_error(file, &parser, errors);
	return 0;
}

struct conf_place conf_node_place(const struct conf_section *section, const yaml_node_t *node)
{
	return (struct conf_place){section->file->name, (uint32_t)node->start_mark.line + 1,
		(uint32_t)node->start_mark.column + 1};
}

const char *conf_node_text(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

struct each {
	conf_pair_fn *fn;
	void *arg;
	struct conf_errors *errors;
};

static int each_pair(const struct conf_section *section, const yaml_node_pair_t *opening,
	const struct each *each)
{
	const yaml_node_t *key = yaml_document_get_node(section->document, opening->key);
	const yaml_node_t *map = yaml_document_get_node(section->document, opening->value);
	int err = 0;
	if (map->type != YAML_MAPPING_NODE) {
		if (*conf_node_text(map))
			conf_error(each->errors, conf_node_place(section, key), conf_node_text(key),
				"write a section: names of your choice, and beneath each what it "
				"means");
		return 0;
	}
	const yaml_node_pair_t *end = map->data.mapping.pairs.top;
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; !err && p < end; p++) {
		each->errors->more |= conf_errors_full(each->errors);
		if (each->errors->more)
			break;
		err = each->fn(each->arg, section, p);
	}
	return err;
}

int conf_document_each(const struct conf_file *file, const char *name, conf_pair_fn *fn, void *arg,
	struct conf_errors *errors)
{
	OWN(yaml_document_delete) yaml_document_t document = {0};
	struct conf_errors told = {0};
	const struct conf_section section = {file, &document};
	const struct each each = {fn, arg, errors};
	int err = conf_document_load(file, &document, &told);
	if (err)
		return err == -ENOMEM ? err : 0;
	const yaml_node_t *root = yaml_document_get_root_node(&document);
	if (!root || root->type != YAML_MAPPING_NODE)
		return 0;
	const yaml_node_pair_t *end = root->data.mapping.pairs.top;
	for (const yaml_node_pair_t *p = root->data.mapping.pairs.start; !err && p < end; p++)
		if (strcmp(conf_node_text(yaml_document_get_node(&document, p->key)), name) == 0)
			err = each_pair(&section, p, &each);
	return err;
}

struct conf_place conf_document_place(const char *file, const yaml_node_t *node, size_t at)
{
	struct conf_place place = {
		file, (uint32_t)node->start_mark.line + 1, (uint32_t)node->start_mark.column + 1};
	if (!at || node->type != YAML_SCALAR_NODE || node->start_mark.line != node->end_mark.line)
		return place;
	size_t quotes = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? 0 : 2;
	size_t width = node->end_mark.column - node->start_mark.column;
	if (width == node->data.scalar.length + quotes)
		place.column += (uint32_t)(at + quotes / 2);
	return place;
}
