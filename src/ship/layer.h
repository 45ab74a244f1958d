/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run lays over the map that it began with: whole chunks, single blocks, zeros. Blocks from
 * anywhere in the image are gathered, up to 64 to a blocks chunk; leaves that name one which is not
 * full yet wait for it.
 *
 * Chunks come in rising order. Calls block. One thread for each struct.
 */
#ifndef EBB_SHIP_LAYER_H
#define EBB_SHIP_LAYER_H

#include <stdint.h>

#include "ship/map.h"
#include "ship/sums.h"

struct repo;
struct why;

enum { LAYER_WAITING = 64 };

struct layer {
	struct repo *repo; /* borrowed */
	struct sums *sums; /* borrowed */
	struct map_edit edit;
	struct map_node *leaf; /* in work; NULL: none */
	uint8_t *pieces;       /* sums of the leaf's new chunks */
	unsigned piece_count;
	unsigned piece_list; /* their list's number in the leaf */
	uint8_t *blocks;     /* the blocks chunk in work */
	unsigned block_count;
	uint64_t number; /* of that chunk, from 1 */
	struct map_node *waiting[LAYER_WAITING];
	unsigned waiting_count;
};

/* Over `old`, NULL for nothing. See map_edit_begin() for what becomes of `old`. */
int layer_begin(struct layer *layer, struct sums *sums, struct map_reader *old, uint64_t size,
	struct why *why);
void layer_done(struct layer *layer);

/* The leaf that covers a chunk, from now on the one in work. Borrowed. */
int layer_leaf(
	struct layer *layer, uint64_t chunk, const struct map_node **ret_leaf, struct why *why);

/* These change the leaf in work. MAP_CHUNK bytes; sums of all its blocks. */
int layer_whole(struct layer *layer, unsigned slot, const uint8_t *bytes,
	const uint64_t sums[MAP_BLOCKS], struct why *why);
int layer_block(
	struct layer *layer, unsigned slot, unsigned block, const uint8_t *bytes, struct why *why);
int layer_zeros(struct layer *layer, unsigned slot, unsigned block);
void layer_hole(struct layer *layer, unsigned slot);

/* Stores all of it, and the root with this stamp. */
int layer_finish(struct layer *layer, const struct map_stamp *stamp, struct digest *ret_root,
	struct why *why);

#endif
