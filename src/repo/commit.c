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
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/dice.h"
#include "place/place.h"
#include "repo/alarm.h"
#include "repo/cache.h"
#include "repo/inner.h"

/* Less than this says nothing of what a resource is like. */
enum { SHARES_FROM = 1 << 20 };

uint64_t repo_resource(const struct repo *repo, const char *name)
{
	/* Kind 0 is that of no chunk. */
	struct digest digest = {0};
	if (digest_of(repo->digester, (enum chunk_kind)0, name, strlen(name), &digest))
		return 0;
	return get_le64(digest.b);
}

int repo_put_index(struct repo *repo, const struct index *index, uint32_t first,
	head_indexes_t *ret_indexes, struct why *why)
{
	while (first < index->packs.len) {
		OWN(own_free) uint8_t *body = NULL;
		struct object_header header = {.kind = OBJECT_INDEX};
		size_t len;
		struct head_index named;
		dice_fill(repo->world.dice, header.id.b, sizeof(header.id.b));
		int err = index_put(index, first, &body, &len, &first);
		if (!err) {
			named.id = header.id;
			must(SHA256(body, len, named.sum));
			err = vec_push(ret_indexes, named);
		}
		if (err)
			return why_errno(why, err, "making an index");
		err = repo_store(repo, &header, body, len, why);
		if (err)
			return err;
	}
	return 0;
}

static bool is_zero(const struct object_id *id)
{
	static const struct object_id zero;
	return object_id_equal(id, &zero);
}

