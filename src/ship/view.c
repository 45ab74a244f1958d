/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes: what is above points is made at once, what is in them when somebody asks for it. */
#include "ship/view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/must.h"
#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "repo/point.h"
#include "repo/repo.h"
#include "ship/view_inner.h"

static struct node *node_of(const struct view *view, uint64_t number)
{
	must(number && number <= view->nodes.len && view->nodes.at[number - 1].key);
	return &view->nodes.at[number - 1];
}

/* Values of the map are the numbers themselves. */
static void *as_value(uint64_t number)
{
	return (void *)(uintptr_t)number;
}

static char *make_key(uint64_t parent, const char *name, size_t len)
{
	char *key = malloc(len + 24);
	if (key)
		snprintf(key, len + 24, "%" PRIx64 "/%.*s", parent, (int)len, name);
	return key;
}

int entry_copy(const struct tree_entry *entry, struct tree_entry *ret_entry, uint8_t **ret_bytes)
{
	size_t digests = entry->digest_count * DIGEST_SIZE, extents = entry->extent_count * 16;
	size_t folder = entry->folder ? DIGEST_SIZE : 0;
	uint8_t *bytes = malloc(
		entry->target_len + digests + folder + extents + entry->xattrs_len + 1);
	uint8_t *at = bytes;
	struct tree_entry copy = *entry;
	if (!bytes)
		return -ENOMEM;
	/* The name is the node's key. */
	copy.name = NULL;
	copy.target = (char *)at;
	memcpy(at, entry->target ? entry->target : "", entry->target_len);
	at += entry->target_len;
	copy.digests = at;
	if (digests)
		memcpy(at, entry->digests, digests);
	at += digests;
	copy.folder = folder ? at : NULL;
	if (folder)
		memcpy(at, entry->folder, folder);
	at += folder;
	copy.extents = at;
	if (extents)
		memcpy(at, entry->extents, extents);
	at += extents;
	copy.xattrs = at;
	if (entry->xattrs_len)
		memcpy(at, entry->xattrs, entry->xattrs_len);
	*ret_entry = copy;
	*ret_bytes = bytes;
	return 0;
}

/* Where its file system had it, within its point, as one number that is never 0. */
static uint64_t inode_of(uint64_t seed, const struct files_meta *meta)
{
	uint64_t hash = hash_fold(hash_fold(seed, meta->device), meta->inode);
	return hash ? hash : 1;
}

static int take_slot(struct view *view, uint64_t *ret_number)
{
	if (view->free_nodes.len) {
		*ret_number = view->free_nodes.at[--view->free_nodes.len];
		return 0;
	}
	struct node none = {0};
	int err = vec_reserve(&view->free_nodes, view->nodes.len + 1);
	if (!err)
		err = vec_push(&view->nodes, none);
	if (!err)
		*ret_number = view->nodes.len;
	return err;
}

/* A new node with a copy of the entry; its name is unknown so far. */
static int add_node(struct view *view, uint64_t parent, const struct tree_entry *entry,
	uint64_t seed, uint64_t *ret_number)
{
	struct node node = {.parent = parent, .seed = seed};
	uint64_t number;
	int err = entry_copy(entry, &node.entry, &node.bytes);
	if (!err)
		err = take_slot(view, &number);
	node.key = err ? NULL : make_key(parent, entry->name, entry->name_len);
	if (!err && node.key && !map_put(&view->names, node.key, as_value(number))) {
		node.name = strchr(node.key, '/') + 1;
		node.entry.name = node.name;
		view->nodes.at[number - 1] = node;
		*ret_number = number;
		return 0;
	}
	if (!err)
		view->free_nodes.at[view->free_nodes.len++] = number;
	free(node.key);
	free(node.bytes);
	return -ENOMEM;
}

static void drop_node(struct view *view, uint64_t number)
{
	struct node *node = node_of(view, number);
	map_remove(&view->names, node->key);
	free(node->key);
	free(node->bytes);
	vec_done(&node->children);
	*node = (struct node){0};
	view->free_nodes.at[view->free_nodes.len++] = number;
}

/* ---- what is above points ---- */

static struct tree_entry fixed_entry(const char *name, size_t len, enum files_type type)
{
	return (struct tree_entry){.name = name,
		.name_len = len,
		.meta = {.type = type, .mode = type == FILES_FOLDER ? 0755 : 0777, .links = 1}};
}

static uint64_t find_known(const struct view *view, uint64_t parent, const char *name, size_t len)
{
	char *key = make_key(parent, name, len);
	uint64_t number = key ? (uint64_t)(uintptr_t)map_get(&view->names, key) : 0;
	free(key);
	return number;
}

