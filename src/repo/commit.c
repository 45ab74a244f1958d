/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commit, and changes to points that exist.
 *
 * The order of a commit is part of the format: packs, index, point, head. Until the head is at the
 * place nothing of it exists, and after it everything does. A commit that fails leaves objects that
 * no head names; they cost room until the next collection and nothing else.
 *
 * Beside us a collection may have gone on. What it only tombstoned and we rely on is taken back by
 * our head; when it called something dead since we opened, we look whether all we rely on is there.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/dice.h"
#include "place/place.h"
#include "repo/inner.h"

uint64_t repo_resource(const struct repo *repo, const char *name)
{
	/* Kind 0 is that of no chunk. */
	struct digest digest = {0};
	if (digest_of(repo->digester, (enum chunk_kind)0, name, strlen(name), &digest))
		return 0;
	return get_le64(digest.b);
}

/* An index object for the packs that none tells of yet. Tells its id, if one was needed. */
static int put_index(struct repo *repo, struct object_id *ret_id, bool *ret_needed, struct why *why)
{
	OWN(own_free) uint8_t *body = NULL;
	struct object_header header = {.kind = OBJECT_INDEX};
	size_t len;
	*ret_needed = repo->indexed < repo->index.packs.len;
	if (!*ret_needed)
		return 0;
	dice_fill(repo->world.dice, header.id.b, sizeof(header.id.b));
	*ret_id = header.id;
	int err = index_put(&repo->index, repo->indexed, &body, &len);
	return err ? why_errno(why, err, "making an index")
		   : repo_store(repo, &header, body, len, why);
}

static int put_point(struct repo *repo, struct point *point, struct why *why)
{
	OWN(own_free) uint8_t *body = NULL;
	struct object_header header = {.kind = OBJECT_POINT};
	size_t len;
	dice_fill(repo->world.dice, header.id.b, sizeof(header.id.b));
	point->id = header.id;
	point->new_bytes = repo->written.new_bytes;
	point->written_bytes = repo->written.written_bytes;
	int err = point_put(point, &body, &len);
	return err ? why_errno(why, err, "making a point")
		   : repo_store(repo, &header, body, len, why);
}

/* ---- beside a collection ---- */

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct object_id));
}

static bool holds_id(const ids_t *ids, const struct object_id *id)
{
	return ids->len && bsearch(id, ids->at, ids->len, sizeof(*id), by_id);
}

static void ids_done(ids_t *ids)
{
	vec_done(ids);
}

/* The packs whose chunks this writer named, its own among them; sorted. */
static int relied_packs(const struct repo *repo, ids_t *ret_ids)
{
	for (size_t i = 0; i < repo->index.packs.len; i++) {
		const struct index_pack *pack = &repo->index.packs.at[i];
		if ((pack->relied || i >= repo->indexed) && vec_push(ret_ids, pack->id))
			return -ENOMEM;
	}
	if (ret_ids->len)
		qsort(ret_ids->at, ret_ids->len, sizeof(*ret_ids->at), by_id);
	return 0;
}

static bool is_zero(const struct object_id *id)
{
	static const struct object_id zero;
	return object_id_equal(id, &zero);
}

/*
 * Takes away the tombstones of what we rely on. What was taken over unread from the parent is safe
 * as long as the head names the parent; when it does no longer, every younger tombstone goes.
 */
static void lift_tombstones(
	const struct repo *repo, const struct point *point, const ids_t *relied, struct head *head)
{
	bool orphaned = !is_zero(&point->parent) && !head_find_point(head, &point->parent);
	size_t kept = 0;
	vec_each (retired, &head->retired) {
		bool lift = holds_id(relied, &retired->id) ||
			(orphaned && retired->since > repo->base);
		if (retired->state == RETIRED_DEAD || !lift || planted(REPO_TOMBSTONE_LEFT))
			head->retired.at[kept++] = *retired;
	}
	head->retired.len = kept;
}

static bool is_dead(const struct head *head, const struct object_id *id)
{
	vec_each (retired, &head->retired)
		if (retired->state == RETIRED_DEAD && object_id_equal(&retired->id, id))
			return true;
	return false;
}

/* The packs that the head's indexes tell of; sorted. */
static int named_packs(struct repo *repo, const struct head *head, ids_t *ret_ids, struct why *why)
{
	vec_each (id, &head->indexes) {
		OWN(own_free) uint8_t *plain = NULL;
		OWN(index_done) struct index index = {0};
		size_t len;
		int err = repo_fetch(repo, OBJECT_INDEX, id, &plain, &len, why);
		if (!err)
			err = index_get(&index, plain, len, why);
		if (err)
			return err;
		vec_each (pack, &index.packs)
			if (vec_push(ret_ids, pack->id))
				return -ENOMEM;
	}
	if (ret_ids->len)
		qsort(ret_ids->at, ret_ids->len, sizeof(*ret_ids->at), by_id);
	return 0;
}

/* Own packs are in no index yet: they are there when the place has them and no head doomed them. */
static bool own_is_there(struct repo *repo, const struct head *head, const struct index_pack *pack)
{
	char name[OBJECT_NAME];
	uint64_t size;
	object_name(pack->kind, &pack->id, name);
	return !is_dead(head, &pack->id) && !place_size(repo->world.place, name, &size);
}

