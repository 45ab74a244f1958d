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
struct str;

/* Adds a file that conf_parse() reads as the same values. `files`: those that were parsed. */
void conf_show(const struct conf *conf, const struct conf_file *files, struct str *text);

/* Adds one JSON document: durations in seconds, sizes in bytes. */
void conf_show_json(
	const struct conf *conf, const struct conf_file *files, size_t count, struct str *text);

/* Adds the sample file: each key, what it is for, what it may be, commented out at its default. */
void conf_sample(struct str *text);

#endif
