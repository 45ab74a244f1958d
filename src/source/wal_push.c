/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Into the archive: new files are stored, the folders they belong to written anew, all others taken
 * over as they are. A segment's chunks are named by a list chunk, so that a folder of 256 of them
 * stays small.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/files.h"
#include "repo/repo.h"
#include "ship/content.h"
#include "source/wal_inner.h"
#include "source/wal_name.h"

struct fresh {
	const char *name; /* borrowed */
	struct wal_name parts;
	struct files_meta meta;
	struct content content;
};

struct push {
	struct wal_archive *archive;
	struct folder *from;
	struct content_reader reader;
	VEC(struct fresh) fresh;
	VEC(struct tree) trees; /* what entries below point into */
	size_t known;
	bool alone;         /* the new point has what is new, and others stay beside it */
	uint64_t keep_from; /* segments before it are left out */
	struct why *why;
};

static void push_done(struct push *push)
{
	vec_each (fresh, &push->fresh)
		content_done(&fresh->content);
	vec_done(&push->fresh);
	vec_each (tree, &push->trees)
		tree_done(tree);
	vec_done(&push->trees);
	content_reader_done(&push->reader);
}

/* ---- one file ---- */

/* A segment has to be what its name says, whole, and of this archive's cluster. */
static int check_segment(
	struct push *push, const struct fresh *fresh, struct file *file, struct why *why)
{
	struct wal_archive *archive = push->archive;
	uint8_t bytes[WAL_START];
	struct wal_start start;
	char identifier[32];
	int err = file_read_full(file, bytes, sizeof(bytes), 0);
	if (err == -ENODATA)
		return why_set(why, -EBADMSG, "%s: this is no WAL segment", fresh->name);
	if (!err)
		err = wal_start_read(bytes, &fresh->parts, &start, why);
	if (err)
		return why_prefix(why, err, "%s", fresh->name);
	if (fresh->meta.size != start.segment_size)
		return why_set(why, -EBADMSG, "%s: a segment has %u bytes, this file %" PRIu64,
			fresh->name, start.segment_size, fresh->meta.size);
	snprintf(identifier, sizeof(identifier), "%" PRIu64, start.system_identifier);
	if (!archive->system_identifier[0])
		snprintf(archive->system_identifier, sizeof(archive->system_identifier), "%s",
			identifier);
	if (strcmp(archive->system_identifier, identifier) != 0)
		return why_set(why, -EBADMSG,
			"%s: this is WAL of cluster %s, but the archive is that of cluster %s",
			fresh->name, identifier, archive->system_identifier);
	archive->segment_size = start.segment_size;
	return 0;
}

/* The row of digests as one list chunk. */
static int put_list(struct push *push, struct content *content)
{
	struct digest list;
	if (content->listed || content->digests.len < 2)
		return 0;
	int err = repo_put_chunk(push->archive->repo, CHUNK_LIST, content->digests.at,
		content->digests.len * DIGEST_SIZE, &list, push->why);
	if (err)
		return err;
	content->digests.at[0] = list;
	content->digests.len = 1;
	content->listed = true;
	return 0;
}

static bool same_content(const struct tree_entry *entry, const struct content *content)
{
	return entry->meta.size == content->size && entry->digest_count == content->digests.len &&
		!(entry->flags & TREE_LISTED) == !content->listed &&
		memcmp(entry->digests, content->digests.at, content->digests.len * DIGEST_SIZE) ==
		0;
}

/*
 * A file read as one run of bytes, holes or not: the same bytes are to have the same chunks,
 * whoever wrote the file.
 */
struct plain {
	struct file base;
	struct file *inner;
};

static ssize_t read_plain(struct file *file, void *bytes, size_t len, uint64_t at)
{
	return file_read_at(container_of(file, struct plain, base)->inner, bytes, len, at);
}

static int no_size(struct file *file, uint64_t *ret_size)
{
	(void)file;
	(void)ret_size;
	return -ESPIPE;
}

