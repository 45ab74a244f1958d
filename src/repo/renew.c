/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks first, then indexes, then one head: until that is there nothing has changed. */
#include "repo/renew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "os/clock.h"
#include "place/place.h"
#include "repo/cache.h"
#include "repo/inner.h"

struct renewal {
	struct repo *repo;
	const struct object_id *packs;
	size_t count;
	head_indexes_t fresh;
	ids_t replaced; /* indexes */
};

static void renewal_done(struct renewal *r)
{
	vec_done(&r->fresh);
	vec_done(&r->replaced);
}

static bool is_bad(const struct renewal *r, const struct object_id *pack)
{
	for (size_t i = 0; i < r->count; i++)
		if (object_id_equal(&r->packs[i], pack))
			return true;
	return false;
}

/* ---- chunks ---- */

/* A chunk that is given up is in no index any more: one answer of the disk alone is no proof. */
static int read_for_good(struct repo *repo, const struct index_entry *entry, uint8_t **ret_bytes)
{
	enum { TRIES = 3 };
	int err = repo_piece(repo, entry, ret_bytes, NULL);
	for (int tries = 1; tries < TRIES && err && err != -EBADMSG && err != -ENOENT; tries++)
		err = repo_piece(repo, entry, ret_bytes, NULL);
	return err;
}

static int save_chunk(struct repo *repo, const struct index_entry *entry, struct repo *from,
	struct renew_result *result, struct why *why)
{
	OWN(own_free) uint8_t *bytes = NULL;
	struct digest digest;
	size_t len = entry->at.plain_length;
	uint64_t *count = &result->rescued;
	int err = read_for_good(repo, entry, &bytes);
	if (err && err != -ENOMEM)
		err = repo_elsewhere(repo, entry, &bytes);
	if (err && err != -ENOMEM && from) {
		count = &result->fetched;
		err = repo_chunk(from, &entry->at.digest, entry->at.kind, &bytes, &len, NULL);
	}
	if (err == -ENOMEM)
		return err;
	if (err) {
		result->lost++;
		return 0;
	}
	(*count)++;
	return repo_put_chunk(repo, entry->at.kind, bytes, len, &digest, why);
}

struct damaged {
	const struct repo *repo;
	VEC(struct index_entry) entries;
};

static void damaged_done(struct damaged *damaged)
{
	vec_done(&damaged->entries);
}

static int note_damaged(void *arg, uint32_t number, const struct index_entry *entry)
{
	struct damaged *damaged = arg;
	(void)number;
	return damaged->repo->index.packs.at[entry->pack].bad ? vec_push(&damaged->entries, *entry)
							      : 0;
}

static int save_chunks(
	struct renewal *r, struct repo *from, struct renew_result *result, struct why *why)
{
	struct repo *repo = r->repo;
	OWN(damaged_done) struct damaged damaged = {.repo = repo};
	vec_each (pack, &repo->index.packs)
		pack->bad = pack->bad || is_bad(r, &pack->id);
	int err = index_walk(&repo->index, note_damaged, &damaged);
	if (err)
		return why_errno(why, err, "reading the index");
	vec_each (entry, &damaged.entries)
		err = err ? err : save_chunk(repo, entry, from, result, why);
	return err ? err : repo_close_packs(repo, why);
}

/* ---- indexes ---- */

/* Adds all of `from` but the damaged packs. */
static int add_rest(const struct renewal *r, struct index *to, const struct index *from)
{
	OWN(own_free) uint32_t *numbers = calloc(from->packs.len + 1, sizeof(*numbers));
	int err = numbers ? 0 : -ENOMEM;
	for (size_t i = 0; !err && i < from->packs.len; i++) {
		numbers[i] = UINT32_MAX;
		if (!is_bad(r, &from->packs.at[i].id))
			err = index_add_pack(to, &from->packs.at[i], &numbers[i]);
	}
	vec_each (entry, &from->entries)
		if (!err && numbers[entry->pack] != UINT32_MAX)
			err = index_add(to, numbers[entry->pack], &entry->at);
	return err;
}

