/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Down two maps at once, past what has the same name in both. Of two leaves that differ the chunks
 * do that have another name or blocks over them; their sums tell which blocks. Where a map has none
 * the chunk is read.
 */
#include "ship/image_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "repo/point.h"
#include "ship/image_read.h"
#include "ship/sums.h"

struct side {
	struct image_reader image;
	const struct map_node *leaf; /* NULL: a hole */
};

struct image_diff {
	const struct image_diff_options *options;
	struct image_diff_result result;
	struct side before, after;
	struct sums sums;
	uint8_t *chunk;
	uint64_t end;      /* of the larger image */
	uint64_t from, to; /* the range that is open; equal: none */
	struct why *why;
};

static void diff_done(struct image_diff *d)
{
	image_close(&d->before.image);
	image_close(&d->after.image);
	sums_done(&d->sums);
	free(d->chunk);
}

static void end_range(struct image_diff *d)
{
	if (d->from >= d->to)
		return;
	d->result.ranges++;
	d->result.bytes += d->to - d->from;
	if (d->options->on_range)
		d->options->on_range(d->options->arg, d->from, d->to);
}

static void note_block(struct image_diff *d, uint64_t at, bool zero)
{
	if (at != d->to) {
		end_range(d);
		d->from = at;
	}
	d->to = d->end - at < MAP_BLOCK ? d->end : at + MAP_BLOCK;
	d->result.zero_bytes += zero ? d->to - at : 0;
}

static int sums_of_chunk(
	struct image_diff *d, struct side *side, uint64_t chunk, uint64_t ret_sums[MAP_BLOCKS])
{
	memset(ret_sums, 0, MAP_BLOCKS * sizeof(*ret_sums));
	if (!side->leaf)
		return 0;
	int known = sums_of_slot(
		&d->sums, side->leaf, (unsigned)(chunk % MAP_FAN), true, ret_sums, d->why);
	if (known)
		return known < 0 ? known : 0;
	int err = image_read(&side->image, chunk * MAP_CHUNK, d->chunk, MAP_CHUNK, d->why);
	for (unsigned i = 0; !err && i < MAP_BLOCKS; i++)
		ret_sums[i] = sums_of(&d->sums, d->chunk + (size_t)i * MAP_BLOCK);
	return err;
}

static int diff_chunk(struct image_diff *d, uint64_t chunk)
{
	uint64_t before[MAP_BLOCKS], after[MAP_BLOCKS];
	int err = sums_of_chunk(d, &d->before, chunk, before);
	if (!err)
		err = sums_of_chunk(d, &d->after, chunk, after);
	for (unsigned i = 0; !err && i < MAP_BLOCKS; i++)
		if (before[i] != after[i])
			note_block(d, chunk * MAP_CHUNK + (uint64_t)i * MAP_BLOCK, !after[i]);
	return err;
}

/* Nothing lies over the same chunk in both, or both are holes. */
static bool same_slot(const struct map_slot *a, const struct map_slot *b)
{
	return !a->overlay && !b->overlay && a->present == b->present &&
		(!a->present || digest_equal(&a->digest, &b->digest));
}

static int diff_leaf(struct image_diff *d, uint64_t first)
{
	static const struct map_slot hole;
	int err = map_node_at(&d->before.image.map, 0, first, &d->before.leaf, d->why);
	if (!err)
		err = map_node_at(&d->after.image.map, 0, first, &d->after.leaf, d->why);
	for (unsigned i = 0; !err && i < MAP_FAN; i++) {
		const struct map_node *a = d->before.leaf, *b = d->after.leaf;
		if (!same_slot(a ? &a->slots[i] : &hole, b ? &b->slots[i] : &hole))
			err = diff_chunk(d, first + i);
	}
	return err;
}

static int diff_nodes(struct image_diff *d, unsigned level, uint64_t first)
{
	struct map_slot a, b;
	int err = map_slot_of(&d->before.image.map, level, first, &a, d->why);
	if (!err)
		err = map_slot_of(&d->after.image.map, level, first, &b, d->why);
	if (err || same_slot(&a, &b))
		return err;
	if (!level)
		return diff_leaf(d, first);
	for (unsigned i = 0; !err && i < MAP_FAN; i++)
		err = diff_nodes(d, level - 1, first + i * map_span(level));
	return err;
}

/* From the topmost level on that both maps have. */
static int diff_maps(struct image_diff *d)
{
	uint64_t before = d->result.size_before, after = d->result.size_after;
	uint64_t end = map_chunks(before > after ? before : after);
	d->end = before > after ? before : after;
	unsigned level = map_top_level(before < after ? before : after);
	int err = 0;
	for (uint64_t first = 0; !err && first < end; first += map_span(level + 1))
		err = diff_nodes(d, level, first);
	if (!err)
		end_range(d);
	return err;
}

int image_diff(struct repo *repo, const struct point *before, const struct point *after,
	const struct image_diff_options *options, struct image_diff_result *ret_result,
	struct why *why)
{
	OWN(diff_done) struct image_diff d = {.options = options, .why = why};
	if (before->source != POINT_IMAGE || after->source != POINT_IMAGE)
		return why_set(why, -ENOTSUP, "only images can be compared by their bytes");
	d.chunk = malloc(MAP_CHUNK);
	int err = d.chunk ? sums_init(repo, &d.sums) : -ENOMEM;
	if (!err)
		err = image_open(repo, &before->root, &d.before.image, why);
	if (!err)
		err = image_open(repo, &after->root, &d.after.image, why);
	if (err)
		return err;
	d.result.size_before = image_size(&d.before.image);
	d.result.size_after = image_size(&d.after.image);
	err = diff_maps(&d);
	if (!err)
		*ret_result = d.result;
	return err;
}
