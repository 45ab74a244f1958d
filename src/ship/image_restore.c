/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunk after chunk, where either side has data. A chunk that no blocks lie over is compared by its
 * digest and not even fetched when the target holds it; others are fetched and compared.
 */
#include "ship/image_restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/disk.h"
#include "repo/repo.h"
#include "ship/image_read.h"
#include "ship/sums.h"

struct work {
	struct image_reader *reader;
	const struct image_target *target;
	struct digester *digester;
	struct sums sums;
	uint8_t *have, *want; /* one chunk each */
	uint64_t data_asked, data_from, data_to;
	struct image_restored done;
	struct why *why;
};

static void work_done(struct work *w)
{
	digester_free(w->digester);
	sums_done(&w->sums);
	free(w->have);
	free(w->want);
}

static int work_init(struct work *w)
{
	w->have = aligned_alloc(IMAGE_ALIGN, MAP_CHUNK);
	w->want = aligned_alloc(IMAGE_ALIGN, MAP_CHUNK);
	if (!w->have || !w->want)
		return -ENOMEM;
	int err = sums_init(w->reader->repo, &w->sums);
	return err ? err : digester_new(repo_ring(w->reader->repo)->id_key, &w->digester);
}

/* ---- which chunks ---- */

static int next_data(struct work *w, uint64_t at)
{
	uint64_t from = at, to = UINT64_MAX;
	if (at >= w->data_asked && at < w->data_to)
		return 0;
	int err = w->target->data ? w->target->data->next(w->target->data, at, &from, &to) : 0;
	if (err == -ENXIO)
		from = to = UINT64_MAX;
	else if (err)
		return why_errno(w->why, err, "looking for holes in the target");
	w->data_asked = at;
	w->data_from = from;
	w->data_to = to;
	return 0;
}

/* The next chunk from `chunk` on that either side has data in. */
static int next_chunk(struct work *w, uint64_t *chunk)
{
	uint64_t leaf, end = map_chunks(image_size(w->reader));
	while (*chunk < end) {
		const struct map_node *node;
		int err = next_data(w, *chunk * MAP_CHUNK);
		if (!err && w->data_from < (*chunk + 1) * MAP_CHUNK)
			return 0;
		if (!err)
			err = map_node_at(&w->reader->map, 0, *chunk, &node, w->why);
		if (err)
			return err;
		if (node && !map_slot_hole(&node->slots[*chunk % MAP_FAN]))
			return 0;
		if (node) {
			++*chunk;
			continue;
		}
		err = map_next_leaf(&w->reader->map, *chunk, &leaf, w->why);
		if (err && err != -ENXIO)
			return err;
		uint64_t data = w->data_from / MAP_CHUNK;
		*chunk = err || data < leaf ? data : leaf;
	}
	return 0;
}

/* ---- one chunk ---- */

/* What the target holds there, zeros behind the end of the image or of the target. */
static int read_target(struct work *w, uint64_t chunk)
{
	uint64_t at = chunk * MAP_CHUNK, size = image_size(w->reader);
	size_t have = 0, need = size - at < MAP_CHUNK ? (size_t)(size - at) : MAP_CHUNK;
	int err = next_data(w, at);
	if (err)
		return err;
	while (w->data_from < at + MAP_CHUNK && have < need) {
		ssize_t n = file_read_at(
			w->target->file, w->have + have, MAP_CHUNK - have, at + have);
		if (n < 0)
			return why_errno(
				w->why, (int)n, "reading the target at byte %" PRIu64, at + have);
		if (n == 0)
			break;
		have += (size_t)n;
	}
	have = have < need ? have : need;
	memset(w->have + have, 0, MAP_CHUNK - have);
	return 0;
}

/* Whether the target holds the chunk already, as far as that can be told without fetching it. */
static int holds(struct work *w, uint64_t chunk, bool *ret_holds)
{
	const struct map_node *leaf;
	struct digest digest;
	*ret_holds = false;
	int err = map_node_at(&w->reader->map, 0, chunk, &leaf, w->why);
	if (err || !leaf)
		return err;
	const struct map_slot *slot = &leaf->slots[chunk % MAP_FAN];
	if (!slot->present || slot->overlay)
		return 0;
	err = digest_of(w->digester, CHUNK_CONTENT, w->have, MAP_CHUNK, &digest);
	if (!err)
		*ret_holds = digest_equal(&digest, &slot->digest);
	return err;
}