static int store(struct push *push, struct fresh *fresh)
{
	static const struct file_ops ops = {.read_at = read_plain, .size = no_size};
	OWN(file_close_own) struct file *file = NULL;
	struct plain plain = {.base.ops = &ops};
	int err = folder_meta(push->from, fresh->name, &fresh->meta);
	if (!err)
		err = folder_read(push->from, fresh->name, &file);
	if (err)
		return why_errno(push->why, err, "%s", fresh->name);
	if (fresh->parts.kind == WAL_SEGMENT)
		err = check_segment(push, fresh, file, push->why);
	plain.inner = file;
	if (!err)
		err = content_store(&push->reader, NULL, &plain.base, &fresh->content, push->why);
	if (err)
		return err < 0 ? err : why_prefix(push->why, -EIO, "%s", fresh->name);
	if (fresh->content.size != fresh->meta.size)
		return why_set(push->why, -EAGAIN, "%s: it changed while it was read", fresh->name);
	return put_list(push, &fresh->content);
}

/* 1: it is known already. */
static int take_file(struct push *push, struct fresh *fresh)
{
	OWN(tree_done) struct tree tree = {0};
	struct tree_entry entry;
	if (!wal_name_read(fresh->name, &fresh->parts))
		return why_set(push->why, -EINVAL, "'%.80s' is no name of a WAL file", fresh->name);
	int err = store(push, fresh);
	if (err)
		return err;
	err = wal_find(push->archive, fresh->name, &tree, &entry, push->why);
	if (err == -ENOENT)
		return 0;
	if (err)
		return err;
	return same_content(&entry, &fresh->content)
		? 1
		: why_set(push->why, -EEXIST,
			  "%s: the archive has a file of this name with another content",
			  fresh->name);
}

static int take_files(struct push *push, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct fresh fresh = {.name = names[i]};
		int err = take_file(push, &fresh);
		bool wanted = err == 0;
		push->known += err == 1;
		if (wanted)
			err = vec_push(&push->fresh, fresh);
		if (err)
			content_done(&fresh.content);
		/* The others have a turn of their own, and then tell what is wrong. */
		if (err < 0 && (i == 0 || err == -ENOMEM))
			return err;
	}
	return 0;
}

/* ---- what stays ---- */

bool wal_is_kept(const struct tree_entry *entry, uint64_t from, uint32_t segment_size)
{
	char text[WAL_NAME];
	struct wal_name name;
	if (entry->name_len >= sizeof(text))
		return true;
	snprintf(text, sizeof(text), "%.*s", (int)entry->name_len, entry->name);
	if (!wal_name_read(text, &name) || strstr(text, ".history"))
		return true;
	return wal_segment_number(&name, segment_size) >= from;
}

/* A folder with a name of that kind may hold what goes: its first segment would. */
static bool may_shrink(const struct push *push, const struct tree_entry *folder)
{
	char text[WAL_NAME];
	struct wal_name name;
	if (!push->keep_from || folder->name_len != WAL_FOLDER - 1)
		return push->keep_from != 0;
	snprintf(text, sizeof(text), "%.*s00000000", (int)folder->name_len, folder->name);
	return !wal_name_read(text, &name) ||
		wal_segment_number(&name, push->archive->segment_size) < push->keep_from;
}

/* ---- the tree ---- */

typedef VEC(struct tree_entry) entries_t;

static int by_name(const void *a, const void *b)
{
	const struct tree_entry *one = a, *other = b;
	size_t len = one->name_len < other->name_len ? one->name_len : other->name_len;
	int order = memcmp(one->name, other->name, len);
	return order ? order
		     : (one->name_len > other->name_len) - (one->name_len < other->name_len);
}

static bool same_name(const struct tree_entry *one, const struct tree_entry *other)
{
	return by_name(one, other) == 0;
}

/* Adds a folder's entries. */
static int load_entries(struct push *push, const struct digest *folder, entries_t *entries)
{
	struct tree tree = {0};
	struct tree_entry entry;
	int err = tree_load(push->archive->repo, folder, &tree, push->why), more = 0;
	if (!err && vec_push(&push->trees, tree)) {
		tree_done(&tree);
		return -ENOMEM;
	}
	if (err)
		return err;
	struct tree *kept = &push->trees.at[push->trees.len - 1];
	while ((more = tree_next(kept, &entry, push->why)) == 1)
		if (wal_is_kept(&entry, push->keep_from, push->archive->segment_size) &&
			vec_push(entries, entry))
			return -ENOMEM;
	return more;
}

