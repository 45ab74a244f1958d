/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of what is watched. */
#include "conf/watched.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "base/why.h"
#include "calendar/calendar.h"
#include "conf/keys.h"
#include "conf/named.h"

/* ---- servers of PostgreSQL ---- */

/* Anybody may read a configuration, and `ebb config show` prints it. */
static int check_dsn(const char *text, size_t *ret_at, struct why *why)
{
	static const char *const secrets[] = {"password", "sslpassword"};
	const char *scheme = strstr(text, "://"), *sign = scheme ? strchr(scheme, '@') : NULL;
	const char *colon = sign ? memchr(scheme + 3, ':', (size_t)(sign - scheme - 3)) : NULL;
	for (size_t i = 0; !colon && i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		size_t len = strlen(secrets[i]);
		for (const char *at = strstr(text, secrets[i]); at && !colon;
			at = strstr(at + 1, secrets[i])) {
			bool begins = at == text || strchr(" \t?&'", at[-1]);
			if (begins && at[len + strspn(at + len, " \t")] == '=')
				colon = at;
		}
	}
	if (!colon)
		return 0;
	*ret_at = (size_t)(colon - text);
	return why_set(why, -EINVAL,
		"a password does not belong here, where many may read it: name a file that only "
		"ebb can read, as in passfile=/etc/ebb/pgpass");
}

const struct conf_form conf_dsn_form = {
	"what libpq takes, such as host=/run/postgresql user=ebb, without a password", check_dsn};

#define PG_AT(member) offsetof(struct conf_postgres, member)

enum { PG_DSN, PG_EVERY, PG_KEYS };

static const struct conf_key pg_keys[PG_KEYS] = {
	[PG_DSN] = {"dsn", CONF_TEXT, PG_AT(dsn), 1, CONF_DSN_MAX, NULL, NULL,
		"how the server is reached", &conf_dsn_form},
	[PG_EVERY] = {"every", CONF_DURATION, PG_AT(every_ns), NS_PER_SEC, NS_PER_HOUR, NULL, "30s",
		"how often it is asked"},
};

static const char *const pg_example[] = {
	"main", "host=/run/postgresql user=ebb dbname=postgres passfile=/etc/ebb/pgpass", "30s"};

/* ---- applications ---- */

static int check_calendar(const char *text, size_t *ret_at, struct why *why)
{
	struct calendar calendar;
	return calendar_parse(text, &calendar, ret_at, why);
}

static const struct conf_form calendar_form = {
	"events such as month-end 08:00-20:00, with ; between them", check_calendar};

/* In the order of the enums. */
static const char *const types[] = {"general", "web", "database", "batch", NULL};
static const char *const classes[] = {"critical", "normal", "low", NULL};

_Static_assert(sizeof(enum conf_app_type) == sizeof(int), "an enum is read as an int");
_Static_assert(sizeof(enum conf_app_class) == sizeof(int), "an enum is read as an int");

#define APP_AT(member) offsetof(struct conf_application, member)

enum { APP_SERIES, APP_TYPE, APP_CLASS, APP_CALENDAR, APP_KEYS };

static const struct conf_key app_keys[APP_KEYS] = {
	[APP_SERIES] = {"series", CONF_TEXT, APP_AT(series), 1, CONF_SERIES_MAX, NULL, NULL,
		"the series that are its own: names or values of labels, * for any"},
	[APP_TYPE] = {"type", CONF_WORD, APP_AT(type), 0, 0, types, "general",
		"what kind of load it is, while its own days are not known"},
	[APP_CLASS] = {"class", CONF_WORD, APP_AT(class), 0, 0, classes, "normal",
		"how much it matters"},
	[APP_CALENDAR] = {"calendar", CONF_TEXT, APP_AT(calendar), 1, CONF_CALENDAR_MAX, NULL, "",
		"its peaks, holidays and maintenance, in local time", &calendar_form},
};

static const char *const app_example[] = {"shop", "unit/shop*.service main", "database", "critical",
	"month-end 08:00-20:00; dec-24..dec-26 x0.3; sun 02:00-04:00 x0"};

/* ---- all sections ---- */

enum { POSTGRES, APPLICATIONS, SECTIONS };

static const struct conf_named sections[SECTIONS] = {
	[POSTGRES] = {.section = "postgres",
		.help = "Servers of PostgreSQL whose activity is observed.",
		.keys = pg_keys,
		.count = PG_KEYS,
		.size = sizeof(struct conf_postgres),
		.max = CONF_POSTGRES_MAX,
		.example = pg_example},
	[APPLICATIONS] = {.section = "applications",
		.help = "What is known of applications, by which their load is forecast.",
		.keys = app_keys,
		.count = APP_KEYS,
		.size = sizeof(struct conf_application),
		.max = CONF_APPLICATIONS_MAX,
		.example = app_example},
};

static struct conf_list list_of(const struct conf_watched *watched, int section)
{
	if (section == POSTGRES)
		return (struct conf_list){watched->postgres.at, watched->postgres.len};
	return (struct conf_list){watched->applications.at, watched->applications.len};
}

static void take_list(struct conf_watched *watched, int section, struct conf_list list)
{
	if (section == POSTGRES) {
		watched->postgres.at = list.at;
		watched->postgres.len = watched->postgres.cap = list.len;
	} else {
		watched->applications.at = list.at;
		watched->applications.len = watched->applications.cap = list.len;
	}
}

bool conf_watched_has(const char *section)
{
	for (int i = 0; i < SECTIONS; i++)
		if (strcmp(section, sections[i].section) == 0)
			return true;
	return false;
}

int conf_watched_read(const struct conf_file *files, size_t count, struct conf_watched *ret,
	struct conf_errors *errors)
{
	struct conf_watched watched = {0};
	int err = 0;
	for (int i = 0; i < SECTIONS && err != -ENOMEM; i++) {
		struct conf_list list = {0};
		int one = conf_named_read(&sections[i], files, count, &list, errors);
		take_list(&watched, i, list);
		err = one ? one : err;
	}
	if (err)
		conf_watched_done(&watched);
	else
		*ret = watched;
	return err;
}

void conf_watched_done(struct conf_watched *watched)
{
	for (int i = 0; i < SECTIONS; i++) {
		free(list_of(watched, i).at);
		take_list(watched, i, (struct conf_list){0});
	}
}

size_t conf_watched_count(const struct conf_watched *watched)
{
	size_t count = 0;
	for (int i = 0; i < SECTIONS; i++)
		count += list_of(watched, i).len;
	return count;
}

void conf_watched_show(const struct conf_watched *watched, struct str *text)
{
	for (int i = 0; i < SECTIONS; i++) {
		const struct conf_list list = list_of(watched, i);
		conf_named_show(&sections[i], &list, text);
	}
}

void conf_watched_json(const struct conf_watched *watched, json_t *document)
{
	for (int i = 0; i < SECTIONS; i++) {
		const struct conf_list list = list_of(watched, i);
		json_object_set_new(
			document, sections[i].section, conf_named_json(&sections[i], &list));
	}
}

void conf_watched_sample(struct str *text)
{
	for (int i = 0; i < SECTIONS; i++)
		conf_named_sample(&sections[i], text);
}