static int put_point(struct repo *repo, struct point *point, struct why *why)
{
	OWN(own_free) uint8_t *body = NULL;
	struct object_header header = {.kind = OBJECT_POINT};
	size_t len;
	if (is_zero(&point->id))
		dice_fill(repo->world.dice, point->id.b, sizeof(point->id.b));
	header.id = point->id;
	point->new_bytes = repo->written.new_bytes;
	point->written_bytes = repo->written.written_bytes;
	int err = point_put(point, &body, &len);
	if (err)
		return why_errno(why, err, "making a point");
	must(SHA256(body, len, repo->point_sum));
	return repo_store(repo, &header, body, len, why);
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

struct committing {
	struct repo *repo;
	const head_indexes_t *indexes;
	const struct point *point;   /* NULL: only chunks were copied */
	const struct object_id *key; /* of the writer who brought it; NULL: it is our own */
	uint64_t number;             /* of his word of it */
	bool in_order;
};

/* What the new head relies on: packs in which we found chunks, and all of our own; sorted. */
static int relied_objects(const struct committing *c, ids_t *ret_ids)
{
	const struct repo *repo = c->repo;
	int err = c->point ? vec_push(ret_ids, c->point->id) : 0;
	vec_each (index, c->indexes)
		err = err ? err : vec_push(ret_ids, index->id);
	if (err)
		return err;
	for (size_t i = 0; i < repo->index.packs.len; i++) {
		const struct index_pack *pack = &repo->index.packs.at[i];
		if ((pack->relied || i >= repo->indexed) && vec_push(ret_ids, pack->id))
			return -ENOMEM;
	}
	if (ret_ids->len)
		qsort(ret_ids->at, ret_ids->len, sizeof(*ret_ids->at), by_id);
	return 0;
}

static bool parent_gone(const struct committing *c, const struct head *head)
{
	return c->point && !is_zero(&c->point->parent) && !head_find_point(head, &c->point->parent);
}

/*
 * Takes away the tombstones of what we rely on. What was taken over unread from the parent is safe
 * as long as the head names the parent; when it does no longer, every younger tombstone goes.
 */
static void lift_tombstones(const struct committing *c, const ids_t *relied, struct head *head)
{
	bool orphaned = parent_gone(c, head);
	size_t kept = 0;
	vec_each (retired, &head->retired) {
		bool lift = holds_id(relied, &retired->id) ||
			(orphaned && retired->since > c->repo->base);
		if (retired->state == RETIRED_DEAD || !lift)
			head->retired.at[kept++] = *retired;
	}
	head->retired.len = kept;
}

/* The packs that the head's indexes tell of; sorted. */
static int named_packs(struct repo *repo, const struct head *head, ids_t *ret_ids, struct why *why)
{
	vec_each (named, &head->indexes) {
		OWN(own_free) uint8_t *plain = NULL;
		OWN(index_done) struct index index = {0};
		size_t len;
		int err = repo_fetch_index(repo, named, &plain, &len, why);
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
	return !head_doomed(head, &pack->id) && !place_size(repo->world.place, name, &size);
}

static bool is_there(struct repo *repo, const struct object_id *index)
{
	char name[OBJECT_NAME];
	uint64_t size;
	return !place_size(repo->world.place, object_name(OBJECT_INDEX, index, name), &size);
}

/* Something died since we opened: is all there that we rely on? */
static int check_survived(const struct committing *c, const struct head *head, struct why *why)
{
	OWN(ids_done) ids_t named = {0};
	struct repo *repo = c->repo;
	bool whole = !parent_gone(c, head) && !(c->point && head_doomed(head, &c->point->id));
	int err = named_packs(repo, head, &named, why);
	if (err)
		return err;
	/* One of them may be of an earlier run, and collected with it. */
	vec_each (index, c->indexes)
		whole = whole && !head_doomed(head, &index->id) && is_there(repo, &index->id);
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

/* ---- locks ---- */

static int mark_relied(void *arg, const struct digest *digest, enum chunk_kind kind, bool leads_on)
{
	(void)kind;
	int known = repo_rely(arg, digest);
	if (known < 0)
		return known;
	return known ? leads_on : -ENOENT;
}

static int lock_object(
	struct repo *repo, enum object_kind kind, const struct object_id *id, struct why *why)
{
	char name[OBJECT_NAME];
	return place_lock(repo->world.place, object_name(kind, id, name), repo->lock_until_ns, why);
}

static int lock_packs(struct repo *repo, struct why *why)
{
	int err = 0;
	for (size_t i = 0; !err && i < repo->index.packs.len; i++) {
		const struct index_pack *pack = &repo->index.packs.at[i];
		if (pack->relied || i >= repo->indexed)
			err = lock_object(repo, pack->kind, &pack->id, why);
	}
	return err;
}

static int lock_indexes(struct repo *repo, const head_indexes_t *fresh, struct why *why)
{
	int err = 0;
	vec_each (index, fresh)
		err = err ? err : lock_object(repo, OBJECT_INDEX, &index->id, why);
	vec_each (index, &repo->head.indexes)
		err = err ? err : lock_object(repo, OBJECT_INDEX, &index->id, why);
	return err;
}

static int lock_keys(struct repo *repo, struct why *why)
{
	int err = lock_object(repo, OBJECT_REPO, &repo->id, why);
	vec_each (key, &repo->head.keys)
		err = err ? err : lock_object(repo, OBJECT_KEY, &key->slot, why);
	return err;
}

/*
 * All without which the point could not be restored, before the head: what was taken over from
 * earlier runs has its lock made longer. The walk reads trees and no content.
 */
static int lock_point(struct repo *repo, const struct point *point, const head_indexes_t *indexes,
	struct why *why)
{
	if (!repo->lock_until_ns)
		return 0;
	int err = repo->lock_walk(repo, point, mark_relied, repo, why);
	if (!err)
		err = lock_packs(repo, why);
	if (!err)
		err = lock_indexes(repo, indexes, why);
	if (!err)
		err = lock_object(repo, OBJECT_POINT, &point->id, why);
	return err ? err : lock_keys(repo, why);
}

/* The newest head is locked when it is there: that it has to be new comes first. */
static int lock_head(struct repo *repo, struct why *why)
{
	int err = repo->lock_until_ns ? lock_object(repo, OBJECT_HEAD, &repo->head.id, why) : 0;
	return err ? why_prefix(why, err, "the point is made, but not its lock") : 0;
}

void repo_lock_commits(struct repo *repo, int64_t until_ns, gc_walk_fn *walk)
{
	repo->lock_until_ns = until_ns;
	repo->lock_walk = walk;
}

/* ---- the new head ---- */

/* Those that it does not name yet. */
static int add_indexes(struct head *head, const head_indexes_t *indexes)
{
	int err = 0;
	vec_each (index, indexes)
		if (!err && !head_find_index(head, &index->id))
			err = vec_push(&head->indexes, *index);
	return err;
}

/* The last point goes before those that ended after it. */
static void sort_in(struct head *head)
{
	struct head_point *at = &head->points.at[head->points.len - 1];
	for (; at > head->points.at && at[-1].end_ns > at->end_ns; at--) {
		struct head_point later = at[-1];
		at[-1] = *at;
		*at = later;
	}
}

/* The first point of a resource is all new, and little says little. What another wrote is told by
 * its point. */
static void note_shares(
	const struct committing *c, const struct head *head, struct head_point *named)
{
	const struct repo_written *written = &c->repo->written;
	bool first = true;
	vec_each (point, &head->points)
		first = first && point->resource != named->resource;
	named->changed = named->dense = SHARE_UNKNOWN;
	if (first)
		return;
	named->changed = share_of(c->point->new_bytes, c->point->source_bytes);
	if (!c->in_order && written->new_bytes >= SHARES_FROM)
		named->dense = share_of(written->dense_bytes, written->new_bytes);
}

static int add_point(const struct committing *c, struct head *head)
{
	struct head_point named = {
		.id = c->point->id,
		.end_ns = c->point->end_ns,
		.source = c->point->source,
		.resource = repo_resource(c->repo, c->point->resource),
	};
	struct head_point *there = head_find_point(head, &c->point->id);
	if (there && !planted(INBOX_TWICE)) {
		/* Somebody copied it to this place at the same time; our object is there by now. */
		memcpy(there->sum, c->repo->point_sum, sizeof(there->sum));
		return 0;
	}
	memcpy(named.sum, c->repo->point_sum, sizeof(named.sum));
	note_shares(c, head, &named);
	if (alarm_point(head, &named))
		named.flags |= HEAD_POINT_SUSPICIOUS;
	int err = vec_push(&head->points, named);
	if (!err && c->in_order)
		sort_in(head);
	return err;
}

/* The writer's key may have been taken away, or a later word of his taken in, meanwhile. */
static int note_number(const struct committing *c, struct head *head, struct why *why)
{
	struct head_key *key = head_find_key(head, c->key);
	if (!key)
		return why_set(why, -EACCES, "the key that brought it was taken away");
	if (key->adopted >= c->number && !planted(INBOX_TWICE))
		return head_find_point(head, &c->point->id)
			? HEAD_AS_IS
			: why_set(why, -ESTALE, "a later one of its key was taken in");
	key->adopted = c->number;
	return 0;
}

static int add_all(void *arg, struct head *head, struct why *why)
{
	const struct committing *c = arg;
	OWN(ids_done) ids_t relied = {0};
	int err = relied_objects(c, &relied);
	if (!err && c->key)
		err = note_number(c, head, why);
	if (!err && head->collected > c->repo->base && !planted(REPO_DEAD_TRUSTED))
		err = check_survived(c, head, why);
	if (err)
		return err;
	if (!planted(REPO_TOMBSTONE_LEFT))
		lift_tombstones(c, &relied, head);
	if (!planted(REPO_INDEX_UNNAMED))
		err = add_indexes(head, c->indexes);
	if (!err)
		err = twins_note(c->repo, head);
	return err || !c->point ? err : add_point(c, head);
}

/* A key that may only write leaves word of its point, for somebody who may do more. */
static int leave_word(struct repo *repo, struct point *point, struct why *why)
{
	int err = planted(INBOX_WORD_BEFORE_PACKS) ? 0 : repo_close_packs(repo, why);
	if (!err)
		err = put_point(repo, point, why);
	if (!err)
		err = inbox_put(repo, point, repo->indexed, why);
	if (!err && planted(INBOX_WORD_BEFORE_PACKS))
		err = repo_close_packs(repo, why);
	if (!err)
		cache_all_told(repo);
	return err;
}

int repo_commit_brought(struct repo *repo, struct point *point, const struct object_id *key,
	uint64_t number, struct why *why)
{
	OWN(head_indexes_done) head_indexes_t indexes = {0};
	struct committing c = {
		.repo = repo, .indexes = &indexes, .point = point, .key = key, .number = number};
	int err = cache_tell_packs(repo, &indexes, why);
	if (!err && planted(INBOX_NUMBER_FIRST)) {
		struct committing number_alone = c;
		number_alone.point = NULL;
		err = repo_edit_head(repo, add_all, &number_alone, why);
		c.key = NULL;
	}
	if (!err)
		err = lock_point(repo, point, &indexes, why);
	if (!err)
		err = repo_edit_head(repo, add_all, &c, why);
	if (!err)
		err = lock_head(repo, why);
	if (!err)
		cache_all_told(repo);
	return err;
}

int repo_commit(struct repo *repo, struct point *point, struct why *why)
{
	point->id = (struct object_id){{0}};
	return repo->twins ? twins_commit(repo, point, why)
			   : repo_commit_alone(repo, point, false, why);
}

int repo_commit_alone(struct repo *repo, struct point *point, bool in_order, struct why *why)
{
	OWN(head_indexes_done) head_indexes_t indexes = {0};
	if (repo->client)
		return leave_word(repo, point, why);
	int err = planted(REPO_PACKS_AFTER_HEAD) ? 0 : repo_close_packs(repo, why);
	if (!err)
		err = cache_tell_packs(repo, &indexes, why);
	if (!err && !planted(REPO_POINT_AFTER_HEAD))
		err = put_point(repo, point, why);
	struct committing c = {
		.repo = repo, .indexes = &indexes, .point = point, .in_order = in_order};
	if (!err)
		err = lock_point(repo, point, &indexes, why);
	if (!err)
		err = repo_edit_head(repo, add_all, &c, why);
	if (!err)
		err = lock_head(repo, why);
	if (!err && planted(REPO_PACKS_AFTER_HEAD))
		err = repo_close_packs(repo, why);
	if (!err && planted(REPO_POINT_AFTER_HEAD))
		err = put_point(repo, point, why);
	if (!err)
		cache_all_told(repo);
	return err;
}

int repo_commit_copies(struct repo *repo, struct why *why)
{
	OWN(head_indexes_done) head_indexes_t indexes = {0};
	struct committing c = {.repo = repo, .indexes = &indexes};
	int err = repo_close_packs(repo, why);
	if (!err)
		err = cache_tell_packs(repo, &indexes, why);
	if (!err)
		err = repo_edit_head(repo, add_all, &c, why);
	if (!err)
		cache_all_told(repo);
	return err;
}

/* ---- points that exist ---- */

struct changing {
	const struct point_change *changes;
	size_t count;
	int64_t now;
};

/* A point that goes is tombstoned itself: its object is removed when nobody can want it back. */
static int remove_point(
	struct head *head, const struct head_point *point, int64_t now, struct why *why)
{
	char hex[33];
	struct head_retired retired = {.id = point->id,
		.kind = OBJECT_POINT,
		.state = RETIRED_TOMBSTONED,
		.since = head->generation + 1,
		.since_ns = now};
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
static int change_point(
	struct head *head, const struct point_change *change, int64_t now, struct why *why)
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
	case POINT_BREAK:
		point->flags |= HEAD_POINT_BROKEN;
		break;
	case POINT_MEND:
		point->flags &= (uint8_t)~HEAD_POINT_BROKEN;
		break;
	case POINT_REMOVE:
	default: {
		int err = remove_point(head, point, now, why);
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
		int did = change_point(head, &c->changes[i], c->now, why);
		if (did < 0)
			return did;
		changed |= did;
	}
	return changed ? 0 : HEAD_AS_IS;
}

int repo_change_points(
	struct repo *repo, const struct point_change *changes, size_t count, struct why *why)
{
	struct changing c = {changes, count, clock_wall_ns(repo->world.clock)};
	int err = repo_edit_head(repo, change_points, &c, why);
	/* On a full place points are removed to make room. */
	if ((err == -ENOSPC || err == -EDQUOT) && repo_release_reserve(&repo->world))
		err = repo_edit_head(repo, change_points, &c, why);
	return err;
}