/* Whether they are files of one name and not the same. */
static bool are_at_odds(const struct tree_entry *one, const struct tree_entry *other)
{
	return one->meta.type == FILES_FILE && other->meta.type == FILES_FILE &&
		(one->meta.size != other->meta.size || one->digest_count != other->digest_count ||
			(one->flags ^ other->flags) & TREE_LISTED ||
			memcmp(one->digests, other->digests, one->digest_count * DIGEST_SIZE) != 0);
}

/* Sorts and writes them; of several of one name the first. */
static int put_entries(struct push *push, entries_t *entries, struct digest *ret_digest)
{
	OWN(tree_writer_done) struct tree_writer writer = {.repo = push->archive->repo};
	int err = 0;
	if (entries->len)
		qsort(entries->at, entries->len, sizeof(*entries->at), by_name);
	for (size_t i = 0; !err && i < entries->len; i++) {
		const struct tree_entry *entry = &entries->at[i];
		if (!i || !same_name(entry - 1, entry))
			err = tree_add(&writer, entry, push->why);
		else if (are_at_odds(entry - 1, entry))
			err = why_set(push->why, -EEXIST,
				"%.*s: points of the archive have different files of this name: "
				"remove the wrong one with `ebb snap rm`",
				(int)entry->name_len, entry->name);
	}
	return err ? err : tree_finish(&writer, ret_digest, push->why);
}

/*
 * A folder of which several points have a state, or that gets new files, or loses some. 1: nothing
 * is left of it.
 */
static int merge_folder(struct push *push, const entries_t *roots, const char *name, size_t len,
	struct digest *ret_digest)
{
	entries_t entries = {0};
	int err = 0;
	for (size_t i = 0; !err && i < roots->len; i++) {
		struct digest digest;
		const struct tree_entry *root = &roots->at[i];
		if (root->name_len != len || memcmp(root->name, name, len) != 0 || !root->folder)
			continue;
		memcpy(digest.b, root->folder, DIGEST_SIZE);
		err = load_entries(push, &digest, &entries);
	}
	vec_each (fresh, &push->fresh) {
		struct tree_entry entry = {
			.meta = fresh->meta, .name = fresh->name, .name_len = strlen(fresh->name)};
		if (strlen(fresh->parts.folder) != len ||
			memcmp(fresh->parts.folder, name, len) != 0)
			continue;
		entry.meta.links = 1;
		content_fill(&fresh->content, &entry);
		err = err ? err : vec_push(&entries, entry);
	}
	bool gone = !entries.len;
	if (!err && !gone)
		err = put_entries(push, &entries, ret_digest);
	vec_done(&entries);
	return err ? err : gone;
}

static int put_facts(struct push *push, struct digest *ret_digest, uint64_t *ret_size)
{
	json_t *facts = json_pack("{s:s,s:I}", "system_identifier",
		push->archive->system_identifier, "wal_segment_size",
		(json_int_t)push->archive->segment_size);
	char *text = facts ? json_dumps(facts, JSON_COMPACT) : NULL;
	json_decref(facts);
	if (!text)
		return -ENOMEM;
	*ret_size = strlen(text);
	int err = repo_put_chunk(
		push->archive->repo, CHUNK_CONTENT, text, strlen(text), ret_digest, push->why);
	free(text);
	return err;
}