/* An index that tells of damaged packs is replaced by one that does not. */
static int renew_index(struct renewal *r, const struct head_index *named, struct why *why)
{
	OWN(own_free) uint8_t *plain = NULL;
	OWN(index_done) struct index index = {0};
	OWN(index_done) struct index rest = {0};
	size_t len;
	bool tells = false;
	int err = repo_fetch_index(r->repo, named, &plain, &len, why);
	if (!err)
		err = index_get(&index, plain, len, why);
	if (err)
		return err;
	vec_each (pack, &index.packs)
		tells = tells || is_bad(r, &pack->id);
	if (!tells)
		return 0;
	err = vec_push(&r->replaced, named->id);
	if (!err)
		err = add_rest(r, &rest, &index);
	return err || !rest.packs.len ? err : repo_put_index(r->repo, &rest, 0, &r->fresh, why);
}

/* ---- the head ---- */

/* Indexes soak, others may be reading them. Damaged packs are dead: nobody is to take them in. */
static int retire(
	struct renewal *r, struct head *head, enum object_kind kind, const struct object_id *id)
{
	struct head_retired retired = {.id = *id,
		.kind = kind,
		.state = kind == OBJECT_INDEX ? RETIRED_TOMBSTONED : RETIRED_DEAD,
		.since = head->generation + 1,
		.since_ns = clock_wall_ns(r->repo->world.clock)};
	vec_each (one, &head->retired) {
		if (object_id_equal(&one->id, id)) {
			*one = retired;
			return 0;
		}
	}
	return vec_push(&head->retired, retired);
}

static int drop_index(
	struct renewal *r, struct head *head, const struct object_id *id, struct why *why)
{
	for (size_t i = 0; i < head->indexes.len; i++) {
		if (!object_id_equal(&head->indexes.at[i].id, id))
			continue;
		memmove(&head->indexes.at[i], &head->indexes.at[i + 1],
			(head->indexes.len - i - 1) * sizeof(*head->indexes.at));
		head->indexes.len--;
		return retire(r, head, OBJECT_INDEX, id);
	}
	return why_set(
		why, -ESTALE, "a collection wrote other indexes meanwhile; run it once more");
}

static int retire_packs(struct renewal *r, struct head *head)
{
	int err = 0;
	vec_each (pack, &r->repo->index.packs)
		if (!err && is_bad(r, &pack->id))
			err = retire(r, head, pack->kind, &pack->id);
	return err;
}

static int edit(void *arg, struct head *head, struct why *why)
{
	struct renewal *r = arg;
	int err = 0;
	if (r->fresh.len && head_find_index(head, &r->fresh.at[0].id))
		return HEAD_AS_IS;
	vec_each (id, &r->replaced)
		err = err ? err : drop_index(r, head, id, why);
	for (size_t i = 0; !err && i < r->fresh.len && !planted(RENEW_INDEX_UNNAMED); i++)
		err = vec_push(&head->indexes, r->fresh.at[i]);
	if (!err)
		err = retire_packs(r, head);
	head->collected = head->generation + 1;
	return err;
}

int repo_renew_packs(struct repo *repo, const struct object_id *packs, size_t count,
	struct repo *from, struct renew_result *result, struct why *why)
{
	OWN(renewal_done) struct renewal r = {.repo = repo, .packs = packs, .count = count};
	int err = planted(RENEW_DEAD_FIRST) ? repo_edit_head(repo, edit, &r, why) : 0;
	if (!err)
		err = save_chunks(&r, from, result, why);
	if (!err)
		err = cache_tell_packs(repo, &r.fresh, why);
	for (size_t i = 0; !err && i < repo->head.indexes.len; i++)
		err = renew_index(&r, &repo->head.indexes.at[i], why);
	if (!err)
		err = repo_edit_head(repo, edit, &r, why);
	if (!err)
		cache_all_told(repo);
	return err;
}

