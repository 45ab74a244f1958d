/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs that no index tells of: what a writer that was killed, or whose commit failed, had brought
 * to the place already. They are taken into our index, so that nothing in them is sent again. So
 * are packs that had come to their last byte and lacked only their name. Indexes of that run go on
 * telling of them, as far as the packs say the same.
 *
 * Of each pack only envelope, directory and marks are read. The directory is authenticated and the
 * place keeps objects whole, so what it tells is there; each chunk is checked whenever it is read.
 */
#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/vec.h"
#include "base/why.h"
#include "chunk/parity.h"
#include "place/place.h"
#include "repo/cache.h"
#include "repo/inner.h"

struct orphan {
	struct object_id id;
	enum object_kind kind;
	uint64_t size;
	bool taken;
};

struct search {
	struct repo *repo;
	ids_t known; /* sorted */
	VEC(struct orphan) orphans;
	ids_t indexes; /* that no head names */
	bool failed;
};

enum { MARKS = 128 };

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct object_id));
}

static bool note(void *arg, const char *name, uint64_t size)
{
	struct search *search = arg;
	struct orphan found = {.size = size};
	if (!object_parse_name(name, &found.kind, &found.id) ||
		(found.kind != OBJECT_DATA && found.kind != OBJECT_META))
		return true;
	if (search->known.len &&
		bsearch(&found.id, search->known.at, search->known.len, sizeof(found.id), by_id))
		return true;
	search->failed = vec_push(&search->orphans, found) != 0;
	return !search->failed;
}

static void search_done(struct search *search)
{
	vec_done(&search->known);
	vec_done(&search->orphans);
	vec_done(&search->indexes);
}

static bool note_index(void *arg, const char *name, uint64_t size)
{
	struct search *search = arg;
	struct object_id id;
	enum object_kind kind;
	(void)size;
	if (!object_parse_name(name, &kind, &id) || kind != OBJECT_INDEX ||
		head_find_index(&search->repo->head, &id) || head_doomed(&search->repo->head, &id))
		return true;
	search->failed = vec_push(&search->indexes, id) != 0;
	return !search->failed;
}

/* Names come later than bytes, but after a crash they may not: all is held against its sums. */
static bool is_whole(void *arg, const char *name, uint8_t *bytes, size_t len)
{
	struct repo *repo = arg;
	struct parity_report report;
	struct object_header header;
	struct object_id id;
	enum object_kind kind;
	if (!object_parse_name(name, &kind, &id))
		return false;
	if (planted(REPO_TAKES_UP_UNCHECKED))
		return true;
	return !parity_repair(bytes, len, &id, &report, NULL) && !report.damaged &&
		!report.marks_damaged && !object_get_header(bytes, len, &header, NULL) &&
		header.length == report.length && !object_is(&header, kind, &repo->id, &id, NULL);
}

static int take_up(struct repo *repo, const char *folder, struct why *why)
{
	const struct place_whole whole = {is_whole, repo, OBJECT_WHOLE_MAX};
	int err = planted(REPO_TAKES_UP_NOTHING) ? 0
						 : place_take_up(repo->world.place, folder, &whole);
	return err ? why_errno(why, err, "%s: taking up what lacks its name", folder) : 0;
}

void repo_take_up(struct repo *repo)
{
	if (repo->adopted)
		return;
	repo->adopted = true;
	/* What is not taken up is sent again. */
	(void)take_up(repo, "data", NULL);
	(void)take_up(repo, "meta", NULL);
}

static int find_orphans(struct repo *repo, struct search *search, struct why *why)
{
	vec_each (pack, &repo->index.packs)
		if (vec_push(&search->known, pack->id))
			return -ENOMEM;
	if (search->known.len)
		qsort(search->known.at, search->known.len, sizeof(struct object_id), by_id);
	int err = take_up(repo, "data", why);
	if (!err)
		err = take_up(repo, "meta", why);
	if (err)
		return err;
	err = place_list(repo->world.place, "data", note, search);
	if (!err)
		err = place_list(repo->world.place, "meta", note, search);
	if (!err && search->orphans.len)
		err = place_list(repo->world.place, "index", note_index, search);
	if (search->failed)
		err = -ENOMEM;
	if (search->orphans.len)
		qsort(search->orphans.at, search->orphans.len, sizeof(struct orphan), by_id);
	return err ? why_errno(why, err, "looking for packs of a run that was ended") : 0;
}

