/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves in work, leaves that wait for their blocks chunk, and the chunk that they wait for. */
#include "ship/layer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "repo/repo.h"

int layer_begin(struct layer *layer, struct sums *sums, struct map_reader *old, uint64_t size,
	struct why *why)
{
	*layer = (struct layer){.repo = sums->repo, .sums = sums, .number = 1};
	layer->pieces = malloc((size_t)MAP_FAN * MAP_PIECE);
	layer->blocks = malloc(MAP_CHUNK);
	if (!layer->pieces || !layer->blocks)
		return -ENOMEM;
	return map_edit_begin(sums->repo, old, size, &layer->edit, why);
}

void layer_done(struct layer *layer)
{
	map_edit_done(&layer->edit);
	map_node_free(layer->leaf);
	for (unsigned i = 0; i < layer->waiting_count; i++)
		map_node_free(layer->waiting[i]);
	free(layer->pieces);
	free(layer->blocks);
	*layer = (struct layer){0};
}

/* ---- the blocks chunk in work ---- */

static void tell_leaf(struct map_node *leaf, uint64_t number, const struct digest *digest)
{
	if (!leaf)
		return;
	vec_each (source, &leaf->sources) {
		if (source->waiting == number)
			*source = (struct map_source){.digest = *digest};
	}
}

static int close_blocks(struct layer *layer, struct why *why)
{
	struct digest digest;
	if (!layer->block_count)
		return 0;
	int err = repo_put_chunk(layer->repo, CHUNK_BLOCKS, layer->blocks,
		(size_t)layer->block_count * MAP_BLOCK, &digest, why);
	if (err)
		return err;
	for (unsigned i = 0; i < layer->waiting_count; i++)
		tell_leaf(layer->waiting[i], layer->number, &digest);
	tell_leaf(layer->leaf, layer->number, &digest);
	layer->block_count = 0;
	layer->number++;
	return 0;
}

/* ---- leaves ---- */

static bool waits(const struct map_node *leaf)
{
	for (size_t i = 0; i < leaf->sources.len; i++)
		if (leaf->sources.at[i].waiting)
			return true;
	return false;
}

/* Stores the leaves whose blocks are stored, in order. */
static int drain(struct layer *layer, struct why *why)
{
	unsigned n = 0;
	int err = 0;
	for (unsigned i = 0; planted(LAYER_MAP_BEFORE_BLOCKS) && i < layer->waiting_count; i++)
		tell_leaf(layer->waiting[i], layer->number, &(struct digest){0});
	while (!err && n < layer->waiting_count && !waits(layer->waiting[n]))
		err = map_edit_put(&layer->edit, layer->waiting[n++], why);
	for (unsigned i = 0; i < n; i++)
		map_node_free(layer->waiting[i]);
	layer->waiting_count -= n;
	memmove(layer->waiting, layer->waiting + n,
		layer->waiting_count * sizeof(layer->waiting[0]));
	return err;
}

static unsigned count_lists(const struct map_node *leaf)
{
	bool used[2 * MAP_LISTS_MAX + 1] = {false};
	unsigned count = 0;
	for (unsigned i = 0; i < MAP_FAN; i++) {
		if (leaf->slots[i].summed && !used[leaf->slots[i].list]) {
			used[leaf->slots[i].list] = true;
			count++;
		}
	}
	return count;
}

/* Brings the sums of all slots into one list: theirs that are new are in `pieces` already. */
static int join_lists(struct layer *layer, struct why *why)
{
	struct map_node *leaf = layer->leaf;
	OWN(own_free) uint8_t *joined = calloc(MAP_FAN, MAP_PIECE);
	uint64_t sums[MAP_BLOCKS];
	unsigned count = 0;
	if (!joined)
		return -ENOMEM;
	for (unsigned i = 0; i < MAP_FAN; i++) {
		struct map_slot *slot = &leaf->slots[i];
		struct map_overlay *overlay = slot->overlay;
		uint8_t *piece = joined + (size_t)count * MAP_PIECE;
		if (!slot->summed)
			continue;
		if (layer->piece_count && slot->list == layer->piece_list) {
			memcpy(piece, layer->pieces + (size_t)slot->piece * MAP_PIECE, MAP_PIECE);
		} else {
			/* Of the chunk itself, not of what lies over it. */
			slot->overlay = NULL;
			int known = sums_of_slot(layer->sums, leaf, i, true, sums, why);
			slot->overlay = overlay;
			if (known < 0)
				return known;
			memcpy(piece, sums, MAP_PIECE);
		}
		slot->list = 0;
		slot->piece = (uint8_t)count++;
		map_slot_touch(leaf, i);
	}
	leaf->lists.len = 0;
	struct digest none = {0};
	int err = vec_push(&leaf->lists, none);
	memcpy(layer->pieces, joined, (size_t)count * MAP_PIECE);
	layer->piece_list = 0;
	layer->piece_count = count;
	return err;
}

