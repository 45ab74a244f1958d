/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the image, chunk after chunk: which blocks to look at, which of them changed, and
 * how the chunk is stored then.
 */
#include "ship/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/pace.h"
#include "repo/repo.h"
#include "ship/estimate.h"
#include "ship/layer.h"

enum {
	/* From so many claimed blocks of a chunk on, comparing may spare more than it costs. */
	COMPARE_FROM = 16,
	TELL_MISSED_MAX = 20,
};

static const uint64_t all_blocks = UINT64_MAX;

struct pass {
	struct repo *repo;
	const struct image_options *options;
	struct map_reader *old; /* NULL: no parent */
	struct sums sums;
	struct layer layer;
	uint8_t *window;     /* one chunk */
	uint64_t bad;        /* its blocks that could not be read */
	uint64_t data_asked; /* where the run of data below was looked for */
	uint64_t data_from, data_to;
	uint64_t shrunk_at; /* 0, or the size when the parent was longer */
	bool scan;
	struct image_result result;
	struct point *point;
	struct why *why;
};

/* ---- reading ---- */

/* The run of data that ends behind `at`, whole blocks of it; false: only a hole follows. */
static int next_data(struct pass *p, uint64_t at)
{
	uint64_t from = at, to = p->options->size;
	if (at >= p->data_asked && at < p->data_to)
		return 0;
	int err = p->options->data ? p->options->data->next(p->options->data, at, &from, &to)
		: at >= to         ? -ENXIO
				   : 0;
	if (err == -ENXIO)
		from = to = UINT64_MAX;
	else if (err)
		return why_errno(p->why, err, "looking for holes at byte %" PRIu64, at);
	p->data_asked = at;
	p->data_from = from & ~(uint64_t)(MAP_BLOCK - 1);
	p->data_to = to > UINT64_MAX - MAP_BLOCK
		? to
		: (to + MAP_BLOCK - 1) & ~(uint64_t)(MAP_BLOCK - 1);
	return 0;
}

/* Reads whole blocks; what lies behind the end of the image are zeros. */
static int read_some(struct pass *p, uint8_t *to, uint64_t at, size_t len)
{
	uint64_t size = p->options->size;
	size_t need = at >= size ? 0 : size - at < len ? (size_t)(size - at) : len, have = 0;
	while (have < need) {
		/* The length stays aligned: a read past the page cache comes back short. */
		ssize_t n = file_read_at(p->options->file, to + have, len - have, at + have);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -ENODATA;
		have += (size_t)n;
	}
	pace_take(p->options->pace, need);
	p->point->read_bytes += need;
	memset(to + need, 0, len - need);
	return 0;
}

static void tell(struct pass *p, const char *what)
{
	if (p->options->on_trouble)
		p->options->on_trouble(p->options->arg, p->options->path, what);
}

static int source_gone(struct pass *p, uint64_t at)
{
	return why_set(p->why, -EPIPE, "what it was read from went away at byte %" PRIu64, at);
}

/* After a failed read: block by block, so that only those that cannot be read are left out. */
static int read_singly(struct pass *p, uint64_t chunk, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++) {
		uint64_t at = chunk * MAP_CHUNK + (uint64_t)i * MAP_BLOCK;
		uint8_t *to = p->window + (size_t)i * MAP_BLOCK;
		struct why why;
		int err = read_some(p, to, at, MAP_BLOCK);
		if (!err)
			continue;
		if (err == -EPIPE)
			return source_gone(p, at);
		why_errno(&why, err, "4096 bytes at byte %" PRIu64 " cannot be read", at);
		tell(p, why.text);
		memset(to, 0, MAP_BLOCK);
		p->bad |= UINT64_C(1) << i;
		p->point->unreadable++;
		p->point->partial = true;
	}
	return 0;
}

