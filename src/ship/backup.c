/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk: folder by folder, names in order, beside the same folder of the parent point.
 *
 * A file whose type, size, times and inode are those of the parent's entry is taken over with its
 * chunks and attributes, unread: ctime cannot be set back by anybody but the kernel. Its device
 * does not count: each snapshot of a file system has another, and so has a disk after a reboot. One
 * that was read within a tick of its ctime is read again, since a later change may bear the same.
 */
#include "ship/backup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/files.h"
#include "repo/repo.h"
#include "ship/content.h"
#include "ship/estimate.h"
#include "ship/exclude.h"
#include "ship/follow.h"
#include "ship/names.h"
#include "ship/tree.h"

static const char cache_tag[] = "CACHEDIR.TAG";
static const char cache_signature[] = "Signature: 8a477f597d28d172789f06886806bc55";

/* A tick of the kernel's clock for files is at most 10 ms. */
enum { TICK_NS = 12 * 1000 * 1000 };

/* The attributes of one entry, all together: what a tree's chunk has room for. */
enum { XATTRS_MAX = 256 << 10 };

struct walk {
	struct repo *repo;
	struct clock *clock;
	const struct backup_options *options;
	struct content_reader reader;
	struct str path; /* below the root; "" at the root */
	uint64_t device;
	struct map linked; /* "device:inode" -> struct linked of the first name met */
	char target[FILES_LINK_MAX];
	struct point *point;
	uint64_t read_before; /* the file that is under way */
	struct why *why;
	int depth;
	bool doubt; /* the parent misses something: what is taken over from it is looked at */
	struct follow follow;
};

/* What a file of several names came to at the first of them. */
struct linked {
	struct content content;
	unsigned flags;
};

static void trouble(struct walk *walk, const char *what)
{
	if (walk->options->on_trouble)
		walk->options->on_trouble(walk->options->arg, str_text(&walk->path), what);
}

static void unreadable(struct walk *walk, const char *what)
{
	walk->point->unreadable++;
	walk->point->partial = true;
	trouble(walk, what);
}

/* Lengthens the path by one component; returns where it ended before. */
static size_t path_enter(struct walk *walk, const char *name)
{
	size_t before = walk->path.len;
	if (before)
		str_add(&walk->path, "/");
	str_add(&walk->path, name);
	return before;
}

static void path_leave(struct walk *walk, size_t before)
{
	walk->path.len = before;
	if (walk->path.at)
		walk->path.at[before] = '\0';
}

static bool excluded(const struct walk *walk, const struct files_meta *meta)
{
	const struct excludes *excludes = walk->options->excludes;
	return excludes &&
		excludes_match(excludes, str_text(&walk->path), meta->type == FILES_FOLDER);
}

static bool unchanged(const struct files_meta *now, const struct files_meta *then)
{
	return now->type == then->type && now->size == then->size &&
		now->mtime_ns == then->mtime_ns && now->ctime_ns == then->ctime_ns &&
		now->inode == then->inode;
}

static bool note_xattr(void *arg, const char *name, const void *value, size_t len)
{
	tree_put_xattr(arg, name, value, len);
	return true;
}

/* ---- attributes ---- */

struct entry_buffers {
	struct content content;
	struct fields_out xattrs;
	struct digest folder;
};

static void buffers_done(struct entry_buffers *buffers)
{
	content_done(&buffers->content);
	out_done(&buffers->xattrs);
}

/* ---- content ---- */

/*
 * A file that changed under our eyes is stored as it was read, and says so. One that was removed
 * meanwhile was read to its end all the same.
 */
static void check_steady(struct walk *walk, struct folder *folder, struct tree_entry *entry,
	const struct files_meta *before, const char *name)
{
	struct files_meta after;
	int err = folder_meta(folder, name, &after);
	if (!err && unchanged(&after, before) && entry->meta.size == before->size)
		return;
	entry->flags |= TREE_CHANGED;
	walk->point->changed++;
	trouble(walk, err ? "removed while it was read" : "changed while it was read");
}

