/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is watched besides this machine, and what is known of it, section by section:
 *
 *     postgres:
 *       main:
 *         dsn: host=/run/postgresql user=ebb dbname=postgres passfile=/etc/ebb/pgpass
 *     applications:
 *       shop:
 *         series: unit/shop*.service main
 *         calendar: month-end 08:00-20:00; dec-24..dec-26 x0.3
 *
 * Any thread.
 */
#ifndef EBB_CONF_WATCHED_H
#define EBB_CONF_WATCHED_H

#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "conf/conf.h"

struct conf_form;
struct json_t;
struct str;

enum {
	CONF_DSN_MAX = 511,
	CONF_POSTGRES_MAX = 16,
	CONF_SERIES_MAX = 511,
	CONF_CALENDAR_MAX = 1023,
	CONF_APPLICATIONS_MAX = 256,
};

/* Entries are plain values. */
struct conf_postgres {
	char name[CONF_NAME_MAX + 1];
	char dsn[CONF_DSN_MAX + 1]; /* without a password */
	int64_t every_ns;
};

enum conf_app_type { CONF_APP_GENERAL, CONF_APP_WEB, CONF_APP_DATABASE, CONF_APP_BATCH };
enum conf_app_class { CONF_APP_CRITICAL, CONF_APP_NORMAL, CONF_APP_LOW };

struct conf_application {
	char name[CONF_NAME_MAX + 1];
	char series[CONF_SERIES_MAX + 1]; /* globs, with blanks between */
	enum conf_app_type type;
	enum conf_app_class class;
	char calendar[CONF_CALENDAR_MAX + 1]; /* as calendar/calendar.h has it; "": none */
};

struct conf_watched {
	VEC(struct conf_postgres) postgres;
	VEC(struct conf_application) applications;
};

/* What a dsn must be. */
extern const struct conf_form conf_dsn_form;

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
