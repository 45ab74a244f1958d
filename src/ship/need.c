/* SPDX-License-Identifier: Apache-2.0 */
/* Trees and lists, to their last chunk. What was followed before is not read again. */
#include "ship/need.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "repo/check.h"
#include "repo/repo.h"
#include "ship/digests.h"
#include "ship/map.h"
#include "ship/tree.h"

struct need {
	struct repo *repo;
	gc_chunk_fn *fn;
	void *arg;
	struct why *why;
	int depth;
};

static struct digest digest_at(const uint8_t *bytes)
{
	struct digest digest;
	memcpy(digest.b, bytes, DIGEST_SIZE);
	return digest;
}

static int tell_row(struct need *need, const uint8_t *digests, size_t count)
{
	int err = 0;
	for (size_t i = 0; err >= 0 && i < count; i++) {
		struct digest digest = digest_at(digests + i * DIGEST_SIZE);
		err = need->fn(need->arg, &digest, CHUNK_CONTENT, false);
	}
	return err < 0 ? err : 0;
}

static int follow_list(struct need *need, const struct digest *digest)
{
	OWN(own_free) uint8_t *list = NULL;
	size_t len;
	int go_on = need->fn(need->arg, digest, CHUNK_LIST, true);
	if (go_on <= 0)
		return go_on;
	int err = repo_chunk(need->repo, digest, CHUNK_LIST, &list, &len, need->why);
	return err ? err : tell_row(need, list, len / DIGEST_SIZE);
}

static int follow_lists(struct need *need, const uint8_t *digests, size_t count)
{
	int err = 0;
	for (size_t i = 0; !err && i < count; i++) {
		struct digest digest = digest_at(digests + i * DIGEST_SIZE);
		err = follow_list(need, &digest);
	}
	return err;
}

static int follow_tree(struct need *need, const uint8_t *bytes);

static int follow_entry(struct need *need, const struct tree_entry *entry)
{
	int err = entry->flags & TREE_LISTED
		? follow_lists(need, entry->digests, entry->digest_count)
		: tell_row(need, entry->digests, entry->digest_count);
	return err || !entry->folder ? err : follow_tree(need, entry->folder);
}

/* A part is a chunk that is needed; what it names is told with the folder as a whole. */
static int tell_part(void *arg, const struct digest *part)
{
	struct need *need = arg;
	int err = need->fn(need->arg, part, CHUNK_TREE, false);
	return err < 0 ? err : 0;
}

static int follow_tree(struct need *need, const uint8_t *bytes)
{
	OWN(tree_done) struct tree tree = {0};
	struct tree_entry entry;
	struct digest digest = digest_at(bytes);
	int go_on = need->fn(need->arg, &digest, CHUNK_TREE, true);
	if (go_on <= 0)
		return go_on;
	if (need->depth >= TREE_DEPTH_MAX)
		return why_set(
			need->why, -ELOOP, "its folders are more than %d deep", TREE_DEPTH_MAX);
	int err = tree_load_parts(need->repo, &digest, tell_part, need, &tree, need->why);
	need->depth++;
	while (!err && (err = tree_next(&tree, &entry, need->why)) == 1)
		err = follow_entry(need, &entry);
	need->depth--;
	return err;
}

int need_walk(
	struct repo *repo, const struct point *point, gc_chunk_fn *fn, void *arg, struct why *why)
{
	struct need need = {.repo = repo, .fn = fn, .arg = arg, .why = why};
	switch (point->source) {
	case POINT_DIR:
	case POINT_STREAM:
	case POINT_POSTGRES:
	case POINT_WAL:
		return follow_tree(&need, point->root.b);
	case POINT_IMAGE:
		return map_walk(repo, &point->root, fn, arg, why);
	default:
		return why_set(why, -ENOTSUP, "its source is none that this ebb knows");
	}
}

/* ---- the objects of one point ---- */

struct reached {
	struct repo *repo;
	struct digests seen; /* that lead on */
	VEC(struct object_id) packs;
};

static void reached_done(struct reached *reached)
{
	digests_done(&reached->seen);
	vec_done(&reached->packs);
}

static int reach(void *arg, const struct digest *digest, enum chunk_kind kind, bool leads_on)
{
	struct reached *reached = arg;
	struct object_id pack;
	(void)kind;
	if (leads_on && digests_has(&reached->seen, digest))
		return 0;
	int err = leads_on ? digests_add(&reached->seen, digest) : 0;
	if (err)
		return err;
	int found = repo_chunk_pack(reached->repo, digest, &pack);
	if (found != 1)
		return found < 0 ? found : leads_on;
	/* Chunks that were stored together are met together. */
	size_t count = reached->packs.len;
	if (!count || !object_id_equal(&reached->packs.at[count - 1], &pack))
		err = vec_push(&reached->packs, pack);
	return err ? err : leads_on;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct object_id));
}

static bool is_needed(
	const struct reached *reached, const struct point *point, const struct check_object *object)
{
	switch (object->kind) {
	case OBJECT_REPO:
	case OBJECT_KEY:
	case OBJECT_INDEX:
	case OBJECT_HEAD:
		return !object->idle;
	case OBJECT_POINT:
		return object_id_equal(&object->id, &point->id);
	case OBJECT_DATA:
	case OBJECT_META:
		return reached->packs.len &&
			bsearch(&object->id, reached->packs.at, reached->packs.len,
				sizeof(object->id), by_id);
	case OBJECT_INBOX:
	case OBJECT_KINDS:
	default:
		return false;
	}
}

int need_only(struct repo *repo, const struct point *point, struct check_list *list)
{
	OWN(reached_done) struct reached reached = {.repo = repo};
	struct why why;
	size_t kept = 0;
	if (need_walk(repo, point, reach, &reached, &why) == -ENOMEM)
		return -ENOMEM;
	if (reached.packs.len)
		qsort(reached.packs.at, reached.packs.len, sizeof(reached.packs.at[0]), by_id);
	vec_each (object, &list->objects)
		if (is_needed(&reached, point, object))
			list->objects.at[kept++] = *object;
	list->objects.len = kept;
	return 0;
}
