/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections of the configuration whose entries people name:
 *
 *     protect:
 *       home:            # a name
 *         path: /home    # keys of one table, the same for every entry
 *
 * An entry is a plain struct that begins with its name, char[CONF_NAME_MAX + 1]. Several files may
 * each have some entries of one section; no name may come twice.
 *
 * Any thread.
 */
#ifndef EBB_CONF_NAMED_H
#define EBB_CONF_NAMED_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

struct conf_key;
struct json_t;
struct str;
struct why;

enum { CONF_NAMED_KEYS = 16 };

struct conf_named {
	const char *section;
	const char *help; /* what stands above it in the sample file */
	/* A key without a fallback must be there, one with "" may be left out. */
	const struct conf_key *keys;
	size_t count;     /* at most CONF_NAMED_KEYS */
	size_t size, max; /* of an entry; of them all */
	/* What follows from what was said, and what of it cannot be together; may be NULL. 0, or
	 * -EINVAL. `given`: by number of the key. */
	int (*complete)(void *entry, const bool *given, struct why *why);
	const char *const *
		example; /* a name, and a value for each key; NULL: of that another stands for it */
};

struct conf_list {
	void *at; /* entries, one after the other */
	size_t len;
};

/*
 * Gives the entries of all files, in their order (free() the list's `at`); what conf_parse() tells
 * of their syntax is not told again. 0; -EINVAL with the mistakes added to `errors`; -ENOMEM.
 */
int conf_named_read(const struct conf_named *named, const struct conf_file *files, size_t count,
	struct conf_list *ret, struct conf_errors *errors);

/* Adds the section as it would be written; nothing when there is none. */
void conf_named_show(
	const struct conf_named *named, const struct conf_list *list, struct str *text);

/* An array of them in JSON; NULL: no memory. */
struct json_t *conf_named_json(const struct conf_named *named, const struct conf_list *list);

/* Adds a commented-out example with every key. */
void conf_named_sample(const struct conf_named *named, struct str *text);

#endif
