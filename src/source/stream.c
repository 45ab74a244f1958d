/* SPDX-License-Identifier: Apache-2.0 */
/* One file in a tree of its own; and the way back to anything that is written from start to end. */
#include "source/stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/files.h"
#include "repo/repo.h"
#include "ship/content.h"
#include "ship/tree.h"

/* ---- in ---- */

static const char *last_component(const char *name)
{
	const char *slash = strrchr(name, '/');
	return slash ? slash + 1 : name;
}

static int check_name(const char *name, struct why *why)
{
	const char *last = last_component(name);
	if (!*last || strlen(last) > FILES_NAME_MAX || strcmp(last, ".") == 0 ||
		strcmp(last, "..") == 0)
		return why_set(why, -EINVAL, "'%.80s' cannot be the name of a file", name);
	return 0;
}

static int put_tree(struct repo *repo, const struct stream_options *options,
	const struct content *content, struct point *point, struct why *why)
{
	OWN(tree_writer_done) struct tree_writer writer = {.repo = repo};
	const char *name = last_component(options->name);
	struct tree_entry entry = {
		.meta = {.type = FILES_FILE,
			.mode = 0600,
			.uid = options->uid,
			.gid = options->gid,
			.mtime_ns = point->start_ns,
			.ctime_ns = point->start_ns,
			.size = content->size,
			.links = 1},
		.name = name,
		.name_len = strlen(name),
	};
	content_fill(content, &entry);
	int err = tree_add(&writer, &entry, why);
	return err ? err : tree_finish(&writer, &point->root, why);
}

struct watched {
	const struct stream_options *options;
	const struct content_reader *reader;
};

static void on_read(void *arg)
{
	const struct watched *watched = arg;
	struct backup_progress now = {
		.entries = 1,
		.bytes = watched->reader->read_bytes,
		.read_bytes = watched->reader->read_bytes,
	};
	watched->options->on_progress(watched->options->arg, &now);
}

int stream_backup(struct repo *repo, struct clock *clock, struct file *stream,
	const struct stream_options *options, struct point *ret_point, struct why *why)
{
	OWN(content_reader_done) struct content_reader reader = {0};
	OWN(content_done) struct content content = {0};
	struct watched watched = {options, &reader};
	struct point point = {
		.source = POINT_STREAM, .kind = POINT_FULL, .start_ns = clock_wall_ns(clock)};
	int err = check_name(options->name, why);
	content_reader_init(&reader, repo, repo_ring(repo)->cut_key);
	reader.pace = options->pace;
	reader.on_read = options->on_progress ? on_read : NULL;
	reader.arg = &watched;
	if (!err)
		err = content_store(&reader, NULL, stream, &content, why);
	if (err == CONTENT_UNREADABLE)
		err = why_prefix(why, -EIO, "the stream");
	if (!err && options->on_end)
		err = options->on_end(options->end_arg, why);
	if (!err)
		err = put_tree(repo, options, &content, &point, why);
	if (err)
		return err;
	snprintf(point.resource, sizeof(point.resource), "stream/%s", options->name);
	snprintf(point.host, sizeof(point.host), "%s", options->host);
	snprintf(point.path, sizeof(point.path), "%s", options->from);
	snprintf(point.writer, sizeof(point.writer), "%s", options->writer);
	point.entries = 1;
	point.source_bytes = point.read_bytes = content.size;
	point.end_ns = clock_wall_ns(clock);
	err = repo_commit(repo, &point, why);
	if (!err)
		*ret_point = point;
	return err;
}
