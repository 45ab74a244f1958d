/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archive as trees: opened, searched and walked. Points are merged by looking into all of them;
 * a file that several have is the same in all, because none takes another content for a name.
 */
#include "source/wal.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "os/disk.h"
#include "repo/repo.h"
#include "source/stream.h"
#include "source/wal_inner.h"
#include "source/wal_name.h"

/* ---- small texts out of a point ---- */

struct memory_file {
	struct file base;
	char *text;
	size_t len;
};

static ssize_t write_memory(struct file *file, const void *bytes, size_t len, uint64_t at)
{
	struct memory_file *memory = (struct memory_file *)file;
	if (at != memory->len || len > WAL_TEXT_MAX - memory->len)
		return -EFBIG;
	memcpy(memory->text + memory->len, bytes, len);
	memory->len += len;
	return (ssize_t)len;
}

int wal_read_text(struct repo *repo, const struct point *point, const char *path, char **ret_text,
	struct why *why)
{
	static const struct file_ops ops = {.write_at = write_memory};
	OWN(own_free) char *text = calloc(1, WAL_TEXT_MAX + 1);
	struct memory_file memory = {.base.ops = &ops, .text = text};
	uint64_t bytes;
	if (!text)
		return -ENOMEM;
	int err = stream_restore(repo, point, path, &memory.base, &bytes, why);
	if (!err)
		*ret_text = TAKE(text);
	return err;
}

static int read_facts(struct wal_archive *archive, const struct point *point, struct why *why)
{
	OWN(own_free) char *text = NULL;
	char hex[33];
	int err = wal_read_text(archive->repo, point, "wal.json", &text, why);
	if (err)
		return err;
	json_t *facts = json_loads(text, 0, NULL);
	const char *identifier = json_string_value(json_object_get(facts, "system_identifier"));
	json_int_t size = json_integer_value(json_object_get(facts, "wal_segment_size"));
	if (!identifier || size < 0 || size > 1 << 30) {
		err = why_set(why, -EBADMSG, "wal.json is damaged");
	} else if (*identifier && *archive->system_identifier &&
		strcmp(identifier, archive->system_identifier) != 0) {
		err = why_set(why, -EBADMSG,
			"point %.8s is WAL of cluster %s, others are of %s: remove those that are "
			"wrong with `ebb snap rm`",
			object_show_id(&point->id, hex), identifier, archive->system_identifier);
	} else if (*identifier) {
		snprintf(archive->system_identifier, sizeof(archive->system_identifier), "%s",
			identifier);
		if (size)
			archive->segment_size = (uint32_t)size;
	}
	json_decref(facts);
	return err;
}

/* Who cannot read knows the cluster of his last point by what he remembers of it. */
static int recall_facts(struct wal_archive *archive, const struct point *point)
{
	if (sscanf(point->path, WAL_PATH "%63s", archive->system_identifier) != 1)
		archive->system_identifier[0] = '\0';
	return 0;
}

int wal_open(struct repo *repo, const char *name, struct wal_archive *ret_archive, struct why *why)
{
	struct wal_archive archive = {.repo = repo};
	const struct head *head = repo_head(repo);
	char resource[POINT_TEXT];
	int err = 0;
	snprintf(resource, sizeof(resource), "wal/%s", name);
	uint64_t wanted = repo_resource(repo, resource);
	for (size_t i = 0; !err && i < head->points.len; i++) {
		const struct head_point *at = &head->points.at[i];
		struct point point;
		if (at->source != POINT_WAL || at->resource != wanted)
			continue;
		err = repo_point(repo, &at->id, &point, why);
		if (!err)
			err = vec_push(&archive.points, point);
		if (!err)
			err = repo_ring(repo)->write_only ? recall_facts(&archive, &point)
							  : read_facts(&archive, &point, why);
	}
	if (err)
		wal_close(&archive);
	else
		*ret_archive = archive;
	return err;
}

void wal_close(struct wal_archive *archive)
{
	vec_done(&archive->points);
}

/* The entry of that name in a tree that is loaded anew. -ENOENT. */
static int find_in(struct repo *repo, const struct digest *folder, const char *name,
	struct tree *tree, struct tree_entry *entry, struct why *why)
{
	size_t len = strlen(name);
	int err = tree_load(repo, folder, tree, why), more = 0;
	while (!err && (more = tree_next(tree, entry, why)) == 1)
		if (entry->name_len == len && memcmp(entry->name, name, len) == 0)
			return 0;
	return err ? err : more ? more : -ENOENT;
}

int wal_find(struct wal_archive *archive, const char *name, struct tree *ret_tree,
	struct tree_entry *ret_entry, struct why *why)
{
	struct wal_name parts;
	int err = -ENOENT;
	if (!wal_name_read(name, &parts))
		return why_set(why, -EINVAL, "'%.80s' is no name of a WAL file", name);
	for (size_t i = 0; err == -ENOENT && i < archive->points.len; i++) {
		OWN(tree_done) struct tree root = {0};
		struct tree_entry folder;
		struct digest digest;
		err = find_in(archive->repo, &archive->points.at[i].root, parts.folder, &root,
			&folder, why);
		if (err)
			continue;
		if (!folder.folder)
			return why_set(why, -EBADMSG, "the archive is damaged");
		memcpy(digest.b, folder.folder, DIGEST_SIZE);
		tree_done(ret_tree);
		err = find_in(archive->repo, &digest, name, ret_tree, ret_entry, why);
	}
	return err == -ENOENT ? why_set(why, err, "%s: the archive has no such file", name) : err;
}

int wal_pull(struct wal_archive *archive, const char *name, struct file *to, int64_t *ret_mtime_ns,
	struct why *why)
{
	OWN(tree_done) struct tree tree = {0};
	struct tree_entry entry;
	uint64_t bytes;
	int err = wal_find(archive, name, &tree, &entry, why);
	if (err)
		return err;
	err = stream_restore_entry(archive->repo, &entry, to, &bytes, why);
	if (!err)
		*ret_mtime_ns = entry.meta.mtime_ns;
	/* A chunk that is gone is not to be taken for a file that was never archived. */
	return err == -ENOENT ? -EBADMSG : err;
}

static int each_in(struct wal_archive *archive, const struct digest *folder, wal_each_fn *fn,
	void *arg, struct why *why)
{
	OWN(tree_done) struct tree tree = {0};
	struct tree_entry entry;
	int err = tree_load(archive->repo, folder, &tree, why), more = 0;
	while (!err && (more = tree_next(&tree, &entry, why)) == 1)
		if (!fn(arg, &entry))
			return 1;
	return err ? err : more;
}

int wal_each(struct wal_archive *archive, wal_each_fn *fn, void *arg, struct why *why)
{
	for (size_t i = 0; i < archive->points.len; i++) {
		OWN(tree_done) struct tree root = {0};
		struct tree_entry folder;
		struct digest digest;
		int err = tree_load(archive->repo, &archive->points.at[i].root, &root, why),
		    more = 0;
		while (!err && (more = tree_next(&root, &folder, why)) == 1) {
			if (!folder.folder)
				continue;
			memcpy(digest.b, folder.folder, DIGEST_SIZE);
			err = each_in(archive, &digest, fn, arg, why);
		}
		if (err || more)
			return err < 0 ? err : more < 0 ? more : 0;
	}
	return 0;
}