/* -EAGAIN: the entry is left out. */
static int vanished(struct walk *walk)
{
	trouble(walk, "removed before it was read");
	return -EAGAIN;
}

/* Attributes as far as they could be read; `err` is how that ended. */
static int take_xattrs(
	struct walk *walk, int err, struct tree_entry *entry, struct fields_out *xattrs)
{
	struct why why;
	if (err) {
		why_errno(&why, err, "reading its extended attributes");
		unreadable(walk, why.text);
	}
	if (xattrs->failed)
		return -ENOMEM;
	if (xattrs->len > XATTRS_MAX) {
		unreadable(walk, "saved without its extended attributes: they are too large");
		return 0;
	}
	entry->xattrs = xattrs->at;
	entry->xattrs_len = xattrs->len;
	return 0;
}

static int save_xattrs(struct walk *walk, struct folder *folder, const char *name,
	struct tree_entry *entry, struct fields_out *xattrs)
{
	int err = folder_xattrs(folder, name, note_xattr, xattrs);
	return err == -ENOENT ? vanished(walk) : take_xattrs(walk, err, entry, xattrs);
}

static int read_content(struct walk *walk, struct folder *folder, const char *name,
	struct tree_entry *entry, struct entry_buffers *buffers)
{
	OWN(file_close_own) struct file *file = NULL;
	struct why why = {""};
	const struct files_meta before = entry->meta;
	if (clock_wall_ns(walk->clock) - before.ctime_ns < TICK_NS)
		entry->flags |= TREE_YOUNG;
	int err = folder_read(folder, name, &file);
	if (err == -ENOENT)
		return vanished(walk);
	if (err) {
		why_errno(&why, err, "opening");
		entry->flags |= TREE_UNREADABLE;
		unreadable(walk, why.text);
		return save_xattrs(walk, folder, name, entry, &buffers->xattrs);
	}
	err = folder_xattrs_of(folder, file, note_xattr, &buffers->xattrs);
	err = take_xattrs(walk, err, entry, &buffers->xattrs);
	if (err)
		return err;
	if (walk->options->estimate)
		return estimate_add(walk->options->estimate, folder, file, before.size);
	struct content *content = &buffers->content;
	err = content_store(&walk->reader, folder, file, content, &why);
	if (err < 0)
		return why_set(walk->why, err, "%s", why.text);
	if (err == CONTENT_UNREADABLE) {
		entry->flags |= TREE_UNREADABLE;
		unreadable(walk, why.text);
		return 0;
	}
	content_fill(content, entry);
	check_steady(walk, folder, entry, &before, name);
	return 0;
}

/*
 * A file with several names is read at the first of them; the others take over what it came to. The
 * map keeps the content until the walk ends.
 */
static int save_linked(struct walk *walk, struct folder *folder, const char *name,
	struct tree_entry *entry, struct entry_buffers *buffers)
{
	char key[48];
	snprintf(key, sizeof(key), "%" PRIx64 ":%" PRIx64, entry->meta.device, entry->meta.inode);
	struct linked *known = map_get(&walk->linked, key);
	if (known) {
		content_fill(&known->content, entry);
		entry->flags |= known->flags;
		return save_xattrs(walk, folder, name, entry, &buffers->xattrs);
	}
	known = calloc(1, sizeof(*known));
	if (!known)
		return -ENOMEM;
	int err = read_content(walk, folder, name, entry, buffers);
	known->flags = entry->flags;
	/* A name that vanished tells nothing about the others. */
	if (!err)
		err = map_put(&walk->linked, key, known);
	if (err)
		free(known);
	else
		known->content = content_take(&buffers->content);
	return err;
}

/* ---- entries ---- */

static int save_folder(struct walk *walk, struct folder *folder, const struct digest *parent,
	struct digest *ret_digest);

