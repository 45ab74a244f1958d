/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From bytes to a YAML document that is safe to walk: UTF-8, one document, within the limits of
 * conf.h, a tree (no anchors, no aliases), no tags.
 *
 * Any thread.
 */
#ifndef EBB_CONF_DOCUMENT_H
#define EBB_CONF_DOCUMENT_H

#include <stddef.h>
#include <yaml.h>

#include "conf/errors.h"

struct conf_file;

/* Gives the document, for yaml_document_delete(). 0; -EINVAL with all that is wrong; -ENOMEM. */
int conf_document_load(
	const struct conf_file *file, yaml_document_t *ret_document, struct conf_errors *errors);

/* ---- sections whose keys are names of people ---- */

struct conf_section {
	const struct conf_file *file;
	yaml_document_t *document;
};

/* Where a node stands, for conf_error(). */
struct conf_place conf_node_place(const struct conf_section *section, const yaml_node_t *node);

/* The text of a scalar, "" of anything else. */
const char *conf_node_text(const yaml_node_t *node);

/* Not 0 ends the walk and is its result. */
typedef int conf_pair_fn(
	void *arg, const struct conf_section *section, const yaml_node_pair_t *pair);

/*
 * Each pair of the section `name` of a file that conf_parse() reads as well, which tells what is
 * wrong with the file itself. Stops when there is no room for another mistake.
 */
int conf_document_each(const struct conf_file *file, const char *name, conf_pair_fn *fn, void *arg,
	struct conf_errors *errors);

/*
 * Where byte `at` of a value stands; 0 is the value itself. In a block of lines, or behind an
 * escape, only where the value begins is known.
 */
struct conf_place conf_document_place(const char *file, const yaml_node_t *node, size_t at);

#endif