/* Writes the blocks that differ, runs of them in one call. */
static int write_blocks(struct work *w, uint64_t chunk)
{
	uint64_t begin = chunk * MAP_CHUNK, size = image_size(w->reader);
	for (size_t at = 0, n; at < MAP_CHUNK && begin + at < size; at += n) {
		bool same = memcmp(w->have + at, w->want + at, MAP_BLOCK) == 0;
		for (n = MAP_BLOCK; at + n < MAP_CHUNK && begin + at + n < size; n += MAP_BLOCK)
			if ((memcmp(w->have + at + n, w->want + at + n, MAP_BLOCK) == 0) != same)
				break;
		size_t len = size - begin - at < n ? (size_t)(size - begin - at) : n;
		if (same) {
			w->done.kept_bytes += len;
			continue;
		}
		int err = file_write_full(w->target->file, w->want + at, len, begin + at);
		if (err)
			return why_errno(w->why, err, "writing at byte %" PRIu64, begin + at);
		w->done.written_bytes += len;
	}
	return 0;
}

static int restore_chunk(struct work *w, uint64_t chunk)
{
	bool same;
	int err = read_target(w, chunk);
	if (!err)
		err = holds(w, chunk, &same);
	if (err)
		return err;
	if (same) {
		w->done.kept_bytes += MAP_CHUNK;
		return 0;
	}
	err = image_read(w->reader, chunk * MAP_CHUNK, w->want, MAP_CHUNK, w->why);
	return err ? err : write_blocks(w, chunk);
}

int image_restore(struct image_reader *reader, const struct image_target *target,
	struct image_restored *ret_restored, struct why *why)
{
	OWN(work_done) struct work w = {.reader = reader, .target = target, .why = why};
	uint64_t chunk = 0, end = map_chunks(image_size(reader));
	int err = work_init(&w);
	if (!err)
		err = next_chunk(&w, &chunk);
	while (!err && chunk < end) {
		struct backup_progress now = {
			.entries = 1,
			.bytes = chunk * MAP_CHUNK,
			.read_bytes = w.done.written_bytes,
			.of_bytes = image_size(reader),
		};
		if (target->on_progress)
			target->on_progress(target->arg, &now);
		err = restore_chunk(&w, chunk++);
		if (!err)
			err = next_chunk(&w, &chunk);
	}
	if (err)
		return err;
	w.done.fetched_bytes = reader->fetched;
	*ret_restored = w.done;
	return 0;
}

/* ---- reading back ---- */

static int compare_chunk(struct work *w, uint64_t chunk)
{
	uint64_t sums[MAP_BLOCKS] = {0};
	const struct map_node *leaf;
	int known = 1, err = read_target(w, chunk);
	if (!err)
		err = map_node_at(&w->reader->map, 0, chunk, &leaf, w->why);
	if (!err && leaf)
		known = sums_of_slot(
			&w->sums, leaf, (unsigned)(chunk % MAP_FAN), true, sums, w->why);
	if (err || known < 0)
		return err ? err : known;
	if (!known) {
		err = image_read(w->reader, chunk * MAP_CHUNK, w->want, MAP_CHUNK, w->why);
		for (unsigned i = 0; !err && i < MAP_BLOCKS; i++)
			sums[i] = sums_of(&w->sums, w->want + (size_t)i * MAP_BLOCK);
	}
	for (unsigned i = 0; !err && i < MAP_BLOCKS; i++)
		if (sums_of(&w->sums, w->have + (size_t)i * MAP_BLOCK) != sums[i])
			return why_set(w->why, -EIO,
				"byte %" PRIu64 " and on: what was written reads back differently",
				chunk * MAP_CHUNK + (uint64_t)i * MAP_BLOCK);
	return err;
}

int image_compare(struct image_reader *reader, const struct image_target *target, struct why *why)
{
	OWN(work_done) struct work w = {.reader = reader, .target = target, .why = why};
	uint64_t chunk = 0, end = map_chunks(image_size(reader));
	int err = work_init(&w);
	if (!err)
		err = next_chunk(&w, &chunk);
	while (!err && chunk < end) {
		err = compare_chunk(&w, chunk++);
		if (!err)
			err = next_chunk(&w, &chunk);
	}
	return err;
}
