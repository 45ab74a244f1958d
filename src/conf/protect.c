/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of what is protected, and what follows from what was said. */
#include "conf/protect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "conf/keys.h"
#include "conf/named.h"

#define AT(member) offsetof(struct conf_protect, member)

enum {
	KEY_PATH,
	KEY_VOLUME,
	KEY_POSTGRES,
	KEY_TO,
	KEY_KEY,
	KEY_RPO,
	KEY_BEST,
	KEY_IMPACT,
	KEY_FLOOR,
	KEY_DISK,
	KEY_ALLOW,
	KEY_FORBID,
	KEY_LIMIT,
	KEYS
};

/* A key without a default must be there. */
static const struct conf_key keys[KEYS] = {
	[KEY_PATH] = {"path", CONF_TEXT, AT(path), 1, CONF_PATH_MAX, NULL, "",
		"the folder, file or block device that is saved"},
	[KEY_VOLUME] = {"volume", CONF_NAME, AT(volume), 1, CONF_NAME_MAX, NULL, "",
		"or the volume of ebb-vold"},
	[KEY_POSTGRES] = {"postgres", CONF_TEXT, AT(postgres), 1, CONF_DSN_MAX, NULL, "",
		"or the server of PostgreSQL", &conf_dsn_form},
	[KEY_TO] = {"to", CONF_TEXT, AT(to), 1, CONF_PATH_MAX, NULL, NULL,
		"the repository: a folder, or s3://BUCKET/PREFIX"},
	[KEY_KEY] = {"key_file", CONF_PATH, AT(key_file), 2, CONF_PATH_MAX, NULL, "",
		"the file with its key"},
	[KEY_RPO] = {"rpo", CONF_DURATION, AT(rpo_ns), 10 * NS_PER_MIN, 366 * NS_PER_DAY, NULL,
		NULL, "the newest point is never older than this"},
	[KEY_BEST] = {"best_rpo", CONF_DURATION, AT(best_rpo_ns), 10 * NS_PER_SEC, 366 * NS_PER_DAY,
		NULL, "", "points come this often when they disturb nobody; rpo / 24 unless set"},
	[KEY_IMPACT] = {"impact_percent", CONF_NUMBER, AT(impact_percent), 1, 1000, NULL, "10",
		"by how much the requests of others may wait longer"},
	[KEY_FLOOR] = {"impact_floor", CONF_DURATION, AT(impact_floor_ns), NS_PER_US, NS_PER_MIN,
		NULL, "1ms", "requests that take no longer than this on average harm nobody"},
	[KEY_DISK] = {"disk", CONF_NAME, AT(disk), 1, CONF_DISK_MAX, NULL, "auto",
		"the disk whose load counts; auto: whichever is busiest"},
	[KEY_ALLOW] = {"allow", CONF_TEXT, AT(allow), 1, CONF_HOURS_TEXT, NULL, "",
		"the only hours in which jobs may run", &conf_hours_form},
	[KEY_FORBID] = {"forbid", CONF_TEXT, AT(forbid), 1, CONF_HOURS_TEXT, NULL, "",
		"hours in which none may", &conf_hours_form},
	[KEY_LIMIT] = {"limit", CONF_TEXT, AT(limit), 1, CONF_HOURS_TEXT, NULL, "",
		"hours in which they read no more than so many bytes a second", &conf_limits_form},
};

enum { BEST_PARTS = 24 };

/* In whole seconds, so that it can be shown in few digits. */
static int64_t best_of(int64_t rpo_ns)
{
	int64_t best = rpo_ns / BEST_PARTS / NS_PER_SEC * NS_PER_SEC;
	return best > keys[KEY_BEST].min ? best : keys[KEY_BEST].min;
}

static const char of_volume[] = "vol/";

const char *conf_protect_source(const struct conf_protect *how, char text[CONF_SOURCE_TEXT])
{
	snprintf(text, CONF_SOURCE_TEXT, "%s%s",
		*how->volume             ? of_volume
			: *how->postgres ? "pg/"
					 : "",
		*how->volume             ? how->volume
			: *how->postgres ? how->name
					 : how->path);
	return text;
}

static int complete(void *arg, const bool *given, struct why *why)
{
	struct conf_protect *entry = arg;
	if (!given[KEY_BEST])
		entry->best_rpo_ns = best_of(entry->rpo_ns);
	if (str_starts(entry->path, of_volume) && !*entry->volume) {
		snprintf(entry->volume, sizeof(entry->volume), "%.*s", CONF_NAME_MAX,
			entry->path + strlen(of_volume));
		memset(entry->path, 0, sizeof(entry->path));
	}
	int sources = !!*entry->path + !!*entry->volume + !!*entry->postgres;
	if (sources != 1)
		return why_set(why, -EINVAL,
			sources ? "has more than one of path, volume and postgres"
				: "path is missing: the folder, file or block device that is "
				  "saved; or volume, or postgres");
	if (*entry->path && *entry->path != '/')
		return why_set(why, -EINVAL,
			"path is '%.200s', which is not absolute: begin it with /", entry->path);
	if (given[KEY_BEST] && given[KEY_RPO] && entry->best_rpo_ns >= entry->rpo_ns)
		return why_set(why, -EINVAL,
			"best_rpo is not shorter than rpo: it is how often points come at best");
	return conf_hours_make(
		entry->allow, entry->forbid, entry->limit, entry->hours, &entry->hours_count, why);
}

static const char *const example[] = {"home", "/home", NULL, NULL, "/mnt/backup/ebb",
	"/etc/ebb/home.key", "24h", "1h", "10", "1ms", "auto", "20:00-06:00, weekends 00:00-24:00",
	"weekdays 02:00-03:00", "weekdays 06:00-08:00 20MB"};

static const struct conf_named named = {
	.section = "protect",
	.help = "What is protected, each under a name of your choice.",
	.keys = keys,
	.count = KEYS,
	.size = sizeof(struct conf_protect),
	.max = CONF_PROTECTED_MAX,
	.complete = complete,
	.example = example,
};

static struct conf_list list_of(const struct conf_protects *protects)
{
	return (struct conf_list){protects->list.at, protects->list.len};
}

int conf_protects_read(const struct conf_file *files, size_t count, struct conf_protects *ret,
	struct conf_errors *errors)
{
	struct conf_list list;
	int err = conf_named_read(&named, files, count, &list, errors);
	if (err)
		return err;
	ret->list.at = list.at;
	ret->list.len = ret->list.cap = list.len;
	return 0;
}

void conf_protects_done(struct conf_protects *protects)
{
	vec_done(&protects->list);
}

void conf_protects_show(const struct conf_protects *protects, struct str *text)
{
	const struct conf_list list = list_of(protects);
	conf_named_show(&named, &list, text);
}

struct json_t *conf_protects_json(const struct conf_protects *protects)
{
	const struct conf_list list = list_of(protects);
	return conf_named_json(&named, &list);
}

void conf_protects_sample(struct str *text)
{
	conf_named_sample(&named, text);
}
