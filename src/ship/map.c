/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One node of a map, in memory and as bytes. Sources and lists are written as they are used by the
 * slots that are written, so that nothing of what was replaced is kept alive.
 */
#include "ship/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/must.h"
#include "base/own.h"
#include "base/why.h"

enum {
	VERSION = 1,
	HAS_DIGEST = 1,
	HAS_BLOCKS = 2,
	HAS_SUMS = 4,
	SOURCES_MAX = MAP_FAN * MAP_BLOCKS, /* more than 16 bits less MAP_SOURCE never hold */
	PATCH_SHARE = 2,                    /* a patch is at most this part of the whole */
};

struct map_node *map_node_new(unsigned level, uint64_t first)
{
	struct map_node *node = calloc(1, sizeof(*node));
	if (node) {
		node->level = level;
		node->first = first;
	}
	return node;
}

void map_node_free(struct map_node *node)
{
	if (!node)
		return;
	for (unsigned i = 0; i < MAP_FAN; i++)
		free(node->slots[i].overlay);
	vec_done(&node->sources);
	vec_done(&node->lists);
	free(node);
}

struct map_node *map_node_dup(const struct map_node *node)
{
	struct map_node *copy = malloc(sizeof(*copy));
	bool failed = false;
	if (!copy)
		return NULL;
	*copy = *node;
	copy->sources.at = NULL;
	copy->lists.at = NULL;
	copy->sources.len = copy->sources.cap = copy->lists.len = copy->lists.cap = 0;
	for (unsigned i = 0; i < MAP_FAN; i++) {
		struct map_slot *slot = &copy->slots[i];
		if (!slot->overlay)
			continue;
		slot->overlay = malloc(sizeof(*slot->overlay));
		failed |= !slot->overlay;
		if (slot->overlay)
			*slot->overlay = *node->slots[i].overlay;
	}
	vec_each (source, &node->sources)
		failed |= vec_push(&copy->sources, *source) != 0;
	vec_each (list, &node->lists)
		failed |= vec_push(&copy->lists, *list) != 0;
	if (failed) {
		map_node_free(copy);
		return NULL;
	}
	return copy;
}

void map_node_free_own(struct map_node **node)
{
	map_node_free(*node);
}

bool map_node_hole(const struct map_node *node)
{
	for (unsigned i = 0; i < MAP_FAN; i++)
		if (!map_slot_hole(&node->slots[i]))
			return false;
	return true;
}

void map_slot_touch(struct map_node *node, unsigned slot)
{
	bits_set(node->patched, slot);
	node->changed = true;
}

void map_slot_clear(struct map_node *node, unsigned slot)
{
	free(node->slots[slot].overlay);
	node->slots[slot] = (struct map_slot){0};
	map_slot_touch(node, slot);
}

struct map_overlay *map_slot_overlay(struct map_node *node, unsigned slot)
{
	struct map_slot *at = &node->slots[slot];
	if (!at->overlay)
		at->overlay = calloc(1, sizeof(*at->overlay));
	map_slot_touch(node, slot);
	return at->overlay;
}

/* ---- writing ---- */

/* Old numbers of sources and lists to those within the bytes; 0: not used. */
struct tables {
	uint16_t *sources;
	uint16_t source_count;
	uint8_t lists[2 * MAP_LISTS_MAX + 1]; /* those of base, patch, and a new one */
	uint8_t list_count;
};

static void use_slot(struct tables *t, const struct map_slot *slot)
{
	if (slot->summed && !t->lists[slot->list])
		t->lists[slot->list] = ++t->list_count;
	if (!slot->overlay)
		return;
	for (unsigned i = 0; i < MAP_BLOCKS; i++) {
		uint16_t from = slot->overlay->from[i];
		if (from >= MAP_SOURCE && !t->sources[from - MAP_SOURCE])
			t->sources[from - MAP_SOURCE] = ++t->source_count;
	}
}

static void put_digest(struct fields_out *out, const struct digest *digest)
{
	out_bytes(out, digest->b, DIGEST_SIZE);
}

static void put_tables(const struct map_node *node, const struct tables *t, struct fields_out *out)
{
	out_u16(out, t->source_count);
	size_t at = out->len;
	for (unsigned i = 0; i < t->source_count; i++)
		put_digest(out, &(struct digest){0});
	for (size_t i = 0; i < node->sources.len && !out->failed; i++) {
		if (!t->sources[i])
			continue;
		must(!node->sources.at[i].waiting);
		memcpy(out->at + at + (size_t)(t->sources[i] - 1) * DIGEST_SIZE,
			node->sources.at[i].digest.b, DIGEST_SIZE);
	}
	out_u8(out, t->list_count);
	at = out->len;
	for (unsigned i = 0; i < t->list_count; i++)
		put_digest(out, &(struct digest){0});
	for (size_t i = 0; i < node->lists.len && !out->failed; i++)
		if (t->lists[i])
			memcpy(out->at + at + (size_t)(t->lists[i] - 1) * DIGEST_SIZE,
				node->lists.at[i].b, DIGEST_SIZE);
}

