/* SPDX-License-Identifier: Apache-2.0 */
/* Folders by ship/restore.h; then the few files that make a server recover. */
#include "source/pg_restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/files.h"
#include "repo/repo.h"
#include "ship/restore.h"
#include "ship/tree.h"
#include "source/pg_facts.h"

enum { CONF_MAX = 1 << 20 };

static const char temporary[] = ".ebb-restore-new";

struct putting {
	struct repo *repo;
	struct files *files;
	const struct pg_facts *facts;
	const struct pg_restore_options *options;
	struct files_meta owner; /* of the data directory */
	struct restore_result *result;
	struct why *why;
};

/* ---- folders ---- */

static bool note_name(void *arg, const char *name)
{
	(void)name;
	*(bool *)arg = true;
	return false;
}

static int check_empty(struct files *files, const char *path, struct why *why)
{
	OWN(folder_close_own) struct folder *folder = NULL;
	bool any = false;
	int err = files_open(files, path, &folder);
	if (!err)
		err = folder_list(folder, note_name, &any);
	if (err)
		return why_errno(why, err, "%s", path);
	return any ? why_set(why, -ENOTEMPTY,
			     "%s is not empty: a server is not restored over "
			     "what is there",
			     path)
		   : 0;
}

/* The folder of that name in the tree of `root`. */
static int find_folder(struct repo *repo, const struct digest *root, const char *name,
	struct digest *ret_digest, struct why *why)
{
	OWN(tree_done) struct tree tree = {0};
	struct tree_entry entry;
	size_t len = strlen(name);
	int err = tree_load(repo, root, &tree, why), more = 0;
	while (!err && (more = tree_next(&tree, &entry, why)) == 1) {
		if (entry.name_len != len || memcmp(entry.name, name, len) != 0 || !entry.folder)
			continue;
		memcpy(ret_digest->b, entry.folder, DIGEST_SIZE);
		return 0;
	}
	return err ? err : more ? more : why_set(why, -EBADMSG, "the point has no folder %s", name);
}

static int put_folder(
	struct putting *p, const struct point *point, const struct digest *root, const char *target)
{
	struct point part = *point;
	struct restore_options how = {.target = target,
		.no_owner = p->options->no_owner,
		.on_trouble = p->options->on_trouble};
	struct restore_result result = {0};
	part.root = *root;
	int err = restore_dir(p->repo, p->files, &part, &how, &result, p->why);
	p->result->entries += result.entries;
	p->result->bytes += result.bytes;
	p->result->failed += result.failed;
	return err;
}

static int put_space(struct putting *p, const struct point *point, const struct digest *spaces,
	struct folder *parent, const char *oid)
{
	struct digest digest;
	struct files_meta meta = {.type = FILES_FOLDER};
	char path[2048];
	int err = find_folder(p->repo, spaces, oid, &digest, p->why);
	if (err)
		return err;
	err = folder_make(parent, oid, &meta, NULL);
	if (err)
		return why_errno(p->why, err, "%s/%s", p->options->tablespaces, oid);
	snprintf(path, sizeof(path), "%s/%s", p->options->tablespaces, oid);
	return put_folder(p, point, &digest, path);
}

static int put_spaces(struct putting *p, const struct point *point)
{
	OWN(folder_close_own) struct folder *parent = NULL;
	struct digest spaces;
	if (!p->facts->spaces.len)
		return 0;
	int err = check_empty(p->files, p->options->tablespaces, p->why);
	if (!err)
		err = files_open(p->files, p->options->tablespaces, &parent);
	if (!err)
		err = find_folder(p->repo, &point->root, "tablespaces", &spaces, p->why);
	vec_each (space, &p->facts->spaces)
		err = err ? err : put_space(p, point, &spaces, parent, space->oid);
	return err;
}

/* ---- files ---- */

/* A whole new file of that name, durable, with the data directory's owner. */
static int put_file(struct putting *p, struct folder *folder, const char *name, const char *text)
{
	OWN(file_close_own) struct file *file = NULL;
	struct files_meta meta = p->owner;
	meta.type = FILES_FILE;
	meta.mode = 0600;
	folder_remove(folder, temporary, false);
	int err = folder_make_file(folder, temporary, &file);
	if (!err)
		err = file_write_full(file, text, strlen(text), 0);
	if (!err)
		err = folder_set_meta(folder, temporary, &meta);
	if (!err)
		err = file_sync(file);
	if (!err)
		err = folder_rename(folder, temporary, name);
	if (!err)
		err = folder_sync(folder);
	return err ? why_errno(p->why, err, "%s/%s", p->options->target, name) : 0;
}

