/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every file is written under a temporary name, synced, given its attributes, and renamed; a folder
 * gets its own attributes after what is in it. Entries of several names are linked to the first
 * that was restored.
 */
#include "ship/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "os/disk.h"
#include "os/files.h"
#include "repo/repo.h"
#include "ship/tree.h"

/* No name of a source is likely to be this one; one that is, is refused as damaged. */
static const char temporary[] = ".ebb-restore-new";

struct restore {
	struct repo *repo;
	const struct restore_options *options;
	struct restore_result result;
	struct folder *root;
	struct str path;
	struct map linked; /* "device:inode" -> path of the first name */
	char target[FILES_LINK_MAX];
	int depth;
	bool found; /* `only` was met */
	bool fresh; /* the target was empty */
};

static void trouble(struct restore *r, const char *what)
{
	r->result.failed++;
	if (r->options->on_trouble)
		r->options->on_trouble(r->options->arg, str_text(&r->path), what);
}

/* ---- content ---- */

/* Where the next bytes of the content go: through the extents when there are any. */
struct sink {
	struct file *file;
	const struct tree_entry *entry;
	size_t extent;
	uint64_t at, until;
};

static bool sink_next(struct sink *sink)
{
	if (!(sink->entry->flags & TREE_HOLES)) {
		sink->until = UINT64_MAX;
		return true;
	}
	if (sink->extent == sink->entry->extent_count)
		return false;
	struct tree_extent extent = tree_extent_at(sink->entry, sink->extent++);
	sink->at = extent.from;
	sink->until = extent.to;
	return extent.from < extent.to && extent.to <= sink->entry->meta.size;
}

static int sink_write(struct sink *sink, const uint8_t *bytes, size_t len)
{
	while (len) {
		if (sink->at == sink->until && !sink_next(sink))
			return -EBADMSG;
		size_t n = sink->until - sink->at < len ? (size_t)(sink->until - sink->at) : len;
		int err = file_write_full(sink->file, bytes, n, sink->at);
		if (err)
			return err;
		sink->at += n;
		bytes += n;
		len -= n;
	}
	return 0;
}

static int write_chunks(
	struct restore *r, struct sink *sink, const uint8_t *digests, size_t count, struct why *why)
{
	for (size_t i = 0; i < count; i++) {
		OWN(own_free) uint8_t *bytes = NULL;
		struct digest digest;
		size_t len;
		memcpy(digest.b, digests + i * DIGEST_SIZE, DIGEST_SIZE);
		int err = repo_chunk(r->repo, &digest, CHUNK_CONTENT, &bytes, &len, why);
		if (err)
			return err;
		err = sink_write(sink, bytes, len);
		if (err)
			return why_errno(why, err, "writing");
		r->result.bytes += len;
	}
	return 0;
}

static int write_lists(
	struct restore *r, struct sink *sink, const struct tree_entry *entry, struct why *why)
{
	for (size_t i = 0; i < entry->digest_count; i++) {
		OWN(own_free) uint8_t *list = NULL;
		struct digest digest;
		size_t len;
		memcpy(digest.b, entry->digests + i * DIGEST_SIZE, DIGEST_SIZE);
		int err = repo_chunk(r->repo, &digest, CHUNK_LIST, &list, &len, why);
		if (!err)
			err = write_chunks(r, sink, list, len / DIGEST_SIZE, why);
		if (err)
			return err;
	}
	return 0;
}

static int write_content(
	struct restore *r, struct file *file, const struct tree_entry *entry, struct why *why)
{
	struct sink sink = {.file = file, .entry = entry};
	if (!(entry->flags & TREE_HOLES))
		sink.until = UINT64_MAX;
	int err = entry->flags & TREE_LISTED
		? write_lists(r, &sink, entry, why)
		: write_chunks(r, &sink, entry->digests, entry->digest_count, why);
	if (err)
		return err;
	if (!(entry->flags & TREE_HOLES) && sink.at != entry->meta.size)
		return why_set(why, -EBADMSG, "its chunks make %" PRIu64 " bytes, not %" PRIu64,
			sink.at, entry->meta.size);
	/* The size also gives a hole at the end its length. */
	err = file_truncate(file, entry->meta.size);
	return err ? why_errno(why, err, "setting its size") : 0;
}

/* ---- attributes ---- */

static int set_xattrs(
	struct folder *folder, const char *name, const struct tree_entry *entry, struct why *why)
{
	struct tree_xattr xattr;
	char key[256];
	for (size_t at = 0; tree_next_xattr(entry, &at, &xattr);) {
		if (xattr.name_len >= sizeof(key))
			return why_set(why, -EBADMSG, "an attribute's name is too long");
		snprintf(key, sizeof(key), "%.*s", (int)xattr.name_len, xattr.name);
		int err = folder_set_xattr(folder, name, key, xattr.value, xattr.len);
		if (err)
			return why_errno(why, err, "restored without its attribute %s", key);
	}
	return 0;
}

