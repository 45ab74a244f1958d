/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over a point's trees. Every file is written under a temporary name, given its
 * attributes, made durable with others, and renamed; a folder gets its own attributes after what is
 * in it. Entries of several names are linked to the first that was restored.
 *
 * What the target has already is compared by the names of its chunks. A file that is right is left
 * as it is, so a restore that was killed goes on where it was; of one that is not, only the chunks
 * that differ are fetched.
 */
#include "ship/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "os/files.h"
#include "repo/repo.h"
#include "ship/restore_inner.h"

void restore_trouble(struct restore *r, const char *path, const char *what)
{
	r->result.failed++;
	if (r->options->on_trouble)
		r->options->on_trouble(r->options->arg, path, what);
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
static void set_all(struct restore *r, struct folder *folder, const char *name,
	const struct tree_entry *entry, const char *path)
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
		restore_trouble(r, path, why.text);
}

void restore_attributes(struct restore *r, const struct job *job, const char *name)
{
	set_all(r, job->spot->folder, name, &job->entry, job->path);
}

/* ---- entries ---- */

/* Neither content nor anything that could be half there: at once, by way of a temporary name. */
static int make_special(
	struct restore *r, struct spot *spot, const struct tree_entry *entry, struct why *why)
{
	char temporary[TEMPORARY_NAME];
	struct folder *folder = spot->folder;
	const char *path = str_text(&r->path), *slash = strrchr(path, '/');
	temporary_name(r->next_number++, temporary);
	/* Not on the stack, of which each folder on the way here has taken a piece. */
	snprintf(r->target, sizeof(r->target), "%.*s", (int)entry->target_len,
		entry->target ? entry->target : "");
	int err = folder_make(folder, temporary, &entry->meta, r->target);
	if (err)
		return why_errno(why, err, "creating");
	set_all(r, folder, temporary, entry, path);
	err = folder_rename(folder, temporary, slash ? slash + 1 : path);
	if (err)
		folder_remove(folder, temporary, false);
	return err ? why_errno(why, err, "naming it") : 0;
}

/* The first of several names is remembered, and told to those that follow. */
static int find_first(struct restore *r, const struct tree_entry *entry, const char **ret_first)
{
	char key[48];
	*ret_first = NULL;
	if (entry->meta.links < 2)
		return 0;
	snprintf(key, sizeof(key), "%" PRIx64 ":%" PRIx64, entry->meta.device, entry->meta.inode);
	*ret_first = map_get(&r->linked, key);
	if (*ret_first)
		return 0;
	char *path = strdup(str_text(&r->path));
	if (!path || map_put(&r->linked, key, path)) {
		free(path);
		return -ENOMEM;
	}
	return 0;
}

static bool meta_differs(const struct restore *r, const struct job *job)
{
	struct files_meta now;
	const struct files_meta *then = &job->entry.meta;
	if (folder_meta(job->spot->folder, job->name, &now))
		return true;
	return now.mode != then->mode || now.mtime_ns != then->mtime_ns ||
		(!r->options->no_owner && (now.uid != then->uid || now.gid != then->gid));
}

static int restore_file(struct restore *r, struct job *job, struct why *why)
{
	struct folder *folder = job->spot->folder;
	if (job->kind == JOB_FILE && !job->spot->fresh && folder_read(folder, job->name, &job->old))
		job->old = NULL;
	if (job->kind == JOB_LINK || !refill_same(r, job))
		return refill_add(r, job, why);
	if (meta_differs(r, job))
		restore_attributes(r, job, job->name);
	r->result.kept++;
	r->result.kept_bytes += job->entry.meta.size;
	job_free(job);
	return 0;
}

/* Negative errno when the restore cannot go on; else `own` tells what is wrong with this entry. */
static int restore_leaf(struct restore *r, struct spot *spot, const struct tree_entry *entry,
	struct why *own, struct why *why)
{
	const char *first;
	if (entry->flags & TREE_UNREADABLE) {
		why_set(own, -ENODATA, "its content could not be read when it was saved");
		return 0;
	}
	int err = find_first(r, entry, &first);
	if (err)
		return err;
	if (!first && entry->meta.type != FILES_FILE) {
		make_special(r, spot, entry, own);
		return 0;
	}
	struct job *job = job_new(r, spot, entry);
	if (!job)
		return -ENOMEM;
	job->kind = first ? JOB_LINK : JOB_FILE;
	job->first = first;
	return restore_file(r, job, why);
}

static int restore_tree(
	struct restore *r, struct spot *spot, const struct digest *digest, struct why *why);

/* The folder is made when it is missing, and open when this returns 0. */
static int make_folder(struct restore *r, struct folder *folder, const struct tree_entry *entry,
	struct spot **ret_spot, struct why *why)
{
	struct folder *inner;
	struct files_meta meta;
	const char *name = entry->name;
	int made = folder_make(folder, name, &entry->meta, NULL);
	if (made && made != -EEXIST)
		return why_errno(why, made, "creating");
	int err = folder_enter(folder, name, &inner);
	if (err)
		return why_errno(why, err, "opening");
	struct spot *spot = spot_new(inner);
	if (!spot)
		return why_errno(why, -ENOMEM, "opening");
	spot->fresh = !made;
	spot->elsewhere = made && !folder_meta(inner, ".", &meta) && meta.device != r->device;
	*ret_spot = spot;
	return 0;
}

