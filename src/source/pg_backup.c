/* SPDX-License-Identifier: Apache-2.0 */
/* Archives to files, files to chunks, and all of them to one tree. */
#include "source/pg_backup.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/disk.h"
#include "repo/repo.h"
#include "source/pg_server.h"
#include "source/tar.h"
#include "source/tree_build.h"

struct pg_run {
	struct repo *repo;
	struct pg_server server;
	struct content_reader reader;
	struct tree_build build;
	struct point point;
	struct files_meta owner; /* of the data directory, as its first file tells */
	const struct pg_backup_options *options;
	const char *at; /* the file that is under way */
	struct why *why;
};

static void run_done(struct pg_run *run)
{
	tree_build_done(&run->build);
	content_reader_done(&run->reader);
	pg_server_close(&run->server);
}

static ssize_t read_part(void *arg, void *bytes, size_t len, struct why *why)
{
	struct pg_run *run = arg;
	return pg_server_read(&run->server, bytes, len, why);
}

static void on_read(void *arg)
{
	const struct pg_run *run = arg;
	struct backup_progress now = {
		.entries = run->point.entries,
		.bytes = run->reader.read_bytes,
		.read_bytes = run->reader.read_bytes,
		.of_bytes = run->server.size,
		.path = run->at,
	};
	run->options->on_progress(run->options->arg, &now);
}

/* Links to tablespaces are made anew where a restore puts them. */
static bool is_tablespace_link(const struct tar_entry *entry)
{
	return entry->meta.type == FILES_SYMLINK && str_starts(entry->name, "pg_tblspc/");
}

static int save_entry(
	struct pg_run *run, const char *folder, struct tar *tar, struct tar_entry *entry)
{
	OWN(content_done) struct content content = {0};
	char path[TAR_NAME + PG_TEXT + 20];
	snprintf(path, sizeof(path), "%s/%s", folder, entry->name);
	if (is_tablespace_link(entry))
		return 0;
	if (entry->meta.type == FILES_FILE) {
		run->at = path;
		int err = content_store(&run->reader, NULL, &tar->content, &content, run->why);
		run->at = NULL;
		if (err == CONTENT_UNREADABLE)
			return why_prefix(run->why, tar->err ? tar->err : -EIO, "%s", entry->name);
		if (err)
			return err;
		if (content.size != entry->meta.size)
			return why_set(run->why, -EBADMSG, "%s: it came shorter than announced",
				entry->name);
		run->owner = entry->meta;
		run->point.source_bytes += content.size;
	}
	run->point.entries++;
	return tree_build_add(&run->build, path, &entry->meta, &content,
		entry->meta.type == FILES_SYMLINK ? entry->target : NULL);
}

/* "base.tar" is the data directory, "OID.tar" a tablespace. */
static int save_archive(struct pg_run *run, const char *name)
{
	char folder[PG_TEXT + 20];
	struct tar_entry entry;
	struct tar tar;
	size_t len = strlen(name);
	int more;
	if (len < 5 || strcmp(name + len - 4, ".tar") != 0 || strchr(name, '/') || name[0] == '.')
		return why_set(run->why, -EBADMSG, "an archive is called '%s'", name);
	if (strcmp(name, "base.tar") == 0)
		snprintf(folder, sizeof(folder), "data");
	else
		snprintf(folder, sizeof(folder), "tablespaces/%.*s", (int)len - 4, name);
	tar_init(&tar, read_part, run, run->why);
	while ((more = tar_next(&tar, &entry)) == 1) {
		int err = save_entry(run, folder, &tar, &entry);
		if (err)
			return err;
	}
	return more;
}

/* The part that is under way, as a file without a size. */
struct part_file {
	struct file base;
	struct pg_run *run;
	uint64_t at;
};

static ssize_t read_part_file(struct file *file, void *bytes, size_t len, uint64_t at)
{
	struct part_file *part = container_of(file, struct part_file, base);
	if (at != part->at)
		return -ESPIPE;
	ssize_t n = pg_server_read(&part->run->server, bytes, len, part->run->why);
	part->at += n > 0 ? (uint64_t)n : 0;
	return n;
}

static int no_size(struct file *file, uint64_t *ret_size)
{
	(void)file;
	(void)ret_size;
	return -ESPIPE;
}

