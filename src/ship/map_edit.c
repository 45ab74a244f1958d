/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new map out of an old one. The nodes above the leaf that was put last are open; one is stored
 * when a leaf comes that it does not cover, and its parent, still open, learns its digest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "repo/repo.h"
#include "ship/map.h"

static bool covers(const struct map_node *node, uint64_t chunk)
{
	return chunk >= node->first && chunk - node->first < map_span(node->level + 1);
}

/* Stores a node, unless it is a hole or as it was read. */
static int store_node(
	struct repo *repo, const struct map_node *node, struct map_slot *ret_slot, struct why *why)
{
	OWN(out_done) struct fields_out out = {0};
	*ret_slot = (struct map_slot){0};
	if (node->stored && !node->changed) {
		*ret_slot = (struct map_slot){.present = true, .digest = node->self};
		return 0;
	}
	if (map_node_hole(node))
		return 0;
	int err = map_encode(node, &out);
	if (err)
		return err;
	ret_slot->present = true;
	return repo_put_chunk(repo, CHUNK_MAP, out.at, out.len, &ret_slot->digest, why);
}

static bool same_slot(const struct map_slot *a, const struct map_slot *b)
{
	return a->present == b->present && (!a->present || digest_equal(&a->digest, &b->digest));
}

static void set_slot(struct map_node *node, uint64_t first, const struct map_slot *slot)
{
	unsigned number = (unsigned)((first - node->first) / map_span(node->level));
	if (same_slot(&node->slots[number], slot))
		return;
	node->slots[number] = *slot;
	map_slot_touch(node, number);
}

/*
 * Puts empty nodes over the old topmost one until the tree is as high as the new size wants. They
 * are stored, so that a slot can name them, and kept, because what is not committed is not read.
 */
static int raise_old(struct map_edit *edit, uint64_t size, struct why *why)
{
	struct map_reader *old = edit->old;
	for (unsigned level = map_top_level(old->root.size) + 1; level <= edit->top; level++) {
		struct map_slot slot = {.present = old->root.present, .digest = old->root.top};
		struct map_node *node = map_node_new(level, 0);
		if (!node)
			return -ENOMEM;
		map_node_free(old->path[level]);
		old->path[level] = node;
		set_slot(node, 0, &slot);
		int err = store_node(edit->repo, node, &slot, why);
		if (err)
			return err;
		node->stored = slot.present;
		node->self = slot.digest;
		node->changed = false;
		old->root.top = slot.digest;
	}
	old->root.size = size;
	return 0;
}

int map_edit_begin(struct repo *repo, struct map_reader *old, uint64_t size,
	struct map_edit *ret_edit, struct why *why)
{
	*ret_edit = (struct map_edit){
		.repo = repo, .old = old, .root.size = size, .top = map_top_level(size)};
	return old && size > old->root.size ? raise_old(ret_edit, size, why) : 0;
}

/* Makes holes of what lies behind the end of the image. */
static void trim(const struct map_edit *edit, struct map_node *node)
{
	uint64_t end = map_chunks(edit->root.size);
	for (unsigned i = 0; i < MAP_FAN; i++)
		if (node->first + i * map_span(node->level) >= end &&
			!map_slot_hole(&node->slots[i]))
			map_slot_clear(node, i);
}

/* The node of the old map, or an empty one. Gives it. */
static int take_node(struct map_edit *edit, unsigned level, uint64_t chunk,
	struct map_node **ret_node, struct why *why)
{
	const struct map_node *node = NULL;
	int err = edit->old ? map_node_at(edit->old, level, chunk, &node, why) : 0;
	if (err)
		return err;
	struct map_node *mine = node ? map_node_dup(node)
				     : map_node_new(level, chunk & ~(map_span(level + 1) - 1));
	if (!mine)
		return -ENOMEM;
	trim(edit, mine);
	*ret_node = mine;
	return 0;
}

int map_edit_leaf(
	struct map_edit *edit, uint64_t chunk, struct map_node **ret_leaf, struct why *why)
{
	return take_node(edit, 0, chunk, ret_leaf, why);
}

/* What was stored becomes a slot of the node above, or the root. */
static void tell_above(
	struct map_edit *edit, unsigned level, uint64_t first, const struct map_slot *slot)
{
	if (level < edit->top) {
		set_slot(edit->open[level + 1], first, slot);
		return;
	}
	edit->root.present = slot->present;
	edit->root.top = slot->digest;
}

static int close_level(struct map_edit *edit, unsigned level, struct why *why)
{
	struct map_slot slot;
	struct map_node *node = edit->open[level];
	int err = store_node(edit->repo, node, &slot, why);
	if (err)
		return err;
	if (!planted(MAP_STALE_ABOVE) || level == edit->top)
		tell_above(edit, level, node->first, &slot);
	edit->open[level] = NULL;
	map_node_free(node);
	return 0;
}

int map_edit_put(struct map_edit *edit, const struct map_node *leaf, struct why *why)
{
	struct map_slot slot;
	int err = 0;
	for (unsigned level = 1; !err && level <= edit->top; level++)
		if (edit->open[level] && !covers(edit->open[level], leaf->first))
			err = close_level(edit, level, why);
	for (unsigned level = 1; !err && level <= edit->top; level++)
		if (!edit->open[level])
			err = take_node(edit, level, leaf->first, &edit->open[level], why);
	if (!err)
		err = store_node(edit->repo, leaf, &slot, why);
	if (err)
		return err;
	tell_above(edit, 0, leaf->first, &slot);
	edit->any = true;
	edit->last = leaf->first;
	return 0;
}

/* An image that shrank: the way to its last leaf is made anew, without what lay behind. */
static int put_last(struct map_edit *edit, struct why *why)
{
	OWN(map_node_free_own) struct map_node *leaf = NULL;
	uint64_t chunks = map_chunks(edit->root.size);
	bool shrunk = edit->old && edit->root.size < edit->old->root.size;
	if (!shrunk || !chunks ||
		(edit->any && covers(&(struct map_node){.first = edit->last}, chunks - 1)))
		return 0;
	int err = map_edit_leaf(edit, chunks - 1, &leaf, why);
	return err ? err : map_edit_put(edit, leaf, why);
}

int map_edit_finish(struct map_edit *edit, struct digest *ret_root, struct why *why)
{
	struct map_slot slot = {0};
	int err = put_last(edit, why);
	if (!err && !edit->any && edit->old && edit->root.size) {
		err = map_slot_of(edit->old, edit->top, 0, &slot, why);
		edit->root.present = slot.present;
		edit->root.top = slot.digest;
	}
	for (unsigned level = 1; !err && level <= edit->top; level++)
		if (edit->open[level])
			err = close_level(edit, level, why);
	return err ? err : map_root_store(edit->repo, &edit->root, ret_root, why);
}

void map_edit_done(struct map_edit *edit)
{
	for (unsigned i = 0; i < MAP_LEVELS; i++) {
		map_node_free(edit->open[i]);
		edit->open[i] = NULL;
	}
}