/* The length of the run of blocks that begins at `i`: of one source, one after the other. */
static unsigned run_length(const struct map_overlay *overlay, unsigned i)
{
	unsigned n = 1;
	while (i + n < MAP_BLOCKS && overlay->from[i + n] == overlay->from[i] &&
		(overlay->from[i] == MAP_ZEROS || overlay->at[i + n] == overlay->at[i] + n))
		n++;
	return n;
}

static void put_overlay(
	const struct map_overlay *overlay, const struct tables *t, struct fields_out *out)
{
	size_t count_at = out->len;
	uint8_t count = 0;
	out_u8(out, 0);
	for (unsigned i = 0, n; i < MAP_BLOCKS; i += n) {
		uint16_t from = overlay->from[i];
		n = 1;
		if (from == MAP_BELOW)
			continue;
		n = run_length(overlay, i);
		count++;
		out_u8(out, (uint8_t)i);
		out_u8(out, (uint8_t)n);
		out_u16(out, from == MAP_ZEROS ? 0 : t->sources[from - MAP_SOURCE]);
		if (from == MAP_ZEROS)
			continue;
		out_u8(out, overlay->at[i]);
		for (unsigned j = i; j < i + n; j++)
			out_u64(out, overlay->sums[j]);
	}
	if (!out->failed)
		out->at[count_at] = count;
}

static void put_slot(const struct map_slot *slot, unsigned number, const struct tables *t,
	struct fields_out *out)
{
	out_u8(out, (uint8_t)number);
	out_u8(out,
		(uint8_t)((slot->present ? HAS_DIGEST : 0) | (slot->overlay ? HAS_BLOCKS : 0) |
			(slot->summed ? HAS_SUMS : 0)));
	if (slot->present)
		put_digest(out, &slot->digest);
	if (slot->summed) {
		out_u8(out, (uint8_t)(t->lists[slot->list] - 1));
		out_u8(out, slot->piece);
	}
	if (slot->overlay)
		put_overlay(slot->overlay, t, out);
}

static bool written(const struct map_node *node, unsigned slot, bool patch)
{
	return patch ? bits_get(node->patched, slot) : !map_slot_hole(&node->slots[slot]);
}

static int encode_as(const struct map_node *node, bool patch, struct fields_out *out)
{
	struct tables t = {0};
	OWN(own_free) uint16_t *sources = calloc(node->sources.len + 1, sizeof(*sources));
	uint16_t count = 0;
	if (!sources)
		return -ENOMEM;
	t.sources = sources;
	for (unsigned i = 0; i < MAP_FAN; i++) {
		if (written(node, i, patch)) {
			use_slot(&t, &node->slots[i]);
			count++;
		}
	}
	out_u8(out, VERSION);
	out_u8(out, (uint8_t)node->level);
	out_u8(out, patch);
	out_u8(out, 0);
	out_u64(out, node->first);
	if (patch)
		put_digest(out, &node->base);
	must(t.list_count <= MAP_LISTS_MAX);
	put_tables(node, &t, out);
	out_u16(out, count);
	for (unsigned i = 0; i < MAP_FAN; i++)
		if (written(node, i, patch))
			put_slot(&node->slots[i], i, &t, out);
	return out->failed ? -ENOMEM : 0;
}

int map_encode(const struct map_node *node, struct fields_out *out)
{
	OWN(out_done) struct fields_out patch = {0};
	int err = encode_as(node, false, out);
	if (!err && node->based)
		err = encode_as(node, true, &patch);
	if (err || !node->based || patch.len > out->len / PATCH_SHARE)
		return err;
	out_done(out);
	*out = patch;
	patch = (struct fields_out){0};
	return 0;
}

/* ---- reading ---- */

static void get_digest(struct fields_in *in, struct digest *digest)
{
	in_bytes(in, digest->b, DIGEST_SIZE);
}

bool map_is_patch(const uint8_t *bytes, size_t len, struct digest *ret_base)
{
	struct fields_in in = {bytes, bytes + len, false};
	uint8_t version = in_u8(&in);
	in_u8(&in);
	uint8_t patch = in_u8(&in);
	in_u8(&in);
	in_u64(&in);
	if (version != VERSION || patch != 1)
		return false;
	get_digest(&in, ret_base);
	return !in.bad;
}

/* Where the tables of these bytes stand behind those that the node had before. */
struct offsets {
	size_t source, source_count, list, list_count;
};

