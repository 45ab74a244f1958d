/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of a map: its root, the way down to a leaf, and the walk over all that it needs. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/own.h"
#include "base/why.h"
#include "repo/repo.h"
#include "ship/map.h"

enum { ROOT_VERSION = 1 };

uint64_t map_chunks(uint64_t size)
{
	return size / MAP_CHUNK + (size % MAP_CHUNK != 0);
}

unsigned map_top_level(uint64_t size)
{
	unsigned level = 0;
	while (level + 1 < MAP_LEVELS && map_chunks(size) > map_span(level + 1))
		level++;
	return level;
}

int map_root_store(
	struct repo *repo, const struct map_root *root, struct digest *ret_digest, struct why *why)
{
	OWN(out_done) struct fields_out out = {0};
	out_u32(&out, ROOT_VERSION);
	out_u8(&out, MAP_CHUNK_SHIFT);
	out_u8(&out, root->present);
	out_u16(&out, 0);
	out_u64(&out, root->size);
	out_u64(&out, root->stamp.device);
	out_u64(&out, root->stamp.inode);
	out_u64(&out, (uint64_t)root->stamp.mtime_ns);
	out_u64(&out, (uint64_t)root->stamp.ctime_ns);
	out_bytes(&out, root->top.b, DIGEST_SIZE);
	if (out.failed)
		return -ENOMEM;
	return repo_put_chunk(repo, CHUNK_MAP, out.at, out.len, ret_digest, why);
}

int map_root_load(
	struct repo *repo, const struct digest *digest, struct map_root *ret_root, struct why *why)
{
	OWN(own_free) uint8_t *bytes = NULL;
	struct map_root root = {0};
	size_t len;
	int err = repo_chunk(repo, digest, CHUNK_MAP, &bytes, &len, why);
	if (err)
		return err;
	struct fields_in in = {bytes, bytes + len, false};
	uint32_t version = in_u32(&in);
	uint8_t shift = in_u8(&in), present = in_u8(&in);
	in_u16(&in);
	root.size = in_u64(&in);
	root.stamp.device = in_u64(&in);
	root.stamp.inode = in_u64(&in);
	root.stamp.mtime_ns = (int64_t)in_u64(&in);
	root.stamp.ctime_ns = (int64_t)in_u64(&in);
	in_bytes(&in, root.top.b, DIGEST_SIZE);
	root.present = present;
	if (!in.bad && (version > ROOT_VERSION || shift != MAP_CHUNK_SHIFT))
		return why_set(why, -ENOTSUP, "the map was written by a newer ebb; use that one");
	if (!in_done(&in) || version != ROOT_VERSION || present > 1 || root.size > INT64_MAX)
		return why_set(why, -EBADMSG, "the root of a map is damaged");
	*ret_root = root;
	return 0;
}

/* ---- nodes ---- */

/* Reads one chunk of a node into it. `patch`: it may be one, and its base comes first. */
static int load_into(struct repo *repo, const struct digest *digest, bool patch,
	struct map_node *node, struct why *why)
{
	OWN(own_free) uint8_t *bytes = NULL;
	struct digest base;
	size_t len;
	int err = repo_chunk(repo, digest, CHUNK_MAP, &bytes, &len, why);
	if (err)
		return err;
	if (map_is_patch(bytes, len, &base)) {
		if (!patch)
			return why_set(why, -EBADMSG, "a map's patch lies upon another one");
		err = load_into(repo, &base, false, node, why);
	}
	return err ? err : map_decode(bytes, len, node, why);
}

static int load_node(
	struct repo *repo, const struct digest *digest, struct map_node *node, struct why *why)
{
	int err = load_into(repo, digest, true, node, why);
	if (err)
		return err;
	if (!node->based) {
		node->based = true;
		node->base = *digest;
	}
	node->stored = true;
	node->self = *digest;
	node->changed = false;
	return 0;
}

int map_open(struct repo *repo, const struct digest *root, struct map_reader *ret_reader,
	struct why *why)
{
	*ret_reader = (struct map_reader){.repo = repo};
	return map_root_load(repo, root, &ret_reader->root, why);
}

void map_close(struct map_reader *reader)
{
	for (unsigned i = 0; i < MAP_LEVELS; i++) {
		map_node_free(reader->path[i]);
		reader->path[i] = NULL;
	}
}

int map_slot_of(struct map_reader *reader, unsigned level, uint64_t first,
	struct map_slot *ret_slot, struct why *why)
{
	const struct map_node *above = NULL;
	unsigned top = map_top_level(reader->root.size);
	*ret_slot = (struct map_slot){0};
	if (level >= top) {
		if (level == top && first == 0)
			*ret_slot = (struct map_slot){
				.present = reader->root.present, .digest = reader->root.top};
		return 0;
	}
	int err = map_node_at(reader, level + 1, first, &above, why);
	if (!err && above)
		*ret_slot = above->slots[(first - above->first) / map_span(level + 1)];
	return err;
}