/* Something died since we opened: is all there that we rely on? */
static int check_survived(
	struct repo *repo, const struct point *point, const struct head *head, struct why *why)
{
	OWN(ids_done) ids_t named = {0};
	bool whole = is_zero(&point->parent) || head_find_point(head, &point->parent);
	int err = named_packs(repo, head, &named, why);
	if (err)
		return err;
	for (size_t i = 0; whole && i < repo->index.packs.len; i++) {
		const struct index_pack *pack = &repo->index.packs.at[i];
		if (i >= repo->indexed)
			whole = own_is_there(repo, head, pack);
		else if (pack->relied)
			whole = holds_id(&named, &pack->id);
	}
	return whole ? 0
		     : why_set(why, -ESTALE,
			       "a collection removed what this run relied on: it took longer than "
			       "the collection lets things soak; run it again");
}

/* ---- the new head ---- */

struct committing {
	struct repo *repo;
	const struct object_id *index; /* NULL: none was needed */
	const struct point *point;
};

static bool names_index(const struct head *head, const struct object_id *id)
{
	vec_each (index, &head->indexes)
		if (object_id_equal(index, id))
			return true;
	return false;
}

static int add_point(void *arg, struct head *head, struct why *why)
{
	const struct committing *c = arg;
	OWN(ids_done) ids_t relied = {0};
	const struct head_point named = {
		.id = c->point->id,
		.end_ns = c->point->end_ns,
		.source = c->point->source,
		.resource = repo_resource(c->repo, c->point->resource),
	};
	if (head_find_point(head, &c->point->id))
		return HEAD_AS_IS;
	int err = relied_packs(c->repo, &relied);
	if (!err && head->collected > c->repo->base && !planted(REPO_DEAD_TRUSTED))
		err = check_survived(c->repo, c->point, head, why);
	if (err)
		return err;
	lift_tombstones(c->repo, c->point, &relied, head);
	if (c->index && !names_index(head, c->index) && !planted(REPO_INDEX_UNNAMED))
		err = vec_push(&head->indexes, *c->index);
	return err ? err : vec_push(&head->points, named);
}

int repo_commit(struct repo *repo, struct point *point, struct why *why)
{
	struct object_id index;
	bool needed;
	int err = planted(REPO_PACKS_AFTER_HEAD) ? 0 : repo_close_packs(repo, why);
	if (!err)
		err = put_index(repo, &index, &needed, why);
	if (!err && !planted(REPO_POINT_AFTER_HEAD))
		err = put_point(repo, point, why);
	struct committing c = {repo, needed ? &index : NULL, point};
	if (!err)
		err = repo_edit_head(repo, add_point, &c, why);
	if (!err && planted(REPO_PACKS_AFTER_HEAD))
		err = repo_close_packs(repo, why);
	if (!err && planted(REPO_POINT_AFTER_HEAD))
		err = put_point(repo, point, why);
	if (!err)
		repo->indexed = (uint32_t)repo->index.packs.len;
	return err;
}

/* ---- points that exist ---- */

struct changing {
	const struct point_change *changes;
	size_t count;
};

/* A point that goes is tombstoned itself: its object is removed when nobody can want it back. */
static int remove_point(struct head *head, const struct head_point *point, struct why *why)
{
	char hex[33];
	struct head_retired retired = {.id = point->id,
		.kind = OBJECT_POINT,
		.state = RETIRED_TOMBSTONED,
		.since = head->generation + 1};
	if (point->flags & HEAD_POINT_HELD)
		return why_set(why, -EPERM, "point %.8s is held: release it first",
			object_show_id(&point->id, hex));
	int err = vec_push(&head->retired, retired);
	if (err)
		return err;
	size_t at = (size_t)(point - head->points.at);
	memmove(&head->points.at[at], &head->points.at[at + 1],
		(head->points.len - at - 1) * sizeof(*point));
	head->points.len--;
	return 0;
}

/* 1 when it changed something, 0 when all was so already. */
static int change_point(struct head *head, const struct point_change *change, struct why *why)
{
	char hex[33];
	struct head_point *point = head_find_point(head, &change->id);
	uint8_t before = point ? point->flags : 0;
	if (!point)
		return change->what == POINT_REMOVE
			? 0
			: why_set(why, -ENOENT, "there is no point %.8s",
				  object_show_id(&change->id, hex));
	switch (change->what) {
	case POINT_HOLD:
		point->flags |= HEAD_POINT_HELD;
		break;
	case POINT_RELEASE:
		point->flags &= (uint8_t)~HEAD_POINT_HELD;
		break;
	case POINT_SUSPECT:
		point->flags |= HEAD_POINT_SUSPICIOUS;
		break;
	case POINT_ACCEPT:
		point->flags &= (uint8_t)~HEAD_POINT_SUSPICIOUS;
		break;
	case POINT_REMOVE:
	default: {
		int err = remove_point(head, point, why);
		return err ? err : 1;
	}
	}
	return point->flags != before;
}

static int change_points(void *arg, struct head *head, struct why *why)
{
	const struct changing *c = arg;
	bool changed = false;
	for (size_t i = 0; i < c->count; i++) {
		int did = change_point(head, &c->changes[i], why);
		if (did < 0)
			return did;
		changed |= did;
	}
	return changed ? 0 : HEAD_AS_IS;
}

int repo_change_points(
	struct repo *repo, const struct point_change *changes, size_t count, struct why *why)
{
	struct changing c = {changes, count};
	return repo_edit_head(repo, change_points, &c, why);
}