/* ---- indexes that cannot be read ---- */

struct looking {
	struct repo *repo;
	struct rebuild_result *result;
	ids_t known; /* sorted */
	struct why *why;
	int err;
};

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct object_id));
}

static bool is_dead(const struct repo *repo, const struct object_id *id)
{
	vec_each (one, &repo->head.retired)
		if (one->state == RETIRED_DEAD && object_id_equal(&one->id, id))
			return true;
	return false;
}

/* Mended by its parity when its ends alone do not tell. */
static int read_whole_directory(
	struct repo *repo, const struct index_pack *pack, struct pack_directory *ret_directory)
{
	OWN(own_free) uint8_t *bytes = NULL;
	struct object_header want = {.kind = pack->kind, .repo = repo->id, .id = pack->id};
	size_t len;
	bool mended;
	int err = object_fetch(repo->world.place, &want, &bytes, &len, &mended, NULL);
	return err ? err : pack_read_directory(bytes, len, repo->ring, ret_directory, NULL);
}

/* A pack that cannot be read is counted, and no error. */
static int take_in(struct looking *looking, const struct index_pack *pack, uint64_t size)
{
	struct repo *repo = looking->repo;
	struct pack_directory directory;
	struct index_pack known = *pack;
	int err = repo_read_directory(repo, pack, size, &directory, NULL);
	if (!err && repo_tells_lengths(repo))
		known.length = size;
	if (err == -EBADMSG)
		err = read_whole_directory(repo, pack, &directory);
	looking->result->packs += !err;
	looking->result->unreadable += err != 0;
	if (err)
		return err == -ENOMEM ? err : 0;
	err = cache_add_pack(repo, &known, directory.entries, directory.count, looking->why);
	pack_directory_done(&directory);
	return err;
}

static bool look(void *arg, const char *name, uint64_t size)
{
	struct looking *looking = arg;
	struct repo *repo = looking->repo;
	struct index_pack pack = {0};
	const ids_t *known = &looking->known;
	if (!object_parse_name(name, &pack.kind, &pack.id) || is_dead(repo, &pack.id) ||
		(known->len && bsearch(&pack.id, known->at, known->len, sizeof(pack.id), by_id)))
		return true;
	looking->err = take_in(looking, &pack, size);
	return !looking->err;
}

static int look_for_packs(struct looking *looking, struct why *why)
{
	static const char *const folders[] = {"data", "meta"};
	struct repo *repo = looking->repo;
	int err = 0;
	vec_each (pack, &repo->index.packs)
		err = err ? err : vec_push(&looking->known, pack->id);
	if (looking->known.len)
		qsort(looking->known.at, looking->known.len, sizeof(struct object_id), by_id);
	for (size_t i = 0; !err && i < 2; i++) {
		err = place_list(repo->world.place, folders[i], look, looking);
		err = err ? err : looking->err;
	}
	vec_done(&looking->known);
	if (err && err == looking->err)
		return err;
	return err ? why_errno(why, err, "reading what is in the packs") : 0;
}

int repo_rebuild(struct repo *repo, struct rebuild_result *ret_result, struct why *why)
{
	struct rebuild_result result = {.indexes = repo->unread.len};
	OWN(renewal_done) struct renewal r = {.repo = repo};
	struct looking looking = {.repo = repo, .result = &result, .why = why};
	*ret_result = result;
	if (!repo->unread.len)
		return 0;
	int err = look_for_packs(&looking, why);
	vec_each (id, &repo->unread)
		err = err ? err : vec_push(&r.replaced, *id);
	if (!err)
		err = cache_tell_packs(repo, &r.fresh, why);
	if (!err)
		err = repo_edit_head(repo, edit, &r, why);
	if (err)
		return err;
	cache_all_told(repo);
	repo->unread.len = 0;
	*ret_result = result;
	return 0;
}

int repo_commit_chunks(struct repo *repo, struct why *why)
{
	return repo_commit_copies(repo, why);
}
