/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a key of the configuration is: one row of the table from which come the parser, its messages
 * and suggestions, `ebb config show` and the sample file.
 *
 * Any thread.
 */
#ifndef EBB_CONF_KEYS_H
#define EBB_CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str;
struct why;

enum { CONF_KEY_PATH = 64 };

enum conf_type {
	CONF_NAME,     /* char[max + 1]: letters, digits and . _ -, a letter or digit first */
	CONF_PATH,     /* char[max + 1]: absolute; slashes at its end are taken off */
	CONF_TEXT,     /* char[max + 1]: UTF-8 that can be shown, and that its form takes */
	CONF_WORD,     /* int: the number of one of `words` */
	CONF_DURATION, /* int64_t, nanoseconds */
	CONF_SIZE,     /* uint64_t, bytes */
	CONF_NUMBER,   /* int64_t */
	CONF_BOOL,     /* bool */
};

/* What a text must be. */
struct conf_form {
	const char *what; /* "what is told of it in messages" */
	/* 0, or -EINVAL with what to write instead, and where in the text it goes wrong. */
	int (*check)(const char *text, size_t *ret_at, struct why *why);
};

struct conf_key {
	const char *path; /* its sections and its name, with dots between */
	enum conf_type type;
	size_t offset;            /* of the value in the struct that is filled */
	int64_t min, max;         /* of a text its length in bytes */
	const char *const *words; /* NULL at the end */
	const char *fallback;     /* the default as one would write it; see conf_key_is_derived() */
	const char *help;         /* one line */
	const struct conf_form *form; /* of CONF_TEXT; NULL: any */
};

/* Keys of one section stand together. */
struct conf_schema {
	const struct conf_key *keys;
	size_t count;
};

/* Of struct conf; its rows are numbered by enum conf_key_id. */
extern const struct conf_schema conf_schema;

/* The section that is read by conf/protect.h. */
#define CONF_NAMED_SECTION "protect"
#define CONF_PRICES_SECTION "prices"

/* A default of the form "STATE/name" is made from the state folder when that is known. */
#define CONF_DERIVED "STATE/"
bool conf_key_is_derived(const struct conf_key *key);

/* The row of that path, `count` when there is none. */
size_t conf_schema_find(const struct conf_schema *schema, const char *path);

/* Is `path` a section, that is, do keys stand beneath it? */
bool conf_schema_has_section(const struct conf_schema *schema, const char *path);

/*
 * The path that an unknown key `name` in section `prefix` ("" at the top) was probably meant to be:
 * one of that name elsewhere, else one of a name like it here. False: none is near.
 */
bool conf_schema_nearest(const struct conf_schema *schema, const char *prefix, const char *name,
	char ret_path[CONF_KEY_PATH]);

/* Adds the names that may stand in that section, "a, b, c". */
void conf_schema_list(const struct conf_schema *schema, const char *prefix, struct str *text);

#endif