int map_node_at(struct map_reader *reader, unsigned level, uint64_t chunk,
	const struct map_node **ret_node, struct why *why)
{
	struct map_node *node = reader->path[level];
	uint64_t first = chunk & ~(map_span(level + 1) - 1);
	struct map_slot slot;
	if (node && node->first == first) {
		*ret_node = node;
		return 0;
	}
	int err = map_slot_of(reader, level, first, &slot, why);
	if (err || !slot.present) {
		*ret_node = NULL;
		return err;
	}
	node = map_node_new(level, first);
	err = node ? load_node(reader->repo, &slot.digest, node, why) : -ENOMEM;
	if (err) {
		map_node_free(node);
		return err;
	}
	map_node_free(reader->path[level]);
	reader->path[level] = node;
	*ret_node = node;
	return 0;
}

int map_next_leaf(struct map_reader *reader, uint64_t chunk, uint64_t *ret_first, struct why *why)
{
	uint64_t end = map_chunks(reader->root.size);
	unsigned top = map_top_level(reader->root.size);
	chunk &= ~(map_span(1) - 1);
	while (chunk < end) {
		const struct map_node *node = NULL;
		unsigned level = top;
		int err = map_node_at(reader, level, chunk, &node, why);
		while (!err && node && level > 0)
			err = map_node_at(reader, --level, chunk, &node, why);
		if (err)
			return err;
		if (node) {
			*ret_first = chunk;
			return 0;
		}
		/* Past all that the missing node would have covered. */
		chunk = (chunk | (map_span(level + 1) - 1)) + 1;
	}
	return -ENXIO;
}

/* ---- the walk ---- */

struct map_walker {
	struct repo *repo;
	map_visit_fn *visit;
	void *arg;
	struct why *why;
};

/* Only what a slot uses: a base's tables may name what its patch has replaced. */
static void mark_used(const struct map_slot *slot, uint8_t *sources, uint64_t lists[4])
{
	if (slot->summed)
		bits_set(lists, slot->list);
	for (unsigned i = 0; slot->overlay && i < MAP_BLOCKS; i++)
		if (slot->overlay->from[i] >= MAP_SOURCE)
			sources[slot->overlay->from[i] - MAP_SOURCE] = 1;
}

static int walk_leaf(const struct map_walker *w, const struct map_node *node)
{
	uint64_t lists[4] = {0};
	OWN(own_free) uint8_t *sources = calloc(1, node->sources.len + 1);
	int err = sources ? 0 : -ENOMEM;
	for (unsigned i = 0; err >= 0 && i < MAP_FAN; i++) {
		mark_used(&node->slots[i], sources, lists);
		if (node->slots[i].present)
			err = w->visit(w->arg, &node->slots[i].digest, CHUNK_CONTENT, false);
	}
	for (size_t i = 0; err >= 0 && i < node->lists.len; i++)
		if (bits_get(lists, i))
			err = w->visit(w->arg, &node->lists.at[i], CHUNK_SUMS, false);
	for (size_t i = 0; err >= 0 && i < node->sources.len; i++)
		if (sources[i])
			err = w->visit(w->arg, &node->sources.at[i].digest, CHUNK_BLOCKS, false);
	return err < 0 ? err : 0;
}

static int walk_node(
	const struct map_walker *w, const struct digest *digest, unsigned level, uint64_t first)
{
	OWN(map_node_free_own) struct map_node *node = NULL;
	int err = w->visit(w->arg, digest, CHUNK_MAP, true);
	if (err <= 0)
		return err;
	node = map_node_new(level, first);
	err = node ? load_node(w->repo, digest, node, w->why) : -ENOMEM;
	if (!err && !digest_equal(&node->base, digest)) {
		err = w->visit(w->arg, &node->base, CHUNK_MAP, false);
		err = err < 0 ? err : 0;
	}
	if (err || !level)
		return err ? err : walk_leaf(w, node);
	for (unsigned i = 0; !err && i < MAP_FAN; i++)
		if (node->slots[i].present)
			err = walk_node(
				w, &node->slots[i].digest, level - 1, first + i * map_span(level));
	return err;
}

int map_walk(struct repo *repo, const struct digest *root, map_visit_fn *visit, void *arg,
	struct why *why)
{
	struct map_walker w = {repo, visit, arg, why};
	struct map_root found;
	int err = visit(arg, root, CHUNK_MAP, true);
	if (err <= 0)
		return err;
	err = map_root_load(repo, root, &found, why);
	if (!err && found.present)
		err = walk_node(&w, &found.top, map_top_level(found.size), 0);
	return err;
}