/* A run of blocks of one chunk, without the holes in it. */
static int read_run(struct pass *p, uint64_t chunk, unsigned first, unsigned count)
{
	uint64_t at = chunk * MAP_CHUNK + (uint64_t)first * MAP_BLOCK;
	uint64_t end = at + (uint64_t)count * MAP_BLOCK;
	memset(p->window + (size_t)first * MAP_BLOCK, 0, (size_t)count * MAP_BLOCK);
	while (at < end && at < p->options->size) {
		int err = next_data(p, at);
		if (err)
			return err;
		if (p->data_from > at)
			at = p->data_from;
		uint64_t to = p->data_to < end ? p->data_to : end;
		if (at >= to)
			break;
		size_t offset = (size_t)(at - chunk * MAP_CHUNK), len = (size_t)(to - at);
		err = read_some(p, p->window + offset, at, len);
		if (err == -ENODATA)
			return why_set(p->why, err,
				"it shrank while it was read: it ends before byte %" PRIu64, to);
		if (err == -EPIPE)
			return source_gone(p, at);
		if (err)
			err = read_singly(p, chunk, (unsigned)(offset / MAP_BLOCK),
				(unsigned)(len / MAP_BLOCK));
		if (err)
			return err;
		at = to;
	}
	return 0;
}

static int read_blocks(struct pass *p, uint64_t chunk, uint64_t mask)
{
	for (unsigned i = 0, n; i < MAP_BLOCKS; i += n) {
		bool wanted = mask >> i & 1;
		for (n = 1; i + n < MAP_BLOCKS && (mask >> (i + n) & 1) == wanted;)
			n++;
		int err = wanted ? read_run(p, chunk, i, n) : 0;
		if (err)
			return err;
	}
	return 0;
}

/* ---- one chunk ---- */

struct look {
	uint64_t chunk;
	unsigned slot;
	const struct map_node *leaf;
	uint64_t mask;             /* of blocks that were read */
	uint64_t changed;          /* of them */
	uint64_t sums[MAP_BLOCKS]; /* of those that were read */
	uint64_t old[MAP_BLOCKS];
	bool known; /* `old` is */
};

static void sum_blocks(struct pass *p, struct look *look, uint64_t mask)
{
	for (unsigned i = 0; i < MAP_BLOCKS; i++)
		if (mask >> i & 1)
			look->sums[i] = sums_of(&p->sums, p->window + (size_t)i * MAP_BLOCK);
}

static void compare(struct look *look)
{
	const struct map_overlay *overlay = look->leaf->slots[look->slot].overlay;
	for (unsigned i = 0; i < MAP_BLOCKS; i++) {
		bool over = overlay && overlay->from[i] != MAP_BELOW;
		uint64_t old = over ? overlay->sums[i] : look->old[i];
		if (look->mask >> i & 1 && (!(look->known || over) || look->sums[i] != old))
			look->changed |= UINT64_C(1) << i;
	}
}

/* The blocks of a chunk from byte `from` to byte `to` of the image. */
static uint64_t blocks_between(uint64_t chunk, uint64_t from, uint64_t to)
{
	uint64_t begin = chunk * MAP_CHUNK, mask = 0;
	for (unsigned i = 0; i < MAP_BLOCKS; i++) {
		uint64_t block = begin + (uint64_t)i * MAP_BLOCK;
		if (from < block + MAP_BLOCK && to > block)
			mask |= UINT64_C(1) << i;
	}
	return mask;
}

/* What is not claimed to have changed and did. What a shorter image lost needs no claim. */
static void count_missed(struct pass *p, const struct look *look)
{
	uint64_t begin = look->chunk * MAP_CHUNK, missed = look->known ? look->changed : 0;
	uint64_t at = begin, from, to;
	char text[96];
	if (p->shrunk_at)
		missed &= ~blocks_between(look->chunk, p->shrunk_at, UINT64_MAX);
	while (missed && at < begin + MAP_CHUNK &&
		!p->options->changed->next(p->options->changed, at, &from, &to)) {
		missed &= ~blocks_between(look->chunk, from, to);
		at = to;
	}
	for (unsigned i = 0; i < MAP_BLOCKS; i++) {
		if (!(missed >> i & 1) || p->result.missed_blocks++ >= TELL_MISSED_MAX)
			continue;
		snprintf(text, sizeof(text),
			"changed at byte %" PRIu64 ", which the map of changes misses",
			begin + (uint64_t)i * MAP_BLOCK);
		tell(p, text);
	}
}