static void spot_own(struct spot **spot)
{
	spot_unref(*spot);
}

static int restore_folder(struct restore *r, struct spot *spot, const struct tree_entry *entry,
	struct why *own, struct why *why)
{
	OWN(spot_own) struct spot *inner = NULL;
	struct digest digest;
	if (make_folder(r, spot->folder, entry, &inner, own))
		return 0;
	memcpy(digest.b, entry->folder, DIGEST_SIZE);
	int err = restore_tree(r, inner, &digest, own);
	if (r->fatal)
		return why_set(why, r->fatal, "%s", own->text);
	if (err)
		return 0;
	/* What was mended on the way left words behind. */
	own->text[0] = '\0';
	struct job *job = job_new(r, spot, entry);
	if (!job)
		return -ENOMEM;
	job->kind = JOB_FOLDER;
	return refill_add(r, job, why);
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

static int restore_one(
	struct restore *r, struct spot *spot, const struct tree_entry *entry, struct why *why)
{
	const char *name = entry->name;
	struct why own = {""};
	int err = 0;
	sweep_name(r, spot->folder, entry, name);
	if (is_temporary(name))
		why_set(&own, -EINVAL, "this name is kept for restores");
	else if (entry->meta.type == FILES_FOLDER)
		err = restore_folder(r, spot, entry, &own, why);
	else
		err = restore_leaf(r, spot, entry, &own, why);
	if (!err && own.text[0])
		restore_trouble(r, str_text(&r->path), own.text);
	return err;
}

static int restore_entry(
	struct restore *r, struct spot *spot, const struct tree_entry *entry, struct why *why)
{
	char name[FILES_NAME_MAX + 1];
	struct tree_entry named = *entry;
	snprintf(name, sizeof(name), "%.*s", (int)entry->name_len, entry->name);
	named.name = name; /* with its NUL, which the tree has not */
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
		err = restore_one(r, spot, &named, why);
	}
	r->path.len = before;
	if (r->path.at)
		r->path.at[before] = '\0';
	return err;
}

/* An error is this folder's alone, unless r->fatal says that the restore cannot go on. */
static int restore_tree(
	struct restore *r, struct spot *spot, const struct digest *digest, struct why *why)
{
	OWN(tree_done) struct tree tree = {0};
	struct tree_entry entry;
	if (r->depth >= TREE_DEPTH_MAX)
		return why_set(why, -ELOOP, "more than %d folders deep", TREE_DEPTH_MAX);
	int err = tree_load(r->repo, digest, &tree, why), more = 0;
	if (!err && !spot->fresh)
		err = sweep_folder(r, spot, &tree, why);
	if (err)
		return err;
	r->depth++;
	bool whole = r->depth == 1 && (spot->fresh || r->options->in_place) && !r->options->only &&
		tree.has_self;
	while (!err && (more = tree_next(&tree, &entry, why)) == 1)
		err = restore_entry(r, spot, &entry, why);
	r->depth--;
	if (err)
		return r->fatal = err;
	/* The root's own attributes come last of all, when everything in it has its name. */
	if (!more && whole) {
		err = refill_finish(r, why);
		if (!err)
			err = land_batch(r, why);
		if (!err)
			set_all(r, spot->folder, ".", &tree.self, "");
	}
	return err ? err : more;
}

static void restore_done(struct restore *r)
{
	refill_done(r);
	land_done(r);
	map_each (entry, &r->linked)
		free(entry->value);
	map_done(&r->linked);
	str_done(&r->path);
}

static bool note_not_fresh(void *arg, const char *name)
{
	(void)name;
	*(bool *)arg = false;
	return false;
}

static int open_root(struct restore *r, struct files *files, struct spot **ret_spot)
{
	struct folder *folder;
	struct files_meta meta;
	bool fresh = true;
	int err = files_open(files, r->options->target, &folder);
	if (err)
		return err;
	struct spot *spot = spot_new(folder);
	if (!spot)
		return -ENOMEM;
	err = folder_list(folder, note_not_fresh, &fresh);
	if (!err)
		err = folder_meta(folder, ".", &meta);
	if (err) {
		spot_unref(spot);
		return err;
	}
	r->root = folder;
	r->device = meta.device;
	spot->fresh = fresh;
	*ret_spot = spot;
	return 0;
}

/* All that is left lands, and the last names become durable. */
static int finish(struct restore *r, struct why *why)
{
	int err = refill_finish(r, why);
	if (!err)
		err = land_batch(r, why);
	if (err)
		return err;
	err = folder_sync_all(r->root);
	return err ? why_errno(why, err, "making names durable") : 0;
}

int restore_dir(struct repo *repo, struct files *files, const struct point *point,
	const struct restore_options *options, struct restore_result *ret_result, struct why *why)
{
	OWN(spot_own) struct spot *root = NULL;
	OWN(restore_done) struct restore r = {.repo = repo, .options = options};
	int err = open_root(&r, files, &root);
	if (err)
		return why_errno(why, err, "%s", options->target);
	err = restore_tree(&r, root, &point->root, why);
	if (!err)
		err = finish(&r, why);
	if (!err && options->only && options->only[0] && !r.found)
		err = why_set(why, -ENOENT, "%s: no such path in this point", options->only);
	if (err)
		return err;
	*ret_result = r.result;
	return 0;
}