static int get_piece(struct repo *repo, const char *name, uint8_t *bytes, uint64_t at, size_t len)
{
	ssize_t n = place_get(repo->world.place, name, at, bytes + at, len);
	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EBADMSG;
}

/* Fetches the parts that tell what is in the pack, each to where it lies in `bytes`. */
static int get_parts(struct repo *repo, const struct orphan *orphan, const char *name,
	uint8_t *bytes, size_t *ret_len)
{
	struct object_header header;
	struct object_id whose;
	int err = get_piece(repo, name, bytes, 0, SEAL_BODY);
	if (!err)
		err = object_get_header(bytes, SEAL_BODY, &header, NULL);
	if (!err)
		err = object_is(&header, orphan->kind, &repo->id, &orphan->id, NULL);
	if (!err && (header.length < SEAL_BODY + PACK_TAIL || header.length > orphan->size))
		err = -EBADMSG;
	if (!err)
		err = get_piece(repo, name, bytes, orphan->size - MARKS, MARKS);
	if (!err)
		err = parity_whose(bytes, orphan->size, &whose);
	if (!err && !object_id_equal(&whose, &orphan->id))
		err = -EBADMSG;
	if (!err)
		err = get_piece(repo, name, bytes, header.length - PACK_TAIL, PACK_TAIL);
	if (err)
		return err;
	uint64_t directory = get_le64(bytes + header.length - PACK_TAIL);
	if (directory < SEAL_BODY || directory >= header.length)
		return -EBADMSG;
	*ret_len = header.length;
	return get_piece(repo, name, bytes, directory, header.length - PACK_TAIL - directory);
}

int repo_read_directory(struct repo *repo, const struct index_pack *pack, uint64_t size,
	struct pack_directory *ret_directory, struct why *why)
{
	const struct orphan orphan = {pack->id, pack->kind, size};
	char name[OBJECT_NAME];
	size_t len;
	if (size < SEAL_BODY + MARKS || size > OBJECT_WHOLE_MAX)
		return why_set(why, -EBADMSG, "it has a length that no pack has");
	/* Mostly pages that are never touched. */
	OWN(own_free) uint8_t *bytes = calloc(1, size);
	if (!bytes)
		return -ENOMEM;
	object_name(pack->kind, &pack->id, name);
	int err = get_parts(repo, &orphan, name, bytes, &len);
	if (err)
		return why_errno(why, err, "what tells of its chunks cannot be read");
	return pack_read_directory(bytes, len, repo->ring, ret_directory, why);
}

/* One that does not open is left to the collection: it may be on its way from another writer. */
static int adopt(struct repo *repo, const struct orphan *orphan, struct why *why)
{
	char name[OBJECT_NAME];
	struct pack_directory directory;
	struct index_pack pack = {.id = orphan->id,
		.kind = orphan->kind,
		.length = repo_tells_lengths(repo) ? orphan->size : 0};
	int err = repo_read_directory(repo, &pack, orphan->size, &directory, NULL);
	if (err)
		return err == -ENOMEM ? err : 0;
	object_name(orphan->kind, &orphan->id, name);
	/* One that may only write is not believed: his packs come by way of the inbox. */
	if (!directory.trusted && !planted(REPO_ADOPTED_UNTRUSTED)) {
		pack_directory_done(&directory);
		return 0;
	}
	/* Its writer may have died before the name was durable. */
	bool settled = planted(REPO_ADOPTED_UNSETTLED) || !place_settle(repo->world.place, name);
	if (settled)
		err = cache_add_pack(repo, &pack, directory.entries, directory.count, why);
	repo->written.adopted_packs += settled && !err;
	pack_directory_done(&directory);
	return err;
}

/* ---- indexes of that run: what they tell is not told again ---- */

static struct orphan *find_orphan(struct search *search, const struct index_pack *pack)
{
	struct orphan *orphan = bsearch(
		&pack->id, search->orphans.at, search->orphans.len, sizeof(*orphan), by_id);
	/* As an index of ours would tell it: a head says whether its indexes tell lengths. */
	bool ours = orphan && !orphan->taken && orphan->kind == pack->kind &&
		pack->length == (repo_tells_lengths(search->repo) ? orphan->size : 0) &&
		!head_doomed(&search->repo->head, &pack->id);
	return ours ? orphan : NULL;
}