/* Whether nothing but zeros is left of it. */
static bool all_zeros(const struct look *look)
{
	for (unsigned i = 0; i < MAP_BLOCKS; i++) {
		bool fresh = look->changed >> i & 1;
		if ((!fresh && !look->known) || (fresh ? look->sums[i] : look->old[i]))
			return false;
	}
	return true;
}

/* Whether reading the chunk would touch too much, with these blocks laid over it too. */
static bool piled_up(const struct pass *p, const struct look *look)
{
	const struct map_overlay *overlay = look->leaf->slots[look->slot].overlay;
	uint16_t seen[MAP_BLOCKS];
	unsigned blocks = 0, sources = look->changed != 0;
	for (unsigned i = 0; i < MAP_BLOCKS; i++) {
		uint16_t from = overlay ? overlay->from[i] : MAP_BELOW;
		unsigned j = 0, distinct = sources - (look->changed != 0);
		bool fresh = look->changed >> i & 1;
		blocks += fresh || from != MAP_BELOW;
		if (fresh || from < MAP_SOURCE)
			continue;
		while (j < distinct && seen[j] != from)
			j++;
		if (j == distinct) {
			seen[j] = from;
			sources++;
		}
	}
	return blocks > IMAGE_OVERLAY_MAX || sources > IMAGE_SOURCES_MAX ||
		(p->options->fold && sources > 1);
}

static int store_whole(struct pass *p, struct look *look)
{
	uint64_t rest = ~look->mask;
	int err = read_blocks(p, look->chunk, rest);
	if (err)
		return err;
	sum_blocks(p, look, rest);
	p->result.whole_chunks++;
	return layer_whole(&p->layer, look->slot, p->window, look->sums, p->why);
}

static int store_blocks(struct pass *p, const struct look *look)
{
	int err = 0;
	for (unsigned i = 0; !err && i < MAP_BLOCKS; i++) {
		if (!(look->changed >> i & 1))
			continue;
		err = look->sums[i] ? layer_block(&p->layer, look->slot, i,
					      p->window + (size_t)i * MAP_BLOCK, p->why)
				    : layer_zeros(&p->layer, look->slot, i);
	}
	return err;
}

static int store_chunk(struct pass *p, struct look *look)
{
	const struct map_slot *slot = &look->leaf->slots[look->slot];
	unsigned changed = (unsigned)__builtin_popcountll(look->changed);
	/* Blocks that cannot be read are the parent's: then nothing may replace all of them. */
	bool keep = p->bad && !map_slot_hole(slot);
	p->result.changed_blocks += changed;
	if (changed && all_zeros(look)) {
		layer_hole(&p->layer, look->slot);
		return 0;
	}
	if (!keep && changed && (!p->old || changed > IMAGE_BLOCKS_MAX))
		return store_whole(p, look);
	if (!keep && (changed || p->options->fold) && piled_up(p, look))
		return store_whole(p, look);
	return store_blocks(p, look);
}

static void progress(struct pass *p, uint64_t at)
{
	struct backup_progress now = {
		.entries = 1,
		.bytes = at < p->options->size ? at : p->options->size,
		.read_bytes = p->point->read_bytes,
		.of_bytes = p->options->size,
	};
	if (p->options->on_progress)
		p->options->on_progress(p->options->arg, &now);
}

