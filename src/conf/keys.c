/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys, and finding one's way in it. */
#include "conf/keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "conf/conf.h"
#include "conf/listen.h"
#include "os/wanted.h"

/* In the order of enum conf_log_format, as log_level_names is in that of enum log_level. */
static const char *const log_formats[] = {"auto", "logfmt", "journal", NULL};
static const char *const loopbacks[] = {"none", "viewer", "admin", NULL};
static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};

static int check_programs(const char *text, size_t *ret_at, struct why *why)
{
	struct wanted wanted;
	return wanted_parse(text, &wanted, ret_at, why);
}

static const struct conf_form programs_form = {
	"words unit/NAME, cgroup/PATH, name/NAME, pid/NUMBER, with * for any; or \"\"",
	check_programs};

static int check_listen(const char *text, size_t *ret_at, struct why *why)
{
	struct conf_listen listen;
	return conf_listen_parse(text, &listen, ret_at, why);
}

static const struct conf_form listen_form = {
	"an address with a port, as 127.0.0.1:9797, a port alone, or off", check_listen};

static int check_file(const char *text, size_t *ret_at, struct why *why)
{
	*ret_at = 0;
	return !*text || *text == '/'
		? 0
		: why_set(why, -EINVAL, "'%.64s' does not begin with /", text);
}

static const struct conf_form file_form = {"a path from the root on, or \"\"", check_file};

static int check_hosts(const char *text, size_t *ret_at, struct why *why)
{
	*ret_at = strspn(text, " .-0123456789abcdefghijklmnopqrstuvwxyz");
	return text[*ret_at] ? why_set(why, -EINVAL,
				       "'%c' stands in no name of a host: write small letters, "
				       "digits, - and ., without a port",
				       text[*ret_at])
			     : 0;
}

static const struct conf_form hosts_form = {
	"names of hosts with blanks between, or \"\"", check_hosts};

#define AT(member) offsetof(struct conf, member)

static const struct conf_key keys[CONF_KEYS] = {
	[CONF_NODE_NAME] = {"node.name", CONF_NAME, AT(node_name), 1, CONF_NAME_MAX, NULL, "local",
		"the name by which other nodes, pages and reports know this one"},
	[CONF_NODE_REGION] = {"node.region", CONF_NAME, AT(node_region), 1, CONF_NAME_MAX, NULL,
		"home", "the place that it shares power, network and weather with"},
	[CONF_STATE] = {"state", CONF_PATH, AT(state), 2, CONF_PATH_MAX, NULL, "/var/lib/ebb",
		"the folder in which the programs keep what must survive them"},
	[CONF_LOG_LEVEL] = {"log.level", CONF_WORD, AT(log_level), 0, 0, log_levels, "info",
		"the least important lines that are still written"},
	[CONF_LOG_FORMAT] = {"log.format", CONF_WORD, AT(log_format), 0, 0, log_formats, "auto",
		"how lines are written; auto: for the journal when it listens, else logfmt"},
	[CONF_LOOP_TICK] = {"loop.tick", CONF_DURATION, AT(loop_tick_ns), NS_PER_SEC, NS_PER_HOUR,
		NULL, "10s", "how often ebbd observes, forecasts and decides"},
	[CONF_FORECAST_CPU] = {"forecast.cpu_percent", CONF_NUMBER, AT(forecast_cpu_percent), 0,
		100, NULL, "2", "how much of one core learning may take; 0: models do not learn"},
	[CONF_CONTROL_SOCKET] = {"control.socket", CONF_PATH, AT(control_socket), 2,
		CONF_SOCKET_MAX, NULL, CONF_DERIVED "ebbd.sock",
		"where ebbd listens for the command line; by default in the state folder"},
	[CONF_VOLD_SOCKET] = {"vold.socket", CONF_PATH, AT(vold_socket), 2, CONF_SOCKET_MAX, NULL,
		CONF_DERIVED "vold.sock",
		"where ebb-vold listens for ebbd; by default in the state folder"},
	[CONF_WATCH_PROGRAMS] = {"watch.programs", CONF_TEXT, AT(watch_programs), 0,
		CONF_WANTED_MAX, NULL, "unit/*.service unit/machine-*.scope",
		"the programs whose CPU, memory, I/O and network are observed", &programs_form},
	[CONF_WATCH_PROGRAMS_MAX] = {"watch.programs_max", CONF_NUMBER, AT(watch_programs_max), 0,
		1000, NULL, "64", "how many of them are kept, those that use most; 0: none"},
	[CONF_HTTP_LISTEN] = {"http.listen", CONF_TEXT, AT(http.listen), 1, CONF_LISTEN_MAX, NULL,
		"127.0.0.1:9797",
		"where the page and the API are; port 0: any that is free; off: nowhere",
		&listen_form},
	[CONF_HTTP_SOCKET] = {"http.socket", CONF_PATH, AT(http.socket), 2, CONF_SOCKET_MAX, NULL,
		CONF_DERIVED "http.sock",
		"the same on a Unix socket, for its group; by default in the state folder"},
	[CONF_HTTP_LOOPBACK] = {"http.loopback", CONF_WORD, AT(http.loopback), 0, 0, loopbacks,
		"viewer", "what anybody on this machine may, who has no token"},
	[CONF_HTTP_TOKEN_FILE] = {"http.token_file", CONF_TEXT, AT(http.token_file), 0,
		CONF_PATH_MAX, NULL, "", "the file with the secret of those who may do everything",
		&file_form},
	[CONF_HTTP_CERTIFICATE] = {"http.certificate", CONF_TEXT, AT(http.certificate), 0,
		CONF_PATH_MAX, NULL, "", "its chain for TLS, in PEM; other machines need it",
		&file_form},
	[CONF_HTTP_PRIVATE_KEY] = {"http.private_key", CONF_TEXT, AT(http.private_key), 0,
		CONF_PATH_MAX, NULL, "", "the key of that certificate, in PEM", &file_form},
	[CONF_HTTP_HOSTS] = {"http.hosts", CONF_TEXT, AT(http.hosts), 0, CONF_HOSTS_MAX, NULL, "",
		"by which names it may be called, besides localhost and its address", &hosts_form},
	[CONF_HTTP_PAGE] = {"http.page", CONF_TEXT, AT(http.page), 0, CONF_PATH_MAX, NULL, "",
		"a folder with another page than the one built in", &file_form},
};