/*
 * What cannot be set is told and counted, and the entry stays: its content is right. Without its
 * owner it gets no mode either, so that no setuid bit meets another owner.
 */
static void set_all(
	struct restore *r, struct folder *folder, const char *name, const struct tree_entry *entry)
{
	struct why why;
	struct files_meta meta = entry->meta;
	if (r->options->no_owner) {
		meta.uid = meta.gid = UINT32_MAX; /* chown(2) leaves what is -1 */
		meta.mode &= 01777;               /* setuid for another owner would be a gift */
	}
	int err = folder_set_meta(folder, name, &meta);
	if (err)
		why_errno(&why, err, "restored without its owner, mode and times");
	/* ACLs after the mode, which they refine. */
	else
		err = set_xattrs(folder, name, entry, &why);
	if (err)
		trouble(r, why.text);
}

/* ---- entries ---- */

static int make_file(
	struct restore *r, struct folder *folder, const struct tree_entry *entry, struct why *why)
{
	OWN(file_close_own) struct file *file = NULL;
	int err = folder_make_file(folder, temporary, &file);
	if (err)
		return why_errno(why, err, "creating");
	err = write_content(r, file, entry, why);
	if (err)
		return err;
	set_all(r, folder, temporary, entry);
	err = file_sync(file);
	return err ? why_errno(why, err, "making it durable") : 0;
}

static int make_special(
	struct restore *r, struct folder *folder, const struct tree_entry *entry, struct why *why)
{
	/* Not on the stack, of which each folder on the way here has taken a piece. */
	snprintf(r->target, sizeof(r->target), "%.*s", (int)entry->target_len,
		entry->target ? entry->target : "");
	int err = folder_make(folder, temporary, &entry->meta, r->target);
	if (err)
		return why_errno(why, err, "creating");
	set_all(r, folder, temporary, entry);
	return 0;
}

/* Opens the folder that holds the root's path `path`, and tells the last component. */
static int open_parent(
	struct restore *r, char *path, struct folder **ret_folder, const char **ret_last)
{
	struct folder *folder;
	int err = folder_enter(r->root, ".", &folder);
	char *at = path;
	for (char *slash; !err && (slash = strchr(at, '/')); at = slash + 1) {
		struct folder *inner;
		*slash = '\0';
		err = folder_enter(folder, at, &inner);
		*slash = '/';
		folder_close(folder);
		folder = err ? NULL : inner;
	}
	if (err)
		return err;
	*ret_folder = folder;
	*ret_last = at;
	return 0;
}

/* Links the entry to the name that was restored first. -ENOENT: there is none yet. */
static int link_first(struct restore *r, struct folder *folder, const struct tree_entry *entry)
{
	OWN(folder_close_own) struct folder *parent = NULL;
	char key[48];
	const char *last;
	snprintf(key, sizeof(key), "%" PRIx64 ":%" PRIx64, entry->meta.device, entry->meta.inode);
	char *first = map_get(&r->linked, key);
	if (!first) {
		char *path = strdup(str_text(&r->path));
		if (!path || map_put(&r->linked, key, path)) {
			free(path);
			return -ENOMEM;
		}
		return -ENOENT;
	}
	int err = open_parent(r, first, &parent, &last);
	return err ? err : folder_hard_link(parent, last, folder, temporary);
}

static int make_entry(
	struct restore *r, struct folder *folder, const struct tree_entry *entry, struct why *why)
{
	if (entry->meta.links > 1) {
		int err = link_first(r, folder, entry);
		/* A first name that failed leaves the others to be restored by themselves. */
		if (!err || err == -ENOMEM)
			return err;
	}
	if (entry->meta.type == FILES_FILE)
		return make_file(r, folder, entry, why);
	return make_special(r, folder, entry, why);
}

static int restore_tree(
	struct restore *r, struct folder *folder, const struct digest *digest, struct why *why);

static int restore_folder(struct restore *r, struct folder *folder, const char *name,
	const struct tree_entry *entry, struct why *why)
{
	OWN(folder_close_own) struct folder *inner = NULL;
	struct digest digest;
	int err = folder_make(folder, name, &entry->meta, NULL);
	if (err && err != -EEXIST)
		return why_errno(why, err, "creating");
	err = folder_enter(folder, name, &inner);
	if (err)
		return why_errno(why, err, "opening");
	memcpy(digest.b, entry->folder, DIGEST_SIZE);
	err = restore_tree(r, inner, &digest, why);
	if (!err)
		set_all(r, folder, name, entry);
	return err;
}

