/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of an image out of its chunks and the blocks over them. */
#include "ship/image_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "repo/repo.h"

int image_open(struct repo *repo, const struct digest *root, struct image_reader *ret_reader,
	struct why *why)
{
	*ret_reader = (struct image_reader){.repo = repo};
	return map_open(repo, root, &ret_reader->map, why);
}

void image_close(struct image_reader *reader)
{
	map_close(&reader->map);
	for (unsigned i = 0; i < IMAGE_CACHE; i++) {
		free(reader->cache[i].bytes);
		reader->cache[i].bytes = NULL;
	}
}

/* A chunk, from the cache or fetched in place of the one that was not used for longest. */
static int find_chunk(struct image_reader *reader, const struct digest *digest,
	enum chunk_kind kind, const struct image_cached **ret_chunk, struct why *why)
{
	struct image_cached *oldest = &reader->cache[0];
	uint8_t *bytes;
	size_t len;
	for (unsigned i = 0; i < IMAGE_CACHE; i++) {
		struct image_cached *at = &reader->cache[i];
		if (at->bytes && memcmp(&at->digest, digest, sizeof(*digest)) == 0) {
			at->used = ++reader->uses;
			*ret_chunk = at;
			return 0;
		}
		if (!at->bytes || (oldest->bytes && at->used < oldest->used))
			oldest = at;
	}
	int err = repo_chunk(reader->repo, digest, kind, &bytes, &len, why);
	if (err)
		return err;
	reader->fetched += len;
	free(oldest->bytes);
	*oldest = (struct image_cached){*digest, bytes, len, ++reader->uses};
	*ret_chunk = oldest;
	return 0;
}

/* Where bytes go, and whom to tell. */
struct sink {
	uint8_t *at;
	size_t len;
	struct why *why;
};

/* A part of one block, or of a chunk without blocks over it. */
static int read_block(struct image_reader *reader, const struct map_node *leaf,
	const struct map_slot *slot, size_t offset, struct sink to)
{
	const struct image_cached *chunk;
	unsigned block = (unsigned)(offset / MAP_BLOCK);
	uint16_t from = slot->overlay ? slot->overlay->from[block] : MAP_BELOW;
	if (from == MAP_ZEROS || (from == MAP_BELOW && !slot->present)) {
		memset(to.at, 0, to.len);
		return 0;
	}
	bool below = from == MAP_BELOW;
	int err = find_chunk(reader,
		below ? &slot->digest : &leaf->sources.at[from - MAP_SOURCE].digest,
		below ? CHUNK_CONTENT : CHUNK_BLOCKS, &chunk, to.why);
	if (err)
		return err;
	if (!below)
		offset = offset % MAP_BLOCK + (size_t)slot->overlay->at[block] * MAP_BLOCK;
	if (offset + to.len > chunk->len)
		return why_set(to.why, -EBADMSG, "a chunk is shorter than its map says");
	memcpy(to.at, chunk->bytes + offset, to.len);
	return 0;
}

/* A part of one chunk. Where nothing lies over it, all at once. */
static int read_part(
	struct image_reader *reader, uint64_t at, uint8_t *bytes, size_t len, struct why *why)
{
	const struct map_node *leaf;
	uint64_t chunk = at / MAP_CHUNK;
	size_t offset = at % MAP_CHUNK;
	int err = map_node_at(&reader->map, 0, chunk, &leaf, why);
	if (err)
		return err;
	if (!leaf) {
		memset(bytes, 0, len);
		return 0;
	}
	const struct map_slot *slot = &leaf->slots[chunk % MAP_FAN];
	if (!slot->overlay)
		return read_block(reader, leaf, slot, offset, (struct sink){bytes, len, why});
	while (!err && len) {
		size_t n = MAP_BLOCK - offset % MAP_BLOCK;
		n = n < len ? n : len;
		err = read_block(reader, leaf, slot, offset, (struct sink){bytes, n, why});
		bytes += n;
		offset += n;
		len -= n;
	}
	return err;
}

int image_read(struct image_reader *reader, uint64_t at, void *bytes, size_t len, struct why *why)
{
	uint8_t *to = bytes;
	uint64_t size = image_size(reader);
	size_t have = at >= size ? 0 : size - at < len ? (size_t)(size - at) : len;
	memset(to + have, 0, len - have);
	while (have) {
		size_t n = MAP_CHUNK - at % MAP_CHUNK;
		n = n < have ? n : have;
		int err = read_part(reader, at, to, n, why);
		if (err)
			return err;
		at += n;
		to += n;
		have -= n;
	}
	return 0;
}

/* What the map says of the chunk at `at`: a hole all of it, to where the next leaf begins; or not.
 */
static int chunk_extent(struct image_reader *reader, uint64_t at, uint64_t *ret_end, bool *ret_hole,
	struct why *why)
{
	const struct map_node *leaf;
	uint64_t chunk = at / MAP_CHUNK, next;
	int err = map_node_at(&reader->map, 0, chunk, &leaf, why);
	if (err)
		return err;
	if (leaf) {
		const struct map_slot *slot = &leaf->slots[chunk % MAP_FAN];
		*ret_end = (chunk + 1) * MAP_CHUNK;
		*ret_hole = map_slot_hole(slot);
		if (!slot->overlay)
			return 0;
		/* Block by block where some lie over it. */
		uint16_t from = slot->overlay->from[at % MAP_CHUNK / MAP_BLOCK];
		*ret_end = (at / MAP_BLOCK + 1) * MAP_BLOCK;
		*ret_hole = from == MAP_ZEROS || (from == MAP_BELOW && !slot->present);
		return 0;
	}
	err = map_next_leaf(&reader->map, chunk, &next, why);
	if (err && err != -ENXIO)
		return err;
	*ret_end = err ? image_size(reader) : next * MAP_CHUNK;
	*ret_hole = true;
	return 0;
}

int image_extent(struct image_reader *reader, uint64_t at, uint64_t limit, uint64_t *ret_end,
	bool *ret_hole, struct why *why)
{
	uint64_t end, next;
	bool hole, same;
	int err = chunk_extent(reader, at, &end, &hole, why);
	while (!err && end < limit) {
		err = chunk_extent(reader, end, &next, &same, why);
		if (err || same != hole)
			break;
		end = next;
	}
	if (err)
		return err;
	*ret_end = end < limit ? end : limit;
	*ret_hole = hole;
	return 0;
}