static int get_tables(struct fields_in *in, struct map_node *node, struct offsets *offsets)
{
	*offsets = (struct offsets){.source = node->sources.len, .list = node->lists.len};
	size_t count = in_u16(in);
	if (!in_has(in, count, DIGEST_SIZE) || offsets->source + count > SOURCES_MAX)
		return -EBADMSG;
	offsets->source_count = count;
	for (size_t i = 0; i < count; i++) {
		struct map_source source = {0};
		get_digest(in, &source.digest);
		if (vec_push(&node->sources, source))
			return -ENOMEM;
	}
	count = in_u8(in);
	/* A base and its patch may hold up to the limit each; the writer brings them together. */
	if (!in_has(in, count, DIGEST_SIZE) || count > MAP_LISTS_MAX)
		return -EBADMSG;
	offsets->list_count = count;
	for (size_t i = 0; i < count; i++) {
		struct digest list;
		get_digest(in, &list);
		if (vec_push(&node->lists, list))
			return -ENOMEM;
	}
	return 0;
}

static bool get_run(struct fields_in *in, const struct offsets *offsets,
	struct map_overlay *overlay, unsigned *next)
{
	unsigned first = in_u8(in), count = in_u8(in), source = in_u16(in);
	if (!count || first < *next || first + count > MAP_BLOCKS || source > offsets->source_count)
		return false;
	unsigned at = source ? in_u8(in) : 0;
	if (at + count > MAP_BLOCKS)
		return false;
	for (unsigned i = 0; i < count; i++) {
		overlay->from[first + i] = source
			? (uint16_t)(MAP_SOURCE + offsets->source + source - 1)
			: MAP_ZEROS;
		overlay->at[first + i] = (uint8_t)(source ? at + i : 0);
		overlay->sums[first + i] = source ? in_u64(in) : 0;
	}
	*next = first + count;
	return !in->bad;
}

static int get_overlay(struct fields_in *in, const struct offsets *offsets, struct map_slot *slot)
{
	unsigned next = 0, count = in_u8(in);
	slot->overlay = calloc(1, sizeof(*slot->overlay));
	if (!slot->overlay)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		if (!get_run(in, offsets, slot->overlay, &next))
			return -EBADMSG;
	return count ? 0 : -EBADMSG;
}

static int get_slot(
	struct fields_in *in, const struct offsets *offsets, struct map_node *node, unsigned number)
{
	struct map_slot *slot = &node->slots[number];
	unsigned flags = in_u8(in);
	free(slot->overlay);
	*slot = (struct map_slot){.present = flags & HAS_DIGEST, .summed = flags & HAS_SUMS};
	if (flags > (HAS_DIGEST | HAS_BLOCKS | HAS_SUMS) ||
		(node->level && flags & ~(unsigned)HAS_DIGEST) || (slot->summed && !slot->present))
		return -EBADMSG;
	if (slot->present)
		get_digest(in, &slot->digest);
	if (slot->summed) {
		unsigned list = in_u8(in);
		if (list >= offsets->list_count)
			return -EBADMSG;
		slot->list = (uint8_t)(offsets->list + list);
		slot->piece = in_u8(in);
	}
	return flags & HAS_BLOCKS ? get_overlay(in, offsets, slot) : 0;
}

static int get_slots(struct fields_in *in, const struct offsets *offsets, struct map_node *node)
{
	unsigned next = 0, count = in_u16(in);
	for (unsigned i = 0; i < count; i++) {
		unsigned number = in_u8(in);
		if (in->bad || number < next)
			return -EBADMSG;
		int err = get_slot(in, offsets, node, number);
		if (err)
			return err;
		next = number + 1;
		if (node->based)
			map_slot_touch(node, number);
	}
	return in_done(in) ? 0 : -EBADMSG;
}

int map_decode(const uint8_t *bytes, size_t len, struct map_node *node, struct why *why)
{
	struct fields_in in = {bytes, bytes + len, false};
	struct offsets offsets;
	uint8_t version = in_u8(&in), level = in_u8(&in), patch = in_u8(&in);
	in_u8(&in);
	uint64_t first = in_u64(&in);
	if (version > VERSION)
		return why_set(why, -ENOTSUP, "a map was written by a newer ebb; use that one");
	if (in.bad || patch > 1 || level != node->level || first != node->first)
		return why_set(why, -EBADMSG, "a map is not the one that belongs here");
	if (patch) {
		get_digest(&in, &node->base);
		node->based = true;
	}
	int err = get_tables(&in, node, &offsets);
	if (!err)
		err = get_slots(&in, &offsets, node);
	return err == -EBADMSG ? why_set(why, err, "a map is damaged") : err;
}