static int enter_folder(struct walk *walk, struct folder *folder, const char *name,
	const struct tree_entry *previous, struct tree_entry *entry, struct entry_buffers *buffers)
{
	OWN(folder_close_own) struct folder *inner = NULL;
	struct digest parent;
	bool has_parent = previous && previous->folder;
	struct why why;
	int err = folder_enter(folder, name, &inner);
	if (err == -ENOENT)
		return vanished(walk);
	if (err) {
		why_errno(&why, err, "opening");
		entry->flags |= TREE_UNREADABLE;
		unreadable(walk, why.text);
	}
	err = inner ? save_xattrs(walk, inner, ".", entry, &buffers->xattrs)
		    : save_xattrs(walk, folder, name, entry, &buffers->xattrs);
	if (err)
		return err;
	if (has_parent)
		memcpy(parent.b, previous->folder, DIGEST_SIZE);
	err = save_folder(walk, inner, has_parent ? &parent : NULL, &buffers->folder);
	entry->folder = buffers->folder.b;
	return err;
}

static int read_link(
	struct walk *walk, struct folder *folder, const char *name, struct tree_entry *entry)
{
	struct why why;
	ssize_t n = folder_link_target(folder, name, walk->target, FILES_LINK_MAX);
	if (n == -ENOENT)
		return vanished(walk);
	if (n <= 0) {
		why_errno(&why, n ? (int)n : -EINVAL, "reading the link");
		unreadable(walk, why.text);
		return -EAGAIN; /* without its target a link cannot be told: it is left out */
	}
	entry->target = walk->target;
	entry->target_len = (size_t)n;
	return 0;
}

/* What a new or changed entry holds, by its type. -EAGAIN: it is left out, and that was told. */
static int save_new(struct walk *walk, struct folder *folder, const char *name,
	const struct tree_entry *previous, struct tree_entry *entry, struct entry_buffers *buffers)
{
	if (entry->meta.type == FILES_FOLDER)
		return enter_folder(walk, folder, name, previous, entry, buffers);
	if (entry->meta.type == FILES_FILE)
		return entry->meta.links > 1 ? save_linked(walk, folder, name, entry, buffers)
					     : read_content(walk, folder, name, entry, buffers);
	int err = save_xattrs(walk, folder, name, entry, &buffers->xattrs);
	if (!err && entry->meta.type == FILES_SYMLINK)
		err = read_link(walk, folder, name, entry);
	return err;
}

static void progress(struct walk *walk)
{
	struct backup_progress now = {
		.entries = walk->point->entries,
		.bytes = walk->point->source_bytes + walk->reader.read_bytes - walk->read_before,
		.read_bytes = walk->reader.read_bytes,
		.path = str_text(&walk->path),
	};
	if (walk->options->on_progress)
		walk->options->on_progress(walk->options->arg, &now);
}

static void on_read(void *arg)
{
	progress(arg);
}

/* A folder where another file system is mounted stays as what it can be mounted on. */
static int save_mount_point(struct walk *walk, struct tree_entry *entry, struct tree_writer *writer)
{
	struct digest digest;
	if (entry->meta.type != FILES_FOLDER)
		return 0;
	int err = save_folder(walk, NULL, NULL, &digest);
	entry->folder = digest.b;
	if (!err)
		err = tree_add(writer, entry, walk->why);
	walk->point->entries++;
	return err;
}

static int save_entry(struct walk *walk, struct folder *folder, const char *name,
	const struct tree_entry *previous, struct tree_writer *writer)
{
	OWN(buffers_done) struct entry_buffers buffers = {0};
	struct tree_entry entry = {.name = name, .name_len = strlen(name)};
	struct why why;
	int err = folder_meta(folder, name, &entry.meta);
	if (err == -ENOENT) {
		trouble(walk, "removed before it was read");
		return 0;
	}
	if (err) {
		why_errno(&why, err, "looking at it");
		unreadable(walk, why.text);
		return 0;
	}
	if (excluded(walk, &entry.meta))
		return 0;
	if (walk->options->one_file_system && entry.meta.device != walk->device)
		return save_mount_point(walk, &entry, writer);
	bool known = previous && !walk->options->force_full &&
		!(previous->flags & (TREE_UNREADABLE | TREE_CHANGED | TREE_YOUNG)) &&
		entry.meta.type != FILES_FOLDER && unchanged(&entry.meta, &previous->meta);
	if (known && walk->doubt && follow_content(&walk->follow, previous, &known))
		return -ENOMEM;
	if (known) {
		struct files_meta meta = entry.meta;
		entry = *previous;
		entry.meta = meta; /* with today's device, by which hard links are known */
	} else {
		err = save_new(walk, folder, name, previous, &entry, &buffers);
	}
	if (err == -EAGAIN)
		return 0;
	if (!err)
		err = tree_add(writer, &entry, walk->why);
	walk->point->entries++;
	if (entry.meta.type == FILES_FILE)
		walk->point->source_bytes += entry.meta.size;
	walk->read_before = walk->reader.read_bytes;
	progress(walk);
	return err;
}

