/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From bytes to a YAML document that is safe to walk: UTF-8, one document, within the limits of
 * conf.h, a tree (no anchors, no aliases), no tags.
 *
 * Any thread.
 */
#ifndef EBB_CONF_DOCUMENT_H
#define EBB_CONF_DOCUMENT_H

#include <yaml.h>

struct conf_errors;
struct conf_file;

/* Gives the document, for yaml_document_delete(). 0; -EINVAL with all that is wrong; -ENOMEM. */
int conf_document_load(
	const struct conf_file *file, yaml_document_t *ret_document, struct conf_errors *errors);

#endif