/* How an entry's path stands to `only`: outside, on the way to it, or inside. */
enum scope { SCOPE_OUTSIDE, SCOPE_ABOVE, SCOPE_INSIDE };

static enum scope scope_of(struct restore *r)
{
	const char *only = r->options->only, *path = str_text(&r->path);
	size_t only_len = only ? strlen(only) : 0, len = r->path.len;
	if (!only_len)
		return SCOPE_INSIDE;
	if (len >= only_len)
		return strncmp(path, only, only_len) == 0 &&
				(path[only_len] == '\0' || path[only_len] == '/')
			? SCOPE_INSIDE
			: SCOPE_OUTSIDE;
	return strncmp(only, path, len) == 0 && only[len] == '/' ? SCOPE_ABOVE : SCOPE_OUTSIDE;
}

static int restore_one(struct restore *r, struct folder *folder, const char *name,
	const struct tree_entry *entry, struct why *why)
{
	if (strcmp(name, temporary) == 0)
		return why_set(why, -EINVAL, "this name is kept for restores");
	if (entry->meta.type == FILES_FOLDER)
		return restore_folder(r, folder, name, entry, why);
	if (entry->flags & TREE_UNREADABLE)
		return why_set(why, -ENODATA, "its content could not be read when it was saved");
	/* What an earlier, killed restore left under the temporary name is in the way. */
	folder_remove(folder, temporary, false);
	int err = make_entry(r, folder, entry, why);
	if (!err) {
		err = folder_rename(folder, temporary, name);
		if (err)
			why_errno(why, err, "naming it");
	}
	if (err)
		folder_remove(folder, temporary, false);
	return err;
}

static int restore_entry(struct restore *r, struct folder *folder, const struct tree_entry *entry)
{
	char name[FILES_NAME_MAX + 1];
	struct why why = {""};
	snprintf(name, sizeof(name), "%.*s", (int)entry->name_len, entry->name);
	size_t before = r->path.len;
	if (before)
		str_add(&r->path, "/");
	str_add(&r->path, name);
	int err = str_error(&r->path);
	enum scope scope = scope_of(r);
	bool wanted = scope == SCOPE_INSIDE ||
		(scope == SCOPE_ABOVE && entry->meta.type == FILES_FOLDER);
	if (!err && wanted) {
		r->found |= scope == SCOPE_INSIDE;
		r->result.entries++;
		if (restore_one(r, folder, name, entry, &why))
			trouble(r, why.text[0] ? why.text : "no memory");
	}
	r->path.len = before;
	if (r->path.at)
		r->path.at[before] = '\0';
	return err;
}

static int restore_tree(
	struct restore *r, struct folder *folder, const struct digest *digest, struct why *why)
{
	OWN(tree_done) struct tree tree = {0};
	struct tree_entry entry;
	if (r->depth >= TREE_DEPTH_MAX)
		return why_set(why, -ELOOP, "more than %d folders deep", TREE_DEPTH_MAX);
	int err = tree_load(r->repo, digest, &tree, why), more = 0;
	r->depth++;
	bool whole = r->depth == 1 && r->fresh && !r->options->only && tree.has_self;
	while (!err && (more = tree_next(&tree, &entry, why)) == 1)
		err = restore_entry(r, folder, &entry);
	r->depth--;
	if (!err)
		err = more;
	if (!err && whole)
		set_all(r, folder, ".", &tree.self);
	if (!err) {
		err = folder_sync(folder);
		if (err)
			why_errno(why, err, "making its names durable");
	}
	return err;
}

static void restore_done(struct restore *r)
{
	map_each (entry, &r->linked)
		free(entry->value);
	map_done(&r->linked);
	str_done(&r->path);
	folder_close(r->root);
}

static bool note_not_fresh(void *arg, const char *name)
{
	(void)name;
	*(bool *)arg = false;
	return false;
}

int restore_dir(struct repo *repo, struct files *files, const struct point *point,
	const struct restore_options *options, struct restore_result *ret_result, struct why *why)
{
	OWN(restore_done) struct restore r = {.repo = repo, .options = options};
	int err = files_open(files, options->target, &r.root);
	if (err)
		return why_errno(why, err, "%s", options->target);
	r.fresh = true;
	err = folder_list(r.root, note_not_fresh, &r.fresh);
	if (!err)
		err = restore_tree(&r, r.root, &point->root, why);
	if (!err && options->only && options->only[0] && !r.found)
		err = why_set(why, -ENOENT, "%s: no such path in this point", options->only);
	if (err)
		return err;
	*ret_result = r.result;
	return 0;
}