const struct conf_schema conf_schema = {keys, CONF_KEYS};

bool conf_key_is_derived(const struct conf_key *key)
{
	return str_starts(key->fallback, CONF_DERIVED);
}

size_t conf_schema_find(const struct conf_schema *schema, const char *path)
{
	size_t i = 0;
	while (i < schema->count && strcmp(schema->keys[i].path, path) != 0)
		i++;
	return i;
}

/* What of `path` stands beneath `prefix`, NULL when it is elsewhere. */
static const char *beneath(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);
	if (!len)
		return path;
	return strncmp(path, prefix, len) == 0 && path[len] == '.' ? path + len + 1 : NULL;
}

bool conf_schema_has_section(const struct conf_schema *schema, const char *path)
{
	for (size_t i = 0; i < schema->count; i++)
		if (beneath(schema->keys[i].path, path))
			return true;
	return false;
}

/*
 * Walks the names in section `prefix`: the next one at or after row *at, whose number it leaves
 * in *at for the caller to step over. False: no more.
 */
static bool next_child(const struct conf_schema *schema, const char *prefix, size_t *at,
	char ret_name[CONF_KEY_PATH])
{
	for (; *at < schema->count; (*at)++) {
		const char *rest = beneath(schema->keys[*at].path, prefix);
		if (!rest)
			continue;
		char name[CONF_KEY_PATH];
		must(snprintf(name, sizeof(name), "%.*s", (int)strcspn(rest, "."), rest) <
			CONF_KEY_PATH);
		if (strcmp(name, ret_name) == 0)
			continue; /* another key of the section that was just told */
		memcpy(ret_name, name, sizeof(name));
		return true;
	}
	return false;
}

void conf_schema_list(const struct conf_schema *schema, const char *prefix, struct str *text)
{
	char name[CONF_KEY_PATH] = "";
	for (size_t i = 0; next_child(schema, prefix, &i, name); i++)
		str_addf(text, "%s%s", text->len ? ", " : "", name);
}

bool conf_schema_nearest(const struct conf_schema *schema, const char *prefix, const char *name,
	char ret_path[CONF_KEY_PATH])
{
	for (size_t i = 0; i < schema->count; i++) {
		const char *path = schema->keys[i].path, *dot = strrchr(path, '.');
		if (strcmp(dot ? dot + 1 : path, name) == 0) {
			must(snprintf(ret_path, CONF_KEY_PATH, "%s", path) < CONF_KEY_PATH);
			return true;
		}
	}
	char child[CONF_KEY_PATH] = "", best[CONF_KEY_PATH] = "";
	for (size_t i = 0; next_child(schema, prefix, &i, child); i++) {
		/* The better of two: str_nearest() takes the first of equals. */
		const char *const pair[] = {best, child};
		const char *nearer = str_nearest(name, *best ? pair : pair + 1, *best ? 2 : 1);
		if (nearer == child)
			memcpy(best, child, sizeof(best));
	}
	if (!*best)
		return false;
	const char *dot = *prefix ? "." : "";
	must(snprintf(ret_path, CONF_KEY_PATH, "%s%s%s", prefix, dot, best) < CONF_KEY_PATH);
	return true;
}
