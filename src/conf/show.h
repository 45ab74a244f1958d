/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration for people and programs: what is in force and where each value came from, and
 * the sample file.
 *
 * Any thread.
 */
#ifndef EBB_CONF_SHOW_H
#define EBB_CONF_SHOW_H

#include <stddef.h>

struct conf;
struct conf_file;
struct conf_key;
struct conf_notifies;
struct conf_prices;
struct conf_protects;
struct conf_watched;
struct json_t;
struct str;

/* Adds a file that conf_parse() reads as the same values. `files`: those that were parsed. */
void conf_show(const struct conf *conf, const struct conf_file *files, struct str *text);

/* A value in JSON; NULL: no memory. */
struct json_t *conf_json_value(const struct conf_key *key, const void *values);

/* Adds one value as YAML. */
void conf_show_value(const struct conf_key *key, const void *values, struct str *text);

/* Adds a text as YAML, in quotes where it needs them; it holds no control characters. */
void conf_show_text(const char *value, struct str *text);

/* Sections whose keys are names of people. */
struct conf_sections {
	const struct conf_protects *protects;
	const struct conf_prices *prices;
	const struct conf_watched *watched;
	const struct conf_notifies *notifies;
};

/*
 * Adds one JSON document: durations in seconds, sizes in bytes. The names of the files it came
 * from are in `files`.
 */
void conf_show_json(const struct conf *conf, const struct conf_sections *sections,
	const struct conf_file *files, size_t count, struct str *text);

/* Adds the sample file: each key, what it is for, what it may be, commented out at its default. */
void conf_sample(struct str *text);

#endif