static int read_conf(struct folder *folder, struct str *text)
{
	OWN(file_close_own) struct file *file = NULL;
	uint64_t size;
	int err = folder_read(folder, "postgresql.auto.conf", &file);
	if (err)
		return err == -ENOENT ? 0 : err;
	err = file_size(file, &size);
	if (err || size > CONF_MAX)
		return err ? err : -EFBIG;
	OWN(own_free) char *bytes = malloc((size_t)size + 1);
	if (!bytes)
		return -ENOMEM;
	err = file_read_full(file, bytes, (size_t)size, 0);
	if (!err)
		str_add_bytes(text, bytes, (size_t)size);
	return err;
}

/* name = 'value', as the server reads it back. */
static void add_setting(struct str *text, const char *name, const char *value)
{
	str_addf(text, "%s = '", name);
	for (const char *at = value; *at; at++) {
		if (*at == '\'' || *at == '\\')
			str_add_bytes(text, at, 1);
		str_add_bytes(text, at, 1);
	}
	str_add(text, "'\n");
}

static int put_settings(struct putting *p, struct folder *folder)
{
	OWN(str_done) struct str text = {0};
	const struct pg_restore_options *o = p->options;
	int err = read_conf(folder, &text);
	if (err)
		return why_errno(p->why, err, "%s/postgresql.auto.conf", o->target);
	str_add(&text, "\n# Recovery, by ebb restore.\n");
	/* Without a command the server takes what stands in pg_wal, which the backup brought. */
	add_setting(&text, "restore_command", o->restore_command ? o->restore_command : "false");
	if (!o->restore_command)
		add_setting(&text, "recovery_target", "immediate");
	if (o->restore_command && o->time)
		add_setting(&text, "recovery_target_time", o->time);
	add_setting(&text, "recovery_target_timeline", o->timeline);
	add_setting(&text, "recovery_target_action", "promote");
	if (str_error(&text))
		return -ENOMEM;
	err = put_file(p, folder, "postgresql.auto.conf", str_text(&text));
	return err ? err : put_file(p, folder, "recovery.signal", "");
}

/* "OID PATH" a line; a newline or a backslash in a path has a backslash before it. */
static int put_map(struct putting *p, struct folder *folder)
{
	OWN(folder_close_own) struct folder *links = NULL;
	OWN(str_done) struct str text = {0};
	if (!p->facts->spaces.len)
		return 0;
	int err = folder_enter(folder, "pg_tblspc", &links);
	vec_each (space, &p->facts->spaces) {
		struct files_meta meta = {.type = FILES_SYMLINK};
		char path[2048];
		snprintf(path, sizeof(path), "%s/%s", p->options->tablespaces, space->oid);
		str_addf(&text, "%s ", space->oid);
		for (const char *at = path; *at; at++) {
			if (strchr("\n\r\\", *at))
				str_add(&text, "\\");
			str_add_bytes(&text, at, 1);
		}
		str_add(&text, "\n");
		if (!err)
			err = folder_make(links, space->oid, &meta, path);
	}
	if (err || str_error(&text))
		return why_errno(p->why, err ? err : -ENOMEM, "%s/pg_tblspc", p->options->target);
	return put_file(p, folder, "tablespace_map", str_text(&text));
}

int pg_restore(struct repo *repo, struct files *files, const struct point *point,
	const struct pg_restore_options *options, struct restore_result *ret_result,
	struct why *why)
{
	OWN(folder_close_own) struct folder *folder = NULL;
	struct restore_result result = {0};
	struct putting p = {repo, files, options->facts, options, {0}, &result, why};
	struct digest data;
	int err = check_empty(files, options->target, why);
	if (!err)
		err = find_folder(repo, &point->root, "data", &data, why);
	if (!err)
		err = put_folder(&p, point, &data, options->target);
	if (!err)
		err = put_spaces(&p, point);
	if (err)
		return err;
	err = files_open(files, options->target, &folder);
	if (!err)
		err = folder_meta(folder, ".", &p.owner);
	if (err)
		return why_errno(why, err, "%s", options->target);
	err = put_map(&p, folder);
	if (!err)
		err = put_settings(&p, folder);
	if (!err)
		*ret_result = result;
	return err;
}