static int save_manifest(struct pg_run *run)
{
	static const struct file_ops ops = {.read_at = read_part_file, .size = no_size};
	OWN(content_done) struct content content = {0};
	struct part_file part = {.base.ops = &ops, .run = run};
	struct files_meta meta = run->owner;
	int err = content_store(&run->reader, NULL, &part.base, &content, run->why);
	if (err)
		return err < 0 ? err : -EIO;
	meta.size = content.size;
	run->point.entries++;
	return tree_build_add(&run->build, "data/backup_manifest", &meta, &content, NULL);
}

static int save_parts(struct pg_run *run)
{
	char name[PG_TEXT];
	int part;
	while ((part = pg_server_next(&run->server, name, run->why)) > 0) {
		int err = part == PG_ARCHIVE ? save_archive(run, name) : save_manifest(run);
		if (err)
			return err;
	}
	return part ? part : pg_server_finish(&run->server, run->why);
}

static int save_facts(struct pg_run *run)
{
	const struct pg_server *s = &run->server;
	json_t *spaces = json_array();
	for (size_t i = 0; i < s->tablespaces.len; i++)
		json_array_append_new(spaces,
			json_pack("{s:s,s:s}", "oid", s->tablespaces.at[i].oid, "path",
				s->tablespaces.at[i].path));
	json_t *facts = json_pack("{s:s,s:s,s:I,s:s,s:s,s:I,s:o}", "system_identifier",
		s->system_identifier, "version", s->version, "timeline", (json_int_t)s->timeline,
		"start_lsn", s->start_lsn, "stop_lsn", s->stop_lsn, "wal_segment_size",
		(json_int_t)s->segment_size, "tablespaces", spaces);
	char *text = facts ? json_dumps(facts, JSON_INDENT(1)) : NULL;
	json_decref(facts);
	int err = text ? tree_build_text(&run->build, run->repo, "postgres.json", &run->owner, text,
				 run->why)
		       : -ENOMEM;
	free(text);
	return err;
}

/* The data directory itself is in no archive. */
static int save_root(struct pg_run *run)
{
	struct files_meta folder = run->owner;
	folder.type = FILES_FOLDER;
	folder.mode = run->server.data_mode;
	folder.size = 0;
	int err = tree_build_add(&run->build, "data", &folder, NULL, NULL);
	if (!err)
		err = save_facts(run);
	return err ? err
		   : tree_build_finish(&run->build, run->repo, &folder, &run->point.root, run->why);
}

static int save_all(struct pg_run *run)
{
	content_reader_init(&run->reader, run->repo, repo_ring(run->repo)->cut_key);
	run->reader.pace = run->options->pace;
	run->reader.on_read = run->options->on_progress ? on_read : NULL;
	run->reader.arg = run;
	int err = pg_server_open(run->options->conninfo, &run->server, run->why);
	if (!err)
		err = pg_server_begin(&run->server, run->why);
	if (!err)
		err = save_parts(run);
	return err ? err : save_root(run);
}

int pg_size(const char *conninfo, uint64_t *ret_bytes, struct why *why)
{
	return pg_server_size(conninfo, ret_bytes, why);
}

int pg_backup(struct repo *repo, struct clock *clock, const struct pg_backup_options *options,
	struct point *ret_point, struct why *why)
{
	OWN(run_done) struct pg_run run = {.repo = repo, .options = options, .why = why};
	struct point *point = &run.point;
	point->source = POINT_POSTGRES;
	point->kind = POINT_FULL;
	point->start_ns = clock_wall_ns(clock);
	snprintf(point->resource, sizeof(point->resource), "pg/%s", options->name);
	snprintf(point->host, sizeof(point->host), "%s", options->host);
	snprintf(point->writer, sizeof(point->writer), "%s", options->writer);
	int err = save_all(&run);
	if (err)
		return err;
	snprintf(point->path, sizeof(point->path), "PostgreSQL %s, system %s", run.server.version,
		run.server.system_identifier);
	point->read_bytes = run.reader.read_bytes;
	point->end_ns = clock_wall_ns(clock);
	err = repo_commit(repo, point, why);
	if (!err)
		*ret_point = *point;
	return err;
}
