/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling a struct from files under a schema. Everything that is wrong is told, not only the first,
 * until the errors are full.
 *
 * Any thread.
 */
#ifndef EBB_CONF_READ_H
#define EBB_CONF_READ_H

#include <stddef.h>

struct conf_errors;
struct conf_file;
struct conf_origin;
struct conf_schema;

/*
 * Fills `values` and, by key number, `from`: the defaults (derived ones are left as they are), then
 * what the files set. On failure both are undefined. 0; -EINVAL with `errors`; -ENOMEM.
 */
int conf_read(const struct conf_schema *schema, const struct conf_file *files, size_t count,
	void *values, struct conf_origin *from, struct conf_errors *errors);

#endif