/* Looks at the blocks of one chunk. */
static int do_chunk(struct pass *p, uint64_t chunk, uint64_t mask)
{
	struct look look = {.chunk = chunk, .slot = (unsigned)(chunk % MAP_FAN), .mask = mask};
	p->bad = 0;
	int err = layer_leaf(&p->layer, chunk, &look.leaf, p->why);
	if (!err)
		err = read_blocks(p, chunk, mask);
	if (err)
		return err;
	bool fetch = p->scan || __builtin_popcountll(mask) >= COMPARE_FROM;
	int known = sums_of_slot(&p->sums, look.leaf, look.slot, fetch, look.old, p->why);
	if (known < 0)
		return known;
	look.known = known;
	sum_blocks(p, &look, mask);
	compare(&look);
	look.changed &= ~p->bad;
	if (p->options->check_changed && p->options->changed && p->old)
		count_missed(p, &look);
	err = store_chunk(p, &look);
	progress(p, (chunk + 1) * MAP_CHUNK);
	return err;
}

/* ---- which chunks ---- */

/* The next chunk from `chunk` on that has data now or had some before; `end`: none. */
static int next_chunk(struct pass *p, uint64_t *chunk, uint64_t end)
{
	uint64_t leaf;
	while (*chunk < end) {
		const struct map_node *node = NULL;
		int err = next_data(p, *chunk * MAP_CHUNK);
		if (!err && p->data_from < (*chunk + 1) * MAP_CHUNK)
			return 0;
		if (!err && p->old)
			err = map_node_at(p->old, 0, *chunk, &node, p->why);
		if (err)
			return err;
		if (node && !map_slot_hole(&node->slots[*chunk % MAP_FAN]))
			return 0;
		if (node) {
			++*chunk;
			continue;
		}
		err = p->old ? map_next_leaf(p->old, *chunk, &leaf, p->why) : -ENXIO;
		if (err && err != -ENXIO)
			return err;
		uint64_t data = p->data_from / MAP_CHUNK;
		*chunk = err || data < leaf ? data : leaf;
	}
	return 0;
}

static int scan(struct pass *p)
{
	uint64_t end = map_chunks(p->options->size), chunk = 0;
	int err = next_chunk(p, &chunk, end);
	while (!err && chunk < end) {
		err = do_chunk(p, chunk++, all_blocks);
		if (!err)
			err = next_chunk(p, &chunk, end);
	}
	return err;
}

/* The first claimed range that ends behind `at`. */
static int next_range(struct pass *p, uint64_t at, uint64_t *from, uint64_t *to)
{
	int err = p->options->changed->next(p->options->changed, at, from, to);
	if (!err)
		must(*to > at);
	return err && err != -ENXIO ? why_errno(p->why, err, "reading the map of changes") : err;
}

/*
 * The claimed blocks of the next chunk that has any, from chunk `at` on. An image that was cut off
 * within a chunk has the rest of that chunk changed to zeros.
 */
static int next_claim(struct pass *p, uint64_t at, uint64_t *ret_chunk, uint64_t *ret_mask)
{
	uint64_t size = p->options->size, from, to, tail = p->shrunk_at / MAP_CHUNK;
	bool cut = p->shrunk_at % MAP_CHUNK && at <= tail;
	int err = next_range(p, at * MAP_CHUNK, &from, &to);
	if (err && err != -ENXIO)
		return err;
	if ((err || from >= size) && !cut)
		return -ENXIO;
	uint64_t chunk = err || from >= size ? tail : from / MAP_CHUNK;
	chunk = chunk < at ? at : chunk;
	chunk = cut && tail < chunk ? tail : chunk;
	uint64_t mask = cut && chunk == tail
		? blocks_between(chunk, p->shrunk_at, (chunk + 1) * MAP_CHUNK)
		: 0;
	while (!err && from < (chunk + 1) * MAP_CHUNK) {
		mask |= blocks_between(chunk, from, to < size ? to : size);
		err = to >= (chunk + 1) * MAP_CHUNK ? -ENXIO : next_range(p, to, &from, &to);
	}
	if (err && err != -ENXIO)
		return err;
	*ret_chunk = chunk;
	*ret_mask = mask;
	return 0;
}