static bool same_entry(const struct pack_entry *a, const struct pack_entry *b)
{
	return digest_equal(&a->digest, &b->digest) && a->kind == b->kind &&
		a->segment == b->segment && a->offset == b->offset && a->length == b->length &&
		a->plain_length == b->plain_length;
}

typedef VEC(struct pack_entry) entries_t;

static void entries_done(entries_t *entries)
{
	vec_done(entries);
}

/* An index leaves out what another place tells; what it tells has to be in the directory. */
static bool is_told(const entries_t *told, const struct pack_directory *directory)
{
	size_t next = 0;
	vec_each (entry, told) {
		while (next < directory->count && !same_entry(entry, &directory->entries[next]))
			next++;
		if (next++ >= directory->count)
			return planted(REPO_INDEX_BELIEVED);
	}
	return true;
}

static int entries_of(const struct index *index, uint32_t pack, entries_t *ret_entries)
{
	ret_entries->len = 0;
	vec_each (entry, &index->entries)
		if (entry->pack == pack && vec_push(ret_entries, entry->at))
			return -ENOMEM;
	return 0;
}

/* 1: the index tells the truth of a pack that we may have, 0, -ENOMEM. */
static int check_pack(struct search *search, const struct index *index, uint32_t pack)
{
	OWN(entries_done) entries_t told = {0};
	struct pack_directory directory;
	char name[OBJECT_NAME];
	const struct orphan *orphan = find_orphan(search, &index->packs.at[pack]);
	if (!orphan)
		return 0;
	int err = entries_of(index, pack, &told);
	if (!err)
		err = repo_read_directory(
			search->repo, &index->packs.at[pack], orphan->size, &directory, NULL);
	if (err)
		return err == -ENOMEM ? err : 0;
	object_name(orphan->kind, &orphan->id, name);
	bool good = directory.trusted && is_told(&told, &directory) &&
		!place_settle(search->repo->world.place, name);
	pack_directory_done(&directory);
	return good;
}

/* All of its packs, as it tells of them: so what we know of them is what it says. */
static int take_packs(struct search *search, const struct index *index, struct why *why)
{
	OWN(entries_done) entries_t told = {0};
	for (uint32_t i = 0; i < index->packs.len; i++) {
		int err = entries_of(index, i, &told);
		if (!err)
			err = cache_add_pack(
				search->repo, &index->packs.at[i], told.at, told.len, why);
		if (err)
			return err;
		find_orphan(search, &index->packs.at[i])->taken = true;
		search->repo->written.adopted_packs++;
	}
	return 0;
}

static int take_index(struct search *search, const struct object_id *id, struct why *why)
{
	struct repo *repo = search->repo;
	OWN(own_free) uint8_t *plain = NULL;
	OWN(index_done) struct index index = {0};
	struct head_index named = {.id = *id};
	size_t len;
	int good = 1, err = repo_fetch(repo, OBJECT_INDEX, id, &plain, &len, NULL);
	if (!err)
		err = index_get(&index, plain, len, NULL);
	if (err)
		return err == -ENOMEM ? err : 0;
	for (uint32_t i = 0; good > 0 && i < index.packs.len; i++)
		good = check_pack(search, &index, i);
	/* What is not told yet comes behind, or it would be left out. */
	if (good <= 0 || !index.packs.len || repo->told != repo->index.packs.len)
		return good < 0 ? good : 0;
	uint32_t told = repo->told;
	err = take_packs(search, &index, why);
	/* Else an index of ours told of some of them on the way, and another will of the rest. */
	if (err || repo->told != told)
		return err;
	must(SHA256(plain, len, named.sum));
	err = vec_push(&repo->early, named);
	if (!err)
		repo->told = (uint32_t)repo->index.packs.len;
	return err;
}

int repo_adopt(struct repo *repo, struct why *why)
{
	OWN(search_done) struct search search = {.repo = repo};
	if (repo->adopted || repo->ring->write_only || planted(REPO_ADOPTS_NOTHING))
		return 0;
	repo->adopted = true;
	int err = find_orphans(repo, &search, why);
	if (err)
		return err;
	vec_each (id, &search.indexes)
		if (!err && !planted(REPO_ADOPTS_NO_INDEX))
			err = take_index(&search, id, why);
	vec_each (orphan, &search.orphans)
		if (!err && !orphan->taken && !head_doomed(&repo->head, &orphan->id))
			err = adopt(repo, orphan, why);
	return err ? why_prefix(why, err, "taking in packs of a run that was ended") : 0;
}