/* Names of folders that the new root has, each once, with their new trees. */
static int merge_root(struct push *push, struct digest *ret_root)
{
	entries_t roots = {0}, merged = {0};
	VEC(struct digest) digests = {0};
	struct digest facts;
	struct tree_entry about = {.meta = {.type = FILES_FILE, .mode = 0600, .links = 1},
		.name = "wal.json",
		.name_len = 8,
		.digests = facts.b,
		.digest_count = 1};
	int err = put_facts(push, &facts, &about.meta.size);
	for (size_t i = 0; !err && !push->alone && i < push->archive->points.len; i++)
		err = load_entries(push, &push->archive->points.at[i].root, &roots);
	vec_each (fresh, &push->fresh) {
		struct tree_entry folder = {
			.meta = {.type = FILES_FOLDER, .mode = 0700, .links = 1},
			.name = fresh->parts.folder,
			.name_len = strlen(fresh->parts.folder)};
		err = err ? err : vec_push(&roots, folder);
	}
	if (!err)
		err = vec_reserve(&digests, roots.len + 1);
	if (!err && roots.len)
		qsort(roots.at, roots.len, sizeof(*roots.at), by_name);
	for (size_t i = 0; !err && i < roots.len; i++) {
		struct tree_entry entry = roots.at[i];
		bool several = i + 1 < roots.len && same_name(&entry, &roots.at[i + 1]);
		if (entry.meta.type != FILES_FOLDER || (i && same_name(&entry, &roots.at[i - 1])))
			continue;
		bool gone = false;
		if (several || !entry.folder || may_shrink(push, &entry)) {
			struct digest *digest = &digests.at[digests.len++];
			err = merge_folder(push, &roots, entry.name, entry.name_len, digest);
			entry.folder = digest->b;
			gone = err == 1;
		}
		err = err < 0 ? err : gone ? 0 : vec_push(&merged, entry);
	}
	if (!err)
		err = vec_push(&merged, about);
	if (!err)
		err = put_entries(push, &merged, ret_root);
	vec_done(&roots);
	vec_done(&merged);
	vec_done(&digests);
	return err;
}

/* ---- the commit ---- */

/* The points that the new one replaces. That they stay for a while does no harm. */
static void drop_points(struct wal_archive *archive)
{
	VEC(struct point_change) changes = {0};
	vec_each (point, &archive->points)
		if (vec_push(&changes, ((struct point_change){point->id, POINT_REMOVE})))
			break;
	if (changes.len)
		repo_change_points(archive->repo, changes.at, changes.len, NULL);
	vec_done(&changes);
}

static int commit(struct push *push, const struct wal_options *options, struct point *point)
{
	struct wal_archive *archive = push->archive;
	*point = (struct point){.source = POINT_WAL, .kind = POINT_INCREMENTAL};
	point->start_ns = clock_wall_ns(options->clock);
	if (archive->points.len && !push->alone)
		point->parent = archive->points.at[archive->points.len - 1].id;
	else
		point->kind = POINT_FULL;
	snprintf(point->resource, sizeof(point->resource), "wal/%s", options->name);
	snprintf(point->host, sizeof(point->host), "%s", options->host);
	snprintf(point->writer, sizeof(point->writer), "%s", options->writer);
	snprintf(point->path, sizeof(point->path), WAL_PATH "%s", archive->system_identifier);
	point->read_bytes = push->reader.read_bytes;
	vec_each (fresh, &push->fresh)
		point->source_bytes += fresh->meta.size;
	point->entries = push->fresh.len;
	point->end_ns = clock_wall_ns(options->clock);
	int err = merge_root(push, &point->root);
	if (!err)
		err = repo_commit(archive->repo, point, push->why);
	if (!err && !push->alone)
		drop_points(archive);
	return err;
}

int wal_push(struct wal_archive *archive, const struct wal_options *options,
	const struct wal_files *files, struct wal_pushed *ret_pushed, struct why *why)
{
	OWN(push_done) struct push push = {.archive = archive, .from = files->folder, .why = why};
	struct wal_pushed pushed = {0};
	push.alone = repo_ring(archive->repo)->write_only;
	content_reader_init(&push.reader, archive->repo, repo_ring(archive->repo)->cut_key);
	int err = take_files(&push, files->names, files->count);
	if (!err && push.fresh.len)
		err = commit(&push, options, &pushed.point);
	if (err)
		return err;
	pushed.added = push.fresh.len;
	pushed.known = push.known;
	*ret_pushed = pushed;
	return 0;
}

int wal_drop(struct wal_archive *archive, const struct wal_options *options, uint64_t from,
	struct why *why)
{
	OWN(push_done) struct push push = {.archive = archive, .keep_from = from, .why = why};
	struct point point;
	return commit(&push, options, &point);
}

int wal_merge(struct wal_archive *archive, const struct wal_options *options, struct why *why)
{
	return archive->points.len < WAL_MERGE_FROM ? 0 : wal_drop(archive, options, 0, why);
}
