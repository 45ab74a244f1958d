/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marking: a bit for each chunk that a point of the newest head needs. When other writers put heads
 * meanwhile, only what they added is read and walked; when a head took something away, all is done
 * anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "repo/cache.h"
#include "repo/gc_inner.h"

bool gc_is_marked(const struct gc *gc, uint32_t number)
{
	return number < gc->mark_count && bits_get(gc->marks, number);
}

static int grow_bits(uint64_t **bits, size_t had, size_t words)
{
	uint64_t *grown = realloc(*bits, words * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memset(grown + had, 0, (words - had) * sizeof(*grown));
	*bits = grown;
	return 0;
}

/* Room for the marks of all chunks that the index knows. */
static int grow_marks(struct gc *gc)
{
	size_t count = index_count(&gc->repo->index);
	size_t words = BITS_WORDS(count), had = BITS_WORDS(gc->mark_count);
	if (count <= gc->mark_count)
		return 0;
	int err = grow_bits(&gc->marks, had, words);
	if (!err)
		err = grow_bits(&gc->followed, had, words);
	if (!err)
		gc->mark_count = count;
	return err;
}

/* What a missing chunk of content would hold is lost; of others nobody knows what they name. */
static int mark_chunk(void *arg, const struct digest *digest, enum chunk_kind kind, bool leads_on)
{
	struct gc *gc = arg;
	uint32_t number;
	(void)kind;
	int known = index_find_number(&gc->repo->index, digest, &number);
	if (known < 0)
		return known;
	if (!known) {
		gc->result.missing++;
		return leads_on ? -ENOENT : 0;
	}
	gc->result.chunks += !bits_get(gc->marks, number);
	bits_set(gc->marks, number);
	if (!leads_on || bits_get(gc->followed, number))
		return 0;
	bits_set(gc->followed, number);
	return 1;
}

static bool has_id(const ids_t *ids, const struct object_id *id)
{
	vec_each (one, ids)
		if (object_id_equal(one, id))
			return true;
	return false;
}

static bool is_left_out(const struct gc *gc, const struct object_id *id)
{
	for (size_t i = 0; i < gc->options->without_count; i++)
		if (object_id_equal(&gc->options->without[i], id))
			return true;
	return false;
}

static int mark_point(struct gc *gc, const struct object_id *id, struct why *why)
{
	struct point point;
	char hex[33];
	int err = repo_point(gc->repo, id, &point, why);
	if (!err)
		err = gc->options->walk(gc->repo, &point, mark_chunk, gc, why);
	if (err == -ENOENT)
		err = why_set(why, -EBADMSG,
			"a part of it is gone: `ebb verify --repair` may help, or remove the "
			"point");
	if (err)
		return why_prefix(
			why, err, "nothing was removed: point %.8s", object_show_id(id, hex));
	gc->result.points++;
	return vec_push(&gc->walked, *id);
}

static int mark_points(struct gc *gc, struct why *why)
{
	vec_each (point, &gc->repo->head.points) {
		if (is_left_out(gc, &point->id) || has_id(&gc->walked, &point->id))
			continue;
		int err = mark_point(gc, &point->id, why);
		if (err)
			return err;
	}
	return 0;
}

static bool is_retired(const struct head *head, const struct object_id *id)
{
	vec_each (one, &head->retired)
		if (object_id_equal(&one->id, id))
			return true;
	return false;
}

/* Whether the newest head only adds to the one that we saw. */
static bool only_adds(const struct head *seen, const struct head *now)
{
	if (!seen->generation)
		return false;
	vec_each (index, &seen->indexes)
		if (!head_find_index(now, &index->id))
			return false;
	vec_each (one, &now->retired)
		if (!is_retired(seen, &one->id))
			return false;
	return true;
}

static int read_added(struct gc *gc, struct why *why)
{
	struct repo *repo = gc->repo;
	vec_each (named, &repo->head.indexes) {
		OWN(own_free) uint8_t *plain = NULL;
		size_t len;
		if (head_find_index(&gc->seen, &named->id))
			continue;
		int err = repo_fetch_index(repo, named, &plain, &len, why);
		if (!err)
			err = index_get(&repo->index, plain, len, why);
		if (err)
			return err;
	}
	cache_all_told(repo);
	return index_is_heavy(&repo->index) ? index_spill(&repo->index) : 0;
}

static int read_all(struct gc *gc, struct why *why)
{
	gc->walked.len = 0;
	free(gc->marks);
	free(gc->followed);
	gc->marks = gc->followed = NULL;
	gc->mark_count = 0;
	gc->result.points = gc->result.chunks = gc->result.missing = 0;
	return repo_read_indexes(gc->repo, why);
}

int gc_mark(struct gc *gc, struct why *why)
{
	struct repo *repo = gc->repo;
	int err = repo_find_head(repo, repo->head.generation, why);
	if (err)
		return err;
	bool added = only_adds(&gc->seen, &repo->head);
	err = added ? read_added(gc, why) : read_all(gc, why);
	if (!err)
		err = grow_marks(gc);
	if (!err && !(added && planted(GC_NEW_NOT_MARKED)))
		err = mark_points(gc, why);
	if (err)
		return err;
	head_done(&gc->seen);
	gc->seen = (struct head){0};
	return head_copy(&repo->head, &gc->seen);
}