static int follow_changes(struct pass *p)
{
	uint64_t chunk = 0, mask = 0;
	int err;
	while (!(err = next_claim(p, chunk, &chunk, &mask))) {
		err = mask ? do_chunk(p, chunk, mask) : 0;
		if (err)
			return err;
		chunk++;
	}
	return err == -ENXIO ? 0 : err;
}

/* ---- what it would come to ---- */

/* Leaves of a sample the blocks that differ from the parent's. */
static ssize_t keep_fresh(void *arg, uint64_t at, uint8_t *piece, size_t len, struct why *why)
{
	struct pass *p = arg;
	struct look look = {.chunk = at / MAP_CHUNK, .slot = (unsigned)(at / MAP_CHUNK % MAP_FAN)};
	unsigned first = (unsigned)(at % MAP_CHUNK / MAP_BLOCK);
	unsigned count = (unsigned)((len + MAP_BLOCK - 1) / MAP_BLOCK);
	size_t kept = 0;
	memset(piece + len, 0, (size_t)count * MAP_BLOCK - len);
	int known = map_node_at(p->old, 0, look.chunk, &look.leaf, why);
	if (!known && look.leaf)
		known = sums_of_slot(&p->sums, look.leaf, look.slot, true, look.old, why);
	if (known < 0)
		return known;
	look.known = known;
	for (unsigned i = 0; i < count; i++) {
		look.sums[first + i] = sums_of(&p->sums, piece + (size_t)i * MAP_BLOCK);
		look.mask |= UINT64_C(1) << (first + i);
	}
	if (look.leaf)
		compare(&look);
	else
		look.changed = look.mask;
	for (unsigned i = 0; i < count; i++) {
		if (!(look.changed >> (first + i) & 1))
			continue;
		memmove(piece + kept, piece + (size_t)i * MAP_BLOCK, MAP_BLOCK);
		kept += MAP_BLOCK;
	}
	return (ssize_t)kept;
}

/* Samples what a run would read. */
static int guess(struct pass *p)
{
	struct estimate *estimate = p->options->estimate;
	uint64_t at = 0, from, to, size = p->options->size;
	estimate->files = 1;
	estimate->fresh = p->old ? keep_fresh : NULL;
	estimate->arg = p;
	while (at < size) {
		int err = p->scan ? next_data(p, at) : next_range(p, at, &from, &to);
		if (err)
			return err == -ENXIO ? 0 : err;
		if (p->scan) {
			from = p->data_from;
			to = p->data_to;
		}
		if (from >= size)
			return 0;
		from = from > at ? from & ~(uint64_t)(MAP_BLOCK - 1) : at;
		to = to < size ? to : size;
		err = estimate_add_range(estimate, p->options->file, from, to, p->why);
		if (err)
			return err;
		at = to;
	}
	return 0;
}

/* ---- the point ---- */

static bool find_newest(struct repo *repo, const char *resource, bool full, struct point *ret_point)
{
	const struct head *head = repo_head(repo);
	for (size_t i = head->points.len; i-- > 0;) {
		struct point point;
		if (repo_point(repo, &head->points.at[i].id, &point, NULL) == 0 &&
			point.source == POINT_IMAGE && (!full || point.kind == POINT_FULL) &&
			strcmp(point.resource, resource) == 0) {
			*ret_point = point;
			return true;
		}
	}
	return false;
}

bool image_newest(struct repo *repo, const char *resource, struct point *ret_point)
{
	return find_newest(repo, resource, false, ret_point);
}

static bool is_broken(const struct repo *repo, const struct object_id *id)
{
	const struct head_point *named = head_find_point(repo_head(repo), id);
	return named && named->flags & HEAD_POINT_BROKEN;
}

