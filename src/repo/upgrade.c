/* SPDX-License-Identifier: Apache-2.0 */
/* What readers have to know first, then indexes that tell how long packs are. */
#include "repo/upgrade.h"

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

/* So many indexes are replaced by one head: what a killed run has to do again. */
enum { BATCH = 16 };

/* A pack at the place. */
struct listed {
	struct object_id id;
	uint64_t size;
};

/* The index `old` told the same as fresh[first .. first + count - 1]. */
struct exchange {
	struct object_id old;
	size_t first, count;
};

struct upgrade {
	struct repo *repo;
	const struct upgrade_options *options;
	struct upgrade_result result;
	VEC(struct listed) listed; /* sorted */
	head_indexes_t fresh;
	struct exchange exchanges[BATCH];
	size_t exchange_count, exchanged;
	bool failed;
};

static void upgrade_done(struct upgrade *u)
{
	vec_done(&u->listed);
	vec_done(&u->fresh);
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct object_id));
}

/* ---- what packs tell ---- */

static bool note(void *arg, const char *name, uint64_t size)
{
	struct upgrade *u = arg;
	struct listed found = {.size = size};
	enum object_kind kind;
	if (object_parse_name(name, &kind, &found.id))
		u->failed = vec_push(&u->listed, found) != 0;
	return !u->failed;
}

static int list_packs(struct upgrade *u, struct why *why)
{
	static const char *const folders[] = {"data", "meta"};
	int err = 0;
	for (size_t i = 0; !err && i < 2; i++)
		err = place_list(u->repo->world.place, folders[i], note, u);
	if (!err && u->failed)
		err = -ENOMEM;
	if (u->listed.len)
		qsort(u->listed.at, u->listed.len, sizeof(*u->listed.at), by_id);
	return err ? why_errno(why, err, "listing the packs") : 0;
}

/*
 * The place's word alone is not enough, the pack may have been cut short: its directory lies at its
 * end, and opens only where it was written.
 */
static int find_length(struct upgrade *u, struct index_pack *pack)
{
	struct pack_directory directory = {0};
	const struct listed *found = u->listed.len
		? bsearch(&pack->id, u->listed.at, u->listed.len, sizeof(*found), by_id)
		: NULL;
	int err = found ? repo_read_directory(u->repo, pack, found->size, &directory, NULL)
			: -ENOENT;
	if (!err || (found && planted(UPGRADE_LISTING_BELIEVED)))
		pack->length = found->size;
	else if (err != -ENOMEM)
		u->result.unreadable++;
	pack_directory_done(&directory);
	return err == -ENOMEM ? err : 0;
}

/* ---- one index ---- */

static int get_index(
	struct upgrade *u, const struct head_index *named, struct index *ret_index, struct why *why)
{
	OWN(own_free) uint8_t *plain = NULL;
	size_t len;
	int err = repo_fetch_index(u->repo, named, &plain, &len, why);
	return err ? err : index_get(ret_index, plain, len, why);
}

static size_t count_unknown(const struct index *index)
{
	size_t unknown = 0;
	vec_each (pack, &index->packs)
		unknown += !pack->length;
	return unknown;
}

/* The same index with the lengths, at the place and not named yet. */
static int renew(struct upgrade *u, const struct head_index *named, struct why *why)
{
	OWN(index_done) struct index index = {0};
	struct exchange *exchange = &u->exchanges[u->exchange_count];
	int err = get_index(u, named, &index, why);
	size_t unknown = count_unknown(&index);
	if (err || !unknown)
		return err;
	vec_each (pack, &index.packs)
		if (!err && !pack->length)
			err = find_length(u, pack);
	if (err || count_unknown(&index) == unknown)
		return err;
	*exchange = (struct exchange){.old = named->id, .first = u->fresh.len};
	err = repo_put_index(u->repo, &index, 0, &u->fresh, why);
	exchange->count = u->fresh.len - exchange->first;
	u->exchange_count += !err;
	return err;
}

/* ---- heads ---- */

static int raise(void *arg, struct head *head, struct why *why)
{
	(void)arg;
	(void)why;
	if (head->capabilities == HEAD_CAPABILITIES)
		return HEAD_AS_IS;
	head->capabilities = HEAD_CAPABILITIES;
	return 0;
}