/* ---- folders ---- */

/* The parent's entry of that name, if it has one. Both sides are in order. */
static int find_previous(
	struct tree *tree, const char *name, struct tree_entry *entry, bool *have, struct why *why)
{
	for (;;) {
		if (*have) {
			size_t len = strlen(name);
			size_t shorter = len < entry->name_len ? len : entry->name_len;
			int order = memcmp(entry->name, name, shorter);
			if (!order)
				order = (entry->name_len > len) - (entry->name_len < len);
			if (order >= 0)
				return order == 0;
		}
		int more = tree_next(tree, entry, why);
		*have = more == 1;
		if (more <= 0)
			return more;
	}
}

static bool is_cache(struct folder *folder)
{
	OWN(file_close_own) struct file *file = NULL;
	char start[sizeof(cache_signature) - 1];
	struct files_meta meta;
	if (folder_meta(folder, cache_tag, &meta) || meta.type != FILES_FILE ||
		folder_read(folder, cache_tag, &file) ||
		file_read_full(file, start, sizeof(start), 0))
		return false;
	return memcmp(start, cache_signature, sizeof(start)) == 0;
}

static int save_names(struct walk *walk, struct folder *folder, const struct names *names,
	struct tree *parent, struct tree_writer *writer)
{
	struct tree_entry previous;
	bool have = false, cache = walk->options->exclude_caches && is_cache(folder);
	vec_each (name, &names->list) {
		size_t before = path_enter(walk, *name);
		bool skip = cache && strcmp(*name, cache_tag) != 0;
		int found = 0, err = 0;
		if (!skip && parent->bytes)
			found = find_previous(parent, *name, &previous, &have, walk->why);
		if (found < 0)
			err = found;
		else if (!skip)
			err = save_entry(walk, folder, *name, found ? &previous : NULL, writer);
		path_leave(walk, before);
		if (err)
			return err;
	}
	return 0;
}

/* The saved folder itself: its owner, mode, times and attributes. */
static int save_self(struct walk *walk, struct folder *folder, struct tree_writer *writer)
{
	OWN(out_done) struct fields_out xattrs = {0};
	struct tree_entry self = {0};
	int err = folder_meta(folder, ".", &self.meta);
	if (err)
		return why_errno(walk->why, err, "%s", walk->options->path);
	err = save_xattrs(walk, folder, ".", &self, &xattrs);
	return err ? err : tree_add_self(writer, &self, walk->why);
}

/* `folder` is NULL for one that could not be opened: it is stored empty. */
static int save_folder(struct walk *walk, struct folder *folder, const struct digest *parent,
	struct digest *ret_digest)
{
	OWN(names_done) struct names names = {0};
	OWN(tree_done) struct tree tree = {0};
	OWN(tree_writer_done)
	struct tree_writer writer = {.repo = walk->repo, .dry = walk->options->estimate != NULL};
	struct why why;
	/* One less than what is gone down on the way back, which meets it empty. */
	if (folder && walk->depth >= TREE_DEPTH_MAX - 1) {
		why_set(&why, -ELOOP, "saved empty: it is more than %d folders deep",
			TREE_DEPTH_MAX - 1);
		unreadable(walk, why.text);
		folder = NULL;
	}
	int err = folder ? names_list(folder, &names) : 0;
	if (err == -ENOMEM)
		return err;
	if (err) {
		why_errno(&why, err, "listing");
		unreadable(walk, why.text);
	}
	/* A parent that cannot be read costs time, not truth: everything is read again. */
	if (parent && tree_load(walk->repo, parent, &tree, &why))
		trouble(walk, why.text);
	walk->depth++;
	err = walk->depth == 1 ? save_self(walk, folder, &writer) : 0;
	if (!err && folder)
		err = save_names(walk, folder, &names, &tree, &writer);
	walk->depth--;
	return err ? err : tree_finish(&writer, ret_digest, walk->why);
}