static void begin_point(struct point *point, const struct image_options *options, int64_t now)
{
	*point = (struct point){.source = POINT_IMAGE, .kind = POINT_FULL, .start_ns = now};
	point->entries = 1;
	point->source_bytes = options->size;
	snprintf(point->resource, sizeof(point->resource), "%s", options->resource);
	snprintf(point->host, sizeof(point->host), "%s", options->host);
	snprintf(point->path, sizeof(point->path), "%s", options->path);
	snprintf(point->writer, sizeof(point->writer), "%s", options->writer);
}

/* What the kernel says has not changed since the parent was read. */
static bool untouched(const struct pass *p, const struct point *parent)
{
	const struct map_stamp *now = &p->options->stamp, *then = &p->old->root.stamp;
	return now->ctime_ns && now->ctime_ns == then->ctime_ns &&
		now->mtime_ns == then->mtime_ns && now->inode == then->inode &&
		now->device == then->device && p->options->size == p->old->root.size &&
		!parent->partial && !p->options->check_changed && !p->options->fold;
}

static int store_image(struct pass *p, const struct map_stamp *stamp)
{
	uint64_t old_size = p->old ? p->old->root.size : 0;
	if (p->options->size < old_size)
		p->shrunk_at = p->options->size;
	int err = layer_begin(&p->layer, &p->sums, p->old, p->options->size, p->why);
	if (!err)
		err = p->scan ? scan(p) : follow_changes(p);
	return err ? err : layer_finish(&p->layer, stamp, &p->point->root, p->why);
}

static void pass_done(struct pass *p)
{
	layer_done(&p->layer);
	sums_done(&p->sums);
	free(p->window);
}

/* Opens the parent's map, if there is a parent to use. */
static int begin_parent(struct pass *p, struct map_reader *reader, struct point *parent)
{
	const struct image_options *options = p->options;
	bool found = find_newest(p->repo, options->resource, options->differential, parent);
	must(!options->differential || !options->changed);
	if (options->since && !(found && object_id_equal(&parent->id, options->since)) &&
		!planted(IMAGE_STALE_PARENT))
		return why_set(p->why, -ESTALE,
			"the map of changes is not about the newest point of this image");
	/* Of a point that has lost something all is stored again, as far as it is lost. */
	bool fresh = !found || options->full || is_broken(p->repo, &parent->id);
	p->scan = !options->changed || options->check_changed || fresh || parent->partial;
	p->result.read_all = options->changed && p->scan && !options->check_changed;
	if (fresh)
		return 0;
	p->point->kind = options->differential ? POINT_DIFFERENTIAL : POINT_INCREMENTAL;
	p->point->parent = parent->id;
	int err = map_open(p->repo, &parent->root, reader, p->why);
	p->old = reader;
	return err;
}

int backup_image(struct repo *repo, struct clock *clock, const struct image_options *options,
	struct point *ret_point, struct image_result *ret_result, struct why *why)
{
	struct point point, parent;
	OWN(map_close) struct map_reader reader = {0};
	OWN(pass_done)
	struct pass p = {.repo = repo, .options = options, .point = &point, .why = why};
	begin_point(&point, options, clock_wall_ns(clock));
	p.window = aligned_alloc(IMAGE_ALIGN, MAP_CHUNK);
	int err = p.window ? sums_init(repo, &p.sums) : -ENOMEM;
	if (!err)
		err = begin_parent(&p, &reader, &parent);
	if (err)
		return err;
	if (p.old && !options->changed && untouched(&p, &parent))
		point.root = parent.root;
	else if (options->estimate)
		err = guess(&p);
	else
		err = store_image(&p, &options->stamp);
	if (err)
		return err;
	point.end_ns = clock_wall_ns(clock);
	err = options->estimate ? 0 : repo_commit(repo, &point, why);
	if (err)
		return err;
	*ret_point = point;
	*ret_result = p.result;
	return 0;
}