/* A collection may have taken a fresh one for an orphan, and done away with it meanwhile. */
static bool fresh_is_dead(
	const struct upgrade *u, const struct exchange *exchange, const struct head *head)
{
	vec_each (retired, &head->retired)
		for (size_t i = 0; i < exchange->count; i++)
			if (retired->state == RETIRED_DEAD &&
				object_id_equal(&retired->id, &u->fresh.at[exchange->first + i].id))
				return !planted(UPGRADE_DEAD_NAMED);
	return false;
}

static int retire(struct upgrade *u, struct head *head, const struct object_id *id)
{
	struct head_retired retired = {.id = *id,
		.kind = OBJECT_INDEX,
		.state = RETIRED_TOMBSTONED,
		.since = head->generation + 1,
		.since_ns = clock_wall_ns(u->repo->world.clock)};
	return vec_push(&head->retired, retired);
}

/* In the place of the old one: of two places of a chunk the one told of later counts. */
static int exchange_one(struct upgrade *u, const struct exchange *exchange, struct head *head)
{
	head_indexes_t indexes = {0};
	int err = 0;
	vec_each (named, &head->indexes) {
		if (!object_id_equal(&named->id, &exchange->old)) {
			err = err ? err : vec_push(&indexes, *named);
			continue;
		}
		for (size_t i = 0; !err && i < exchange->count && !planted(UPGRADE_UNNAMED); i++)
			err = vec_push(&indexes, u->fresh.at[exchange->first + i]);
	}
	if (!err)
		err = retire(u, head, &exchange->old);
	if (err) {
		vec_done(&indexes);
		return err;
	}
	vec_done(&head->indexes);
	head->indexes.at = indexes.at;
	head->indexes.len = indexes.len;
	head->indexes.cap = indexes.cap;
	return 0;
}

/* What somebody else replaced meanwhile is left as he made it. */
static int edit(void *arg, struct head *head, struct why *why)
{
	struct upgrade *u = arg;
	size_t exchanged = 0, there = 0;
	(void)why;
	for (size_t i = 0; i < u->exchange_count; i++) {
		const struct exchange *exchange = &u->exchanges[i];
		there += head_find_index(head, &u->fresh.at[exchange->first].id) != NULL;
		if (!head_find_index(head, &exchange->old) || fresh_is_dead(u, exchange, head))
			continue;
		int err = exchange_one(u, exchange, head);
		if (err)
			return err;
		exchanged++;
	}
	u->exchanged = exchanged + there;
	return exchanged ? 0 : HEAD_AS_IS;
}

static int flush(struct upgrade *u, struct why *why)
{
	if (!u->exchange_count)
		return 0;
	if (u->options->on_step)
		u->options->on_step(u->options->arg, u->result.renewed, u->result.old);
	int err = repo_edit_head(u->repo, edit, u, why);
	u->result.renewed += err ? 0 : u->exchanged;
	u->fresh.len = u->exchange_count = 0;
	return err;
}

/* ---- all of it ---- */

static int count_old(struct upgrade *u, const struct head *head, struct why *why)
{
	int err = 0;
	u->result.indexes = head->indexes.len;
	u->result.raised = head->capabilities != HEAD_CAPABILITIES;
	vec_each (named, &head->indexes) {
		OWN(index_done) struct index index = {0};
		err = err ? err : get_index(u, named, &index, why);
		u->result.old += !err && count_unknown(&index);
	}
	return err;
}

static int renew_all(struct upgrade *u, const struct head *head, struct why *why)
{
	int err = planted(UPGRADE_RAISED_LAST) ? 0 : repo_edit_head(u->repo, raise, NULL, why);
	if (!err)
		err = list_packs(u, why);
	vec_each (named, &head->indexes) {
		if (!err)
			err = renew(u, named, why);
		if (!err && u->exchange_count == BATCH)
			err = flush(u, why);
	}
	if (!err)
		err = flush(u, why);
	if (!err && planted(UPGRADE_RAISED_LAST))
		err = repo_edit_head(u->repo, raise, NULL, why);
	return err;
}

int repo_upgrade(struct repo *repo, const struct upgrade_options *options,
	struct upgrade_result *ret_result, struct why *why)
{
	OWN(upgrade_done) struct upgrade u = {.repo = repo, .options = options};
	OWN(head_done) struct head head = {0};
	if (repo->client)
		return why_set(why, -EACCES, "a write-only key cannot upgrade a repository");
	int err = head_copy(&repo->head, &head);
	if (!err)
		err = count_old(&u, &head, why);
	if (!err && !options->dry_run && (u.result.old || u.result.raised))
		err = renew_all(&u, &head, why);
	if (!err)
		*ret_result = u.result;
	return err;
}