/* ---- the point ---- */

/* The newest whole point of the same resource, whose entries need not be read again. */
static bool find_parent(
	struct repo *repo, const struct backup_options *options, struct point *ret_parent)
{
	const struct head *head = repo_head(repo);
	uint64_t sum = repo_resource(repo, options->resource);
	for (size_t i = head->points.len; i-- > 0;) {
		struct point point;
		if (head->points.at[i].resource == sum &&
			repo_point(repo, &head->points.at[i].id, &point, NULL) == 0 &&
			point.source == POINT_DIR &&
			(!options->differential || point.kind == POINT_FULL) &&
			strcmp(point.resource, options->resource) == 0) {
			*ret_parent = point;
			return true;
		}
	}
	return false;
}

/* Whether a repair found that the point misses something. */
static bool is_broken(const struct repo *repo, const struct object_id *id)
{
	const struct head_point *named = head_find_point(repo_head(repo), id);
	return named && named->flags & HEAD_POINT_BROKEN;
}

static void walk_done(struct walk *walk)
{
	follow_done(&walk->follow);
	content_reader_done(&walk->reader);
	map_each (entry, &walk->linked) {
		struct linked *linked = entry->value;
		content_done(&linked->content);
		free(linked);
	}
	map_done(&walk->linked);
	str_done(&walk->path);
}

static void begin_point(struct point *point, const struct backup_options *options, int64_t now)
{
	*point = (struct point){.source = POINT_DIR, .kind = POINT_FULL, .start_ns = now};
	snprintf(point->resource, sizeof(point->resource), "%s", options->resource);
	snprintf(point->host, sizeof(point->host), "%s", options->host);
	snprintf(point->path, sizeof(point->path), "%s", options->path);
	snprintf(point->writer, sizeof(point->writer), "%s", options->writer);
}

int backup_dir(struct repo *repo, struct files *files, struct clock *clock,
	const struct backup_options *options, struct point *ret_point, struct why *why)
{
	struct point point, parent;
	OWN(folder_close_own) struct folder *root = NULL;
	OWN(walk_done)
	struct walk walk = {
		.repo = repo, .clock = clock, .options = options, .point = &point, .why = why};
	struct files_meta meta;
	begin_point(&point, options, clock_wall_ns(clock));
	int err = files_open(files, options->path, &root);
	if (!err)
		err = folder_meta(root, ".", &meta);
	if (err)
		return why_errno(why, err, "%s", options->path);
	walk.device = meta.device;
	content_reader_init(&walk.reader, repo, repo_ring(repo)->cut_key);
	walk.reader.pace = options->pace;
	walk.reader.on_read = on_read;
	walk.reader.arg = &walk;
	bool has_parent = !err && find_parent(repo, options, &parent);
	static const struct digests none_lost;
	walk.doubt = has_parent && is_broken(repo, &parent.id);
	walk.follow = (struct follow){.repo = repo, .lost = &none_lost};
	if (has_parent && !options->force_full) {
		point.kind = options->differential ? POINT_DIFFERENTIAL : POINT_INCREMENTAL;
		point.parent = parent.id;
	}
	if (!err)
		err = save_folder(&walk, root, has_parent ? &parent.root : NULL, &point.root);
	if (err)
		return err;
	point.read_bytes = walk.reader.read_bytes;
	point.end_ns = clock_wall_ns(clock);
	if (!options->estimate)
		err = repo_commit(repo, &point, why);
	if (!err)
		*ret_point = point;
	return err;
}