static int add_fixed(
	struct view *view, uint64_t parent, struct tree_entry *entry, uint64_t *ret_number)
{
	uint64_t number;
	struct node *above = node_of(view, parent);
	if (find_known(view, parent, entry->name, entry->name_len))
		return -EEXIST;
	if (above->entry.folder)
		return -EEXIST;
	int err = vec_reserve(&above->children, above->children.len + 1);
	if (!err)
		err = add_node(view, parent, entry, 0, &number);
	if (err)
		return err;
	struct node *node = node_of(view, number);
	node->fixed = true;
	node->entry.meta.inode = hash64(node->key, strlen(node->key), 0) | 1;
	above = node_of(view, parent);
	above->children.at[above->children.len++] = number;
	*ret_number = number;
	return 0;
}

/* The folder that holds the last component of the path, made where it is missing. */
static int add_parents(struct view *view, const char **path, uint64_t *ret_parent)
{
	uint64_t parent = VIEW_ROOT, next;
	for (const char *slash; (slash = strchr(*path, '/')); *path = slash + 1) {
		size_t len = (size_t)(slash - *path);
		struct tree_entry entry = fixed_entry(*path, len, FILES_FOLDER);
		if (!len)
			continue;
		next = find_known(view, parent, *path, len);
		int err = next ? 0 : add_fixed(view, parent, &entry, &next);
		if (err)
			return err;
		parent = next;
	}
	*ret_parent = parent;
	return 0;
}

/* What the saved folder itself was like. A root that cannot be read is told when it is listed. */
static void take_self(struct view *view, struct node *node)
{
	struct loaded *loaded;
	if (view_load(view, node->entry.folder, &loaded, NULL) || !loaded->tree.has_self)
		return;
	struct files_meta meta = loaded->tree.self.meta;
	meta.type = FILES_FOLDER;
	meta.inode = node->entry.meta.inode;
	node->entry.meta = meta;
}

/* One file. At the root itself it is called as the image was. */
static int add_image(struct view *view, const struct point *point, const char *path)
{
	uint64_t parent, number;
	const char *slash = strrchr(point->path, '/');
	int err = add_parents(view, &path, &parent);
	const char *name = *path ? path : slash && slash[1] ? slash + 1 : "image";
	struct tree_entry entry = fixed_entry(name, strlen(name), FILES_FILE);
	entry.meta.mode = 0400;
	entry.meta.size = point->source_bytes;
	entry.meta.mtime_ns = entry.meta.ctime_ns = point->end_ns;
	entry.digests = point->root.b;
	entry.digest_count = 1;
	entry.flags = VIEW_IMAGE;
	return err ? err : add_fixed(view, parent, &entry, &number);
}

int view_add_point(struct view *view, const struct point *point, const char *path)
{
	uint64_t parent, number = VIEW_ROOT;
	if (point->source == POINT_IMAGE)
		return add_image(view, point, path);
	if (point->source == POINT_WAL)
		return -ENOTSUP;
	int err = add_parents(view, &path, &parent);
	if (!err && *path) {
		struct tree_entry entry = fixed_entry(path, strlen(path), FILES_FOLDER);
		err = add_fixed(view, parent, &entry, &number);
	}
	if (err)
		return err;
	struct node *node = node_of(view, number);
	struct tree_entry entry = node->entry;
	uint8_t *bytes;
	entry.folder = point->root.b;
	entry.meta.mtime_ns = entry.meta.ctime_ns = point->end_ns;
	err = entry_copy(&entry, &entry, &bytes);
	if (err)
		return err;
	entry.name = node->name;
	free(node->bytes);
	node->bytes = bytes;
	node->entry = entry;
	node->seed = hash64(point->id.b, sizeof(point->id.b), 0);
	/* Of many points only the one that is asked for is read. */
	if (number == VIEW_ROOT)
		take_self(view, node);
	return 0;
}

int view_add_link(struct view *view, const char *path, const char *target)
{
	uint64_t parent, number;
	int err = add_parents(view, &path, &parent);
	if (err)
		return err;
	struct tree_entry entry = fixed_entry(path, strlen(path), FILES_SYMLINK);
	entry.target = target;
	entry.target_len = strlen(target);
	entry.meta.size = entry.target_len;
	return add_fixed(view, parent, &entry, &number);
}

struct view *view_new(struct repo *repo)
{
	struct view *view = calloc(1, sizeof(*view));
	struct tree_entry entry = fixed_entry("", 0, FILES_FOLDER);
	uint64_t number;
	if (!view)
		return NULL;
	view->repo = repo;
	if (add_node(view, 0, &entry, 0, &number)) {
		view_free(view);
		return NULL;
	}
	must(number == VIEW_ROOT);
	node_of(view, number)->fixed = true;
	node_of(view, number)->entry.meta.inode = VIEW_ROOT;
	return view;
}

