/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration that a person can accept, or change: what is worth saving, and where to. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "conf/show.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/doctor.h"
#include "os/linux/textfile.h"

/* Where what people and services made lies, and how old a point of it may get. */
static const struct {
	const char *path, *name, *rpo;
} worth[] = {{"/etc", "etc", "24h"}, {"/home", "home", "24h"}, {"/root", "root", "24h"},
	{"/srv", "srv", "24h"}, {"/var/www", "www", "24h"}, {"/var/mail", "mail", "6h"},
	{"/var/lib/libvirt/images", "machines", "24h"}};

static bool on_entry(void *arg, const char *name)
{
	bool *any = arg;
	*any = name[0] != '.' && strcmp(name, "lost+found") != 0;
	return !*any;
}

static bool holds_anything(const char *path)
{
	bool any = false;
	return textfile_list(path, on_entry, &any, NULL) == 0 && any;
}

/* Of file systems that the root is not on, the one with most room; NULL: there is none. */
static const struct doctor_mount *choose_mount(const struct doctor *doctor)
{
	const struct doctor_mount *best = NULL;
	struct stat root;
	if (stat("/", &root) < 0)
		return NULL;
	vec_each (mount, &doctor->mounts) {
		bool usual = str_starts(mount->path, "/mnt") || str_starts(mount->path, "/media") ||
			str_starts(mount->path, "/backup") || str_starts(mount->path, "/srv") ||
			mount->remote;
		if (mount->device != root.st_dev && usual && (!best || mount->free > best->free))
			best = mount;
	}
	return best;
}

static void add_place(const char *to, const char *key, const char *rpo, struct str *text)
{
	str_add(text, "    to: ");
	conf_show_text(to, text);
	str_add(text, "\n    key_file: ");
	conf_show_text(key, text);
	str_addf(text, "\n    rpo: %s\n", rpo);
}

static void add_folders(const char *to, const char *key, struct str *text)
{
	for (size_t i = 0; i < sizeof(worth) / sizeof(*worth); i++) {
		if (str_starts(to, worth[i].path) || !holds_anything(worth[i].path))
			continue;
		str_addf(text, "  %s:\n    path: %s\n", worth[i].name, worth[i].path);
		add_place(to, key, worth[i].rpo, text);
	}
}

static void add_servers(
	const struct doctor *doctor, const char *to, const char *key, struct str *text)
{
	vec_each (server, &doctor->postgres) {
		str_addf(text,
			"  %s:\n    postgres: host=%s port=%u user=postgres dbname=postgres\n",
			server->name, server->folder, server->port);
		add_place(to, key, "24h", text);
	}
}

static void add_watched(const struct doctor *doctor, struct str *text)
{
	if (doctor->postgres.len)
		str_add(text,
			"\n# Whose activity is observed, so that its load is "
			"forecast.\npostgres:\n");
	vec_each (server, &doctor->postgres)
		str_addf(text, "  %s:\n    dsn: host=%s port=%u user=postgres dbname=postgres\n",
			server->name, server->folder, server->port);
}

/* A name of letters that a node may have. */
static void host_name(char name[CONF_NAME_MAX + 1])
{
	doctor_read("/proc/sys/kernel/hostname", name, CONF_NAME_MAX + 1);
	for (char *at = name; *at; at++)
		if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
			    (*at >= '0' && *at <= '9') || (at > name && strchr("._-", *at))))
			*at = '_';
	if (!*name)
		snprintf(name, CONF_NAME_MAX + 1, "local");
}

void doctor_propose(const struct doctor *doctor, struct str *text)
{
	const struct doctor_mount *mount = choose_mount(doctor);
	char to[CONF_PATH_MAX + 8], name[CONF_NAME_MAX + 1], room[AMOUNT];
	static const char key[] = "/etc/ebb/ebb.key";
	snprintf(to, sizeof(to), "%.*s/ebb", CONF_PATH_MAX - 4,
		mount ? mount->path : "/var/backups");
	host_name(name);
	str_addf(text,
		"# Proposed by `ebb doctor --propose`: look at it, change it, then\n"
		"#   install -D -m 600 ebb.yaml /etc/ebb/ebb.yaml\n"
		"#   ebb repo init --repo '%s' --key-file %s\n"
		"#   ebb repo key add --recovery --repo '%s' --key-file %s    # print it\n"
		"#   systemctl restart ebbd\n",
		to, key, to, key);
	if (mount)
		str_addf(text, "# %s has %s free, and / is on another file system.\n", mount->path,
			amount_bytes(mount->free, room));
	else
		str_add(text,
			"# No other disk was found: this place dies with the disk of /. Mount "
			"another one,\n# or write s3://BUCKET/PREFIX.\n");
	str_addf(text, "node:\n  name: %s\n", name);
	OWN(str_done) struct str protect = {0};
	add_folders(to, key, &protect);
	add_servers(doctor, to, key, &protect);
	if (protect.len)
		str_addf(text, "\nprotect:\n%s", str_text(&protect));
	add_watched(doctor, text);
}