static int store_pieces(struct layer *layer, struct why *why)
{
	int err = 0;
	if (count_lists(layer->leaf) > MAP_LISTS_MAX)
		err = join_lists(layer, why);
	if (!err && layer->piece_count)
		err = repo_put_chunk(layer->repo, CHUNK_SUMS, layer->pieces,
			(size_t)layer->piece_count * MAP_PIECE,
			&layer->leaf->lists.at[layer->piece_list], why);
	layer->piece_count = 0;
	return err;
}

/* The leaf in work is done: it waits with the others, or is forgotten when it did not change. */
static int close_leaf(struct layer *layer, struct why *why)
{
	int err = 0;
	if (!layer->leaf)
		return 0;
	if (!layer->leaf->changed) {
		map_node_free(TAKE(layer->leaf));
		return 0;
	}
	if (layer->waiting_count == LAYER_WAITING)
		err = close_blocks(layer, why);
	if (!err)
		err = drain(layer, why);
	if (!err)
		err = store_pieces(layer, why);
	if (err)
		return err;
	layer->waiting[layer->waiting_count++] = TAKE(layer->leaf);
	return drain(layer, why);
}

int layer_leaf(
	struct layer *layer, uint64_t chunk, const struct map_node **ret_leaf, struct why *why)
{
	int err = 0;
	if (!layer->leaf || chunk - layer->leaf->first >= MAP_FAN) {
		err = close_leaf(layer, why);
		if (!err)
			err = map_edit_leaf(&layer->edit, chunk, &layer->leaf, why);
	}
	if (!err)
		*ret_leaf = layer->leaf;
	return err;
}

/* ---- changes ---- */

void layer_hole(struct layer *layer, unsigned slot)
{
	map_slot_clear(layer->leaf, slot);
}

int layer_whole(struct layer *layer, unsigned slot, const uint8_t *bytes,
	const uint64_t sums[MAP_BLOCKS], struct why *why)
{
	struct map_node *leaf = layer->leaf;
	struct digest digest;
	int err = repo_put_chunk(layer->repo, CHUNK_CONTENT, bytes, MAP_CHUNK, &digest, why);
	if (!err && !layer->piece_count) {
		struct digest none = {0};
		layer->piece_list = (unsigned)leaf->lists.len;
		err = vec_push(&leaf->lists, none);
	}
	if (err)
		return err;
	if (!planted(LAYER_FOLD_KEEPS_BLOCKS))
		map_slot_clear(leaf, slot);
	map_slot_touch(leaf, slot);
	leaf->slots[slot].present = leaf->slots[slot].summed = true;
	leaf->slots[slot].digest = digest;
	leaf->slots[slot].list = (uint8_t)layer->piece_list;
	leaf->slots[slot].piece = (uint8_t)layer->piece_count;
	memcpy(layer->pieces + (size_t)layer->piece_count++ * MAP_PIECE, sums, MAP_PIECE);
	return 0;
}

/* The number, in the leaf, of the blocks chunk in work. */
static int find_source(struct layer *layer, uint16_t *ret_number)
{
	struct map_node *leaf = layer->leaf;
	struct map_source source = {.waiting = layer->number};
	size_t i = leaf->sources.len;
	while (i > 0 && leaf->sources.at[i - 1].waiting != layer->number)
		i--;
	*ret_number = (uint16_t)(i ? i - 1 : leaf->sources.len);
	return i ? 0 : vec_push(&leaf->sources, source);
}

int layer_block(
	struct layer *layer, unsigned slot, unsigned block, const uint8_t *bytes, struct why *why)
{
	uint16_t source;
	int err = layer->block_count == MAP_BLOCKS ? close_blocks(layer, why) : 0;
	struct map_overlay *overlay = err ? NULL : map_slot_overlay(layer->leaf, slot);
	if (!err)
		err = overlay ? find_source(layer, &source) : -ENOMEM;
	if (err)
		return err;
	memcpy(layer->blocks + (size_t)layer->block_count * MAP_BLOCK, bytes, MAP_BLOCK);
	if (planted(LAYER_OLD_BLOCKS_WIN) && overlay->from[block] >= MAP_SOURCE)
		return 0;
	overlay->from[block] = (uint16_t)(MAP_SOURCE + source);
	overlay->at[block] = (uint8_t)layer->block_count++;
	overlay->sums[block] = sums_of(layer->sums, bytes);
	return 0;
}

int layer_zeros(struct layer *layer, unsigned slot, unsigned block)
{
	struct map_overlay *overlay = map_slot_overlay(layer->leaf, slot);
	if (!overlay)
		return -ENOMEM;
	overlay->from[block] = MAP_ZEROS;
	overlay->at[block] = 0;
	overlay->sums[block] = 0;
	return 0;
}

int layer_finish(struct layer *layer, const struct map_stamp *stamp, struct digest *ret_root,
	struct why *why)
{
	int err = close_leaf(layer, why);
	if (!err)
		err = close_blocks(layer, why);
	if (!err)
		err = drain(layer, why);
	layer->edit.root.stamp = *stamp;
	return err ? err : map_edit_finish(&layer->edit, ret_root, why);
}