void view_free(struct view *view)
{
	if (!view)
		return;
	/* A kernel that unmounts does not wait for each file to be closed. */
	while (view->open)
		view_close(view->open);
	for (uint64_t i = 1; i <= view->nodes.len; i++)
		if (view->nodes.at[i - 1].key)
			drop_node(view, i);
	view_drop_caches(view);
	map_done(&view->names);
	vec_done(&view->nodes);
	vec_done(&view->free_nodes);
	free(view);
}

/* ---- asking ---- */

/* Reads the entry out of its folder and makes it a node. */
static int look_into(
	struct view *view, uint64_t folder, const char *name, uint64_t *ret_node, struct why *why)
{
	struct node *node = node_of(view, folder);
	struct tree_entry entry;
	struct loaded *loaded;
	int err = view_load(view, node->entry.folder, &loaded, why);
	if (err)
		return err;
	ssize_t i = loaded_find(loaded, name, why);
	if (i < 0)
		return (int)i;
	err = loaded_entry(loaded, (size_t)i, &entry, why);
	if (err)
		return err;
	uint64_t seed = node->seed;
	entry.meta.inode = inode_of(seed, &entry.meta);
	return add_node(view, folder, &entry, seed, ret_node);
}

int view_lookup(
	struct view *view, uint64_t folder, const char *name, uint64_t *ret_node, struct why *why)
{
	const struct node *node = node_of(view, folder);
	uint64_t number;
	if (node->entry.meta.type != FILES_FOLDER)
		return -ENOTDIR;
	if (!*name)
		return -ENOENT;
	number = find_known(view, folder, name, strlen(name));
	int err = 0;
	if (!number && !node->entry.folder)
		return -ENOENT;
	if (!number)
		err = look_into(view, folder, name, &number, why);
	if (err)
		return err;
	node_of(view, number)->refs++;
	/* A node holds its parent: a path can be told for as long as somebody asks. */
	if (node_of(view, number)->refs == 1)
		node_of(view, folder)->refs++;
	*ret_node = number;
	return 0;
}

void view_forget(struct view *view, uint64_t number, uint64_t count)
{
	while (number) {
		struct node *node = node_of(view, number);
		must(node->refs >= count);
		node->refs -= count;
		if (node->refs || !count)
			return;
		uint64_t parent = node->parent;
		if (!node->fixed)
			drop_node(view, number);
		number = parent;
		count = 1;
	}
}

const struct tree_entry *view_entry(const struct view *view, uint64_t number)
{
	return &node_of(view, number)->entry;
}

bool view_is_image(const struct tree_entry *entry)
{
	return entry->flags & VIEW_IMAGE;
}

const char *view_path(const struct view *view, uint64_t number, char text[VIEW_PATH])
{
	size_t at = VIEW_PATH - 1;
	text[at] = '\0';
	for (; number != VIEW_ROOT; number = node_of(view, number)->parent) {
		const char *name = node_of(view, number)->name;
		size_t len = strlen(name);
		if (len + 1 > at)
			break;
		at -= len;
		memcpy(text + at, name, len);
		text[--at] = '/';
	}
	memmove(text, text + at, VIEW_PATH - at);
	return text;
}

static void list_fixed(const struct view *view, const struct node *node, uint64_t from,
	view_list_fn *fn, void *arg)
{
	for (uint64_t i = from; i < node->children.len; i++) {
		const struct node *child = node_of(view, node->children.at[i]);
		if (!fn(arg, child->name, strlen(child->name), &child->entry.meta))
			return;
	}
}

int view_list(struct view *view, uint64_t folder, uint64_t from, view_list_fn *fn, void *arg,
	struct why *why)
{
	const struct node *node = node_of(view, folder);
	struct loaded *loaded;
	if (node->entry.meta.type != FILES_FOLDER)
		return -ENOTDIR;
	if (!node->entry.folder) {
		list_fixed(view, node, from, fn, arg);
		return 0;
	}
	int err = view_load(view, node->entry.folder, &loaded, why);
	for (uint64_t i = from; !err && i < loaded->at.len; i++) {
		struct tree_entry entry;
		err = loaded_entry(loaded, i, &entry, why);
		if (err)
			return err;
		entry.meta.inode = inode_of(node->seed, &entry.meta);
		if (!fn(arg, entry.name, entry.name_len, &entry.meta))
			return 0;
	}
	return err;
}
