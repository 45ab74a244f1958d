/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is watched besides this machine, section by section:
 *
 *     postgres:
 *       main:
 *         dsn: host=/run/postgresql user=ebb dbname=postgres passfile=/etc/ebb/pgpass
 *
 * Any thread.
 */
#ifndef EBB_CONF_WATCHED_H
#define EBB_CONF_WATCHED_H

#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "conf/conf.h"

struct json_t;
struct str;

enum { CONF_DSN_MAX = 511, CONF_POSTGRES_MAX = 16 };

/* Entries are plain values. */
struct conf_postgres {
	char name[CONF_NAME_MAX + 1];
	char dsn[CONF_DSN_MAX + 1]; /* without a password */
	int64_t every_ns;
};

struct conf_watched {
	VEC(struct conf_postgres) postgres;
};

/* Is it one of these sections? */
bool conf_watched_has(const char *section);

/* As conf_protects_read(): 0; -EINVAL with the mistakes added to `errors`; -ENOMEM. */
int conf_watched_read(const struct conf_file *files, size_t count, struct conf_watched *ret,
	struct conf_errors *errors);

/* For OWN(). */
void conf_watched_done(struct conf_watched *watched);

/* How many entries there are. */
size_t conf_watched_count(const struct conf_watched *watched);

/* Adds the sections as they would be written. */
void conf_watched_show(const struct conf_watched *watched, struct str *text);

/* Sets an array for each section in a JSON object. */
void conf_watched_json(const struct conf_watched *watched, struct json_t *document);

/* Adds commented-out examples. */
void conf_watched_sample(struct str *text);

#endif
